/** A regular expression of PCRE as a tree. */
import type { Characters } from "./characters.ts";

export type Node =
  /** One character. The set has both cases of ASCII letters where case is ignored. */
  | { readonly kind: "character"; readonly set: Characters }
  /** What takes no character. `text`: how JavaScript writes it. */
  | { readonly kind: "assertion"; readonly text: string; readonly isEnd: boolean }
  | { readonly kind: "sequence" | "choice"; readonly nodes: readonly Node[] }
  | Group
  | { readonly kind: "look"; readonly start: "(?=" | "(?!" | "(?<=" | "(?<!"; readonly node: Node }
  /** What has matched is not tried in another way: `(?>a+)`. */
  | { readonly kind: "atomic"; readonly node: Node }
  | Repeat
  | { readonly kind: "reference"; readonly number: number; readonly ignoresCase: boolean; readonly at: number };

/** A group whose text is kept. */
interface Group {
  readonly kind: "group";
  readonly number: number;
  readonly name: string | null;
  readonly node: Node;
}

export interface Repeat {
  readonly kind: "repeat";
  readonly node: Node;
  readonly least: number;
  readonly most: number;
  readonly how: "greedy" | "lazy" | "possessive";
  /** Where it is in the text. */
  readonly at: number;
}

export interface Expression {
  readonly root: Node;
  /** It matches code points, not bytes: it begins with (*UTF). */
  readonly isUnicode: boolean;
  /** Of code points: other letters too are in either case. */
  readonly ignoresCase: boolean;
  /** Several groups have the same number: `(?|(a)|(b))`. */
  readonly sharesNumbers: boolean;
}

/** What is wrong with an expression, and where: an index into its text. */
export class ExpressionError extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

export const EMPTY: Node = { kind: "sequence", nodes: [] };
export const assertion = (text: string, isEnd = false): Node => ({ kind: "assertion", text, isEnd });
