/** A regular expression of `rewrite` or `if`, matched in limited time; its groups become $1, $2 and so on. */
import type { Pattern } from "../../config/settings/rewrite.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { nameText } from "../../http/octets.ts";
import { SureRegex } from "../../routing/sure-regex.ts";
import type { Run } from "./step.ts";

export class Matcher {
  private readonly regex: SureRegex;

  constructor(private readonly pattern: Pattern) {
    this.regex = new SureRegex(pattern.regex);
  }

  /** Whether a text (octets) matches; undefined: that would take too many steps, and is logged. */
  matches(exchange: Exchange, text: string, { logs }: Run): boolean | undefined {
    const found = this.regex.exec(text);
    if (found === undefined) {
      exchange.log("alert", `"${this.pattern.source}" takes too many steps to match "${nameText(text)}"`);
      return undefined;
    }
    exchange.captures = found;
    if (logs)
      exchange.log(
        "notice",
        `"${this.pattern.source}" ${found === null ? "does not match" : "matches"} "${nameText(text)}"`,
      );
    return found !== null;
  }
}
