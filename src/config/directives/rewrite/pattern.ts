/** A regular expression in an argument. */

import { compileRegex } from "../../../routing/pcre/compile.ts";
import type { Scope } from "../../scope.ts";
import type { Pattern } from "../../settings/rewrite.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { slowness } from "../../values/regex.ts";

/** Compiles the expression of `word`; null after an error. Its named groups become variables; a slow one is warned of. */
export function compilePattern(scope: Scope, { text, position }: Word, ignoreCase: boolean): Pattern | null {
  const regex = compileRegex(text, ignoreCase);
  scope.draft.addGroups(text);
  if (typeof regex === "string") {
    scope.error(position, `invalid regular expression ${quote(text)}: ${regex}`);
    return null;
  }
  const slow = slowness(regex);
  if (slow !== null) scope.warning(position, `slow regular expression ${quote(text)}: ${slow}`);
  return { source: text, regex };
}
