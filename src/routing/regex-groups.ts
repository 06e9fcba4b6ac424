/** Where the groups of an expression can have other texts in JavaScript than in PCRE. */
import { isNullable, type Node } from "./regex-syntax.ts";

/**
 * Whether an expression repeats a group that a repetition may do without, as in `(?:(a)|b)*`: JavaScript forgets its text then, and
 * PCRE keeps it. Or it repeats what may be empty, as in `(a*)*`: JavaScript does not try an empty repetition, for PCRE it is the last.
 */
export function hasOtherGroups(node: Node): boolean {
  switch (node.kind) {
    case "sequence":
    case "choice":
      return node.nodes.some(hasOtherGroups);
    case "group":
    case "look":
    case "atomic":
      return hasOtherGroups(node.node);
    case "repeat":
      if (isNullable(node.node) && (node.most > 1 || node.least === 0)) return true;
      if (node.most > 1 && certainGroups(node.node).size < node.groupCount) return true;
      return hasOtherGroups(node.node);
    default:
      return false;
  }
}

/** The groups that have a text whenever the node has matched. */
function certainGroups(node: Node): ReadonlySet<number> {
  switch (node.kind) {
    case "sequence":
      return new Set(node.nodes.flatMap((one) => [...certainGroups(one)]));
    case "choice":
      return node.nodes.map(certainGroups).reduce(common);
    case "group": {
      const inner = certainGroups(node.node);
      return node.index === 0 ? inner : new Set([...inner, node.index]);
    }
    case "atomic":
      return certainGroups(node.node);
    case "repeat":
      return node.least > 0 ? certainGroups(node.node) : new Set();
    default:
      return new Set();
  }
}

const common = (one: ReadonlySet<number>, other: ReadonlySet<number>): ReadonlySet<number> =>
  new Set([...one].filter((index) => other.has(index)));
