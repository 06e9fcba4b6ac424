/** A regular expression of JavaScript (Unicode mode) as a tree: as much of its structure as its cost and linear-regex.ts depend on. */

export type Node =
  /** One character: a literal, an escape, a class or `.`, in its own words. */
  | { readonly kind: "character"; readonly source: string }
  | { readonly kind: "start" | "end" | "boundary" | "no boundary" }
  | { readonly kind: "sequence" | "choice"; readonly nodes: readonly Node[] }
  /** `index` 0: its text is not kept. */
  | { readonly kind: "group"; readonly index: number; readonly node: Node }
  | Repeat
  /** Looks ahead or behind. */
  | { readonly kind: "look"; readonly node: Node }
  | { readonly kind: "reference" };

export interface Repeat {
  readonly kind: "repeat";
  readonly node: Node;
  readonly least: number;
  readonly most: number;
  readonly isGreedy: boolean;
  /** The groups within: [first, end). */
  readonly groups: readonly [first: number, end: number];
}

export interface Syntax {
  readonly root: Node;
  /** How many groups are kept, the whole match (0) among them. */
  readonly groupCount: number;
  readonly names: ReadonlyMap<string, number>;
}

/** The tree of an expression, which the engine has accepted: there is no error to be found. */
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
    return { kind: "repeat", node, least: min, most: max, isGreedy: lazy === "", groups: [first, this.groupCount] };
  }

  private atom(): Node {
    if (this.take("^")) return { kind: "start" };
    if (this.take("$")) return { kind: "end" };
    if (this.take("\\b")) return { kind: "boundary" };
    if (this.take("\\B")) return { kind: "no boundary" };
    if (this.take("(")) return this.group();
    if (this.match(/\\(?:[1-9]\d*|k<[^>]*>)/y) !== null) return { kind: "reference" };
    // A class; else an escape with what it takes; else one character of Unicode.
    const [source] = this.match(/\[(?:\\.|[^\]\\])*\]|\\(?:u\{[^}]*\}|u....|x..|[pP]\{[^}]*\}|c.|.)|./suy)!;
    return { kind: "character", source };
  }

  /** What follows `(`. */
  private group(): Node {
    const look = this.match(/\?<?[=!]/y) !== null;
    const name = look ? null : this.match(/\?<([^>]*)>/y);
    const isKept = !look && (name !== null || !this.take("?:"));
    const index = isKept ? this.groupCount++ : 0;
    if (name !== null) this.names.set(name[1]!, index);
    const node = this.choice();
    this.take(")");
    return look ? { kind: "look", node } : { kind: "group", index, node };
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

/** Whether a node can match without a character. */
export function isNullable(node: Node): boolean {
  switch (node.kind) {
    case "character":
      return false;
    case "sequence":
      return node.nodes.every(isNullable);
    case "choice":
      return node.nodes.some(isNullable);
    case "group":
      return isNullable(node.node);
    case "repeat":
      return node.least === 0 || isNullable(node.node);
    default:
      return true;
  }
}

/** Whether a node matches at the start of the text only. */
export function isAnchored(node: Node): boolean {
  switch (node.kind) {
    case "start":
      return true;
    case "sequence":
      return node.nodes.length > 0 && isAnchored(node.nodes[0]!);
    case "choice":
      return node.nodes.every(isAnchored);
    case "group":
      return isAnchored(node.node);
    case "repeat":
      return node.least > 0 && isAnchored(node.node);
    default:
      return false;
  }
}
