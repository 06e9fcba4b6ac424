/** What is said of regular expressions besides their mistakes (routing/pcre/compile.ts), and the variables that they define. */
import { weaknessOf } from "../../routing/regex-cost.ts";
import { SHORT } from "../../routing/sure-regex.ts";

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
