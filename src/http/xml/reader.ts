/**
 * Reads the small XML documents of WebDAV requests (XML 1.0, Namespaces in XML 1.0). Strict: what is not well-formed is refused, and so
 * are document types, which no client needs and which could define entities or name other documents.
 */
import { isUtf8 } from "../../../ffi/text.ts";

/** A name with its namespace; "" is none. */
export interface XmlName {
  readonly namespace: string;
  readonly local: string;
}

export interface XmlElement extends XmlName {
  readonly attributes: readonly XmlAttribute[];
  /** Elements and texts, in order. */
  readonly content: readonly (XmlElement | string)[];
}

interface XmlAttribute extends XmlName {
  readonly value: string;
}

/** Most elements within each other. */
const MOST_LEVELS = 32;
/** Most elements of a document. */
const MOST_ELEMENTS = 2_000;

const XML = "http://www.w3.org/XML/1998/namespace";
const XMLNS = "http://www.w3.org/2000/xmlns/";

const START =
  "A-Za-z_\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C-\\u200D\\u2070-\\u218F\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}";
const NC_NAME = `[${START}][${START}\\-.0-9\\u00B7\\u0300-\\u036F\\u203F-\\u2040]*`;
const NAME = new RegExp(`(?:(${NC_NAME}):)?(${NC_NAME})`, "uy");
const SPACE = /[ \t\r\n]+/y;
const DECLARATION =
  /<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.\d+"|'1\.\d+')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([\w.-]+)"|'([\w.-]+)'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>/y;
/** The characters that XML does not allow (§2.2). */
const FORBIDDEN = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** The root element of a document in bytes; a string tells what is wrong with it. */
export function readXml(bytes: Buffer): XmlElement | string {
  if (!isUtf8(bytes, 0, bytes.length)) return "it is not UTF-8";
  try {
    return new Reader(bytes.utf8Slice().replace(/^\uFEFF/, "")).document();
  } catch (error) {
    if (error instanceof Malformed) return error.message;
    throw error;
  }
}

/** Thrown within this file only. */
class Malformed extends Error {}

type Namespaces = ReadonlyMap<string, string>;

interface RawAttribute {
  readonly prefix: string;
  readonly local: string;
  readonly value: string;
}

class Reader {
  private at = 0;
  private elements = 0;

  constructor(private readonly text: string) {}

  document(): XmlElement {
    if (FORBIDDEN.test(this.text)) this.fail("a character that XML does not allow");
    this.declaration();
    this.misc();
    if (this.text.startsWith("<!DOCTYPE", this.at)) this.fail("a document type");
    const root = this.element(new Map([["xml", XML]]), 0);
    this.misc();
    if (this.at < this.text.length) this.fail("something behind the end of the document");
    return root;
  }

  private declaration(): void {
    const found = this.match(DECLARATION);
    const encoding = (found?.[1] ?? found?.[2] ?? "utf-8").toLowerCase();
    if (encoding !== "utf-8" && encoding !== "utf8" && encoding !== "us-ascii") this.fail(`the encoding ${encoding}`);
  }

  /** Skips space, comments and processing instructions. */
  private misc(): void {
    do this.match(SPACE);
    while (this.comment() || this.instruction());
  }

  private comment(): boolean {
    if (!this.text.startsWith("<!--", this.at)) return false;
    const end = this.text.indexOf("--", this.at + 4);
    if (end < 0 || this.text[end + 2] !== ">") this.fail("a malformed comment");
    this.at = end + 3;
    return true;
  }

  private instruction(): boolean {
    if (!this.text.startsWith("<?", this.at)) return false;
    this.at += 2;
    const [, prefix, local] = this.match(NAME) ?? this.fail("a malformed processing instruction");
    if (prefix !== undefined || /^xml$/i.test(local!)) this.fail("a misplaced XML declaration");
    const end = this.text.indexOf("?>", this.at);
    if (end < 0 || (end > this.at && !/^[ \t\r\n]/.test(this.text[this.at]!)))
      this.fail("a malformed processing instruction");
    this.at = end + 2;
    return true;
  }

  private element(outer: Namespaces, level: number): XmlElement {
    if (level >= MOST_LEVELS || ++this.elements > MOST_ELEMENTS) this.fail("too many elements");
    if (!this.skip("<")) this.fail("no element");
    const start = this.at;
    const [whole, prefix = "", local = ""] = this.match(NAME) ?? this.fail("a malformed element");
    const raw = this.attributes();
    const namespaces = declared(raw, outer, (what) => this.fail(what));
    const attributes = this.resolved(raw, namespaces);
    const name = { namespace: this.namespace(prefix, namespaces), local };
    if (this.skip("/>")) return { ...name, attributes, content: [] };
    if (!this.skip(">")) this.fail(`a malformed element at ${start}`);
    const content = this.content(namespaces, level);
    this.match(SPACE);
    if (!this.skip(`</${whole}`)) this.fail(`no end of the element ${whole}`);
    this.match(SPACE);
    if (!this.skip(">")) this.fail(`no end of the element ${whole}`);
    return { ...name, attributes, content };
  }

  private attributes(): RawAttribute[] {
    const found: RawAttribute[] = [];
    while (this.match(SPACE) !== null && !/[/>]/.test(this.text[this.at] ?? ">")) {
      const [, prefix = "", local = ""] = this.match(NAME) ?? this.fail("a malformed attribute");
      this.match(SPACE);
      if (!this.skip("=")) this.fail(`no value of the attribute ${local}`);
      this.match(SPACE);
      const [, double, single] = this.match(/"([^"<]*)"|'([^'<]*)'/y) ?? this.fail(`a malformed value of ${local}`);
      const value = this.decoded((double ?? single)!.replace(/\r\n?|[\t\n]/g, " "));
      found.push({ prefix, local, value });
    }
    return found;
  }

  private resolved(raw: readonly RawAttribute[], namespaces: Namespaces): XmlAttribute[] {
    const seen = new Set<string>();
    const names = new Set<string>();
    const found: XmlAttribute[] = [];
    for (const { prefix, local, value } of raw) {
      const written = `${prefix}:${local}`;
      const namespace = prefix === "" || prefix === "xmlns" ? "" : this.namespace(prefix, namespaces);
      const full = `${prefix === "xmlns" ? XMLNS : namespace} ${local}`;
      if (seen.has(written) || (prefix !== "" && names.has(full))) this.fail(`the attribute ${local} twice`);
      seen.add(written);
      if (prefix !== "") names.add(full);
      if (prefix !== "xmlns" && written !== ":xmlns") found.push({ namespace, local, value });
    }
    return found;
  }

  private namespace(prefix: string, namespaces: Namespaces): string {
    if (prefix === "xmlns") this.fail("the prefix xmlns");
    return namespaces.get(prefix) ?? (prefix === "" ? "" : this.fail(`the undeclared prefix ${prefix}`));
  }

  /** What is between an element's tags. */
  private content(namespaces: Namespaces, level: number): (XmlElement | string)[] {
    const found: (XmlElement | string)[] = [];
    for (;;) {
      const start = this.at;
      const next = this.text.indexOf("<", start);
      if (next < 0) this.fail("the end within an element");
      if (next > start) {
        const text = this.text.slice(start, next);
        if (text.includes("]]>")) this.fail('"]]>" in a text');
        found.push(this.decoded(text.replace(/\r\n?/g, "\n")));
        this.at = next;
      }
      if (this.text.startsWith("</", next)) return found;
      if (this.text.startsWith("<![CDATA[", next)) found.push(this.section(next + 9));
      else if (!this.comment() && !this.instruction()) found.push(this.element(namespaces, level + 1));
    }
  }

  private section(start: number): string {
    const end = this.text.indexOf("]]>", start);
    if (end < 0) this.fail("a CDATA section without end");
    this.at = end + 3;
    return this.text.slice(start, end).replace(/\r\n?/g, "\n");
  }

  /** Replaces references to characters and to the five entities that every document has. */
  private decoded(text: string): string {
    if (!text.includes("&")) return text;
    return text.replace(/&([^;&]{0,16};?)/g, (_, reference: string) => {
      const [, digits, hex, name] = /^(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w+));$/i.exec(reference) ?? [];
      if (name !== undefined) return Object.hasOwn(ENTITIES, name) ? ENTITIES[name]! : this.fail(`the entity ${name}`);
      const code = digits === undefined ? Number.parseInt(hex ?? "", 16) : Number(digits);
      const character = code <= 0x10ffff ? String.fromCodePoint(code) : "\0";
      return FORBIDDEN.test(character) ? this.fail("a malformed reference") : character;
    });
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found !== null) this.at = pattern.lastIndex;
    return found;
  }

  private skip(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  private fail(what: string): never {
    throw new Malformed(`${what} (at character ${this.at})`);
  }
}

/** The namespaces within an element with these attributes. */
function declared(raw: readonly RawAttribute[], outer: Namespaces, fail: (what: string) => never): Namespaces {
  if (!raw.some(({ prefix, local }) => prefix === "xmlns" || (prefix === "" && local === "xmlns"))) return outer;
  const inner = new Map(outer);
  for (const { prefix, local, value } of raw) {
    if (prefix !== "xmlns" && !(prefix === "" && local === "xmlns")) continue;
    const name = prefix === "xmlns" ? local : "";
    if (name === "xmlns" || value === XMLNS || (name === "xml") !== (value === XML)) fail("a reserved namespace");
    if (name !== "" && value === "") fail(`the prefix ${name} without a namespace`);
    inner.set(name, value);
  }
  return inner;
}
