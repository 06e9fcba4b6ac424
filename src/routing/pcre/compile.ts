/**
 * Regular expressions as nginx has them (PCRE), translated to JavaScript's: what differs is written in another way, and what
 * JavaScript cannot do is refused, so that no expression silently changes its meaning. They match octets (see http/octets.ts), as
 * nginx matches bytes; those that begin with (*UTF) have the flag `u`, and match what the octets say in UTF-8.
 */
import { octets, unicode } from "../../http/octets.ts";
import { toRegExp } from "./javascript.ts";
import { parseExpression } from "./parser.ts";
import { ExpressionError } from "./syntax.ts";

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
