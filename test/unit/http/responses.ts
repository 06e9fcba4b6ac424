/** Tables of responses, as table.ts has requests: each is read whole, byte by byte, and cut in two at every position. */
import { expect, test } from "bun:test";
import { type Expected, ResponseReader } from "../../../src/http/response/reader.ts";

export const EXPECTED: Expected = { headOnly: false, upgrade: false, headLimit: 4096 };

/** What became of a response. */
export interface Outcome {
  readonly outcome: "complete" | "incomplete" | "refused";
  readonly reason?: string;
  readonly status?: number;
  readonly fields?: readonly (readonly [string, string])[];
  readonly body?: string;
  /** Interim heads and the head, as passed on. */
  readonly heads?: string;
  readonly persistent?: boolean;
  readonly excess?: boolean;
  readonly upgraded?: boolean;
}

/** Reads bytes that arrive up to each of `ends`; then the connection ends if `closed`. */
export function readResponse(
  bytes: Uint8Array,
  ends: readonly number[],
  expected: Expected = EXPECTED,
  closed = false,
): Outcome {
  const reader = new ResponseReader(expected);
  let payload = "";
  let from = 0;
  for (const [step, to] of ends.entries()) {
    const base = (step * 7) % 11;
    const piece = Buffer.alloc(base + to - from + 3, 0x21);
    piece.set(bytes.subarray(from, to), base);
    const n = reader.decode(piece, base, base + to - from);
    if (n < 0) return { outcome: "refused", reason: reader.reason };
    payload += piece.latin1Slice(base, base + n);
    from = to;
  }
  const ended = closed && reader.end();
  const { head } = reader;
  const seen = {
    status: head.status,
    fields: head.fields,
    heads: payload.slice(0, reader.headLength),
    body: payload.slice(reader.headLength),
    excess: reader.excess,
    upgraded: reader.upgraded,
  };
  if (!reader.complete && !ended) return { outcome: "incomplete", ...(reader.headLength > 0 ? seen : {}) };
  return { outcome: "complete", persistent: reader.persistent, ...seen };
}

interface Way {
  readonly expected?: Partial<Expected>;
  /** The connection ends behind the bytes. */
  readonly closed?: boolean;
}

/** Checks that `text` is read as `outcome`, however it is cut. */
export function reads(
  text: string,
  outcome: Partial<Outcome>,
  why: string,
  { expected, closed = false }: Way = {},
): void {
  test(`${why}: ${JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text)}`, () => {
    const bytes = Buffer.from(text, "latin1");
    const all = { ...EXPECTED, ...expected };
    const whole = readResponse(bytes, [bytes.length], all, closed);
    expect(whole).toMatchObject(outcome);
    const each = Array.from(bytes, (_, i) => i + 1);
    expect(readResponse(bytes, each, all, closed)).toEqual(whole);
    const step = Math.max(1, bytes.length >> 8);
    for (let cut = 0; cut < bytes.length; cut += step)
      expect(readResponse(bytes, [cut, bytes.length], all, closed)).toEqual(whole);
  });
}

/** A head with these fields. */
export const ok = (...fields: string[]): string => ["HTTP/1.1 200 OK", ...fields, "", ""].join("\r\n");

export const refuses = (text: string, reason: string, why: string, way: Way = {}): void =>
  reads(text, { outcome: "refused", reason }, why, way);
