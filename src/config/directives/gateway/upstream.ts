/** `upstream` and the directives in it: servers, balancing, kept connections. */
import type { Position } from "../../parts.ts";
import { Scope } from "../../scope.ts";
import type { Row } from "../../table.ts";
import { block, directive } from "../../table.ts";
import { elsewhere, quote } from "../../text/diagnostics.ts";
import type { Directive, Word } from "../../text/parser.ts";
import { duration, number, oneOf, optional, parseTime, template, words } from "../../values/arguments.ts";
import { parsePeer } from "../../values/peer.ts";
import { parseResolver, RESOLVER_SYNTAX } from "../../values/resolver.ts";
import { parseSticky, STICKY_SYNTAX } from "../../values/sticky.ts";
import type { UpstreamDraft } from "./draft.ts";
import { addressesOf, PLAIN_SERVER, PLAIN_UPSTREAM } from "./groups.ts";

const inside = ["upstream"] as const;

export const UPSTREAM_BLOCK = block("upstream", "upstream", {
  in: ["http"],
  takes: [words("NAME", 1, 1)],
  repeats: true,
  help: "A group of servers, which `*_pass` names. They take turns, weighted; one that fails is left out for a while, and the request goes to the next.",
  open: openUpstream,
});

/** The rows of directives that stand in an `upstream` block; some of their names mean something else elsewhere. */
export const UPSTREAM_ROWS: readonly Row[] = [
  directive("server", {
    in: inside,
    takes: [words("ADDRESS [OPTION...]")],
    syntax:
      "ADDRESS [weight=N] [max_conns=N] [max_fails=N] [fail_timeout=TIME] [slow_start=TIME] [backup] [down] [resolve]",
    default: null,
    repeats: true,
    help: "A server: `host[:port]` or `unix:/path`. After `max_fails` (1) failures within `fail_timeout` (10s) it is left out for that time; 0: never. A `backup` is used when all others are out; with `resolve` its name is looked up again and again (`resolver`).",
    set: (scope, [args]) => addServer(scope, args),
  }),
  balancing(
    "least_conn",
    [],
    "The server with the fewest requests in progress, for its weight, gets the next.",
    (draft) => {
      draft.options.balancing = { kind: "least_conn" };
    },
  ),
  balancing("ip_hash", [], "The client's address chooses the server (of IPv4 its first three bytes).", (draft) => {
    draft.options.balancing = { kind: "ip_hash" };
  }),
  directive("hash", {
    in: inside,
    takes: [template("KEY"), optional(oneOf("consistent"))],
    default: null,
    help: "The key chooses the server. With `consistent` (ketama) only few keys move when servers come or go.",
    set: (scope, [key, consistent], given) =>
      setBalancing(scope, given, (draft) => {
        draft.options.balancing = { kind: "hash", key, consistent: consistent !== undefined };
      }),
  }),
  directive("random", {
    in: inside,
    takes: [optional(oneOf("two")), optional(oneOf("least_conn"))],
    default: null,
    help: "A server by chance; with `two`, the less busy one of two.",
    set: (scope, [two], given) =>
      setBalancing(scope, given, (draft) => {
        draft.options.balancing = { kind: "random", two: two !== undefined };
      }),
  }),
  directive("sticky", {
    in: inside,
    takes: [words("cookie NAME [OPTION...]", 2)],
    syntax: STICKY_SYNTAX,
    default: null,
    help: "Sends a client's later requests to the same server, which a cookie names.",
    set: (scope, [args]) => {
      const sticky = parseSticky(scope, args);
      if (sticky !== null) scope.upstream!.options.sticky = sticky;
    },
  }),
  ...keepRows(),
  ...waitRows(),
];

function keepRows(): readonly Row[] {
  const row = (name: string, key: "keepalive" | "keepaliveRequests", shownDefault: string, help: string): Row =>
    directive(name, {
      in: inside,
      takes: [number("N", 1)],
      default: null,
      shownDefault,
      help,
      set: ({ upstream }, [value]) => {
        upstream!.options[key] = value;
      },
    });
  const timeRow = (name: string, key: "keepaliveTime" | "keepaliveTimeout", shownDefault: string, help: string): Row =>
    directive(name, {
      in: inside,
      takes: [duration],
      default: null,
      shownDefault,
      help,
      set: ({ upstream }, [value]) => {
        upstream!.options[key] = value;
      },
    });
  return [
    row(
      "keepalive",
      "keepalive",
      "none",
      'Most idle connections to the servers that are kept open. HTTP needs `proxy_http_version 1.1` and `proxy_set_header Connection ""` for it.',
    ),
    row("keepalive_requests", "keepaliveRequests", "1000", "Most requests on one connection."),
    timeRow("keepalive_time", "keepaliveTime", "1h", "Longest life of a connection."),
    timeRow("keepalive_timeout", "keepaliveTimeout", "60s", "How long an idle connection is kept."),
  ];
}

function waitRows(): readonly Row[] {
  return [
    directive("zone", {
      in: inside,
      takes: [words("NAME [SIZE]", 1, 2)],
      default: null,
      help: "Accepted: one process serves all, so servers need no shared memory.",
      set: () => {},
    }),
    directive("queue", {
      in: inside,
      takes: [number("N", 1), words("[timeout=TIME]", 0, 1)],
      default: null,
      help: "How many requests may wait while every server has its `max_conns`, and how long (60s); beyond either 502.",
      set: (scope, [length, [word]]) => {
        const timeout =
          word === undefined ? 60_000 : /^timeout=/.test(word.text) ? parseTime(word.text.slice(8)) : undefined;
        if (timeout === undefined)
          return scope.error(word!.position, `"queue" expects timeout=TIME, not ${quote(word!.text)}`);
        scope.upstream!.options.queue = { length, timeout };
      },
    }),
    directive("resolver", {
      in: inside,
      takes: [words(RESOLVER_SYNTAX)],
      default: null,
      help: "As `resolver` elsewhere, for the servers with `resolve`.",
      set: (scope, [args]) => {
        const resolver = parseResolver(scope, args);
        if (resolver !== null) scope.upstream!.options.resolver = resolver;
      },
    }),
    directive("resolver_timeout", {
      in: inside,
      takes: [duration],
      default: null,
      shownDefault: "30s",
      help: "As `resolver_timeout` elsewhere.",
      set: ({ upstream }, [value]) => {
        upstream!.options.resolverTimeout = value;
      },
    }),
  ];
}

function balancing(name: string, takes: [], help: string, choose: (draft: UpstreamDraft) => void): Row {
  return directive(name, {
    in: inside,
    takes,
    default: null,
    help,
    set: (scope, _, given) => setBalancing(scope, given, choose),
  });
}

function setBalancing(scope: Scope, { name, position }: Directive, choose: (draft: UpstreamDraft) => void): void {
  if (scope.upstream!.options.balancing !== undefined)
    scope.warning(position, `"${name}" replaces the balancing that this upstream has said before`);
  choose(scope.upstream!);
}

function openUpstream(parent: Scope, [[word]]: [readonly Word[]], { position }: Directive): Scope | null {
  const { upstreams } = parent.draft.gateway;
  const name = word!.text;
  if (!/^[^\s/:?$[\]]+$/.test(name)) {
    parent.error(word!.position, `"upstream" expects a name (without ports, paths and variables), not ${quote(name)}`);
    return null;
  }
  const first = upstreams.get(name.toLowerCase());
  if (first !== undefined) {
    parent.error(
      word!.position,
      `duplicate upstream ${quote(name)} (first on ${elsewhere(first.position, word!.position)})`,
    );
    return null;
  }
  const scope = new Scope("upstream", parent.draft, parent);
  scope.upstream = { name, position: word!.position, servers: [], options: {}, health: null };
  upstreams.set(name.toLowerCase(), scope.upstream);
  scope.draft.later(() => finishUpstream(scope, position));
  return scope;
}

/** Makes the block a group of the Config, when everything has been read. */
function finishUpstream(scope: Scope, position: Position): void {
  const { name, servers, options, health } = scope.upstream!;
  if (servers.length === 0) return scope.error(position, `upstream ${quote(name)} has no servers`);
  if (servers.every(({ backup }) => backup))
    return scope.error(position, `upstream ${quote(name)} has only backup servers`);
  const inherited = {
    resolver: scope.setting("resolver") ?? null,
    resolverTimeout: scope.setting("resolverTimeout") ?? PLAIN_UPSTREAM.resolverTimeout,
  };
  const group = { ...PLAIN_UPSTREAM, ...inherited, ...options };
  const resolved = servers.map(({ peer, resolve, ...server }) => {
    const again = resolve && peer.address === null;
    if (again && group.resolver === null) {
      scope.error(server.position, `"resolve" needs a "resolver" in this block or at the top level`);
    }
    return {
      ...server,
      addresses: again ? [] : addressesOf(scope, peer, { text: server.name, position: server.position }),
      resolve: again ? { host: peer.host, port: peer.port! } : null,
    };
  });
  scope.draft.gateway.groups.set(name, { ...group, name, servers: resolved, health, position });
}

/** The options of a server that are numbers or times, each with its key and least value. */
const OPTIONS = {
  weight: ["weight", 1],
  max_conns: ["maxConns", 0],
  max_fails: ["maxFails", 0],
  fail_timeout: ["failTimeout", null],
  slow_start: ["slowStart", null],
} as const;

function addServer(scope: Scope, [word, ...rest]: readonly Word[]): void {
  const peer = parsePeer(word!.text, 80, scope.draft.prefix);
  if (typeof peer === "string") return scope.error(word!.position, `"server" ${quote(word!.text)} ${peer}`);
  const server = { ...PLAIN_SERVER, name: peer.text, peer, resolve: false, position: word!.position };
  const given: {
    -readonly [K in keyof typeof server]: (typeof server)[K] extends boolean
      ? boolean
      : (typeof server)[K] extends number
        ? number
        : (typeof server)[K];
  } = server;
  for (const { text, position } of rest) {
    const [, name, value] = /^(\w+)=(.*)$/s.exec(text) ?? [];
    if (text === "backup" || text === "down" || text === "resolve") given[text] = true;
    else if (name !== undefined && name in OPTIONS) {
      const [key, least] = OPTIONS[name as keyof typeof OPTIONS];
      const parsed = least === null ? parseTime(value!) : /^\d{1,9}$/.test(value!) ? Number(value) : undefined;
      if (parsed === undefined || parsed < (least ?? 0))
        return scope.error(
          position,
          `"server" expects ${least === null ? "a time" : `a number of at least ${least}`} after "${name}=", not ${quote(value!)}`,
        );
      given[key] = parsed;
    } else return scope.error(position, `unknown option ${quote(text)} of "server"`);
  }
  checkMethod(scope, given, rest);
  scope.upstream!.servers.push(given);
}

/** As nginx: methods that choose by a key or chance know neither backups nor a slow start. */
function checkMethod(
  scope: Scope,
  { backup, slowStart }: { backup: boolean; slowStart: number },
  words: readonly Word[],
): void {
  const kind = scope.upstream!.options.balancing?.kind ?? "round_robin";
  if (kind === "round_robin" || kind === "least_conn") return;
  const option = backup ? "backup" : slowStart > 0 ? "slow_start" : null;
  if (option === null) return;
  const { position } = words.find(({ text }) => text.startsWith(option))!;
  scope.error(position, `"${kind}" does not go with "${option}"`);
}
