/**
 * Text to tokens, by nginx's rules (ngx_conf_read_token): words end at blanks, `;` and `{`; quotes count only at a word's
 * start; `${` stays in the word; backslashes before quotes and backslashes go, `\t \r \n` become those characters, all
 * others stay for regular expressions.
 */
import { quote } from "./diagnostics.ts";
import type { Position } from "./model.ts";

export interface Token {
  readonly kind: "word" | ";" | "{" | "}" | "end";
  /** A word without its quotes and escapes; else the token itself. */
  readonly text: string;
  readonly quoted: boolean;
  readonly position: Position;
  /** Just behind the token. */
  readonly end: Position;
  /** A mistake in the token, which the parser reports: it knows what surrounds it. */
  readonly problem: { readonly position: Position; readonly message: string } | null;
}

/** All tokens of a file; the last has kind "end". Never throws: a mistake is a token with a `problem`. */
export function tokenize(text: string, file: string): Token[] {
  return new Lexer(text, file).all();
}

class Lexer {
  private at = 0;
  private line = 1;
  private column = 1;
  private problem: Token["problem"] = null;

  constructor(
    private readonly text: string,
    private readonly file: string,
  ) {}

  all(): Token[] {
    const tokens: Token[] = [];
    for (;;) {
      const token = this.next();
      tokens.push(token);
      if (token.kind === "end") return tokens;
    }
  }

  private next(): Token {
    this.skipBlanksAndComments();
    const position = this.position();
    const c = this.text[this.at];
    if (c === undefined) return { kind: "end", text: "", quoted: false, position, end: position, problem: null };
    if (c === ";" || c === "{" || c === "}") {
      this.advance();
      return { kind: c, text: c, quoted: false, position, end: this.position(), problem: null };
    }
    const quoted = c === '"' || c === "'";
    this.problem = null;
    const text = unescaped(quoted ? this.quotedWord(c) : this.bareWord());
    return { kind: "word", text, quoted, position, end: this.position(), problem: this.problem };
  }

  private skipBlanksAndComments(): void {
    for (;;) {
      const c = this.text[this.at];
      if (c === "#") this.advanceTo(endOfLine(this.text, this.at));
      else if (isBlank(c)) this.advance();
      else return;
    }
  }

  private bareWord(): string {
    const start = this.at;
    let previous = "";
    for (;;) {
      const c = this.text[this.at];
      if (c === undefined || isBlank(c) || c === ";" || (c === "{" && previous !== "$")) break;
      if (c === "\\") this.advance();
      if (this.at < this.text.length) this.advance();
      previous = c;
    }
    return this.text.slice(start, this.at);
  }

  /**
   * A quote that never ends swallows the rest of the file; one that lacks its end before another string swallows up to
   * that string's start. Both are told as what they are, and the word then ends with its line or at its `;`.
   */
  private quotedWord(mark: string): string {
    const opening = this.position();
    const start = this.at + 1;
    const close = closingQuote(this.text, start, mark);
    const runaway = close !== -1 && this.text.slice(start, close).includes("\n") && !endsWord(this.text[close + 1]);
    if (close === -1 || runaway) {
      this.problem = { position: opening, message: `unterminated quote (no closing ${mark})` };
      const rest = /[;\n]/g;
      rest.lastIndex = start;
      this.advanceTo(rest.exec(this.text)?.index ?? this.text.length);
      return this.text.slice(start, this.at);
    }
    this.advanceTo(close + 1);
    if (!endsWord(this.text[this.at])) {
      const [next] = this.text.slice(this.at, this.at + 2);
      const message = `unexpected ${quote(next!)} after a closing quote (expected a blank or ";")`;
      this.problem = { position: this.position(), message };
    }
    return this.text.slice(start, close);
  }

  private position(): Position {
    return { file: this.file, line: this.line, column: this.column };
  }

  /** Columns count characters, so the second half of a surrogate pair is none. */
  private advance(): void {
    const code = this.text.charCodeAt(this.at++);
    if (code === 10) {
      this.line++;
      this.column = 1;
    } else if (code < 0xdc00 || code > 0xdfff) this.column++;
  }

  private advanceTo(offset: number): void {
    while (this.at < offset) this.advance();
  }
}

function isBlank(c: string | undefined): boolean {
  return c === " " || c === "\t" || c === "\r" || c === "\n";
}

function endsWord(c: string | undefined): boolean {
  return c === undefined || isBlank(c) || c === ";" || c === "{" || c === "}";
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end;
}

/** Where the quote that starts before `from` closes; -1 when it does not. */
function closingQuote(text: string, from: number, mark: string): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === mark) return i;
  }
  return -1;
}

const ESCAPES: Readonly<Record<string, string>> = { '"': '"', "'": "'", "\\": "\\", t: "\t", r: "\r", n: "\n" };

function unescaped(raw: string): string {
  return raw.includes("\\") ? raw.replace(/\\([\s\S])/g, (pair, c: string) => ESCAPES[c] ?? pair) : raw;
}
