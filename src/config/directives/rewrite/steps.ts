/** `rewrite`, `if`, `set`, `break`, `return`: the steps of a block's rewrite program (ngx_http_rewrite_module). */
import type { Context } from "../../scope.ts";
import { Scope } from "../../scope.ts";
import type { RewriteStep, UriStep } from "../../settings/rewrite.ts";
import type { Row } from "../../table.ts";
import { block, directive, store } from "../../table.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Directive, Word } from "../../text/parser.ts";
import { flag, oneOf, optional, template, variableName, words } from "../../values/arguments.ts";
import { parseStatus } from "../../values/statuses.ts";
import { parseCondition } from "./condition.ts";
import { compilePattern } from "./pattern.ts";

const inBlocks: readonly Context[] = ["server", "location", "if"];

/** Variables of the server that `set` may change. */
const CHANGEABLE: readonly string[] = ["args", "limit_rate", "uid_reset"];

export const REWRITE: readonly Row[] = [
  directive("rewrite", {
    in: inBlocks,
    takes: [words("EXPRESSION REPLACEMENT", 2, 2), optional(oneOf("last", "break", "redirect", "permanent"))],
    syntax: "EXPRESSION REPLACEMENT [last | break | redirect | permanent]",
    default: null,
    repeats: true,
    help: "Where the path matches the expression, the replacement takes its place, with the request's arguments behind its own (none with `?` at its end). Then the next step follows, and after the last one the location is looked up again: at once with `last`, not at all with `break`. After ten times: 500. `redirect` (302) and `permanent` (301) send the replacement to the client, as does one that begins with http://, https:// or $scheme.",
    set: addRewrite,
  }),
  block("if", "if", {
    in: ["server", "location"],
    takes: [words("(CONDITION)")],
    syntax: "(CONDITION)",
    repeats: true,
    help: "What is in it applies where the condition holds: `$x` (neither empty nor 0), `$x = text`, `$x != text`, `$x ~ expression` (`~*` ignoring case, `!~` and `!~*` negated), `-f file`, `-d folder`, `-e` either, `-x` executable (negated `!-f`). In a location it is a location of its own that inherits all but `try_files` from the one around it, `proxy_pass` and its like too; of several that hold, the last one's settings apply.",
    open: openIf,
  }),
  directive("set", {
    in: inBlocks,
    takes: [variableName, template("VALUE")],
    default: null,
    repeats: true,
    help: "A variable of your own, or `$args`, `$limit_rate` or `$uid_reset` of this request. A server's steps are done before the location is chosen, a location's whenever a request enters it.",
    set: (scope, [variable, value], { args, position }) => {
      const { variables } = scope.draft;
      if (variables.isFixed(variable))
        return scope.error(args[0]!.position, `"set" cannot change $${variable}, which the server provides`);
      if (!CHANGEABLE.includes(variable)) variables.assign(variable);
      addStep(scope, { kind: "set", variable, value }, position);
    },
  }),
  directive("break", {
    in: inBlocks,
    takes: [],
    default: null,
    repeats: true,
    help: "Ends the steps of this block: no `rewrite`, `if`, `set` or `return` behind it is done.",
    set: (scope, _, { position }) => addStep(scope, { kind: "break" }, position),
  }),
  directive("return", {
    in: inBlocks,
    takes: [words("CODE [TEXT] | CODE URL | URL", 1, 2)],
    default: null,
    repeats: true,
    help: "Answers at once: a status with a text, a redirect (301, 302, 303, 307, 308 with a URL; a URL alone is 302). 444 closes without an answer. In a server it goes before all locations.",
    set: addReturn,
  }),
  directive("rewrite_log", {
    in: ["http", "server", "location", "if"],
    takes: [flag],
    default: "off",
    help: "Whether `rewrite` and `if` tell in the error log (level notice) what matched and what became of the path.",
    set: store("rewriteLog"),
  }),
  directive("uninitialized_variable_warn", {
    in: ["http", "server", "location", "if"],
    takes: [flag],
    default: "on",
    help: "Whether the error log (level warn) tells of a variable that is used where no `set` has given it a value.",
    set: store("uninitializedVariableWarn"),
  }),
];

/** Adds a step to the block's program. One behind a `return` or `break` is never done. */
function addStep(scope: Scope, step: RewriteStep, position: Directive["position"]): void {
  const steps = (scope.own.rewrite ??= []) as RewriteStep[];
  const last = scope.own.return === undefined ? steps.at(-1)?.kind : "return";
  if (last === "return" || last === "break")
    scope.warning(position, `this "${step.kind}" is never reached (a "${last}" stands before it)`);
  else if (step.kind !== "return" || scope.context.startsWith("if") || steps.some(({ kind }) => kind !== "set"))
    steps.push(step);
  else scope.own.return = step.rule;
  scope.draft.origins.setPosition(step, position);
}

const ABSOLUTE = /^(?:https?:\/\/|\$scheme)/;

function addRewrite(
  scope: Scope,
  [[expression, word], given]: [readonly Word[], string | undefined],
  { position }: Directive,
): void {
  const pattern = compilePattern(scope, expression!, false);
  if (word!.text === "") return scope.error(word!.position, '"rewrite" needs a replacement that is not empty');
  const appends = !word!.text.endsWith("?");
  const replacement = scope.template(appends ? word! : { ...word!, text: word!.text.slice(0, -1) });
  if (pattern === null || replacement === null) return;
  const redirect = given === "permanent" ? 301 : given === "redirect" || ABSOLUTE.test(word!.text) ? 302 : 0;
  const ending: UriStep["flag"] = given === "last" || given === "break" ? given : "";
  addStep(scope, { kind: "rewrite", pattern, replacement, appends, redirect, flag: ending }, position);
}

function openIf(parent: Scope, [args]: [readonly Word[]], { position }: Directive): Scope | null {
  const test = parseCondition(parent, args, position);
  if (test === null) return null;
  const inLocation = parent.location !== null;
  const scope = new Scope(inLocation ? "if in location" : "if", parent.draft, parent);
  const steps: RewriteStep[] = [];
  scope.own.rewrite = steps;
  addStep(parent, { kind: "if", test, steps, location: inLocation ? parent.conditions.length : null }, position);
  if (inLocation) parent.conditions.push(scope);
  return scope;
}

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

function addReturn(scope: Scope, [args]: [readonly Word[]], { position }: Directive): void {
  const [first, second] = args as [Word, Word?];
  const isUrl = ABSOLUTE.test(first.text);
  if (isUrl && second !== undefined) {
    return scope.error(
      second.position,
      `unexpected argument ${quote(second.text)}: a URL is the last argument of "return"`,
    );
  }
  const status = isUrl ? 302 : parseStatus(first.text, 200);
  if (status === undefined) {
    return scope.error(
      first.position,
      `"return" expects a status between 200 and 599, or a URL with http:// or https://, not ${quote(first.text)}`,
    );
  }
  const word = isUrl ? first : second;
  if (word !== undefined && REDIRECTS.includes(status) && /[\r\n]/.test(word.text)) {
    return scope.error(word.position, "a URL cannot contain line ends");
  }
  const text = word === undefined ? null : scope.template(word);
  if (word === undefined && REDIRECTS.includes(status)) {
    scope.warning(position, `"return ${status}" without a URL redirects to nowhere`);
  }
  if (word === undefined || text !== null) addStep(scope, { kind: "return", rule: { status, text } }, position);
}
