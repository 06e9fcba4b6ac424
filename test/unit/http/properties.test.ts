/** Promises for whatever bytes come (fast-check; a failing seed is printed and can be replayed). */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { BODY_DATA, BodyDecoder } from "../../../src/http/body/body.ts";
import { formatDate, parseDate } from "../../../src/http/reply/date.ts";
import { parseRange } from "../../../src/http/reply/range.ts";
import { RequestParser } from "../../../src/http/request/parser.ts";
import { encodePath, normalise } from "../../../src/http/request/target.ts";
import { LIMITS, type Options, read } from "./table.ts";

/** Pieces from which requests and near-requests are made: the right ones mostly, the wrong ones often enough. */
const PIECES = (
  "GET |POST |get |OPTIONS |CONNECT |/|*|/a?b|/%41|/..|http://h:1/|h:80| HTTP/1.1| HTTP/1.0| HTTP/2.0|\r\n|\r\n\r\n|\n|\r|" +
  "Host: a\r\n|Host:|Content-Length: 3\r\n|Content-Length: 99999999999999999999\r\n|Transfer-Encoding: chunked\r\n|" +
  "Transfer-Encoding: gzip, chunked\r\n|Connection: close\r\n|Expect: 100-continue\r\n|Range: bytes=0-1\r\n|X-A:|: b\t|abc|" +
  '3\r\nabc\r\n|0\r\n|5;a="b"\r\nhello\r\n|fffffffffffffff|Vary: x\r\n|\0|\x7f|\xff|\xc3\xa9| |\t'
).split("|");
const soup = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join(""));
const plausible = fc
  .tuple(
    fc.constantFrom(
      "GET / HTTP/1.1\r\nHost: a\r\n",
      "POST /%41?b HTTP/1.1\r\nHost: [::1]:8\r\nTransfer-Encoding: chunked\r\n",
    ),
    soup,
  )
  .map(([head, rest]) => head + rest);
const requests = fc
  .oneof(soup, plausible, fc.string({ unit: "binary-ascii" }))
  .map((text) => Buffer.from(text, "latin1"));
const cuts = fc.array(fc.nat(200), { maxLength: 8 });
const options = fc.constantFrom<Options[]>(
  {},
  { maxBodySize: 4 },
  { limits: { line: 16, field: 24, total: 60, fields: 2 } },
);

/** Where the bytes of a request arrive: in order, ending with all of them. */
function arrivals(length: number, positions: readonly number[]): number[] {
  return [...positions.filter((position) => position < length).toSorted((a, b) => a - b), length];
}

test("splitting a request anywhere never changes the result", () => {
  const property = fc.property(requests, cuts, options, (bytes, positions, limits) => {
    expect(read(bytes, arrivals(bytes.length, positions), limits)).toEqual(read(bytes, [bytes.length], limits));
  });
  fc.assert(property, { numRuns: 5000 });
});

test("what a parser read before never changes the result, the same head again least of all", () => {
  const history = fc.array(fc.tuple(requests, cuts), { maxLength: 3 });
  const property = fc.property(
    requests,
    cuts,
    history,
    fc.nat(3),
    options,
    (bytes, positions, before, again, limits) => {
      const parser = new RequestParser(limits.limits ?? LIMITS);
      const ends = arrivals(bytes.length, positions);
      for (const [other, places] of before) read(other, arrivals(other.length, places), { ...limits, parser });
      for (let i = 0; i < again; i++) read(bytes, [bytes.length], { ...limits, parser });
      expect(read(bytes, ends, { ...limits, parser })).toEqual(read(bytes, ends, limits));
    },
  );
  fc.assert(property, { numRuns: 5000 });
});

test("more bytes never change a verdict", () => {
  const property = fc.property(requests, requests, options, (bytes, more, limits) => {
    const first = read(bytes, [bytes.length], limits);
    const both = Buffer.concat([bytes, more]);
    if (first.outcome !== "incomplete") expect(read(both, [both.length], limits)).toEqual(first);
  });
  fc.assert(property, { numRuns: 3000 });
});

test("arbitrary bytes neither throw nor loop, and results are within what came", () => {
  const property = fc.property(fc.uint8Array({ maxLength: 300 }), (array) => {
    const bytes = Buffer.from(array);
    const parser = new RequestParser(LIMITS);
    const length = parser.feed(bytes, 0, bytes.length);
    expect(length).toBeLessThanOrEqual(bytes.length);
    if (length < 0) expect([400, 414, 431, 501, 505]).toContain(-length);
    const decoder = new BodyDecoder();
    decoder.reset(true, -1, 0);
    for (let at = 0; decoder.next(bytes, at, bytes.length) === BODY_DATA; at = decoder.position) {
      expect(decoder.dataEnd).toBeGreaterThan(decoder.dataStart);
      expect(decoder.dataEnd).toBeLessThanOrEqual(bytes.length);
      decoder.take(decoder.dataEnd - decoder.dataStart);
    }
    expect(decoder.position).toBeLessThanOrEqual(bytes.length);
  });
  fc.assert(property, { numRuns: 5000 });
});

test("a chunked body comes out as it went in, whatever the chunks", () => {
  const property = fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 })), cuts, (chunks, positions) => {
    const parts = chunks.flatMap((chunk) => [
      Buffer.from(`${chunk.length.toString(16)}\r\n`),
      chunk,
      Buffer.from("\r\n"),
    ]);
    const head = Buffer.from("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    const bytes = Buffer.concat([head, ...parts, Buffer.from("0\r\n\r\n")]);
    const reading = read(bytes, arrivals(bytes.length, positions));
    expect(reading).toMatchObject({
      outcome: "accepted",
      length: bytes.length,
      body: Buffer.concat(chunks).latin1Slice(),
    });
  });
  fc.assert(property, { numRuns: 1000 });
});

test("a normalised path is absolute, has no dot segments, and stays what it is", () => {
  const segments = fc.array(
    fc.oneof(fc.constantFrom("", ".", "..", "%2e%2E", "%2f", "a", "%25", "%C3%A9", "%zz"), fc.string()),
  );
  const property = fc.property(segments, (parts) => {
    const raw = Buffer.from(`/${parts.join("/")}`);
    const path = normalise(raw, 0, raw.length);
    if (path === null) return;
    expect(path).toMatch(/^\//);
    expect(path.split("/").slice(1, -1)).not.toContain("");
    for (const dots of [".", ".."]) expect(path.split("/")).not.toContain(dots);
    const again = Buffer.from(encodePath(path), "latin1");
    expect(normalise(again, 0, again.length)).toBe(path);
  });
  fc.assert(property, { numRuns: 5000 });
});

test("a formatted date is read as itself", () => {
  const seconds = fc.integer({ min: -62_167_219_200, max: 253_402_300_799 });
  fc.assert(
    fc.property(seconds, (second) => expect(parseDate(formatDate(second), 0)).toBe(second)),
    { numRuns: 2000 },
  );
});

test("no Range field makes ranges outside the representation, or ranges that overlap", () => {
  const spec = fc
    .tuple(fc.option(fc.nat(50), { nil: "" }), fc.option(fc.nat(50), { nil: "" }))
    .map(([a, b]) => `${a}-${b}`);
  const property = fc.property(fc.array(spec), fc.nat(40), (specs, size) => {
    const ranges = parseRange(`bytes=${specs.join(",")}`, size, 16);
    if (typeof ranges === "string") return;
    const ascending = ranges.toSorted((a, b) => a.start - b.start);
    for (const [i, { start, end }] of ascending.entries()) {
      expect(start).toBeGreaterThan(i === 0 ? -1 : ascending[i - 1].end);
      expect(end).toBeGreaterThanOrEqual(start);
      expect(end).toBeLessThan(size);
    }
  });
  fc.assert(property, { numRuns: 2000 });
});
