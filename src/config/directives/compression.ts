/** Compression of replies as they are sent, and files compressed in advance. Follows nginx's gzip modules, ngx_brotli and zstd-nginx-module. */

import { compileRegex } from "../../routing/pcre/compile.ts";
import type { ProxiedRule } from "../parts.ts";
import { PROXIED_RULES } from "../parts.ts";
import type { Context, Own, Scope } from "../scope.ts";
import { append } from "../scope.ts";
import type { Row } from "../table.ts";
import { directive, store } from "../table.ts";
import { quote } from "../text/diagnostics.ts";
import type { Word } from "../text/parser.ts";
import { flag, kind, many, number, oneOf, size, words } from "../values/arguments.ts";
import { slowness } from "../values/regex.ts";
import { mediaTypes } from "./filters/types.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

/** The differences between the codings. */
interface Family {
  readonly name: "gzip" | "brotli" | "zstd";
  readonly extension: string;
  readonly level: string;
  readonly levels: readonly [least: number, most: number];
  /** Highest level for replies compressed while they are sent; higher ones would block the loop. */
  readonly highest: number;
}

const FAMILIES: readonly Family[] = [
  { name: "gzip", extension: ".gz", level: "1", levels: [1, 9], highest: 9 },
  { name: "brotli", extension: ".br", level: "6", levels: [0, 11], highest: 6 },
  { name: "zstd", extension: ".zst", level: "1", levels: [1, 22], highest: 6 },
];

type FamilyKey<F extends Family["name"], K extends string> = `${F}${K}`;

function rowsOf({ name, extension, level, levels, highest }: Family): Row[] {
  const key = <K extends string>(rest: K): FamilyKey<Family["name"], K> => `${name}${rest}`;
  return [
    directive(name, {
      in: anywhere,
      takes: [flag],
      default: "off",
      help: `Compresses replies with 200, 403 and 404 with ${name}. A file is compressed once, and the result is kept.`,
      set: store(name),
    }),
    directive(`${name}_types`, {
      in: anywhere,
      takes: [mediaTypes],
      default: "text/html",
      help: `The media types that \`${name}\` compresses, in addition to text/html, which it always does; \`*\` stands for every type.`,
      set: (scope, [types]) => set(scope, key("Types"), new Set(["text/html", ...types])),
    }),
    directive(`${name}_comp_level`, {
      in: anywhere,
      takes: [number("LEVEL", ...levels)],
      default: level,
      help: `How much time \`${name}\` takes, from ${levels[0]} to ${levels[1]}.${highest < levels[1] ? ` Above ${highest} it is ${highest}, with a warning: higher levels hold up other clients and take 10 MB and more for each reply. Files that were compressed ahead of time may have any.` : ""}`,
      set: (scope, [given], { args }) => {
        if (given > highest)
          scope.warning(
            args[0]!.position,
            `level ${given} is too slow for replies on their way: it is ${highest}. Compress files ahead of time and use "${name}_static"`,
          );
        set(scope, key("Level"), Math.min(given, highest));
      },
    }),
    directive(`${name}_min_length`, {
      in: anywhere,
      takes: [size],
      default: "20",
      help: `Shorter replies are not compressed by \`${name}\`; replies of unknown length are.`,
      set: store(key("MinLength")),
    }),
    directive(`${name}_static`, {
      in: anywhere,
      takes: [oneOf("on", "off", "always")],
      default: "off",
      help: `Sends \`FILE${extension}\`, if it exists, instead of FILE to clients that accept ${name}; with \`always\` to all clients, even if FILE is missing.`,
      set: store(key("Static")),
    }),
  ];
}

function set<K extends keyof Own>(scope: Scope, key: K, value: Own[K]): void {
  scope.own[key] = value;
}

const proxiedRule = oneOf(...PROXIED_RULES);
const version = kind("1.0 | 1.1", "1.0 or 1.1", (text) => (text === "1.0" ? 0 : text === "1.1" ? 1 : undefined));

export const COMPRESSION: readonly Row[] = [
  ...FAMILIES.flatMap(rowsOf),
  directive("gzip_vary", {
    in: anywhere,
    takes: [flag],
    default: "on",
    help: "Adds `Vary: Accept-Encoding` to replies that depend on that field. nginx's default is off; without the field, caches may give compressed replies to clients that cannot decode them.",
    set: store("gzipVary"),
  }),
  directive("gzip_http_version", {
    in: anywhere,
    takes: [version],
    default: "1.1",
    help: "The lowest HTTP version of requests whose replies are compressed, with any coding.",
    set: store("gzipHttpVersion"),
  }),
  directive("gzip_proxied", {
    in: anywhere,
    takes: [many(proxiedRule)],
    default: "off",
    help: "Which replies to requests from proxies (those with `Via`) are compressed, with any coding: none (`off`), all (`any`), those with `Expires` in the past (`expired`), with such a `Cache-Control` (`no-cache`, `no-store`, `private`), without `Last-Modified` or `ETag` (`no_last_modified`, `no_etag`), or to requests with `Authorization` (`auth`).",
    set: (scope, [rules]) => {
      scope.own.gzipProxied = new Set<ProxiedRule>(rules);
    },
  }),
  directive("gzip_disable", {
    in: anywhere,
    takes: [words("REGEX | msie6 ...")],
    default: null,
    repeats: true,
    help: "Nothing is compressed for clients whose `User-Agent` matches, ignoring case. `msie6` means Internet Explorer 4 to 6 (without SV1).",
    set: (scope, [given]) => {
      for (const word of given) addDisabled(scope, word);
    },
  }),
];

function addDisabled(scope: Scope, { text, position }: Word): void {
  const regex = text === "msie6" ? /^(?!.*Opera)(?=.*MSIE (?:[45]|6\.(?!.*SV1)))/ : compileRegex(text, true);
  if (typeof regex === "string") {
    return scope.error(position, `invalid regular expression ${quote(text)}: ${regex}`);
  }
  const slow = slowness(regex);
  if (slow !== null) scope.warning(position, `slow regular expression ${quote(text)}: ${slow}`);
  append(scope, "gzipDisable", regex);
}
