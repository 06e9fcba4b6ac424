/** `valid_referers` (ngx_http_referer_module), which `$invalid_referer` asks. */

import { octets } from "../../../http/octets.ts";
import { compileRegex } from "../../../routing/pcre/compile.ts";
import type { Position } from "../../parts.ts";
import type { Context, Scope } from "../../scope.ts";
import { directive, type Row } from "../../table.ts";
import type { NameTable, ValidReferers } from "../../tables/tables.ts";
import type { Word } from "../../text/parser.ts";
import { words } from "../../values/arguments.ts";
import { slowness } from "../../values/regex.ts";
import { Names } from "./names.ts";

const inServers: readonly Context[] = ["server", "location"];

export const REFERERS: Row = directive("valid_referers", {
  in: inServers,
  takes: [words("none | blocked | server_names | NAME | ~EXPRESSION ...")],
  default: null,
  repeats: true,
  help: "For which values of Referer `$invalid_referer` is empty; for others it is `1`. `none`: there is none; `blocked`: one without `http://` or `https://`; `server_names`: the names of the server; a host, which may begin or end with `*`, and have a path that the Referer's begins with; an expression, any case, of what follows `http://`. Ports do not count.",
  set: (scope, [args], { position }) => {
    const { own } = scope;
    const referers = own.validReferers instanceof Referers ? own.validReferers : new Referers();
    own.validReferers = referers;
    for (const word of args) addReferer(scope, referers, word);
    scope.draft.later(() => {
      checkReferers(scope, referers, position);
      scope.draft.later(() => inheritExpressions(scope, referers));
    });
  },
});

/** What a block says, in one or several directives. */
class Referers implements ValidReferers {
  none = false;
  blocked = false;
  /** Whether the server's names are valid, of which there is always one, if only "". */
  serverNames = false;
  readonly hosts = new Names<string>();
  readonly names: NameTable<string> = this.hosts.table;
  readonly expressions: RegExp[] = [];
  readonly hostExpressions: RegExp[] = [];
}

function addReferer(scope: Scope, referers: Referers, word: Word): void {
  const { text, position } = word;
  if (text === "none" || text === "blocked") referers[text] = true;
  else if (text === "server_names") {
    referers.serverNames = true;
    scope.draft.later(() => addServerNames(scope, referers, position));
  } else if (text.startsWith("~")) addExpression(scope, referers, word);
  else if (text === "") scope.error(position, 'invalid referer ""');
  else {
    const slash = text.indexOf("/");
    const host = slash < 0 ? text : text.slice(0, slash);
    addHost(scope, referers, { text: host, position }, slash < 0 ? "" : text.slice(slash));
  }
}

function addHost(scope: Scope, { hosts }: Referers, { text, position }: Word, path: string): void {
  const wrong = hosts.addHost(text, octets(path), position);
  if (wrong !== null) scope.error(position, wrong);
}

function addExpression(scope: Scope, { expressions }: Referers, { text, position }: Word): void {
  const source = text.slice(1);
  const regex = source === "" ? "it is empty" : compileRegex(source, true);
  if (typeof regex === "string") return scope.error(position, `invalid regular expression: ${regex}`);
  const slow = slowness(regex, "is invalid");
  if (slow !== null) scope.warning(position, slow);
  expressions.push(regex);
}

/** The names of the server, which may follow further down. */
function addServerNames(scope: Scope, referers: Referers, position: Position): void {
  for (const { word, names } of scope.server!.names) {
    const expressions = names.flatMap(({ regex }) => regex ?? []);
    referers.hostExpressions.push(...expressions);
    if (expressions.length === 0) addHost(scope, referers, { text: word.text, position }, "");
  }
}

/** As in nginx a block without expressions of its own has those of the blocks around it. */
function inheritExpressions({ parent }: Scope, referers: Referers): void {
  const outer = parent?.setting("validReferers") ?? null;
  if (outer === null) return;
  if (referers.expressions.length === 0) referers.expressions.push(...outer.expressions);
  if (referers.hostExpressions.length === 0) referers.hostExpressions.push(...outer.hostExpressions);
}

function checkReferers(scope: Scope, referers: Referers, position: Position): void {
  const { none, blocked, serverNames, expressions } = referers;
  const { exact, leading, trailing } = referers.names;
  const isEmpty = !serverNames && exact.size + leading.size + trailing.size + expressions.length === 0;
  if (isEmpty && (none || blocked))
    scope.error(position, '"valid_referers" has "none" or "blocked", but no valid referer');
}
