/**
 * Parses a JavaScript regular expression to a tree, as far as regex-cost.ts and linear-regex.ts need its structure. Its syntax is
 * that of the Unicode mode, or what pcre/ writes.
 */
import { ATOMIC_NUMBER, readLabel } from "./regex-labels.ts";

export type Node =
  /** One character: the source of a literal, escape, class or `.`. */
  | { readonly kind: "character"; readonly source: string }
  | { readonly kind: "start" | "end" | "boundary" | "no boundary" }
  /** The end, or before a line feed at the end: PCRE's `$`. */
  | { readonly kind: "end of line" }
  | { readonly kind: "sequence" | "choice"; readonly nodes: readonly Node[] }
  /** `index` 0: a non-capturing group. */
  | { readonly kind: "group"; readonly index: number; readonly node: Node }
  | Repeat
  /** Look-ahead or look-behind. */
  | { readonly kind: "look"; readonly node: Node }
  /** Matches in one way only: PCRE's `(?>...)`, which is a look-ahead with a reference to what it has seen. */
  | { readonly kind: "atomic"; readonly node: Node }
  | { readonly kind: "reference" };

export interface Repeat {
  readonly kind: "repeat";
  readonly node: Node;
  readonly least: number;
  readonly most: number;
  readonly isGreedy: boolean;
  /** Number of capturing groups inside. */
  readonly groupCount: number;
}

export interface Syntax {
  readonly root: Node;
  /** Number of capturing groups, the whole match (0) included. */
  readonly groupCount: number;
  readonly names: ReadonlyMap<string, number>;
}

/** Parses an expression that JavaScriptCore has accepted, so there are no syntax errors to report. */
export function parseRegex(source: string): Syntax {
  return new Parser(source).parse();
}

class Parser {
  private at = 0;
  private groupCount = 1;
  private readonly names = new Map<string, number>();

  constructor(private readonly source: string) {}

  parse(): Syntax {
    const root = this.choice();
    return { root, groupCount: this.groupCount, names: this.names };
  }

  private choice(): Node {
    const nodes = [this.sequence()];
    while (this.take("|")) nodes.push(this.sequence());
    return nodes.length === 1 ? nodes[0]! : { kind: "choice", nodes };
  }

  private sequence(): Node {
    const nodes: Node[] = [];
    while (this.at < this.source.length && !/[|)]/.test(this.source[this.at]!)) nodes.push(this.term());
    return nodes.length === 1 ? nodes[0]! : { kind: "sequence", nodes };
  }

  private term(): Node {
    const first = this.groupCount;
    const node = this.atom();
    const quantifier = this.match(/(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})(\??)/y);
    if (quantifier === null) return node;
    const [, sign, least, comma, most, lazy] = quantifier;
    const [min, max] =
      sign === undefined
        ? [Number(least), comma === undefined ? Number(least) : most ? Number(most) : Number.POSITIVE_INFINITY]
        : [sign === "+" ? 1 : 0, sign === "?" ? 1 : Number.POSITIVE_INFINITY];
    return {
      kind: "repeat",
      node,
      least: min,
      most: max,
      isGreedy: lazy === "",
      groupCount: this.groupCount - first,
    };
  }

  private atom(): Node {
    if (this.take("^")) return { kind: "start" };
    if (this.take("$")) return { kind: "end" };
    if (this.take("\\b")) return { kind: "boundary" };
    if (this.take("\\B")) return { kind: "no boundary" };
    if (this.take("(?=\\n?$)")) return { kind: "end of line" };
    if (this.take("(")) return this.group();
    if (this.match(/\\(?:[1-9]\d*|k<[^>]*>)/y) !== null) return { kind: "reference" };
    // A class, or an escape with its arguments, or one Unicode character.
    const [source] = this.match(/\[(?:\\.|[^\]\\])*\]|\\(?:u\{[^}]*\}|u....|x..|[pP]\{[^}]*\}|c.|.)|./suy)!;
    return { kind: "character", source };
  }

  /** Parses what follows `(`. */
  private group(): Node {
    const look = this.match(/\?<?[=!]/y) !== null;
    const label = look ? this.match(/\(\?<(\$[^>]*)>/y)?.[1] : undefined;
    if (label !== undefined && readLabel(label)?.number === ATOMIC_NUMBER) return this.atomic(label);
    if (label !== undefined) this.at -= label.length + 4;
    const name = look ? null : this.match(/\?<([^>]*)>/y);
    const isKept = !look && (name !== null || this.match(/\?i?:/y) === null);
    const index = isKept ? this.groupCount++ : 0;
    if (name !== null) this.names.set(name[1]!, index);
    const node = this.choice();
    this.take(")");
    return look ? { kind: "look", node } : { kind: "group", index, node };
  }

  /** Parses what follows `(?=(?<label>`, the reference included. */
  private atomic(label: string): Node {
    const index = this.groupCount++;
    this.names.set(label, index);
    const node = this.choice();
    this.take(`))\\k<${label}>`);
    return { kind: "atomic", node: { kind: "group", index, node } };
  }

  private take(text: string): boolean {
    const found = this.source.startsWith(text, this.at);
    if (found) this.at += text.length;
    return found;
  }

  private match(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.at;
    const found = sticky.exec(this.source);
    if (found !== null) this.at = sticky.lastIndex;
    return found;
  }
}

/** Whether a node can match the empty text. */
export function isNullable(node: Node): boolean {
  switch (node.kind) {
    case "character":
      return false;
    case "sequence":
      return node.nodes.every(isNullable);
    case "choice":
      return node.nodes.some(isNullable);
    case "group":
    case "atomic":
      return isNullable(node.node);
    case "repeat":
      return node.least === 0 || isNullable(node.node);
    default:
      return true;
  }
}

/** Whether a node can match only at the start of the text. */
export function isAnchored(node: Node): boolean {
  switch (node.kind) {
    case "start":
      return true;
    case "sequence":
      return node.nodes.length > 0 && isAnchored(node.nodes[0]!);
    case "choice":
      return node.nodes.every(isAnchored);
    case "group":
    case "atomic":
      return isAnchored(node.node);
    case "repeat":
      return node.least > 0 && isAnchored(node.node);
    default:
      return false;
  }
}
