/** `expr` of `if` and `elif`: `$name`, `$name = text`, `$name != text`, `$name = /expression/`, `$name != /expression/`. */
import type { Page } from "../../exchange/page.ts";
import { nameText } from "../../http/octets.ts";
import { compileRegex } from "../../routing/pcre/compile.ts";
import { SureRegex } from "../../routing/sure-regex.ts";
import { SsiError, type SsiVariables } from "./variables.ts";

/** Whether it holds. Throws what is wrong with it. */
export function holds(expression: string, variables: SsiVariables, page: Page): boolean {
  const [, subject = "", test = ""] = /^([\w${}"']*) *([\s\S]*)$/.exec(expression) ?? [];
  const left = variables.expand(subject.toLowerCase());
  if (test === "") return left !== "";
  const [, operator, right] = /^(!?=) *([\s\S]*)$/.exec(test) ?? [];
  if (right === undefined) throw new SsiError(`invalid expression in "${expression}"`);
  return (operator === "=") === isEqual(left, right, expression, variables, page);
}

function isEqual(left: string, right: string, expression: string, variables: SsiVariables, page: Page): boolean {
  if (right.length < 2 || !right.startsWith("/"))
    return left === variables.expand(right.startsWith("\\/") ? right.slice(1) : right);
  if (!right.endsWith("/")) throw new SsiError(`invalid expression in "${expression}"`);
  return matches(left, variables.expand(right.slice(1, -1)), page);
}

const MOST_KEPT = 256;
const compiled = new Map<string, SureRegex>();

function matches(text: string, pattern: string, page: Page): boolean {
  const match = regexOf(pattern).exec(text);
  if (match === undefined) throw new SsiError(`"${pattern}" takes too many steps to match "${text}"`);
  if (match === null) return false;
  page.captures = [...match].map((group) => group ?? "");
  for (const [name, value] of Object.entries(match.groups ?? {})) page.variables.set(name.toLowerCase(), value ?? "");
  return true;
}

function regexOf(pattern: string): SureRegex {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const regex = compileRegex(nameText(pattern), false);
  if (typeof regex === "string") throw new SsiError(`invalid regular expression "${pattern}": ${regex}`);
  if (compiled.size >= MOST_KEPT) compiled.clear();
  const sure = new SureRegex(regex);
  compiled.set(pattern, sure);
  return sure;
}
