/** Replies of other servers: where the body begins and ends, and whether the connection can be used again. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ok, readResponse, reads, refuses } from "./responses.ts";

const CLOSED = { closed: true };
const COMPLETE = { outcome: "complete", persistent: true } as const;
const ONCE = { outcome: "complete", persistent: false } as const;
const BOTH = '"Content-Length" and "Transfer-Encoding" headers at the same time';

describe("Content-Length", () => {
  reads(`${ok("Content-Length: 3")}abc`, { ...COMPLETE, body: "abc" }, "complete");
  reads(ok("Content-Length: 0"), { ...COMPLETE, body: "" }, "0");
  reads(`${ok("Content-Length: 3")}ab`, { outcome: "incomplete", body: "ab" }, "the connection ends before it", CLOSED);
  reads(`${ok("Content-Length: 3")}abcd`, { ...ONCE, body: "abc", excess: true }, "more than it says");
  reads(`${ok("Content-Length: 0")}HTTP/1.1 200`, { ...ONCE, body: "", excess: true }, "a second response");
  reads(`${ok("Content-Length: 1", "Connection: close")}a`, ONCE, "close");
  reads(`${ok("Content-Length: 1", "Connection: Keep-Alive, CLOSE")}a`, ONCE, "close wins");
  reads("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", ONCE, "HTTP/1.0");
  reads("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na", COMPLETE, "1.0, kept");
  for (const value of ["", "-1", "+1", "1,1", "0x1", "1 1", "9007199254740992"])
    refuses(ok(`Content-Length: ${value}`), `invalid "Content-Length" header: "${value}"`, "no length");
  refuses(ok("Content-Length: 1", "content-length: 1"), 'duplicate header line: "Content-Length: 1"', "twice");
});

describe("Transfer-Encoding", () => {
  const chunked = ok("Transfer-Encoding: chunked");
  reads(`${chunked}3\r\nabc\r\n2;x="y"\r\nde\r\n0\r\n\r\n`, { ...COMPLETE, body: "abcde" }, "chunks");
  reads(`${chunked}1\r\na\r\n0\r\nA: b\r\nC:\r\n\r\n`, { ...COMPLETE, body: "a" }, "trailers are dropped");
  reads(`${chunked}1\r\na\r\n0\r\n\r\nHTTP`, { ...ONCE, body: "a", excess: true }, "bytes behind it");
  reads(`${chunked}5\r\nab`, { outcome: "incomplete", body: "ab" }, "the connection ends in a chunk", CLOSED);
  reads(`${chunked}2\r\nab\r\n`, { outcome: "incomplete", body: "ab" }, "the last chunk is missing", CLOSED);
  refuses(`${chunked}x`, "invalid chunked response (invalid chunk size)", "no size");
  refuses(`${chunked}1\r\nab`, "invalid chunked response (a chunk is not followed by CRLF)", "a wrong size");
  refuses(`${chunked}1\n`, "invalid chunked response (invalid chunk size)", "LF alone");
  refuses(`${chunked}${"0".repeat(65)}`, "invalid chunked response (chunk size too long)", "a size without end");
  refuses(`${chunked}ffffffffffffff\r\n`, "invalid chunked response (chunk size beyond 2^53-1)", "too large");
  refuses(
    `${chunked}1;${"a".repeat(5000)}`,
    "invalid chunked response (malformed or over-long chunk extension)",
    "an extension without end",
  );
  refuses(
    `${chunked}0\r\n${"A: b\r\n".repeat(2000)}`,
    "invalid chunked response (trailer section too long)",
    "trailers without end",
  );
  refuses(
    `${chunked}0\r\nContent-Length: 1\r\n`,
    "invalid chunked response (a field of the framing in a trailer)",
    "framing",
  );
  refuses(ok("Transfer-Encoding: gzip"), 'unknown "Transfer-Encoding": "gzip"', "another coding");
  refuses(ok("Transfer-Encoding: gzip, chunked"), 'unknown "Transfer-Encoding": "gzip, chunked"', "two codings");
  refuses(
    ok("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    'duplicate header line: "Transfer-Encoding: chunked"',
    "twice",
  );
  refuses(ok("Transfer-Encoding: chunked", "Content-Length: 1"), BOTH, "and a length");
  refuses(ok("Content-Length: 1", "Transfer-Encoding: chunked"), BOTH, "behind a length");
  refuses("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", '"Transfer-Encoding" in HTTP/1.0', "in HTTP/1.0");
});

describe("the end of the connection", () => {
  reads(`${ok()}abc`, { ...ONCE, body: "abc" }, "is the end of the body", CLOSED);
  reads(`${ok()}abc`, { outcome: "incomplete", body: "abc" }, "has not come");
  reads("", { outcome: "incomplete" }, "without a byte", CLOSED);
});

describe("no body", () => {
  const head = { expected: { headOnly: true } };
  reads(ok("Content-Length: 5"), { ...COMPLETE, body: "" }, "HEAD", head);
  reads(ok("Transfer-Encoding: chunked"), { ...COMPLETE, body: "" }, "HEAD, chunked", head);
  reads(ok(), { ...COMPLETE, body: "" }, "HEAD, neither", head);
  reads(`${ok("Content-Length: 5")}abcde`, { ...ONCE, body: "", excess: true }, "HEAD, with a body", head);
  reads("HTTP/1.1 204 \r\n\r\n", COMPLETE, "204");
  reads("HTTP/1.1 304 \r\nContent-Length: 7\r\n\r\n", COMPLETE, "304 with the length of the file");
  reads("HTTP/1.1 204 \r\nContent-Length: 7\r\n\r\n", ONCE, "204 with a length");
  reads("HTTP/1.1 204 \r\nTransfer-Encoding: chunked\r\n\r\n", ONCE, "204 with chunks");
});

describe("interim responses", () => {
  const early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  const go = "HTTP/1.1 100 Continue\r\nContent-Length: 9\r\n\r\n";
  const last = ok("Content-Length: 1");
  reads(`${go}${early}${last}a`, { ...COMPLETE, status: 200, body: "a", heads: go + early + last }, "are skipped");
  reads(go, { outcome: "incomplete" }, "alone", CLOSED);
  refuses(go.repeat(40), "too many interim responses", "without end");
  refuses("HTTP/1.1 101 \r\nUpgrade: x\r\n\r\n", "unexpected status code 101", "101 that nobody asked for");
  const upgrade = { expected: { upgrade: true } };
  const switched = `${go}HTTP/1.1 101 \r\nUpgrade: x\r\n\r\n`;
  reads(
    `${switched}\0\x81abc`,
    { outcome: "incomplete", upgraded: true, status: 101, body: "\0\x81abc" },
    "101",
    upgrade,
  );
  reads(`${switched}abc`, { ...ONCE, body: "abc" }, "101 and the end", { ...upgrade, ...CLOSED });
});

describe("whatever comes", () => {
  const PIECES = (
    "HTTP/1.1 200 OK\r\n|HTTP/1.0 200\r\n|HTTP/1.1 100 \r\n\r\n|HTTP/1.1 204 x\r\n|HTTP/1.1 101 x\r\n|HTTP/1.|\r\n|\r\n\r\n|\n|\r|" +
    "Content-Length: 3\r\n|Content-Length: 0\r\n|Transfer-Encoding: chunked\r\n|Connection: close\r\n|A: b\r\n|A:|: b| \t|abc|" +
    '3\r\nabc\r\n|0\r\n|0\r\n\r\n|5;a="b"\r\nhello\r\n|ffffff|\0|\x7f|\xff'
  ).split("|");
  const soup = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join(""));
  const plausible = fc.tuple(fc.constantFrom("HTTP/1.1 200 OK\r\n", ok("Transfer-Encoding: chunked")), soup);
  const responses = fc.oneof(
    soup,
    plausible.map(([head, rest]) => head + rest),
    fc.string({ unit: "binary-ascii" }),
  );
  const cuts = fc.array(fc.nat(200), { maxLength: 8 });
  const expected = fc.record({ headOnly: fc.boolean(), upgrade: fc.boolean(), headLimit: fc.constantFrom(40, 4096) });

  test("cutting it anywhere never changes the result, and the payload is never longer than what came", () => {
    const property = fc.property(responses, cuts, expected, fc.boolean(), (text, positions, asked, closed) => {
      const bytes = Buffer.from(text, "latin1");
      const ends = [...positions.filter((at) => at < bytes.length).toSorted((a, b) => a - b), bytes.length];
      const whole = readResponse(bytes, [bytes.length], asked, closed);
      expect(readResponse(bytes, ends, asked, closed)).toEqual(whole);
      if (whole.body !== undefined) expect(whole.body.length + whole.heads!.length).toBeLessThanOrEqual(bytes.length);
    });
    fc.assert(property, { numRuns: 5000 });
  });

  test("any body in any chunks is read as it is", () => {
    const property = fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 })),
      cuts,
      (chunks, positions) => {
        const body = Buffer.concat(chunks).toString("latin1");
        const framed = chunks.map(
          (chunk) => `${chunk.length.toString(16)}\r\n${Buffer.from(chunk).toString("latin1")}\r\n`,
        );
        const bytes = Buffer.from(`${ok("Transfer-Encoding: chunked")}${framed.join("")}0\r\n\r\n`, "latin1");
        const ends = [...positions.filter((at) => at < bytes.length).toSorted((a, b) => a - b), bytes.length];
        expect(readResponse(bytes, ends)).toMatchObject({ ...COMPLETE, body });
      },
    );
    fc.assert(property, { numRuns: 500 });
  });
});
