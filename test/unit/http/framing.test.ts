/** docs/behaviour.md, Requests, the rows about message framing: where a body starts and ends. */
import { describe, expect, test } from "bun:test";
import { BODY_DATA, BODY_DONE, BodyDecoder } from "../../../src/http/body/body.ts";
import { accepts, chunked, get, incomplete, refuses } from "./table.ts";

describe("Content-Length", () => {
  accepts(get(), { contentLength: -1, body: "" }, "none: no body");
  accepts(get("Content-Length: 0"), { contentLength: 0, body: "" }, "0");
  accepts(
    `${get("Content-Length: 3")}abcGET /`,
    { contentLength: 3, body: "abc" },
    "what follows is the next request's",
  );
  accepts(`${get("Content-Length: 003")}abc`, { contentLength: 3, body: "abc" }, "leading zeros");
  accepts(`${get("content-LENGTH:\t3 ")}abc`, { contentLength: 3, body: "abc" }, "white space around it");
  incomplete(`${get("Content-Length: 3")}ab`, "a byte is missing");
  incomplete(get("Content-Length: 9007199254740991"), "2^53-1");
  refuses(get("Content-Length: 9007199254740992"), 400, "2^53");
  refuses(get(`Content-Length: ${"9".repeat(400)}`), 400, "beyond every number");
  for (const value of ["", "+1", "-1", "-0", "1 1", "1,1", "1, 1", "0x1", "1_0", "1.0", "a", "1e3", '"1"']) {
    refuses(get(`Content-Length: ${value}`), 400, `not digits: "${value}"`);
  }
  refuses(get("Content-Length: 1", "Content-Length: 1"), 400, "repeated, even identical");
  refuses(get("Content-Length: 1", "Content-Length: 2"), 400, "repeated");
});

describe("Transfer-Encoding", () => {
  accepts(chunked("3\r\nabc\r\n0\r\n\r\n"), { chunked: true, body: "abc" }, "chunked");
  accepts(
    "POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: CHUNKED \r\n\r\n0\r\n\r\n",
    { chunked: true, body: "" },
    "any case",
  );
  refuses(get("Transfer-Encoding: chunked", "Content-Length: 1"), 400, "with Content-Length behind it");
  refuses(get("Content-Length: 1", "Transfer-Encoding: chunked"), 400, "with Content-Length before it");
  refuses(get("Content-Length: 1", "Transfer-Encoding: x"), 400, "unknown and Content-Length");
  refuses(get("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400, "repeated");
  refuses(get("Transfer-Encoding: gzip", "Transfer-Encoding: chunked"), 501, "two lines are one list");
  refuses(get("Transfer-Encoding: chunked", "Transfer-Encoding: gzip"), 400, "chunked is not last in two lines");
  refuses(get("Transfer-Encoding: gzip", "Transfer-Encoding: br"), 400, "two lines without chunked");
  refuses(get("Transfer-Encoding: gzip", "Transfer-Encoding: chunked", "Content-Length: 1"), 400, "and Content-Length");
  refuses("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "in HTTP/1.0");
  for (const value of [
    "",
    ",",
    ", chunked",
    "chunked,",
    "chunked, gzip",
    "chunked, chunked",
    "gzip",
    "chunkedchunked",
  ]) {
    refuses(get(`Transfer-Encoding: ${value}`), 400, `"${value}"`);
  }
  for (const value of [
    "chunked;q=1",
    "gzip, chunked;a=b",
    "x chunked",
    "gzip chunked",
    '"chunked"',
    "[], chunked",
    "a=b, chunked",
    'x;a="b, chunked',
    'x;a="b\\", chunked',
  ]) {
    refuses(get(`Transfer-Encoding: ${value}`), 400, `malformed: "${value}"`);
  }
  for (const value of [
    "gzip, chunked",
    "identity,chunked",
    "x;a=b , chunked",
    "a, b, chunked",
    'x;a="b,c", chunked',
    'x;a="\\",", chunked',
  ]) {
    refuses(get(`Transfer-Encoding: ${value}`), 501, `well-formed but unknown: "${value}"`);
  }
});

describe("chunks", () => {
  accepts(
    chunked("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET"),
    { body: "hello world" },
    "two, and then the next request",
  );
  accepts(chunked("A\r\n0123456789\r\n0\r\n\r\n"), { body: "0123456789" }, "capital hexadecimal");
  accepts(chunked("0003\r\nabc\r\n000\r\n\r\n"), { body: "abc" }, "leading zeros");
  accepts(chunked("2\r\n\r\n\r\n0\r\n\r\n"), { body: "\r\n" }, "line ends as data");
  incomplete(chunked("3\r\nabc\r\n0\r\n"), "the final line is missing");
  incomplete(chunked("1fffffffffffff\r\n"), "2^53-1");
  refuses(chunked("20000000000000\r\n"), 400, "2^53");
  refuses(chunked("1\r\na\r\n1fffffffffffff\r\n"), 400, "running total beyond 2^53-1");
  refuses(chunked("0".repeat(100)), 400, "zeros without end");
  for (const size of ["", " 3", "3 ", "3\t", "+3", "-3", "0x3", "3_0", "g", ";a", "3\r", "3\n"]) {
    refuses(chunked(`${size}\r\nabc\r\n0\r\n\r\n`), 400, `chunk size ${JSON.stringify(size)}`);
  }
  refuses(chunked("3\nabc\r\n0\r\n\r\n"), 400, "bare LF behind the size");
  refuses(chunked("3\r\nabc0\r\n\r\n"), 400, "no CRLF behind a chunk");
  refuses(chunked("3\r\nabcd\r\n0\r\n\r\n"), 400, "a chunk longer than its size");
  refuses(chunked("3\r\nabc\n0\r\n\r\n"), 400, "bare LF behind a chunk");
  refuses(chunked("3\r\nabc\r\r0\r\n\r\n"), 400, "CR CR behind a chunk");
});

describe("chunk extensions", () => {
  const withExtension = (text: string) => chunked(`3${text}\r\nabc\r\n0${text}\r\n\r\n`);
  for (const text of [";a", ";a=b", ';a="b;\\"\t\\\\"', "; a ; b=c", ' ;a\t= "b" ;c', ';a="";b']) {
    accepts(withExtension(text), { body: "abc" }, text);
  }
  for (const text of [
    ";",
    ";;a",
    ";a=",
    ";=b",
    ';a="',
    ';a="b"c',
    ";a b",
    ";a ",
    ";a=b ",
    ";a\x01",
    ';a="\x01"',
    ';a="\\\x7f"',
    ";a\n",
  ]) {
    refuses(withExtension(text), 400, `malformed: ${JSON.stringify(text)}`);
  }
  refuses(chunked(`3;a=${"b".repeat(4096)}`), 400, "over-long");
  test("their length counts over the whole body", () => {
    const extension = `;a=${"b".repeat(1020)}`;
    const body = Buffer.from(`1${extension}\r\na\r\n`.repeat(5));
    const decoder = new BodyDecoder();
    decoder.reset(true, -1, 0);
    expect(drain(decoder, body)).toBe(-400);
    expect(decoder.received).toBe(4);
  });
});

describe("trailers", () => {
  const withTrailer = (text: string) => chunked(`3\r\nabc\r\n0\r\n${text}\r\n\r\n`);
  for (const text of [
    "X-Checksum: 1",
    "A: b\r\nC:\t\u00e9",
    "Vary: *\r\nContent-Type: text/plain",
    `${"x".repeat(99)}:`,
  ]) {
    accepts(withTrailer(text), { body: "abc" }, JSON.stringify(text));
  }
  for (const text of [": a", "A : b", "A", "A: b\nC: d", "A: b\rC: d", " A: b", "A: b\r\n c", "A: \x00", "\u00e9: a"]) {
    refuses(withTrailer(text), 400, `malformed: ${JSON.stringify(text)}`);
  }
  for (const name of ["Content-Length", "TRANSFER-encoding"])
    refuses(withTrailer(`${name}: 1`), 400, `where the body ends: ${name} (RFC 9112 §11.2)`);
  const dropped =
    "Host TRAILER connection TE Authorization Set-Cookie Cookie Range If-Match Expect " +
    "Content-Encoding Content-Range Cache-Control Max-Forwards";
  for (const name of dropped.split(" "))
    accepts(withTrailer(`${name}: 1`), { body: "abc" }, `dropped: ${name} (RFC 9110 §6.5.1)`);
  test("bounded", () => {
    const decoder = new BodyDecoder();
    decoder.reset(true, -1, 0);
    expect(drain(decoder, Buffer.from(`0\r\n${"X: y\r\n".repeat(8192 / 6 + 1)}`))).toBe(-400);
  });
});

describe("body size", () => {
  const options = { maxBodySize: 5 };
  accepts(`${get("Content-Length: 5")}abcde`, { body: "abcde" }, "as much as may be", options);
  refuses(get("Content-Length: 6"), 413, "known from Content-Length", options);
  accepts(chunked("2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"), { body: "abcde" }, "chunks as much as may be", options);
  refuses(chunked("2\r\nab\r\n4\r\n"), 413, "known from a chunk's size, before its data", options);
});

test("a decoder gives back what a sink did not take", () => {
  const decoder = new BodyDecoder();
  const bytes = Buffer.from("5\r\nhello\r\n0\r\n\r\nrest");
  expect(decoder.reset(true, -1, 0)).toBe(0);
  expect(decoder.next(bytes, 0, bytes.length)).toBe(BODY_DATA);
  decoder.take(0);
  expect(decoder.next(bytes, decoder.position, bytes.length)).toBe(BODY_DATA);
  expect(bytes.latin1Slice(decoder.dataStart, decoder.dataEnd)).toBe("hello");
  decoder.take(2);
  expect(decoder.next(bytes, decoder.position, bytes.length)).toBe(BODY_DATA);
  expect(bytes.latin1Slice(decoder.dataStart, decoder.dataEnd)).toBe("llo");
  decoder.take(3);
  expect(decoder.next(bytes, decoder.position, bytes.length)).toBe(BODY_DONE);
  expect(bytes.latin1Slice(decoder.position)).toBe("rest");
  expect([decoder.received, decoder.done]).toEqual([5, true]);
});

test("a refusal stays one", () => {
  const decoder = new BodyDecoder();
  decoder.reset(true, -1, 0);
  expect(decoder.next(Buffer.from("3"), 0, 1)).toBe(0);
  expect(decoder.next(Buffer.from("x"), 0, 1)).toBe(-400);
  expect(decoder.next(Buffer.from("0\r\n\r\n"), 0, 5)).toBe(-400);
});

/** Takes all there is; gives the last status. */
function drain(decoder: BodyDecoder, bytes: Buffer): number {
  let status = decoder.next(bytes, 0, bytes.length);
  while (status === BODY_DATA) {
    decoder.take(decoder.dataEnd - decoder.dataStart);
    status = decoder.next(bytes, decoder.position, bytes.length);
  }
  return status;
}
