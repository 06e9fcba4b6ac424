/** Reads a regular expression as PCRE2 does with nginx's options (https://www.pcre.org/current/doc/html/pcre2pattern.html). */
import { type Characters, complement, LAST_BYTE, LAST_CODE_POINT, single, withBothCases } from "./characters.ts";
import { characterClass } from "./class.ts";
import { escaped, octal } from "./escapes.ts";
import { assertion, EMPTY, type Expression, type Node, type Repeat } from "./syntax.ts";
import { Text } from "./text.ts";

type Option = "i" | "m" | "s" | "n" | "x" | "xx" | "U";
/** What is in force. Each group has its own. */
type Options = { readonly [option in Option]: boolean };
const NONE = { i: false, m: false, s: false, n: false, x: false, xx: false, U: false };

/** A final line feed may follow what `$` and `\Z` match. */
const END = "(?=\\n?$)";

const ASSERTIONS: Readonly<Record<string, Node>> = {
  A: assertion("^"),
  G: assertion("^"), // nginx always begins at the start
  Z: assertion(END, true),
  z: assertion("$", true),
  b: assertion("\\b"),
  B: assertion("\\B"),
  K: EMPTY, // where the match begins is nothing that nginx uses
};

const LINE_START = assertion("(?:^|(?<=\\n)(?=[^]))");
const LINE_END = assertion("(?![^\\n])");

/** \R: CR LF is never taken apart. */
const lineBreak = (isUnicode: boolean): Node => ({
  kind: "choice",
  nodes: [
    {
      kind: "sequence",
      nodes: [
        { kind: "character", set: single(13) },
        { kind: "character", set: single(10) },
      ],
    },
    {
      kind: "sequence",
      nodes: [
        assertion("(?!\\r\\n)"),
        {
          kind: "character",
          set: isUnicode
            ? [
                [10, 13],
                [0x85, 0x85],
                [0x2028, 0x2029],
              ]
            : [
                [10, 13],
                [0x85, 0x85],
              ],
        },
      ],
    },
  ],
});

/** What begins a group that is kept, or not, behind its `(`. */
const LOOKS: readonly (readonly [RegExp, "(?=" | "(?!" | "(?<=" | "(?<!"])[] = [
  [/\?=|\*(?:pla|positive_lookahead):/y, "(?="],
  [/\?!|\*(?:nla|negative_lookahead):/y, "(?!"],
  [/\?<=|\*(?:plb|positive_lookbehind):/y, "(?<="],
  [/\?<!|\*(?:nlb|negative_lookbehind):/y, "(?<!"],
];

/** What there is no equivalent for: what begins it behind a `(`, and its name. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/\?(?:R|[+-]?\d|&|P>)/y, "a call of a group (recursion)"],
  [/\?\(/y, "a condition"],
  [/\?C/y, "a callout"],
  [/\*[A-Za-z]/y, "a verb or assertion of this kind"],
];

export function parseExpression(source: string, isUnicode: boolean, ignoresCase: boolean): Expression {
  return new Parser(new Text(source, isUnicode), ignoresCase).parse();
}

class Parser {
  private options: Options;
  private groupCount = 0;
  private readonly names = new Map<string, number>();
  private sharesNumbers = false;
  private depth = 0;

  constructor(
    private readonly text: Text,
    ignoresCase: boolean,
  ) {
    this.options = { ...NONE, i: ignoresCase || (text.isUnicode && text.take("(?i)")) };
  }

  parse(): Expression {
    const ignoresCase = this.options.i;
    const root = this.choice();
    if (!this.text.isDone) this.text.fail("unmatched )");
    return { root, isUnicode: this.text.isUnicode, ignoresCase, sharesNumbers: this.sharesNumbers };
  }

  private fail(message: string, at?: number): never {
    return this.text.fail(message, at);
  }

  /** Alternatives up to `)` or the end. @param shares each counts its groups from the same number: `(?|` */
  private choice(shares = false): Node {
    if (++this.depth > 250) this.fail("parentheses are nested too deeply");
    const first = this.groupCount;
    let most = first;
    const nodes: Node[] = [];
    do {
      if (shares) this.groupCount = first;
      nodes.push(this.sequence());
      most = Math.max(most, this.groupCount);
    } while (this.text.take("|"));
    this.groupCount = most;
    this.depth--;
    return nodes.length === 1 ? nodes[0]! : { kind: "choice", nodes };
  }

  private sequence(): Node {
    const nodes: Node[] = [];
    for (;;) {
      this.skip();
      if (this.text.isDone || (!this.text.isQuoted && /[|)]/.test(this.text.here))) break;
      const at = this.text.at;
      const node = this.term();
      if (node !== null) nodes.push(this.repeated(node, at));
    }
    return nodes.length === 1 ? nodes[0]! : { kind: "sequence", nodes };
  }

  /** Goes over what means nothing: \Q, \E, comments, and blanks where (?x) is in force. */
  private skip(): void {
    const { text } = this;
    for (;;) {
      text.skipQuotes();
      if (text.isQuoted) return;
      if (text.take("(?#")) {
        if (text.match(/[^)]*\)/y) === null) this.fail("missing ) behind (?#");
      } else if (!this.options.x || text.match(/[ \t-\r]+|#[^\n]*/y) === null) return;
    }
  }

  /** One character, group or assertion. Null: an option was set. */
  private term(): Node | null {
    const { text } = this;
    if (text.isQuoted) return this.character(text.code());
    const start = text.at;
    if (text.match(/[*+?]|\{\d+(?:,\d*)?\}/y) !== null) this.fail("there is nothing to repeat", start);
    if (text.take("^")) return this.options.m ? LINE_START : assertion("^");
    if (text.take("$")) return this.options.m ? LINE_END : assertion(END, true);
    if (text.take(".")) return this.any(this.options.s);
    if (text.take("(")) return this.group();
    if (text.take("\\")) return this.escape(start);
    if (!text.take("[")) return this.character(text.code());
    if (text.take("[:<:]]")) return assertion("\\b(?=\\w)");
    if (text.take("[:>:]]")) return assertion("\\b(?<=\\w)");
    return { kind: "character", set: characterClass(text, this.options.i, this.options.xx) };
  }

  private character(found: number | Characters): Node {
    if (typeof found !== "number") return { kind: "character", set: found };
    return { kind: "character", set: this.options.i ? withBothCases(single(found)) : single(found) };
  }

  /** Any character, with or without the line feed. */
  private any(withLineFeed: boolean): Node {
    const most = this.text.isUnicode ? LAST_CODE_POINT : LAST_BYTE;
    return { kind: "character", set: withLineFeed ? [[0, most]] : complement(single(10), most) };
  }

  private escape(start: number): Node {
    const { text } = this;
    const reference = this.reference(start);
    if (reference !== null) return reference;
    const found = ASSERTIONS[text.here];
    if (found !== undefined) {
      text.at++;
      return found;
    }
    if (text.match(/N(?!\{(?!\d))/y) !== null) return this.any(false);
    if (text.take("R")) return lineBreak(text.isUnicode);
    if (!text.isUnicode && text.take("C")) return this.any(true);
    const one = escaped(text, this.options.i);
    return one === null ? this.fail(`\\${text.here} is not supported`, start) : this.character(one);
  }

  /** A back-reference: \1, \g1, \g{-1}, \k<name>. Numbers from 10 on without such a group are octal. */
  private reference(start: number): Node | null {
    const { text } = this;
    const numbered = text.match(/g(?:(\d+)|\{([+-]?\d+)\})|([1-9]\d*)/y);
    if (numbered !== null) {
      const digits = (numbered[1] ?? numbered[2] ?? numbered[3])!;
      const value = Number(digits);
      if (digits.startsWith("+")) this.fail("a reference to a group that comes later", start);
      if (numbered[3] !== undefined && value > 9 && value > this.groupCount) {
        text.at -= digits.length;
        return /[89]/.test(digits[0]!)
          ? this.fail(`there is no group ${digits}`, start)
          : this.character(octal(text, start)!);
      }
      return this.referenceTo(value < 0 ? this.groupCount + 1 + value : value, start);
    }
    const named = text.match(/[gk]\{([A-Za-z_]\w*)\}|k(?:<(\w+)>|'(\w+)')/y);
    if (named !== null) return this.namedReference((named[1] ?? named[2] ?? named[3])!, start);
    return /[gk]/.test(text.here) ? this.fail(`\\${text.here} of this kind is not supported`, start) : null;
  }

  private namedReference(name: string, start: number): Node {
    const number = this.names.get(name);
    return number === undefined
      ? this.fail(`there is no group ${name} before`, start)
      : this.referenceTo(number, start);
  }

  private referenceTo(number: number, at: number): Node {
    if (number < 1 || number > this.groupCount) this.fail(`there is no group ${number} before`, at);
    return { kind: "reference", number, ignoresCase: this.options.i, at };
  }

  /** What follows `(`. */
  private group(): Node | null {
    const { text } = this;
    const start = text.at - 1;
    const before = this.options;
    const node = this.groupBehind(start);
    if (node === null) return null; // options, which stay in force
    if (!text.take(")")) this.fail("missing )", text.at);
    this.options = before;
    return node.kind === "assertion" ? { kind: "sequence", nodes: [node] } : node; // which may be repeated
  }

  private groupBehind(start: number): Node | null {
    const { text } = this;
    for (const [sign, look] of LOOKS)
      if (text.match(sign) !== null) return { kind: "look", start: look, node: this.choice() };
    if (text.match(/\?>|\*atomic:/y) !== null) return { kind: "atomic", node: this.choice() };
    if (text.take("?|")) {
      this.sharesNumbers = true;
      return this.choice(true);
    }
    const back = text.match(/\?P=(\w+)(?=\))/y);
    if (back !== null) return this.namedReference(back[1]!, start);
    if (text.match(/\*F(?:AIL)?(?=\))/y) !== null) return { kind: "character", set: [] };
    if (text.match(/\?(?:P?<|')/y) !== null) return this.namedGroup();
    for (const [sign, what] of REFUSED) if (text.match(sign) !== null) this.fail(`${what} is not supported`, start);
    if (text.take("?")) return this.optionGroup(start);
    if (text.here === "*") this.fail("there is nothing to repeat");
    return this.options.n ? this.choice() : this.kept(null);
  }

  private namedGroup(): Node {
    const { text } = this;
    const start = text.at;
    const end = text.source[start - 1] === "'" ? "'" : ">";
    const name = text.match(/[A-Za-z_]\w{0,31}/y)?.[0] ?? this.fail("a name of letters, digits and _ is expected");
    if (!text.take(end)) this.fail(`${end} is expected behind the name`);
    const other = this.names.get(name);
    if (other !== undefined && other !== this.groupCount + 1) this.fail(`two groups have the name ${name}`, start);
    this.names.set(name, this.groupCount + 1);
    return this.kept(name);
  }

  private kept(name: string | null): Node {
    const number = ++this.groupCount;
    return { kind: "group", number, name, node: this.choice() };
  }

  /** `(?i)`, `(?i-s:...)`, `(?^)`, `(?:...)`, behind the question mark. */
  private optionGroup(start: number): Node | null {
    const { text } = this;
    const options = text.take("^") ? { ...NONE, U: this.options.U } : { ...this.options };
    for (let on = true; !/[:)]/.test(text.here); ) {
      const letter = text.match(/xx|[imsnxU-]/y)?.[0];
      if (letter === undefined) this.fail("an unknown option behind (?", text.isDone ? start : text.at);
      if (letter === "-") on = false;
      else if (letter.startsWith("x")) Object.assign(options, { x: on, xx: on && letter === "xx" });
      else options[letter as Option] = on;
    }
    if (text.isUnicode && options.i !== this.options.i)
      this.fail("behind (*UTF) only the whole expression can ignore case", start);
    this.options = options;
    if (text.take(":")) return this.choice();
    text.at++;
    return null;
  }

  /** The node with the quantifier that follows, if one does. */
  private repeated(node: Node, at: number): Node {
    const { text } = this;
    this.skip();
    if (text.isQuoted) return node;
    const found = text.match(/(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})/y);
    if (found === null) return node;
    const [, sign, least, comma, most] = found;
    const few = Number(least ?? (sign === "+" ? 1 : 0));
    const many =
      sign === "?" ? 1 : sign !== undefined || (comma && !most) ? Number.POSITIVE_INFINITY : Number(most || least);
    if (many < few) this.fail("numbers out of order in a quantifier", at);
    if (few > 65535 || (many > 65535 && many !== Number.POSITIVE_INFINITY))
      this.fail("the number in a quantifier is too big", at);
    if (node.kind === "assertion") this.fail("there is nothing to repeat", at);
    return { kind: "repeat", node, least: few, most: many, how: this.manner(), at };
  }

  /** What follows a quantifier: nothing, `?` or `+`. */
  private manner(): Repeat["how"] {
    if (this.text.take("+")) return "possessive";
    const isLazy = this.text.take("?");
    return isLazy === this.options.U ? "greedy" : "lazy";
  }
}
