/** Checks a tree of directives against the table and applies it to scopes. */

import { refusalOf } from "./directives/foreign/refused.ts";
import { WITHOUT_EFFECT } from "./directives/foreign/without-effect.ts";
import { insteadOfIf } from "./directives/rewrite/not-in-if.ts";
import { DIRECTIVES, rowOf } from "./directives.ts";
import type { Context } from "./scope.ts";
import { Scope } from "./scope.ts";
import type { Row } from "./table.ts";
import { quote } from "./text/diagnostics.ts";
import type { Directive } from "./text/parser.ts";
import { directiveSuggestion } from "./text/suggest.ts";

/** Applies directives in order. Reports every mistake and goes on with the next directive. */
export function apply(directives: readonly Directive[], scope: Scope): void {
  for (const directive of directives) {
    const row = rowOf(directive.name, scope.context);
    if (row === undefined) applyForeign(directive, scope);
    else if (check(row, directive, scope)) applyRow(row, directive, scope);
    else checkBlock(row, directive, scope);
  }
}

function applyRow(row: Row, directive: Directive, scope: Scope): void {
  const all = GROWING.test(row.name) ? grown(directive, scope) : directive;
  scope.given.push(directive);
  const inner = row.apply(scope, all);
  if (inner !== null) apply(directive.block!, inner);
  else checkBlock(row, directive, scope);
}

/** Reports the mistakes in a block that will not be used. */
function checkBlock(row: Row, { args, block }: Directive, scope: Scope): void {
  if (row.block === "table") defineVariables(args.slice(-1), scope);
  if (row.block === null || row.block === "types" || row.block === "table" || block === null) return;
  const inLocation = row.block === "if" && scope.location !== null;
  const unused = new Scope(inLocation ? "if in location" : row.block, scope.draft, scope);
  const nowhere = { file: "", line: 0, column: 0 };
  unused.server ??= { scope: unused, position: nowhere, listens: [], names: [], overTls: false, broken: true };
  const { locations } = unused;
  const { position } = unused.server;
  unused.upstream = { name: "", position, servers: [], options: {}, health: null };
  if (row.block !== "if")
    unused.location ??= { scope: unused, locations, modifier: "", pattern: "/", regex: null, position };
  apply(block, unused);
}

/** Whether the directive is allowed here, has a block exactly if it needs one, and is not repeated. */
function check(row: Row, directive: Directive, scope: Scope): boolean {
  const { name, position, block } = directive;
  if (!isAllowed(row, scope.context)) {
    scope.error(position, `"${name}" is not allowed ${placeName(scope.context)} (${otherPlace(row, scope.context)})`);
  } else if (row.block !== null && block === null) {
    scope.error(position, `"${name}" needs a block (expected "{", not ";")`);
  } else if (row.block === null && block !== null) {
    scope.error(position, `"${name}" takes no block (expected ";", not "{")`);
  } else return row.repeats || (GROWING.test(name) && scope.seen.has(name)) || scope.once(directive);
  return false;
}

/** Lists to which nginx adds when they occur again (ngx_http_types_slot, ngx_conf_set_bitmask_slot). */
const GROWING =
  /_types$|_next_upstream$|_ignore_headers$|_cache_use_stale$|_cache_methods$|ssl_protocols$|^(?:gzip_proxied|dav_methods|keepalive_disable|userid_flags)$/;

/** A list with the words of those of the same name before it, each once. */
function grown(directive: Directive, scope: Scope): Directive {
  const before = scope.given.filter(({ name }) => name === directive.name);
  if (before.length === 0) return directive;
  const words = [...before, directive].flatMap(({ args }) => args);
  return { ...directive, args: [...new Map(words.map((word) => [word.text, word])).values()] };
}

/** Without `http { }`, the top level of a file counts as http. */
function isAllowed(row: Row, context: Context): boolean {
  if (context === "if in location" && row.in.includes("if")) return true;
  return row.in.includes(context) || (context === "main" && row.in.includes("http"));
}

/** The contexts of a directive for messages: `in http, server`, `at the top level`. What is allowed in http is also allowed at the top level. */
function places(row: Row): string {
  const blocks = row.in.filter((context) => context !== "main");
  const top = row.in.includes("main") && !row.in.includes("http") ? ["at the top level"] : [];
  return [...top, ...(blocks.length > 0 ? [`in ${blocks.join(", ")}`] : [])].join(" or ");
}

function placeName(context: Context): string {
  if (context === "main") return "at the top level";
  return context === "if in location" ? 'in "if"' : `in "${context}"`;
}

/** Where to write it instead. */
function otherPlace(row: Row, context: Context): string {
  return context.startsWith("if") ? insteadOfIf(row.name, context === "if in location") : `only ${places(row)}`;
}

/** Defines the variable that a refused directive would have set (`set $x 1`, `map $a $b`): one message is enough. */
function defineVariables(args: Directive["args"], { draft }: Scope): void {
  for (const { text } of args) if (/^\$\w+$/.test(text)) draft.variables.define(text.slice(1));
}

const OTHER_PROTOCOLS = ["stream", "mail"];

/** With `--keep-going` the blocks of other protocols are left out; what stands in them is not looked at. */
function refuse({ name, position }: Directive, message: string, scope: Scope): void {
  if (scope.context === "main" && OTHER_PROTOCOLS.includes(name))
    scope.draft.diagnostics.error(position, message, true);
  else scope.error(position, message);
}

function applyForeign(directive: Directive, scope: Scope): void {
  const { name, args, position } = directive;
  defineVariables(args, scope);
  const reason = WITHOUT_EFFECT.get(name);
  const refusal = refusalOf(name);
  const isOff = args.length === 1 && args[0]!.text === "off";
  if (reason !== undefined) scope.warning(position, `"${name}" has no effect here (${reason})`);
  else if (refusal !== undefined && isOff)
    scope.warning(position, `"${name} off" has no effect here (it is always off)`);
  else if (refusal !== undefined) refuse(directive, `"${name}" is not supported (${refusal})`, scope);
  else scope.error(position, `unknown directive ${quote(name)}${directiveSuggestion(name, DIRECTIVES.keys())}`);
}
