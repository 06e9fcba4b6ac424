/**
 * Estimates how long a text may be for JavaScriptCore to match an expression in reasonable time. JavaScriptCore backtracks, and its
 * compiled code has no limit: `^/(.*)/(.*)/(.*)\.php$`, a common expression, held the loop for 59 s with a path of 8,000 characters.
 */
import { isAnchored, type Node, parseRegex, type Repeat } from "./regex-syntax.ts";

/** Most steps that one match may take: some 10 ms. */
const MOST_STEPS = 5_000_000;

/** A repetition up to this count is treated like `?`; a longer one as unlimited. */
const FEW = 4;

/** The number of steps for a text of n characters: factor * n^degree / degree!; null: exponential. */
type Growth = { readonly degree: number; readonly factor: number } | null;

/** The longest text for which an expression certainly stays within MOST_STEPS. 0: none, because steps can double with each character. */
export function longestText(root: Node): number {
  const growth = growthOf(root);
  if (growth === null) return 0;
  const degree = growth.degree + (isAnchored(root) ? 0 : 1);
  if (degree <= 1) return MOST_STEPS;
  let factorial = 1;
  for (let i = 2; i <= degree; i++) factorial *= i;
  return Math.floor(((MOST_STEPS * factorial) / growth.factor) ** (1 / degree));
}

function growthOf(node: Node): Growth {
  switch (node.kind) {
    case "sequence":
    case "choice":
      return node.nodes
        .map(growthOf)
        .reduce(together, { degree: 0, factor: node.kind === "choice" ? node.nodes.length : 1 });
    case "group":
    case "look":
    case "atomic":
      return growthOf(node.node);
    case "repeat":
      return repeated(node);
    case "reference": // as many steps as the group it refers to has characters
      return { degree: 1, factor: 1 };
    default:
      return { degree: 0, factor: 1 };
  }
}

/** The growth of a sequence: each way to match the first combines with each way to match the second. */
function together(a: Growth, b: Growth): Growth {
  return a === null || b === null ? null : { degree: a.degree + b.degree, factor: a.factor * b.factor };
}

/** The growth of a repetition: the ways to match the repeated node multiply. */
function repeated({ node, most }: Repeat): Growth {
  const inner = growthOf(node);
  if (inner === null) return null;
  const { degree, factor } = inner;
  if (isAtomic(node)) return { degree: degree + 1, factor };
  if (most <= FEW) return { degree: degree * most, factor: (factor + 1) ** most };
  const hasOneWay = (degree === 0 && factor === 1) || isDelimited(node) || isDistinct(node);
  return hasOneWay ? { degree: 1, factor: 1 } : null;
}

const isAtomic = (node: Node): boolean => node.kind === "atomic" || (node.kind === "group" && isAtomic(node.node));

/** Whether one character marks where each repetition begins or ends, so that there is only one way to match: `/[^/]+` or `[a-z]+-`. */
function isDelimited(node: Node): boolean {
  if (node.kind === "group") return isDelimited(node.node);
  if (node.kind !== "sequence") return false;
  const [varying, ...others] = node.nodes.filter(({ kind }) => kind !== "character");
  if (varying?.kind !== "repeat" || varying.node.kind !== "character" || others.length > 0) return false;
  const { source } = varying.node;
  return node.nodes.some((one) => one.kind === "character" && isOutside(one.source, source));
}

/** Whether the repeated node is a choice of texts that differ in their first character: `(?:foo|bar)`. */
function isDistinct(node: Node): boolean {
  if (node.kind === "group") return isDistinct(node.node);
  if (node.kind !== "choice") return false;
  const firsts = node.nodes.map(firstOfText);
  return firsts.every((first, i) => first !== null && firsts.indexOf(first) === i);
}

/** The first character, in lower case, of a node that is a plain text; null: it has a choice or begins with a class. */
function firstOfText(node: Node): string | null {
  const nodes = node.kind === "sequence" ? node.nodes : [node];
  const [first] = nodes;
  const isText = nodes.every(({ kind }) => kind === "character");
  return isText && first?.kind === "character" ? (literalOf(first.source)?.toLowerCase() ?? null) : null;
}

/** Whether a literal, in either case, is outside of a class or differs from another literal. */
function isOutside(source: string, characters: string): boolean {
  const literal = literalOf(source);
  return literal !== null && !new RegExp(characters, "iu").test(literal);
}

/** The character that a node's source stands for, or the letter in either case; null: a class, an escape with a letter, or `.`. */
function literalOf(source: string): string | null {
  const letter = /^\[([A-Z])([a-z])\]$/.exec(source);
  if (letter !== null && letter[1]!.toLowerCase() === letter[2]) return letter[2];
  const text = /^\\[^\w]$/u.test(source) ? source[1]! : source;
  return [...text].length === 1 && source !== "." ? text : null;
}

/**
 * The weakness of an expression to warn about. `slow`: the steps of JavaScriptCore can double with each character. `undecided`: in
 * addition, linear-regex.ts cannot replace it, because it has look-around or back-references. null: neither.
 */
export function weaknessOf({ source }: RegExp): "slow" | "undecided" | null {
  const { root } = parseRegex(source);
  if (growthOf(root) !== null) return null;
  return refersElsewhere(root) ? "undecided" : "slow";
}

function refersElsewhere(node: Node): boolean {
  switch (node.kind) {
    case "look":
    case "atomic":
    case "reference":
      return true;
    case "sequence":
    case "choice":
      return node.nodes.some(refersElsewhere);
    case "group":
    case "repeat":
      return refersElsewhere(node.node);
    default:
      return false;
  }
}
