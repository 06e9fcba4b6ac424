/**
 * How long a text may be for an expression to be left to JavaScriptCore, which tries one way after the other. Its compiled code
 * knows no limit: `^/(.*)/(.*)/(.*)\.php$`, a usual expression, held the loop for 59 s with a path of 8,000 characters.
 */
import { isAnchored, type Node, type Repeat } from "./regex-syntax.ts";

/** Steps that one text may cost: some 10 ms. */
const MOST_STEPS = 5_000_000;

/** A repetition up to this is like a question mark; a longer one is taken for one without end. */
const FEW = 4;

/** What the number of steps for a text of n characters is made of: factor * n^degree / degree!; null: more than any power of n. */
type Growth = { readonly degree: number; readonly factor: number } | null;

/** The longest text for which an expression surely stays within its steps. 0: none, for the steps can double with each character. */
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
      return growthOf(node.node);
    case "repeat":
      return repeated(node);
    case "reference": // as many steps as the group that it repeats has characters
      return { degree: 1, factor: 1 };
    default:
      return { degree: 0, factor: 1 };
  }
}

/** One after the other, each way of the one with each way of the other. */
function together(a: Growth, b: Growth): Growth {
  return a === null || b === null ? null : { degree: a.degree + b.degree, factor: a.factor * b.factor };
}

/** Ways within what is repeated multiply with each repetition. */
function repeated({ node, most }: Repeat): Growth {
  const inner = growthOf(node);
  if (inner === null) return null;
  const { degree, factor } = inner;
  if (most <= FEW) return { degree: degree * most, factor: (factor + 1) ** most };
  const hasOneWay = (degree === 0 && factor === 1) || isDelimited(node);
  return hasOneWay ? { degree: 1, factor: 1 } : null;
}

/** Whether a character says where each repetition begins or ends, so that there is one way only: `/[^/]+` or `[a-z]+-`. */
function isDelimited(node: Node): boolean {
  if (node.kind === "group") return isDelimited(node.node);
  if (node.kind !== "sequence") return false;
  const [varying, ...others] = node.nodes.filter(({ kind }) => kind !== "character");
  if (varying?.kind !== "repeat" || varying.node.kind !== "character" || others.length > 0) return false;
  const { source } = varying.node;
  return node.nodes.some((one) => one.kind === "character" && isOutside(one.source, source));
}

/** Whether a literal is none of the characters of a class or another literal, in small and in capital letters. */
function isOutside(literal: string, characters: string): boolean {
  const text = /^\\[^\w]$/u.test(literal) ? literal[1]! : literal;
  return [...text].length === 1 && literal !== "." && !new RegExp(characters, "iu").test(text);
}
