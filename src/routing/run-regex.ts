/**
 * Matches `([a-z0-9]{2000,})` and its like, a run of characters of one class and nothing else, in one pass. Firewall rules have
 * them; linear-regex.ts would need an instruction for each of the 2000.
 */
import { CharacterTest } from "./regex-program.ts";
import type { Node, Syntax } from "./regex-syntax.ts";

export class RunRegex {
  private constructor(
    private readonly test: CharacterTest,
    private readonly least: number,
    private readonly groupCount: number,
  ) {}

  /** null: the expression is something else. */
  static of({ root, groupCount, names }: Syntax, flags: string): RunRegex | null {
    let node: Node = root;
    while (node.kind === "group") node = node.node;
    if (node.kind !== "repeat" || node.node.kind !== "character" || node.least === 0) return null;
    if (!node.isGreedy || node.most !== Number.POSITIVE_INFINITY || names.size > 0 || flags.includes("u")) return null;
    return new RunRegex(new CharacterTest(node.node.source, flags), node.least, groupCount);
  }

  /** As RegExp.exec. Every group is around the whole run. */
  exec(text: string): RegExpExecArray | null {
    for (let start = 0, at = 0; start + this.least <= text.length; start = ++at) {
      while (at < text.length && this.test.accepts(text.charCodeAt(at))) at++;
      if (at - start < this.least) continue;
      const groups = new Array<string>(this.groupCount).fill(text.slice(start, at)) as [string, ...string[]];
      return Object.assign(groups, { index: start, input: text });
    }
    return null;
  }
}
