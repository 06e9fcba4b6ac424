/** The condition of `if`, read as nginx reads it (ngx_http_rewrite_if_condition): words between parentheses, not an expression. */
import type { Position } from "../../parts.ts";
import type { Scope } from "../../scope.ts";
import type { Test } from "../../settings/rewrite.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { compilePattern } from "./pattern.ts";

const FORMS = "($NAME), ($NAME OPERATOR TEXT) with = != ~ ~* !~ or !~*, or (-f FILE) with -f -d -e -x or ! before it";

const FILE_TESTS = { f: "file", d: "folder", e: "there", x: "executable" } as const;

/** The test that the words of `if (...)` stand for; null after an error. @param position of the directive */
export function parseCondition(scope: Scope, given: readonly Word[], position: Position): Test | null {
  const words = unwrapped(given);
  if (words === null) {
    scope.error(given[0]?.position ?? position, `"if" needs its condition in parentheses: ${FORMS}`);
    return null;
  }
  const [first, second, third] = words;
  const file = /^(!?)-([fdex])$/.exec(first?.text ?? "");
  if (file !== null && words.length === 2) {
    const path = scope.template(second!);
    const is = FILE_TESTS[file[2] as keyof typeof FILE_TESTS];
    return path === null ? null : { kind: "file", path, is, negated: file[1] === "!" };
  }
  if (first?.text.startsWith("$") && (words.length === 1 || words.length === 3)) {
    return comparison(scope, first, second, third);
  }
  return refuse(scope, words, given[0]!.position);
}

/** The words without the parentheses around them, which may be words of their own; null: they are not there. */
function unwrapped(given: readonly Word[]): Word[] | null {
  const words = [...given];
  const [first] = words;
  if (first === undefined || !first.text.startsWith("(")) return null;
  words.splice(0, 1, ...without(first, 1, undefined));
  const last = words.pop();
  if (last === undefined || !last.text.endsWith(")")) return null;
  words.push(...without(last, 0, -1));
  return words;
}

/** The part of a word; nothing if that is empty. */
function without(word: Word, start: number, end: number | undefined): Word[] {
  if (word.text.length === 1) return [];
  const { position } = word;
  const moved = { ...position, column: position.column + start };
  return [{ ...word, text: word.text.slice(start, end), position: moved }];
}

function comparison(scope: Scope, variable: Word, operator: Word | undefined, value: Word | undefined): Test | null {
  const subject = subjectOf(scope, variable);
  if (subject === null || operator === undefined || value === undefined)
    return subject === null ? null : { kind: "isSet", subject };
  const { text } = operator;
  const negated = text.startsWith("!");
  if (text === "=" || text === "!=") {
    const template = scope.template(value);
    return template === null ? null : { kind: "equals", subject, value: template, negated };
  }
  if (/^!?~\*?$/.test(text)) {
    const pattern = compilePattern(scope, value, text.endsWith("*"));
    return pattern === null ? null : { kind: "matches", subject, pattern, negated };
  }
  const hint = text === "==" ? ' (write "=")' : "";
  scope.error(operator.position, `unexpected ${quote(text)} in the condition of "if"${hint}: expected ${FORMS}`);
  return null;
}

/** The template of the variable that is tested. nginx takes a name only: no braces, no text beside it, and no group's number. */
function subjectOf(scope: Scope, word: Word): Extract<Test, { kind: "isSet" }>["subject"] | null {
  const { text, position } = word;
  if (/^\$[A-Za-z_][\w-]*$/.test(text)) return scope.variable(word);
  const problem = /^\$\d+$/.test(text)
    ? `cannot test ${text}: give it a name first (set $group ${text})`
    : /^\$\w+[!=~]/.test(text)
      ? `needs blanks around the operator in ${quote(text)}`
      : `tests one variable, not ${quote(text)}: give it a name first (set $value ...)`;
  scope.error(position, `"if" ${problem}`);
  return null;
}

function refuse(scope: Scope, words: readonly Word[], position: Position): null {
  const text = words.map((word) => word.text).join(" ");
  const hint = /(?:&&|\|\||\band\b|\bor\b)/.test(text)
    ? '; several conditions are several "if", each of which sets a variable'
    : /^!\$/.test(text)
      ? "; the negation of ($x) is ($x = '')"
      : "";
  scope.error(words[0]?.position ?? position, `"if" does not know the condition (${text}): expected ${FORMS}${hint}`);
  return null;
}
