/**
 * Regular expressions whose "no match" is one. JavaScriptCore gives up after some 10^8 steps and then says what it says of a
 * text that does not match: a location that was to refuse the request would be passed over.
 */

/** Two repetitions, one after or in the other. With a single one the steps are at most as many as the square of a path's length. */
const MAY_EXPLODE = /[*+?}].*[*+?}]/s;

export class SureRegex {
  private readonly regex: RegExp;
  /** The group that is there when there is no match; 0: the expression needs none. */
  private readonly otherwise: number = 0;

  constructor(regex: RegExp) {
    this.regex = regex;
    if (!MAY_EXPLODE.test(regex.source)) return;
    // It always matches, if only the end of the text: when it does not, the engine has given up.
    this.regex = new RegExp(`(?:${regex.source})|$()`, regex.flags);
    this.otherwise = this.regex.exec("")!.length - 1;
  }

  /** The groups of the match; null: there is none; undefined: nobody knows. */
  exec(text: string): RegExpExecArray | null | undefined {
    const found = this.regex.exec(text);
    if (this.otherwise === 0) return found;
    if (found === null) return undefined;
    return found[this.otherwise] === undefined ? found : null;
  }
}
