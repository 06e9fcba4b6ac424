/** `*_cache_path` and the directives of each family about the cache. */
import type { CacheSettings, Family } from "../../gateway.ts";
import type { AccessRule, Template } from "../../parts.ts";
import type { Context, GroupOwn, Scope } from "../../scope.ts";
import type { Row } from "../../table.ts";
import { directive } from "../../table.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { suggestion } from "../../text/suggest.ts";
import { duration, flag, number, parseTime, size, template, time, words } from "../../values/arguments.ts";
import { network, source } from "../../values/source.ts";
import { addCachePath } from "./cache-path.ts";
import { choices, statusesOf } from "./common.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

type CacheOwn = GroupOwn<CacheSettings>;

/** What the block itself says about the family's cache. */
function ownCache(scope: Scope, family: Family): CacheOwn {
  const own = scope.ownGroup(family);
  return (own.cache ??= {});
}

const keep =
  <K extends keyof CacheOwn>(family: Family, key: K) =>
  (scope: Scope, [value]: [CacheOwn[K]]): void => {
    ownCache(scope, family)[key] = value;
  };

/** The rows of one family. */
export function cacheRows(family: Family): readonly Row[] {
  return [
    directive(`${family}_cache_path`, {
      in: ["http"],
      takes: [words("DIR keys_zone=NAME:SIZE [OPTION...]", 2)],
      syntax:
        "DIR [levels=L] [use_temp_path=on|off] keys_zone=NAME:SIZE [inactive=TIME] [max_size=SIZE] [min_free=SIZE] [manager_files=N] [manager_sleep=TIME] [manager_threshold=TIME] [loader_files=N] [loader_sleep=TIME] [loader_threshold=TIME]",
      default: null,
      repeats: true,
      help: "A folder for a cache, and the name and size of its table of keys (about 8,000 keys a megabyte). What nobody asks for in `inactive` (10m) is removed, and the least used beyond `max_size`.",
      set: (scope, [args]) => addCachePath(scope, `${family}_cache_path`, args),
    }),
    ...whatRows(family),
    ...whenRows(family),
    ...lockRows(family),
    ...(family === "proxy" ? [convertHead] : []),
  ];
}

const convertHead = directive("proxy_cache_convert_head", {
  in: anywhere,
  takes: [flag],
  default: "on",
  help: "Whether HEAD is sent to the server as GET when its reply can be cached. Without it the method should be in the key.",
  set: keep("proxy", "convertHead"),
});

function whatRows(family: Family): readonly Row[] {
  return [
    directive(`${family}_cache`, {
      in: anywhere,
      takes: [words("ZONE | off", 1, 1)],
      default: "off",
      help: "The cache, by the name of its `keys_zone`; it may have variables.",
      set: (scope, [[word]]) => setZone(scope, family, word!),
    }),
    directive(`${family}_cache_key`, {
      in: anywhere,
      takes: [template("KEY")],
      default: null,
      shownDefault: "$scheme$proxy_host$uri$is_args$args for proxy_cache, none for the others",
      help: "What makes two requests the same for the cache.",
      set: keep(family, "key"),
    }),
    directive(`${family}_cache_methods`, {
      in: anywhere,
      takes: [words("METHOD...")],
      default: "GET HEAD",
      help: "The methods whose replies are cached: GET, HEAD and POST; the first two always are.",
      set: (scope, _, given) => {
        const found = choices(scope, given, ["GET", "HEAD", "POST"], false);
        if (found) ownCache(scope, family).methods = [...new Set(["GET", "HEAD", ...found])];
      },
    }),
    directive(`${family}_cache_min_uses`, {
      in: anywhere,
      takes: [number("N", 1)],
      default: "1",
      help: "How often a reply must be asked for before it is cached.",
      set: keep(family, "minUses"),
    }),
    directive(`${family}_cache_max_range_offset`, {
      in: anywhere,
      takes: [size],
      default: null,
      shownDefault: "no limit",
      help: "A range beyond this offset is asked of the server itself, and not cached.",
      set: keep(family, "maxRangeOffset"),
    }),
  ];
}

function whenRows(family: Family): readonly Row[] {
  const conditions = (name: string, key: "bypass" | "noCache", help: string): Row =>
    directive(`${family}_${name}`, {
      in: anywhere,
      takes: [words("TEXT...")],
      default: null,
      repeats: true,
      help,
      set: (scope, [args]) => {
        const own = ownCache(scope, family);
        own[key] = [...(own[key] ?? []), ...templates(scope, args)];
      },
    });
  return [
    directive(`${family}_cache_valid`, {
      in: anywhere,
      takes: [words("[STATUS... | any] TIME")],
      default: null,
      repeats: true,
      help: "How long replies of these statuses are fresh (of 200, 301 and 302, if none is named) when they do not say so themselves by `X-Accel-Expires`, `Expires` or `Cache-Control`. 0: not cached.",
      set: (scope, [args]) => addValid(scope, family, args),
    }),
    conditions(
      "cache_bypass",
      "bypass",
      "If any of these is neither empty nor `0`, the server is asked although the cache has a reply.",
    ),
    conditions("no_cache", "noCache", "If any of these is neither empty nor `0`, the reply is not cached."),
    directive(`${family}_cache_use_stale`, {
      in: anywhere,
      takes: [words("WHEN... | off")],
      default: "off",
      syntax: "error | timeout | invalid_header | updating | http_STATUS | off ...",
      help: "When a reply that is no longer fresh is sent: if the server fails in one of these ways, or while a new one is fetched (`updating`).",
      set: (scope, _, given) => {
        const known = [
          "error",
          "timeout",
          "invalid_header",
          "updating",
          ...statusesOf(family).map((status) => `http_${status}`),
        ];
        const found = choices(scope, given, known, true);
        if (found) ownCache(scope, family).useStale = found as CacheSettings["useStale"];
      },
    }),
    directive(`${family}_cache_purge`, {
      in: anywhere,
      takes: [words("TEXT... | METHOD from ADDRESS... | off")],
      default: null,
      shownDefault: "off",
      help: "Which requests remove the entry of their key: those with one of the texts neither empty nor `0`, or those with this method from one of these addresses (`PURGE from 127.0.0.1`).",
      set: (scope, [args]) => setPurge(scope, family, args),
    }),
  ];
}

function lockRows(family: Family): readonly Row[] {
  const flags = (name: string, key: "lock" | "backgroundUpdate" | "revalidate", help: string): Row =>
    directive(`${family}_cache_${name}`, { in: anywhere, takes: [flag], default: "off", help, set: keep(family, key) });
  return [
    flags(
      "lock",
      "lock",
      "Whether of several requests for a missing entry only one asks the server, while the others wait.",
    ),
    directive(`${family}_cache_lock_timeout`, {
      in: anywhere,
      takes: [time],
      default: "5s",
      help: "How long the others wait; then they ask the server too, and their replies are not cached.",
      set: keep(family, "lockTimeout"),
    }),
    directive(`${family}_cache_lock_age`, {
      in: anywhere,
      takes: [duration],
      default: "5s",
      help: "After this time one more request asks the server.",
      set: keep(family, "lockAge"),
    }),
    flags(
      "background_update",
      "backgroundUpdate",
      "Whether an expired entry is sent and renewed behind the client's back; it needs `use_stale updating`.",
    ),
    flags("revalidate", "revalidate", "Whether an expired entry is renewed by If-Modified-Since and If-None-Match."),
  ];
}

function templates(scope: Scope, args: readonly Word[]): Template[] {
  return args.flatMap((word) => scope.template(word) ?? []);
}

function setZone(scope: Scope, family: Family, word: Word): void {
  const zone = word.text === "off" ? null : scope.template(word);
  ownCache(scope, family).zone = zone;
  const name = zone?.constant;
  if (name === undefined || name === null) return;
  scope.draft.later(() => {
    const { caches } = scope.draft.gateway;
    if (!caches.has(name))
      scope.error(
        word.position,
        `unknown cache ${quote(name)}: no "keys_zone" of a "${family}_cache_path" has this name${suggestion(name, caches.keys())}`,
      );
    else if (family !== "proxy" && scope.location !== null && keyOf(scope, family) === undefined)
      scope.warning(word.position, `no "${family}_cache_key" for "${family}_cache": every request has the same key`);
    if (scope.groupSetting(family, "store"))
      scope.error(word.position, `"${family}_cache" and "${family}_store" exclude each other`);
  });
}

function keyOf(scope: Scope | null, family: Family): Template | null | undefined {
  return scope === null ? undefined : (scope.own[family]?.cache?.key ?? keyOf(scope.parent, family));
}

function addValid(scope: Scope, family: Family, args: readonly Word[]): void {
  const name = `${family}_cache_valid`;
  const given = args.at(-1)!;
  const time = parseTime(given.text);
  if (time === undefined)
    return scope.error(given.position, `"${name}" expects a time as its last argument, not ${quote(given.text)}`);
  const own = ownCache(scope, family);
  const statuses: number[] = [];
  let any = false;
  for (const { text, position } of args.slice(0, -1)) {
    if (text === "any") any = true;
    else if (/^[1-5]\d\d$/.test(text)) statuses.push(Number(text));
    else return scope.error(position, `"${name}" expects a status (100 to 599) or "any", not ${quote(text)}`);
  }
  const rules = [
    ...(args.length === 1 ? [[200, 301, 302]] : statuses.length > 0 ? [statuses] : []),
    ...(any ? [null] : []),
  ];
  own.valid = [...(own.valid ?? []), ...rules.map((statuses) => ({ statuses, time }))];
}

function setPurge(scope: Scope, family: Family, args: readonly Word[]): void {
  const own = ownCache(scope, family);
  if (args.length === 1 && args[0]!.text === "off") own.purge = null;
  else if (args[1]?.text !== "from") own.purge = { conditions: templates(scope, args), method: null, from: [] };
  else {
    const name = `${family}_cache_purge`;
    const [method, word, ...sources] = args as [Word, Word, ...Word[]];
    if (!/^[A-Z]+$/.test(method.text))
      return scope.error(method.position, `"${name}" expects a method in capitals, not ${quote(method.text)}`);
    if (sources.length === 0) return scope.error(word.position, `"${name}" expects addresses after "from"`);
    const from: AccessRule["match"][] = [];
    for (const one of sources) {
      const match = source.read([one], name, scope);
      if (typeof match !== "symbol") from.push(network(match, one, scope));
    }
    own.purge = { conditions: [], method: method.text, from };
  }
}
