/** An expression as the program of a machine that tries all ways at once (Thompson 1968; https://swtch.com/~rsc/regexp/regexp2.html). */
import { isNullable, type Node, parseRegex, type Repeat, type Syntax } from "./regex-syntax.ts";

export enum Op {
  Character,
  /** Goes on at `to`, and with less preference at `or`. */
  Split,
  Jump,
  /** Remembers the place as one end of a group: `to` is twice its index, and 1 more for its end. */
  Save,
  /** Forgets the groups [to, or), as each repetition does. */
  Forget,
  /** Begins a repetition that may not be empty. */
  Begin,
  /** Ends it. */
  Check,
  Assert,
  Match,
}

export interface Instruction {
  readonly op: Op;
  to: number;
  or: number;
  /** Of `Character`. */
  readonly test: CharacterTest | null;
  /** Of `Assert`. */
  readonly assertion: Node["kind"] | null;
}

export interface Program {
  readonly instructions: readonly Instruction[];
  readonly syntax: Syntax;
  /** It also matches texts that the expression does not, because it cannot look around or refer to a group. */
  readonly isLoose: boolean;
  /** Which characters `\b` takes for those of words. */
  readonly word: CharacterTest;
}

/** More instructions are not made: `(?:a{1000}){1000}`. */
const MOST_INSTRUCTIONS = 2000;

/** The program of an expression without the flag `m`; null: it repeats what repeats nothing, or is too long. */
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
  /** What looks around is taken to be true, and a reference to be any text. */
  isLoose = false;
  readonly program: Instruction[] = [];
  /** Within a repetition that may not be empty. */
  private mayNotBeEmpty = false;
  private readonly tests = new Map<string, CharacterTest>();

  constructor(private readonly flags: string) {}

  emit(op: Op, to = 0, or = 0): Instruction {
    const instruction: Instruction = { op, to, or, test: null, assertion: null };
    this.program.push(instruction);
    return instruction;
  }

  /** False: there is no program for it. */
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
      case "reference":
        this.isLoose = true;
        return this.addStar({
          kind: "repeat",
          node: ANY,
          least: 0,
          most: Number.POSITIVE_INFINITY,
          isGreedy: true,
          groups: [0, 0],
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
    for (let i = 0; i < repeat.least; i++) if (!this.addBody(repeat, false)) return false;
    const { least, most, node } = repeat;
    if (most === Number.POSITIVE_INFINITY) return this.addStar(repeat);
    const splits: Instruction[] = [];
    for (let i = least; i < most; i++) {
      splits.push(this.emit(Op.Split));
      this.prefer(splits.at(-1)!, repeat);
      if (!this.addBody(repeat, isNullable(node))) return false;
    }
    for (const split of splits) this.leave(split, repeat);
    return true;
  }

  private addStar(repeat: Repeat): boolean {
    const start = this.program.length;
    const split = this.emit(Op.Split);
    this.prefer(split, repeat);
    if (!this.addBody(repeat, isNullable(repeat.node))) return false;
    this.emit(Op.Jump, start);
    this.leave(split, repeat);
    return true;
  }

  /**
   * Once what is repeated. One that may not be empty cannot be within another such one: what the machine may leave out would depend
   * on both.
   *
   * @param mayNotBeEmpty what is not needed must take a character (ECMA-262, RepeatMatcher) */
  private addBody({ node, groups: [first, end] }: Repeat, mayNotBeEmpty: boolean): boolean {
    if (mayNotBeEmpty && this.mayNotBeEmpty) return false;
    this.mayNotBeEmpty ||= mayNotBeEmpty;
    if (mayNotBeEmpty) this.emit(Op.Begin);
    if (end > first) this.emit(Op.Forget, first, end);
    const isDone = this.add(node);
    if (mayNotBeEmpty) this.emit(Op.Check);
    if (mayNotBeEmpty) this.mayNotBeEmpty = false;
    return isDone;
  }

  /** The next instruction is the repetition's way in. */
  private prefer(split: Instruction, { isGreedy }: Repeat): void {
    if (isGreedy) split.to = this.program.length;
    else split.or = this.program.length;
  }

  /** The next instruction is what follows the repetition. */
  private leave(split: Instruction, { isGreedy }: Repeat): void {
    if (isGreedy) split.or = this.program.length;
    else split.to = this.program.length;
  }
}

/** Which characters a literal, escape or class takes: what JavaScriptCore says of each. */
class CharacterTest {
  private readonly regex: RegExp;
  private readonly ascii = new Uint8Array(128);

  constructor(source: string, flags: string) {
    this.regex = new RegExp(`^(?:${source})$`, flags);
    for (let code = 0; code < 128; code++) if (this.regex.test(String.fromCharCode(code))) this.ascii[code] = 1;
  }

  /** @param code a code point; -1, which is beyond an end of the text, is none */
  accepts(code: number): boolean {
    if (code < 0) return false;
    return code < 128 ? this.ascii[code] === 1 : this.regex.test(String.fromCodePoint(code));
  }
}
