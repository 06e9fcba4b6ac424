/** The text of an expression while it is read: the place, and whether it is between \Q and \E. */
import { ExpressionError } from "./syntax.ts";

export class Text {
  at = 0;
  isQuoted = false;

  constructor(
    readonly source: string,
    readonly isUnicode: boolean,
  ) {}

  get isDone(): boolean {
    return this.at >= this.source.length;
  }

  /** The character here; "" at the end. */
  get here(): string {
    return this.source[this.at] ?? "";
  }

  take(text: string): boolean {
    const found = this.source.startsWith(text, this.at);
    if (found) this.at += text.length;
    return found;
  }

  /** Takes what the expression, which has the flag `y`, matches here. */
  match(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.at;
    const found = sticky.exec(this.source);
    if (found !== null) this.at = sticky.lastIndex;
    return found;
  }

  /** Takes one character: a byte, or a code point. */
  code(): number {
    const code = this.source.codePointAt(this.at)!;
    this.at += code > 0xffff ? 2 : 1;
    return code;
  }

  /** Goes over \Q and \E, which are no characters. */
  skipQuotes(): void {
    for (;;) {
      if (this.isQuoted) {
        if (!this.take("\\E")) return;
        this.isQuoted = false;
      } else if (this.take("\\Q")) this.isQuoted = true;
      else if (!this.take("\\E")) return;
    }
  }

  fail(message: string, at = this.at): never {
    throw new ExpressionError(message, at);
  }
}
