/**
 * Regular expressions that answer in limited time, whatever a client sends. JavaScriptCore backtracks, and for some expressions the
 * steps double with each character. Its compiled code then runs for minutes. Its interpreter gives up after 10^8 steps and reports
 * "no match", so a location that should refuse the request would be skipped. Therefore JavaScriptCore gets short texts only;
 * longer ones go to linear-regex.ts, which is a little slower per character.
 */
import { LinearRegex } from "./linear-regex.ts";
import { longestText } from "./regex-cost.ts";
import { parseRegex } from "./regex-syntax.ts";

/** Short enough for any expression that linear-regex.ts cannot decide: those with look-around or back-references, which are rare. */
export const SHORT = 20;

/** Most steps of linear-regex.ts for one text: some 20 ms. */
const MOST_STEPS = 500_000;

export class SureRegex {
  private readonly longest: number;
  /** Made when first needed; null: the expression cannot be compiled. */
  private linear: LinearRegex | null | undefined = undefined;

  /** @param regex without the flags `g`, `y` and `m` */
  constructor(private readonly regex: RegExp) {
    this.longest = longestText(parseRegex(regex.source).root);
  }

  /** The groups of the match; null: no match; undefined: unknown. */
  exec(text: string): RegExpExecArray | null | undefined {
    if (text.length <= this.longest) return this.regex.exec(text);
    if (this.linear === undefined) this.linear = LinearRegex.of(this.regex);
    if (this.linear !== null && this.linear.steps(text) <= MOST_STEPS) {
      const found = this.linear.exec(text);
      if (found === null || !this.linear.isLoose) return found;
    }
    return text.length <= SHORT ? this.regex.exec(text) : undefined;
  }
}
