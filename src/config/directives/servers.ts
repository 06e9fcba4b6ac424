/** `server` and its names and addresses. */

import { Scope } from "../scope.ts";
import type { Row } from "../table.ts";
import { block, directive } from "../table.ts";
import { elsewhere, quote } from "../text/diagnostics.ts";
import type { Directive, Word } from "../text/parser.ts";
import { words } from "../values/arguments.ts";
import { LISTEN_SYNTAX, parseListen } from "../values/listen.ts";
import { slowness } from "../values/regex.ts";
import { parseServerName, whyNever } from "../values/server-name.ts";

export const SERVERS: readonly Row[] = [
  block("server", "server", {
    in: ["http"],
    takes: [],
    repeats: true,
    help: "A virtual server: what it listens to, the names it answers to, and what it serves.",
    open: openServer,
  }),
  directive("listen", {
    in: ["server"],
    takes: [words("ADDRESS")],
    default: null,
    shownDefault: "80, or 8000 where the user may not bind that",
    syntax: LISTEN_SYNTAX,
    repeats: true,
    help: "An address the server is reached at. Several servers may share one: the request's host chooses, and the first (or the `default_server`) answers all others. Port 0 is any free one: the kernel chooses it, and the start prints it. TCP listeners use TCP_DEFER_ACCEPT: a connection that sends nothing is accepted about a second late.",
    set: (scope, [args]) => addListen(scope, args),
  }),
  directive("server_name", {
    in: ["server"],
    takes: [words("NAME...")],
    default: null,
    shownDefault: '""',
    repeats: true,
    help: "Hosts the server answers to: `x.org`, `*.x.org`, `x.*`, `.x.org` (both `x.org` and `*.x.org`), `~regex`, `$hostname` (the machine's name). Exact names win, then the longest leading wildcard, the longest trailing one, the first expression.",
    set: (scope, [names]) => {
      for (const word of names) addName(scope, word);
    },
  }),
];

function openServer(parent: Scope, _: [], { position, broken }: Directive): Scope {
  const scope = new Scope("server", parent.draft, parent);
  scope.server = { scope, position, listens: [], names: [], overTls: false, broken };
  parent.draft.servers.push(scope.server);
  return scope;
}

function addListen(scope: Scope, args: readonly Word[]): void {
  const [word] = args as [Word];
  const options = parseListen(args, scope);
  if (options === null) return;
  const { listens } = scope.server!;
  const first = listens.find((other) => other.options.text === options.text);
  if (first === undefined) listens.push({ options, word });
  else {
    const place = elsewhere(first.word.position, word.position);
    scope.error(word.position, `duplicate listen "${options.text}" in this server (first on ${place})`);
  }
}

function addName(scope: Scope, given: Word): void {
  const isMachine = given.text.toLowerCase() === "$hostname";
  const word = isMachine ? { ...given, text: scope.draft.sources.hostname() || given.text } : given;
  const names = parseServerName(word.text);
  if (word.text.startsWith("~")) scope.draft.addGroups(word.text);
  if (typeof names === "string") return scope.error(word.position, `invalid server name ${quote(word.text)}: ${names}`);
  const why = whyNever(word.text);
  if (why !== null) scope.warning(word.position, `no request has the server name ${quote(word.text)}: ${why}`);
  const known = scope.server!.names;
  if (known.some((other) => other.word.text.toLowerCase() === word.text.toLowerCase())) {
    return scope.warning(word.position, `server name ${quote(word.text)} is repeated`);
  }
  for (const { regex } of names) {
    if (regex === null) continue;
    const slow = slowness(regex);
    if (slow !== null) scope.warning(word.position, `slow regular expression ${quote(word.text)}: ${slow}`);
  }
  known.push({ word, names });
}
