/** Writes an expression of PCRE as JavaScript has it. */
import { ATOMIC_NUMBER, groupLabel } from "../regex-labels.ts";
import { type Characters, classText, LAST_BYTE, LAST_CODE_POINT, overlap, union } from "./characters.ts";
import { checkGroups, mayBeEmpty } from "./groups.ts";
import type { Expression, Node, Repeat } from "./syntax.ts";

/** Compiles the expression. Throws ExpressionError for what cannot be said in JavaScript. */
export function toRegExp(expression: Expression): RegExp {
  const { isUnicode, ignoresCase } = expression;
  const most = isUnicode ? LAST_CODE_POINT : LAST_BYTE;
  const root = settled(expression.root, [], [[0, most]]);
  checkGroups({ ...expression, root });
  const isLabelled = expression.sharesNumbers || hasAtomic(root);
  return new RegExp(new Writer(most, isLabelled).write(root), isUnicode ? (ignoresCase ? "iu" : "u") : "");
}

/** What a node can begin with, and whether what follows it can stand there instead; at the end of the text nothing does. */
interface First {
  readonly set: Characters;
  readonly isNullable: boolean;
}

function firstOf(node: Node, all: Characters): First {
  switch (node.kind) {
    case "character":
      return { set: node.set, isNullable: false };
    case "assertion":
      return { set: node.isEnd ? [] : all, isNullable: !node.isEnd };
    case "sequence":
      return {
        set: followOf(node.nodes, [], all),
        isNullable: node.nodes.every((one) => firstOf(one, all).isNullable),
      };
    case "choice": {
      const firsts = node.nodes.map((one) => firstOf(one, all));
      return { set: union(...firsts.map(({ set }) => set)), isNullable: firsts.some((one) => one.isNullable) };
    }
    case "group":
    case "atomic":
      return firstOf(node.node, all);
    case "repeat": {
      const { set, isNullable } = firstOf(node.node, all);
      return { set, isNullable: isNullable || node.least === 0 };
    }
    default:
      return { set: all, isNullable: true };
  }
}

/** What the text of `nodes`, and then of `rest`, can begin with. */
function followOf(nodes: readonly Node[], rest: Characters, all: Characters): Characters {
  const sets: Characters[] = [];
  for (const node of nodes) {
    const { set, isNullable } = firstOf(node, all);
    sets.push(set);
    if (!isNullable) return union(...sets);
  }
  return union(...sets, rest);
}

/**
 * The tree with possessive repetitions as plain ones, where what follows could not match anything they would give back, and else
 * as atomic groups. @param follow what can follow the node; at the end of the expression nothing asks for anything back
 */
function settled(node: Node, follow: Characters, all: Characters): Node {
  switch (node.kind) {
    case "sequence": {
      let behind = follow;
      const nodes = node.nodes.toReversed().map((one) => {
        const done = settled(one, behind, all);
        behind = followOf([one], behind, all);
        return done;
      });
      return { ...node, nodes: nodes.reverse() };
    }
    case "choice":
      return { ...node, nodes: node.nodes.map((one) => settled(one, follow, all)) };
    case "group":
      return { ...node, node: settled(node.node, follow, all) };
    case "look":
    case "atomic":
      return { ...node, node: settled(node.node, all, all) };
    case "repeat":
      return settledRepeat(node, follow, all);
    default:
      return node;
  }
}

function settledRepeat(repeat: Repeat, follow: Characters, all: Characters): Node {
  const { node, most, how } = repeat;
  if (how !== "possessive") {
    const around = most > 1 ? union(follow, followOf([node], all, all)) : follow;
    return { ...repeat, node: settled(node, around, all) };
  }
  const greedy: Repeat = { ...repeat, node: settled(node, all, all), how: "greedy" };
  const isPlain = node.kind === "character" && most === Number.POSITIVE_INFINITY && !overlap(node.set, follow);
  return isPlain ? greedy : { kind: "atomic", node: greedy };
}

function hasAtomic(node: Node): boolean {
  if (node.kind === "atomic") return true;
  if ("nodes" in node) return node.nodes.some(hasAtomic);
  return "node" in node && hasAtomic(node.node);
}

class Writer {
  /** The labels of the groups by their numbers. */
  private readonly labels = new Map<number, string[]>();
  private count = 0;

  /** @param isLabelled groups have names that tell their numbers: JavaScript counts others than PCRE */
  constructor(
    private readonly most: number,
    private readonly isLabelled: boolean,
  ) {}

  write(node: Node): string {
    switch (node.kind) {
      case "character":
        return classText(node.set, this.most);
      case "assertion":
        return node.text;
      case "sequence":
        return node.nodes.map((one) => (one.kind === "choice" ? `(?:${this.write(one)})` : this.write(one))).join("");
      case "choice":
        return node.nodes.map((one) => (one.kind === "choice" ? `(?:${this.write(one)})` : this.write(one))).join("|");
      case "group": {
        const label = this.isLabelled ? this.label(node.number, node.name) : node.name;
        return `(${label === null ? "" : `?<${label}>`}${this.write(node.node)})`;
      }
      case "look":
        return `${node.start}${this.write(node.node)})`;
      case "atomic": {
        const label = this.label(ATOMIC_NUMBER, null);
        return `(?=(?<${label}>${this.write(node.node)}))\\k<${label}>`;
      }
      case "repeat":
        return this.repeat(node);
      case "reference": {
        const labels = this.labels.get(node.number)?.map((label) => `\\k<${label}>`) ?? [`\\${node.number}`];
        return `(?${node.ignoresCase ? "i" : ""}:${labels.join("")})`;
      }
    }
  }

  private label(number: number, name: string | null): string {
    const label = groupLabel(number, ++this.count, name);
    this.labels.set(number, [...(this.labels.get(number) ?? []), label]);
    return label;
  }

  private repeat({ node, least, most, how }: Repeat): string {
    const text = this.write(node);
    // JavaScript does not try an empty `?`.
    if (least === 0 && most === 1 && mayBeEmpty(node)) return how === "lazy" ? `(?:|${text})` : `(?:${text}|)`;
    const isOne = node.kind === "character" || node.kind === "group";
    return (isOne ? text : `(?:${text})`) + quantifier(least, most) + (how === "lazy" ? "?" : "");
  }
}

function quantifier(least: number, most: number): string {
  if (most === Number.POSITIVE_INFINITY) return least === 0 ? "*" : least === 1 ? "+" : `{${least},}`;
  if (most === 1) return least === 0 ? "?" : "{1}";
  return most === least ? `{${least}}` : `{${least},${most}}`;
}
