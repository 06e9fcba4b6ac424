/**
 * Regular expressions that give an answer in time, whatever a client sends. JavaScriptCore tries one way after the other: of some
 * expressions the ways double with each character. Compiled code tries them for minutes, interpreted code gives up after 10^8 steps
 * and then says what it says of a text that does not match, so that a location that was to refuse the request would be passed over.
 * So it is asked about short texts only, and longer ones are left to a machine that needs a little more for each character.
 */
import { LinearRegex } from "./linear-regex.ts";
import { longestText } from "./regex-cost.ts";
import { parseRegex } from "./regex-syntax.ts";

/** Short enough for any expression of which the machine cannot tell: such look around or refer to a group, and are rare. */
export const SHORT = 20;

/** What one text may cost the machine, in its own steps: some 20 ms. */
const MOST_STEPS = 500_000;

export class SureRegex {
  private readonly longest: number;
  /** Made when it is first needed; null: there is none. */
  private linear: LinearRegex | null | undefined = undefined;

  /** @param regex without the flags `g`, `y` and `m` */
  constructor(private readonly regex: RegExp) {
    this.longest = longestText(parseRegex(regex.source).root);
  }

  /** The groups of the match; null: there is none; undefined: nobody knows. */
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
