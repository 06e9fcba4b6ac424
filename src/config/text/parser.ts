/**
 * Parses tokens to a tree of directives and resolves includes. After a mistake it continues at the next `;` or `}`, so that one
 * run finds all mistakes. Every directive that contains a mistake is marked `broken`.
 */

import type { Sources } from "../files.ts";
import type { Position } from "../parts.ts";
import type { Diagnostics } from "./diagnostics.ts";
import { elsewhere, quote } from "./diagnostics.ts";
import type { Token } from "./lexer.ts";
import { Lexer } from "./lexer.ts";

export interface Word {
  readonly text: string;
  readonly position: Position;
}

export interface Directive {
  readonly name: string;
  readonly position: Position;
  readonly args: readonly Word[];
  /** null: it ended with `;`. */
  readonly block: readonly Directive[] | null;
  /** Whether it or something beneath it contains a mistake. */
  readonly broken: boolean;
  /** Its `;` is missing, so the number of its arguments is meaningless. */
  readonly unfinished: boolean;
}

/** Most levels of nested blocks or includes; deeper ones are reported as mistakes. */
const MAX_DEPTH = 32;
const MAX_INCLUDE_DEPTH = 16;

/** What all files of one run share. */
interface ParserContext {
  readonly diagnostics: Diagnostics;
  readonly sources: Sources;
  /** Whether a word is the name of a directive. Used to tell a forgotten `;` from one more argument. */
  readonly isDirective: (word: string) => boolean;
}

/** A directive that is still being read. */
interface Open {
  readonly name: Token;
  broken: boolean;
}

/** The directives of `text`. `file` is its name in positions and for detecting recursion. */
export function parse(text: string, file: string, context: ParserContext): Directive[] {
  return new Parser(text, context, [file], []).directives(null);
}

class Parser {
  private readonly lexer: Lexer;
  private current: Token;
  private following: Token;

  /** @param files the files being read, the innermost last  @param open the enclosing directives, outermost first */
  constructor(
    text: string,
    private readonly context: ParserContext,
    private readonly files: readonly string[],
    private readonly open: Open[],
  ) {
    this.lexer = new Lexer(text, files.at(-1)!);
    this.current = this.lexer.next();
    this.following = this.lexer.next();
  }

  /** The directives up to the `}` of `block`, or to the end of the file if `block` is null. */
  directives(block: Token | null): Directive[] {
    const found: Directive[] = [];
    for (;;) {
      const token = this.take();
      if (token.kind === "word") this.directive(token, found);
      else if (token.kind === "}" && block !== null) return found;
      else if (token.kind === "end") {
        if (block !== null) this.error(token.position, missingBrace(block, token.position));
        return found;
      } else this.stray(token);
    }
  }

  private stray(token: Token): void {
    if (token.kind === "}") return this.error(token.position, 'unexpected "}" (no block is open here)');
    this.error(token.position, `unexpected "${token.kind}" (expected a directive)`);
    if (token.kind === "{") this.skipBlock();
  }

  private directive(name: Token, found: Directive[]): void {
    const open: Open = { name, broken: false };
    this.open.push(open);
    this.report(name);
    const args = this.arguments(name);
    const block = this.peek().kind === "{" ? this.block(name) : null;
    const unfinished = block === null && this.peek().kind !== ";";
    if (block === null && !unfinished) this.take();
    if (name.text === "include" && block === null) for (const one of this.include(name, args)) found.push(one);
    else found.push({ name: name.text, position: name.position, args, block, broken: open.broken, unfinished });
    this.open.pop();
  }

  /** The words up to `;` or `{`, which is not consumed; reports a missing `;`. */
  private arguments(name: Token): Word[] {
    const args: Word[] = [];
    for (let last = name; ; last = this.take()) {
      const next = this.peek();
      if (next.kind === ";" || next.kind === "{") return args;
      if (next.kind !== "word" || this.startsDirective(last, next)) {
        const before = args.length === 0 ? name.text : `${name.text} ${args.map((arg) => arg.text).join(" ")}`;
        this.error(last.end, `missing ";" after ${quote(before)}`);
        return args;
      }
      this.report(next);
      args.push({ text: next.text, position: next.position });
    }
  }

  /** Whether a word begins a new directive because the `;` before it was forgotten: a known name at the start of a line, with more words after it. */
  private startsDirective(last: Token, word: Token): boolean {
    if (word.quoted || word.position.line === last.end.line || !this.context.isDirective(word.text)) return false;
    const behind = this.following;
    return behind.kind === "{" || (behind.kind === "word" && behind.position.line === word.position.line);
  }

  private block(name: Token): readonly Directive[] {
    this.take();
    if (this.open.length <= MAX_DEPTH) return this.directives(name);
    this.error(name.position, `blocks are nested deeper than ${MAX_DEPTH}`);
    this.skipBlock();
    return [];
  }

  /** Called after a `{`: skips to after its `}`. */
  private skipBlock(): void {
    for (let depth = 1; depth > 0; ) {
      const { kind } = this.peek();
      if (kind === "end") return;
      if (kind === "{") depth++;
      if (kind === "}") depth--;
      this.take();
    }
  }

  private include(name: Token, args: readonly Word[]): Directive[] {
    const [pattern] = args;
    if (args.length !== 1 || pattern!.text === "") {
      this.error(name.position, `"include" takes 1 argument (FILE), not ${args.length}`);
      return [];
    }
    return this.context.sources.resolve(pattern!.text).flatMap((file) => this.includeFile(file, pattern!));
  }

  private includeFile(file: string, pattern: Word): Directive[] {
    const text = this.refuseRecursion(file) ?? this.context.sources.read(file);
    if (text.error === null) {
      return new Parser(text.text, this.context, [...this.files, file], this.open).directives(null);
    }
    this.error(text.at ?? pattern.position, text.at ? text.error : `cannot include ${quote(file)}: ${text.error}`);
    return [];
  }

  private refuseRecursion(file: string): { error: string; text: ""; at: null } | null {
    if (this.files.includes(file)) {
      const chain = [...this.files.slice(this.files.indexOf(file)), file].join(" -> ");
      return { error: `it includes itself (${chain})`, text: "", at: null };
    }
    if (this.files.length <= MAX_INCLUDE_DEPTH) return null;
    return { error: `includes are nested deeper than ${MAX_INCLUDE_DEPTH}`, text: "", at: null };
  }

  private peek(): Token {
    return this.current;
  }

  /** Consumes the next token; the last one, "end", is given again and again. */
  private take(): Token {
    const token = this.current;
    this.current = this.following;
    this.following = this.lexer.next();
    return token;
  }

  private report(token: Token): void {
    if (token.problem !== null) this.error(token.problem.position, token.problem.message);
  }

  private error(position: Position, message: string): void {
    const inServer = this.open.some(({ name }) => name.text === "server");
    this.context.diagnostics.error(position, message, inServer);
    for (const open of this.open) open.broken = true;
  }
}

function missingBrace(block: Token, end: Position): string {
  return `missing "}": the block ${quote(block.text)} opened on ${elsewhere(block.position, end)} is not closed`;
}
