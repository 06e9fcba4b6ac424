/** Compiles an expression to a program for linear-regex.ts (Thompson 1968; https://swtch.com/~rsc/regexp/regexp2.html). */
import { isNullable, type Node, parseRegex, type Repeat, type Syntax } from "./regex-syntax.ts";

export enum Op {
  Character,
  /** Continues at `to`, and with less preference at `or`. */
  Split,
  Jump,
  /** Stores the position as one end of a group: `to` is twice the group's index, plus 1 for the group's end. */
  Save,
  /** Begins a repetition that may be empty. */
  Begin,
  /** Ends it. If it was empty, it is the last: `to` is behind all. */
  Check,
  Assert,
  Match,
}

export interface Instruction {
  readonly op: Op;
  to: number;
  or: number;
  /** Set for `Character`. */
  readonly test: CharacterTest | null;
  /** Set for `Assert`. */
  readonly assertion: Node["kind"] | null;
}

export interface Program {
  readonly instructions: readonly Instruction[];
  readonly syntax: Syntax;
  /** Whether it also matches texts that the expression does not, because it ignores look-around and back-references. */
  readonly isLoose: boolean;
  /** The characters that `\b` counts as part of a word. */
  readonly word: CharacterTest;
}

/** Most instructions of a program; `(?:a{1000}){1000}` would need more. */
const MOST_INSTRUCTIONS = 2000;

/** Compiles an expression without the flag `m`. Null: it nests repetitions that may be empty, or needs too many instructions. */
export function compileProgram({ source, flags }: RegExp): Program | null {
  const syntax = parseRegex(source);
  const compiler = new Compiler(flags);
  const isDone = compiler.add({ kind: "group", index: 0, node: syntax.root });
  if (!isDone) return null;
  compiler.emit(Op.Save, 1);
  compiler.emit(Op.Match);
  return { instructions: compiler.program, syntax, isLoose: compiler.isLoose, word: new CharacterTest("\\w", flags) };
}

const ANY: Node = { kind: "character", source: "[^]" };

class Compiler {
  /** Look-around is treated as true, and a back-reference as any text. */
  isLoose = false;
  readonly program: Instruction[] = [];
  /** Whether the compiler is within an unlimited repetition that may be empty. */
  private mayBeEmpty = false;
  private readonly tests = new Map<string, CharacterTest>();

  constructor(private readonly flags: string) {}

  emit(op: Op, to = 0, or = 0): Instruction {
    const instruction: Instruction = { op, to, or, test: null, assertion: null };
    this.program.push(instruction);
    return instruction;
  }

  /** Adds the instructions of a node; false: impossible. */
  add(node: Node): boolean {
    if (this.program.length > MOST_INSTRUCTIONS) return false;
    switch (node.kind) {
      case "character":
        this.program.push({ op: Op.Character, to: 0, or: 0, test: this.test(node.source), assertion: null });
        return true;
      case "sequence":
        return node.nodes.every((one) => this.add(one));
      case "choice":
        return this.addChoice(node.nodes);
      case "group":
        return this.addGroup(node.index, node.node);
      case "repeat":
        return this.addRepeat(node);
      case "look":
        this.isLoose = true;
        return true;
      case "atomic":
        this.isLoose = true;
        return this.add(node.node);
      case "reference":
        this.isLoose = true;
        return this.addStar({
          kind: "repeat",
          node: ANY,
          least: 0,
          most: Number.POSITIVE_INFINITY,
          isGreedy: true,
          groupCount: 0,
        });
      default:
        this.program.push({ op: Op.Assert, to: 0, or: 0, test: null, assertion: node.kind });
        return true;
    }
  }

  private test(source: string): CharacterTest {
    let test = this.tests.get(source);
    if (test === undefined) this.tests.set(source, (test = new CharacterTest(source, this.flags)));
    return test;
  }

  private addChoice(nodes: readonly Node[]): boolean {
    const jumps: Instruction[] = [];
    for (const node of nodes.slice(0, -1)) {
      const split = this.emit(Op.Split, this.program.length + 1);
      if (!this.add(node)) return false;
      jumps.push(this.emit(Op.Jump));
      split.or = this.program.length;
    }
    if (!this.add(nodes.at(-1)!)) return false;
    for (const jump of jumps) jump.to = this.program.length;
    return true;
  }

  private addGroup(index: number, node: Node): boolean {
    if (index === 0 && this.program.length > 0) return this.add(node);
    this.emit(Op.Save, 2 * index);
    const isDone = this.add(node);
    if (index > 0) this.emit(Op.Save, 2 * index + 1);
    return isDone;
  }

  private addRepeat(repeat: Repeat): boolean {
    const { node, least, most } = repeat;
    for (let i = 0; i < least; i++) if (!this.add(node)) return false;
    if (most === Number.POSITIVE_INFINITY) return this.addStar(repeat);
    const splits: Instruction[] = [];
    for (let i = least; i < most; i++) {
      splits.push(this.emit(Op.Split));
      this.prefer(splits.at(-1)!, repeat);
      if (!this.add(node)) return false;
    }
    for (const split of splits) this.leave(split, repeat);
    return true;
  }

  /** A repetition that may be empty cannot be nested in another such one: whether a thread may be dropped would depend on both. */
  private addStar(repeat: Repeat): boolean {
    const { node } = repeat;
    const mayBeEmpty = isNullable(node);
    if (mayBeEmpty && this.mayBeEmpty) return false;
    this.mayBeEmpty ||= mayBeEmpty;
    const start = this.program.length;
    const split = this.emit(Op.Split);
    this.prefer(split, repeat);
    if (mayBeEmpty) this.emit(Op.Begin);
    if (!this.add(node)) return false;
    const check = mayBeEmpty ? this.emit(Op.Check) : null;
    this.emit(Op.Jump, start);
    this.leave(split, repeat);
    if (check !== null) [check.to, this.mayBeEmpty] = [this.program.length, false];
    return true;
  }

  /** Makes the next instruction the one that enters the repetition. */
  private prefer(split: Instruction, { isGreedy }: Repeat): void {
    if (isGreedy) split.to = this.program.length;
    else split.or = this.program.length;
  }

  /** Makes the next instruction the one that leaves the repetition. */
  private leave(split: Instruction, { isGreedy }: Repeat): void {
    if (isGreedy) split.or = this.program.length;
    else split.to = this.program.length;
  }
}

/** Tests whether a literal, escape or class matches a character, by asking JavaScriptCore. */
export class CharacterTest {
  private readonly regex: RegExp;
  private readonly ascii = new Uint8Array(128);

  constructor(source: string, flags: string) {
    this.regex = new RegExp(`^(?:${source})$`, flags);
    for (let code = 0; code < 128; code++) if (this.regex.test(String.fromCharCode(code))) this.ascii[code] = 1;
  }

  /** @param code a code point; -1 (the end of the text) is never accepted */
  accepts(code: number): boolean {
    if (code < 0) return false;
    return code < 128 ? this.ascii[code] === 1 : this.regex.test(String.fromCodePoint(code));
  }
}
