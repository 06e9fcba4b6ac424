/**
 * Tables of forms that read like RFC 7578: a row is a body and what must become of it. Each row is read whole, byte by byte, and
 * cut in two at every position, each time with what looks like delimiters before and behind the bytes that have come.
 */
import { expect, test } from "bun:test";
import * as multipart from "../../../src/http/body/multipart.ts";

const { MultipartParser, PART_BEGIN, PART_DATA, PART_END } = multipart;

/** A part as it was read. Data as latin1. */
export interface Part {
  readonly name: string;
  readonly filename?: string | null;
  readonly type?: string;
  readonly data: string;
}

/** What became of a form: whole, cut off, or refused. */
export interface Reading {
  readonly outcome: "whole" | "cut off" | "refused";
  readonly reason?: string;
  /** Those that ended. */
  readonly parts: readonly Part[];
}

/** Reads a form of which bytes up to `ends[0]`, then up to `ends[1]`, ... arrive. */
export function readForm(body: Buffer, ends: readonly number[], boundary: string): Reading {
  const parser = new MultipartParser(boundary);
  const parts: Part[] = [];
  let data: string | null = null;
  let from = 0;
  for (const to of ends) {
    const { bytes, start, end } = surrounded(body.subarray(from, to), boundary);
    from = to;
    let at = start;
    let event: number;
    while ((event = parser.next(bytes, at, end)) > 0) {
      if (parser.position < at || parser.position > end) throw new Error(`at ${parser.position}, not in ${at}-${end}`);
      at = parser.position;
      data = follow(parser, event, data, bytes, parts);
    }
    if (event < 0) return refusal(parser, event, parts, bytes, end);
    expect(parser.position).toBe(end);
  }
  expect(parser.reason).toBe("");
  return { outcome: parser.complete ? "whole" : "cut off", parts };
}

/** Checks that events come in an order that makes sense; gives the data of the part so far, null between parts. */
function follow(
  parser: multipart.MultipartParser,
  event: number,
  data: string | null,
  given: Buffer,
  parts: Part[],
): string | null {
  const expected = data === null ? [PART_BEGIN, 4] : [PART_DATA, PART_END];
  if (!expected.includes(event)) throw new Error(`event ${event} ${data === null ? "between parts" : "within a part"}`);
  const { bytes, dataStart, dataEnd, part } = parser;
  if (event === PART_BEGIN) return "";
  if (event === PART_DATA) {
    if (bytes !== given && dataEnd - dataStart > 73) throw new Error("data was copied");
    if (dataEnd <= dataStart) throw new Error("an empty piece");
    return data + bytes.latin1Slice(dataStart, dataEnd);
  }
  if (event === PART_END) parts.push({ ...part, data: data ?? "" });
  return null;
}

/** A refusal has one status and a reason, and is final. */
function refusal(parser: multipart.MultipartParser, event: number, parts: Part[], bytes: Buffer, end: number): Reading {
  expect([event, parser.complete, parser.reason]).toEqual([-400, false, expect.stringMatching(/./)]);
  expect([parser.next(bytes, end, end), parser.next(bytes, 0, end)]).toEqual([-400, -400]);
  return { outcome: "refused", reason: parser.reason, parts };
}

/** The bytes as they would lie in some other buffer, between delimiters that are not theirs. */
function surrounded(bytes: Buffer, boundary: string): { bytes: Buffer; start: number; end: number } {
  const before = Buffer.from(`\r\n--${boundary}--\r`, "latin1");
  const behind = before.subarray(0, -1);
  const start = before.length;
  return { bytes: Buffer.concat([before, bytes, behind]), start, end: start + bytes.length };
}

/** Where the bytes of a body arrive: whole, one by one, and cut in two everywhere. */
export function* arrivals(length: number): Generator<number[]> {
  yield [length];
  yield Array.from({ length }, (_, i) => i + 1);
  for (let cut = 0; cut <= length; cut++) yield [cut, length];
}

/** The body (octets) is a whole form of these parts; `filename` null and `type` "" where a row leaves them out. */
export function accepts(body: string, parts: readonly Part[], why: string, boundary = "b"): void {
  const whole = parts.map((part) => ({ filename: null, type: "", ...part }));
  table(body, boundary, why, (reading) => expect(reading).toEqual({ outcome: "whole", parts: whole }));
}

/** The body is refused for a reason that has `reason` in it. */
export function refuses(body: string, reason: string, why: string, boundary = "b"): void {
  table(body, boundary, why, (reading) => {
    expect(reading).toMatchObject({ outcome: "refused", reason: expect.stringContaining(reason) });
  });
}

/** The body ends too early. */
export function cutOff(body: string, why: string, boundary = "b"): void {
  table(body, boundary, why, (reading) => expect(reading.outcome).toBe("cut off"));
}

function table(body: string, boundary: string, why: string, check: (reading: Reading) => void): void {
  test(`${why}: ${JSON.stringify(body.length > 60 ? `${body.slice(0, 57)}...` : body)}`, () => {
    const bytes = Buffer.from(body, "latin1");
    const ways = bytes.length > 2000 ? [[bytes.length]] : arrivals(bytes.length);
    for (const ends of ways) check(readForm(bytes, ends, boundary));
  });
}
