/** A request whose reply lasts for long (a tunnel): only what its log line needs, in little memory. */
import type { Field } from "../exchange/reply.ts";
import type { Tunnel } from "../exchange/tunnel.ts";
import { type HeadLimits, RequestParser } from "../http/request/parser.ts";
import type { RequestHead } from "../http/request/request.ts";

/** Stands in the exchange meanwhile. */
export const NO_HEAD = new RequestParser({ line: 0, field: 0, total: 0, fields: 0 });

export class AsleepRequest {
  /** The head of the request, then the fields of the reply. One string, which refers to no other. */
  private readonly text: string;
  private readonly headLength: number;

  /** @param sentFields of the reply */
  constructor(
    { bytes, base, length }: RequestHead,
    sentFields: readonly Field[],
    /** To be closed at the end. */
    readonly far: Tunnel,
  ) {
    const fields = Buffer.from(sentFields.map((field) => field.join(":")).join("\n"), "latin1");
    this.text = Buffer.concat([bytes.subarray(base, base + length), fields]).latin1Slice();
    this.headLength = length;
  }

  /** A parser that has read the head again. */
  parser(limits: HeadLimits): RequestParser {
    const parser = new RequestParser(limits);
    const bytes = Buffer.from(this.text.slice(0, this.headLength), "latin1");
    parser.feed(bytes, 0, bytes.length);
    return parser;
  }

  get sentFields(): Field[] {
    const fields = this.text.slice(this.headLength);
    return fields.split("\n").map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1)];
    });
  }
}
