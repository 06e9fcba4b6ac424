/** Receives a body that is a small XML document. */
import type { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink } from "../../exchange/handler.ts";
import { readXml, type XmlElement } from "../../http/xml/reader.ts";
import { Failure } from "../upload/failure.ts";

/** Longest document, in bytes. Those of clients are shorter than 2 KB. */
const LONGEST = 64 * 1024;

export class XmlBody implements BodySink {
  private readonly pieces: Buffer[] = [];
  private length = 0;

  /** @param complete replies to a request with this document; null: it has none */
  constructor(
    private readonly exchange: Exchange,
    private readonly complete: (document: XmlElement | null) => void,
  ) {}

  accept(block: Block, start: number, end: number): number {
    this.length += end - start;
    if (this.length > LONGEST) this.exchange.fail(413);
    else this.pieces.push(Buffer.from(block.bytes.subarray(start, end)));
    return end - start;
  }

  end(): void {
    if (this.length === 0) return this.complete(null);
    const document = readXml(Buffer.concat(this.pieces));
    if (typeof document !== "string") return this.complete(document);
    new Failure(400, `client sent invalid XML: ${document}`, "info").reply(this.exchange);
  }

  abort(): void {}
}

/** The elements within an element that have a name of the namespace DAV:; without `local` all of them. */
export function davElements(element: XmlElement, local?: string): XmlElement[] {
  const isMeant = (part: XmlElement | string): part is XmlElement =>
    typeof part !== "string" && part.namespace === "DAV:" && (local === undefined || part.local === local);
  return element.content.filter(isMeant);
}

/** The elements within an element. */
export const elementsOf = ({ content }: XmlElement): XmlElement[] => content.filter((part) => typeof part !== "string");

export const isDav = ({ namespace, local }: XmlElement, name: string): boolean =>
  namespace === "DAV:" && local === name;
