/** Refuses what would give groups other texts in JavaScript than in PCRE. */
import { type Expression, ExpressionError, type Node } from "./syntax.ts";

export function checkGroups({ root, sharesNumbers }: Expression): void {
  checkReferences(root, new Set());
  checkRepeated(root, !sharesNumbers && !looksAround(root), false);
}

/**
 * Checks that each group that is referred to has matched before: else JavaScript takes the reference for an empty text, where
 * PCRE has no match. Gives the groups that have certainly matched behind the node. @param before those before it
 */
function checkReferences(node: Node, before: ReadonlySet<number>): ReadonlySet<number> {
  switch (node.kind) {
    case "reference":
      if (before.has(node.number)) return before;
      throw new ExpressionError(
        `a reference to group ${node.number}, which may not have matched, is not supported`,
        node.at,
      );
    case "sequence":
      return node.nodes.reduce((known, one) => checkReferences(one, known), before);
    case "choice":
      return node.nodes.map((one) => checkReferences(one, before)).reduce(common);
    case "group":
      return new Set([...checkReferences(node.node, before), node.number]);
    case "repeat": {
      const after = checkReferences(node.node, before);
      return node.least > 0 ? after : before;
    }
    case "look": {
      const after = checkReferences(node.node, before);
      return node.start.endsWith("!") ? before : after;
    }
    case "atomic":
      return checkReferences(node.node, before);
    default:
      return before;
  }
}

/** Whether linear-regex.ts, whose groups are those of PCRE, cannot decide it alone. */
function looksAround(node: Node): boolean {
  switch (node.kind) {
    case "look":
    case "atomic":
    case "reference":
      return true;
    case "assertion":
      return node.text.includes("(?") && !node.isEnd;
    case "sequence":
    case "choice":
      return node.nodes.some(looksAround);
    case "group":
    case "repeat":
      return looksAround(node.node);
    default:
      return false;
  }
}

/**
 * Checks that no repetition is empty or leaves out a group, where linear-regex.ts cannot match it (see routing/regex-groups.ts).
 * @param within a repetition without limit, which may be empty, is around: that machine has no nested ones
 */
function checkRepeated(node: Node, isAlone: boolean, within: boolean): void {
  if (node.kind === "look" && node.start.endsWith("!")) return; // its groups have no texts
  let mayBeEmpty = false;
  if (node.kind === "repeat" && node.most > 1) {
    const { certain, all, isNullable } = groupsOf(node.node);
    mayBeEmpty = isNullable && node.most === Number.POSITIVE_INFINITY;
    if (mayBeEmpty && within)
      throw new ExpressionError(`${REPEATS} that may be empty, in another such one, ${UNABLE}`, node.at);
    if (!isAlone && isNullable)
      throw new ExpressionError(
        `${REPEATS} that may be empty, beside look-around, (?| or a reference, ${UNABLE}`,
        node.at,
      );
    if (!isAlone && certain.size < all)
      throw new ExpressionError(
        `${REPEATS} that may leave out a group, beside look-around, (?| or a reference, ${UNABLE}: write (?:...) if its text is not needed`,
        node.at,
      );
  }
  const inner = within || mayBeEmpty;
  if ("nodes" in node) for (const one of node.nodes) checkRepeated(one, isAlone, inner);
  else if ("node" in node) checkRepeated(node.node, isAlone, inner);
}

const REPEATS = "a repetition of something";
const UNABLE = "is not supported";

export const mayBeEmpty = (node: Node): boolean => groupsOf(node).isNullable;

interface Groups {
  /** The groups that have a text whenever the node has matched. */
  readonly certain: ReadonlySet<number>;
  /** Number of groups. */
  readonly all: number;
  readonly isNullable: boolean;
}

const NO_GROUPS: ReadonlySet<number> = new Set();

function groupsOf(node: Node): Groups {
  switch (node.kind) {
    case "sequence":
    case "choice": {
      const parts = node.nodes.map(groupsOf);
      const all = parts.reduce((sum, part) => sum + part.all, 0);
      const sets = parts.map(({ certain }) => certain);
      return node.kind === "sequence"
        ? { certain: new Set(sets.flatMap((one) => [...one])), all, isNullable: parts.every((part) => part.isNullable) }
        : { certain: sets.reduce(common), all, isNullable: parts.some((part) => part.isNullable) };
    }
    case "group": {
      const inner = groupsOf(node.node);
      return { ...inner, certain: new Set([...inner.certain, node.number]), all: inner.all + 1 };
    }
    case "repeat": {
      const inner = groupsOf(node.node);
      return node.least > 0 ? inner : { certain: NO_GROUPS, all: inner.all, isNullable: true };
    }
    case "atomic":
      return groupsOf(node.node);
    case "look":
      return node.start.endsWith("!")
        ? { certain: NO_GROUPS, all: 0, isNullable: true }
        : { ...groupsOf(node.node), isNullable: true };
    default:
      return { certain: NO_GROUPS, all: 0, isNullable: node.kind !== "character" };
  }
}

const common = (a: ReadonlySet<number>, b: ReadonlySet<number>): ReadonlySet<number> =>
  new Set([...a].filter((number) => b.has(number)));
