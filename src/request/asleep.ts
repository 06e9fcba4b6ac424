/** A request whose reply lasts for long (a tunnel): only what its log line needs, in little memory. */
import type { Field } from "../exchange/reply.ts";
import { type HeadLimits, RequestParser } from "../http/request/parser.ts";
import type { RequestHead } from "../http/request/request.ts";

/** Stands in the exchange meanwhile. */
export const NO_HEAD = new RequestParser({ line: 0, field: 0, total: 0, fields: 0 });

export class AsleepRequest {
  private readonly head: string;
  private readonly fields: string;

  /** @param sentFields of the reply */
  constructor({ bytes, base, length }: RequestHead, sentFields: readonly Field[]) {
    this.head = bytes.latin1Slice(base, base + length);
    this.fields = Buffer.from(sentFields.map((field) => field.join(":")).join("\n"), "latin1").latin1Slice(); // one string, which refers to no other
  }

  /** A parser that has read the head again. */
  parser(limits: HeadLimits): RequestParser {
    const parser = new RequestParser(limits);
    const bytes = Buffer.from(this.head, "latin1");
    parser.feed(bytes, 0, bytes.length);
    return parser;
  }

  get sentFields(): Field[] {
    return this.fields.split("\n").map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1)];
    });
  }
}
