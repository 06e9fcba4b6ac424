/**
 * Regular expressions as nginx has them (PCRE), translated to JavaScript's: what differs is written in another way, and what
 * JavaScript cannot do is refused, so that no expression silently changes its meaning. They match octets (see http/octets.ts), as
 * nginx matches bytes; those that begin with (*UTF) have the flag `u`, and match what the octets say in UTF-8.
 */
import { octets, unicode } from "../../http/octets.ts";
import { weaknessOf } from "../../routing/regex-cost.ts";
import { SHORT } from "../../routing/sure-regex.ts";
import { toRegExp } from "./regex/javascript.ts";
import { parseExpression } from "./regex/parser.ts";
import { ExpressionError } from "./regex/syntax.ts";

/** What an expression may begin with: (*UTF), and what makes no difference here. */
const UNICODE = /^\(\*UTF8?\)/;
const NO_DIFFERENCE = /^\(\*(?:LF|BSR_UNICODE|NO_(?:AUTO_POSSESS|DOTSTAR_ANCHOR|JIT|START_OPT)|LIMIT_[A-Z]+=\d+)\)/;

/** Compiles the expression; a string tells what is wrong with it, and where. */
export function compileRegex(source: string, ignoreCase: boolean): RegExp | string {
  let rest = source;
  let isUnicode = false;
  for (let found: RegExpExecArray | null; (found = UNICODE.exec(rest) ?? NO_DIFFERENCE.exec(rest)); ) {
    isUnicode ||= UNICODE.test(rest);
    rest = rest.slice(found[0].length);
  }
  const text = isUnicode ? rest : octets(rest);
  try {
    return toRegExp(parseExpression(text, isUnicode, ignoreCase));
  } catch (error) {
    if (error instanceof SyntaxError) return error.message.replace(/^Invalid regular expression:\s*/, ""); // it is too large
    if (!(error instanceof ExpressionError)) throw error;
    const before = text.slice(0, error.at);
    const at = source.length - rest.length + (isUnicode ? before : unicode(before)).length;
    return `${error.message}, at character ${at + 1}`;
  }
}

/**
 * The warning for an expression that a hostile text could make slow; null: none is needed.
 * @param outcome what becomes of a text that would take too long
 */
export function slowness(regex: RegExp, outcome = "gets 500"): string | null {
  const weakness = weaknessOf(regex);
  if (weakness === null) return null;
  const reason =
    "what it repeats can match the same characters in more than one way, so the steps could double with each";
  if (weakness === "slow") return `${reason}; it is matched all ways at once, which takes some microseconds more`;
  return `${reason}; and as it looks around or refers to a group, what is longer than ${SHORT} characters and could match ${outcome}`;
}

/** The names of the groups in an expression's text, valid or not. */
export function groupNames(source: string): string[] {
  return [...source.matchAll(/\(\?(?:P?<|')([A-Za-z_]\w*)[>']/g)].map((match) => match[1]!);
}
