/**
 * Splits text into tokens by nginx's rules (ngx_conf_read_token). A word ends at a blank, `;` or `{`. Quotes are special only at
 * a word's start. `${` does not end a word. A backslash before a quote or backslash is removed; `\t \r \n` become those
 * characters; all other backslashes stay, for regular expressions.
 */

import type { Position } from "../parts.ts";
import { quote } from "./diagnostics.ts";

export interface Token {
  readonly kind: "word" | ";" | "{" | "}" | "end";
  /** A word without its quotes and escapes; for other tokens, the token itself. */
  readonly text: string;
  readonly quoted: boolean;
  readonly position: Position;
  /** The position right after the token. */
  readonly end: Position;
  /** A mistake in the token. The parser reports it, because it knows the context. */
  readonly problem: { readonly position: Position; readonly message: string } | null;
}

/** Runs of characters without special meaning: blanks, a comment, the usual characters of a word. */
const BLANKS = /[ \t\r\n]+/y;
const COMMENT = /#[^\n]*/y;
const USUAL = /[^ \t\r\n;{\\$]+/y;
/** How often, in an expression without quotes: as a block it would bring many mistakes that are none. */
const QUANTIFIER = /\{\d+(?:,\d*)?\}/y;

/**
 * Gives the tokens of a file one after the other, because files of tables have hundreds of thousands. Never throws: a mistake becomes a
 * token with a `problem`.
 */
export class Lexer {
  private at = 0;
  private line = 1;
  /** Offset of column 0: the line's start, plus one for each character of two code units. */
  private columnStart = -1;
  private lineEnd: number;
  private problem: Token["problem"] = null;
  /** Whether the text has characters of two code units, so that columns (which count characters) differ from offsets. */
  private readonly hasPairs: boolean;

  constructor(
    private readonly text: string,
    private readonly file: string,
  ) {
    this.hasPairs = /[\ud800-\udfff]/.test(text);
    this.lineEnd = endOfLine(text, 0);
  }

  /** The next token; after the last one, which has the kind "end", the same again. */
  next(): Token {
    while (this.skip(BLANKS) || this.skip(COMMENT));
    const position = this.position();
    const c = this.text[this.at];
    if (c === undefined) return { kind: "end", text: "", quoted: false, position, end: position, problem: null };
    if (c === ";" || c === "{" || c === "}") {
      this.at++;
      return { kind: c, text: c, quoted: false, position, end: this.position(), problem: null };
    }
    const quoted = c === '"' || c === "'";
    this.problem = null;
    const text = unescaped(quoted ? this.quotedWord(c) : this.bareWord());
    return { kind: "word", text, quoted, position, end: this.position(), problem: this.problem };
  }

  private bareWord(): string {
    const { text, at: start } = this;
    for (;;) {
      this.skip(USUAL);
      const c = text[this.at];
      if (c === "\\") this.moveTo(Math.min(this.at + 2, text.length));
      else if (c === "$") this.at += text[this.at + 1] === "{" ? 2 : 1;
      else if (c === "{" && this.at > start && this.quantifier()) continue;
      else return text.slice(start, this.at);
    }
  }

  /** Skips a quantifier, which is a mistake here: `{` ends a word. */
  private quantifier(): boolean {
    const position = this.position();
    if (!this.skip(QUANTIFIER)) return false;
    this.problem ??= { position, message: 'an expression that contains "{" must be quoted' };
    return true;
  }

  /**
   * Reads a quoted word. A quote that never ends would swallow the rest of the file; one without an end before another string
   * would swallow up to that string's start. Both are reported as unterminated, and the word ends at its line's end or `;`.
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
      this.moveTo(rest.exec(this.text)?.index ?? this.text.length);
      return this.text.slice(start, this.at);
    }
    this.moveTo(close + 1);
    if (!endsWord(this.text[this.at])) {
      const [next] = this.text.slice(this.at, this.at + 2);
      const message = `unexpected ${quote(next!)} after a closing quote (expected a blank or ";")`;
      this.problem = { position: this.position(), message };
      this.bareWord(); // skipped: it belongs to no argument
    }
    return this.text.slice(start, close);
  }

  private skip(run: RegExp): boolean {
    run.lastIndex = this.at;
    if (!run.test(this.text)) return false;
    this.moveTo(run.lastIndex);
    return true;
  }

  private moveTo(offset: number): void {
    while (this.lineEnd < offset) {
      this.at = this.columnStart = this.lineEnd;
      this.lineEnd = endOfLine(this.text, this.at + 1);
      this.line++;
    }
    if (this.hasPairs) this.columnStart += secondHalves(this.text.slice(this.at, offset));
    this.at = offset;
  }

  private position(): Position {
    return { file: this.file, line: this.line, column: this.at - this.columnStart };
  }
}

function isBlank(c: string | undefined): boolean {
  return c === " " || c === "\t" || c === "\r" || c === "\n";
}

function endsWord(c: string | undefined): boolean {
  return c === undefined || isBlank(c) || c === ";" || c === "{" || c === "}" || c === ")"; // ")" for `if ($a = "b")`
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end;
}

function secondHalves(text: string): number {
  return text.match(/[\udc00-\udfff]/g)?.length ?? 0;
}

/** Index of the quote that closes the one before `from`; -1 when there is none. */
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
