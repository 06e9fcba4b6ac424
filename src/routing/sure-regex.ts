/**
 * Regular expressions whose "no match" is one. JavaScriptCore gives up after some 10^8 steps and then says what it says of a
 * text that does not match: a location that was to refuse the request would be passed over.
 */

/**
 * Any repetition. A single one is enough: with alternatives in it, as `(a|aa)+`, the steps double with each character, and
 * their square (`(a)*b`) is too many for a long path. Without one they are those that the expression's author wrote down.
 */
const REPEATS = /[*+}]/;

export class SureRegex {
  private readonly regex: RegExp;
  /** The group that is there when there is no match; 0: the expression needs none. */
  private readonly otherwise: number = 0;

  constructor(regex: RegExp) {
    this.regex = regex;
    const { source, flags } = regex;
    if (!REPEATS.test(source)) return;
    // It always matches, if only the end of the text: when it does not, the engine has given up.
    // What can only match at the start is not tried at every place up to the end.
    const end = source.startsWith("^") && !source.includes("|") ? "^" : "$";
    this.regex = new RegExp(`(?:${source})|${end}()`, flags);
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
