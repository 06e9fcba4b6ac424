/**
 * A regular expression matcher whose time is proportional to the text, whatever the expression: it follows all alternatives at
 * once, one character at a time (Thompson 1968; Pike's machine, https://swtch.com/~rsc/regexp/regexp2.html). As there, a thread is
 * one alternative. It serves texts that would cost JavaScriptCore too many steps. The results, groups included, are those of PCRE: a
 * group keeps its text where a later repetition does without it, and a repetition that was empty is the last (see regex-groups.ts).
 */
import { compileProgram, type Instruction, Op, type Program } from "./regex-program.ts";
import { isAnchored, type Node } from "./regex-syntax.ts";

/** Positions of the groups in a thread, the latest first. */
interface Saved {
  readonly slot: number;
  readonly at: number;
  readonly before: Saved | null;
}

/** Starts of the repetitions that enclose the instruction, the innermost first. */
interface Begun {
  readonly at: number;
  readonly around: Begun | null;
}

/** The threads that wait for the next character, in order of preference. */
interface Threads {
  readonly pcs: number[];
  readonly saved: (Saved | null)[];
  readonly begun: (Begun | null)[];
}

export class LinearRegex {
  private readonly instructions: readonly Instruction[];
  private readonly isAnchored: boolean;
  /**
   * The position at which a thread last reached an instruction, plus 1. Two entries per instruction: for threads that have taken a
   * character in the enclosing repetition, and for those that must still take one.
   */
  private readonly seen: Uint32Array;
  private text = "";
  private threads: Threads = noThreads();
  private next: Threads = noThreads();

  private constructor(private readonly program: Program) {
    this.instructions = program.instructions;
    this.isAnchored = isAnchored(program.syntax.root);
    this.seen = new Uint32Array(2 * this.instructions.length);
  }

  /** Compiles an expression without the flag `m`. Null: see compileProgram. */
  static of(regex: RegExp): LinearRegex | null {
    const program = compileProgram(regex);
    return program === null ? null : new LinearRegex(program);
  }

  /** Whether it may match texts that the expression does not. Then only a failed match is certain. */
  get isLoose(): boolean {
    return this.program.isLoose;
  }

  /** Upper limit of the steps for a text: each character can lead to each instruction. */
  steps(text: string): number {
    return text.length * this.instructions.length;
  }

  /** As RegExp.exec. */
  exec(text: string): RegExpExecArray | null {
    this.text = text;
    this.seen.fill(0);
    empty(this.threads);
    let found: Saved | null | undefined;
    for (let at = 0; ; ) {
      if (found === undefined && (at === 0 || !this.isAnchored)) this.follow(this.threads, 0, at, null, null);
      if (this.threads.pcs.length === 0 && (found !== undefined || this.isAnchored)) break;
      const code = text.codePointAt(at) ?? -1;
      const end = code > 0xffff ? at + 2 : at + 1;
      const match = this.step(code, end);
      if (match !== undefined) found = match;
      if (code < 0) break;
      at = end;
      [this.threads, this.next] = [this.next, this.threads];
    }
    return found === undefined ? null : this.result(found);
  }

  /** Advances every thread by one character (-1: the end of the text). Gives the groups of the most preferred thread that matched; undefined: none did. */
  private step(code: number, end: number): Saved | null | undefined {
    const { pcs, saved, begun } = this.threads;
    empty(this.next);
    for (let i = 0; i < pcs.length; i++) {
      const { op, test } = this.instructions[pcs[i]!]!;
      if (op === Op.Match) return saved[i]!;
      if (test!.accepts(code)) this.follow(this.next, pcs[i]! + 1, end, saved[i]!, begun[i]!);
    }
    return undefined;
  }

  /** Follows a thread up to its next character. A thread stops where a preferred one has been, because it can add nothing. */
  private follow(threads: Threads, start: number, at: number, before: Saved | null, around: Begun | null): void {
    let saved = before;
    let begun = around;
    for (let pc = start; ; ) {
      const state = begun?.at === at ? 2 * pc + 1 : 2 * pc;
      if (this.seen[state] === at + 1) return;
      this.seen[state] = at + 1;
      const instruction = this.instructions[pc]!;
      pc++;
      switch (instruction.op) {
        case Op.Character:
        case Op.Match:
          threads.pcs.push(pc - 1);
          threads.saved.push(saved);
          threads.begun.push(begun);
          return;
        case Op.Split:
          this.follow(threads, instruction.to, at, saved, begun);
          pc = instruction.or;
          break;
        case Op.Jump:
          pc = instruction.to;
          break;
        case Op.Save:
          saved = { slot: instruction.to, at, before: saved };
          break;
        case Op.Begin:
          begun = { at, around: begun };
          break;
        case Op.Check:
          if (begun!.at === at) pc = instruction.to;
          begun = begun!.around;
          break;
        case Op.Assert:
          if (!this.holds(instruction.assertion!, at)) return;
      }
    }
  }

  private holds(assertion: Node["kind"], at: number): boolean {
    if (assertion === "start") return at === 0;
    if (assertion === "end") return at === this.text.length;
    if (assertion === "end of line")
      return at === this.text.length || (at === this.text.length - 1 && this.text.endsWith("\n"));
    const { word } = this.program;
    const before = at > 0 ? this.text.charCodeAt(at - 1) : -1;
    const after = at < this.text.length ? this.text.charCodeAt(at) : -1;
    return (word.accepts(before) !== word.accepts(after)) === (assertion === "boundary");
  }

  private result(found: Saved | null): RegExpExecArray {
    const { groupCount, names } = this.program.syntax;
    const places = new Array<number | undefined>(2 * groupCount);
    for (let one = found; one !== null; one = one.before) places[one.slot] ??= one.at;
    const groups = Array.from({ length: groupCount }, (_, i) =>
      (places[2 * i] ?? -1) < 0 ? undefined : this.text.slice(places[2 * i], places[2 * i + 1]),
    );
    const result = Object.assign(groups as [string, ...string[]], { index: places[0]!, input: this.text });
    if (names.size === 0) return result;
    return Object.assign(result, { groups: Object.fromEntries([...names].map(([name, i]) => [name, groups[i]!])) });
  }
}

const noThreads = (): Threads => ({ pcs: [], saved: [], begun: [] });

function empty(threads: Threads): void {
  threads.pcs.length = threads.saved.length = threads.begun.length = 0;
}
