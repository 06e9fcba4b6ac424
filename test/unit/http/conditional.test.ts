/** Conditional requests: RFC 9110 §13.1 field by field, §13.2.2 for their order. */
import { describe, expect, test } from "bun:test";
import { evaluate, rangeApplies, type Validators } from "../../../src/http/reply/conditional.ts";
import { RequestParser } from "../../../src/http/request/parser.ts";
import type { RequestHead } from "../../../src/http/request/request.ts";
import { LIMITS } from "./table.ts";

const NOW = 1_790_000_000;
const FILE: Validators = { etag: '"x"', mtimeSeconds: 784_111_777 };
const SAME = "Sun, 06 Nov 1994 08:49:37 GMT";
const EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT";
const LATER = "Sun, 06 Nov 1994 08:49:38 GMT";

function head(method: string, lines: string): RequestHead {
  const parser = new RequestParser(LIMITS);
  const fields = lines.split("\n").filter((line) => line !== "");
  const bytes = Buffer.from(`${[`${method} / HTTP/1.1`, "Host: a", ...fields].join("\r\n")}\r\n\r\n`);
  expect(parser.feed(bytes, 0, bytes.length)).toBe(bytes.length);
  return parser.head;
}

/** Rows: the request's fields, what comes of them. */
function table(
  rows: [lines: string, expected: 0 | 304 | 412][],
  method = "GET",
  policy: Parameters<typeof evaluate>[2] = "exact",
  file = FILE,
): void {
  for (const [lines, expected] of rows) {
    test(`${method} ${lines.replaceAll("\n", " | ")}: ${expected}`, () => {
      expect(evaluate(head(method, lines), file, policy, NOW)).toBe(expected);
    });
  }
}

describe("If-None-Match", () => {
  table([
    ["", 0],
    ['If-None-Match: "x"', 304],
    ['If-None-Match: W/"x"', 304],
    ['If-None-Match: "y"', 0],
    ['If-None-Match: "y", "x"', 304],
    ['If-None-Match: "y\\", "x"', 304],
    ['If-None-Match: "a,"x",b"', 0],
    ["If-None-Match: *", 304],
    ["If-None-Match: x", 0],
    ["If-None-Match:", 0],
  ]);
  table([['If-None-Match: "x"', 304]], "HEAD");
  table(
    [
      ['If-None-Match: "x"', 412],
      ['If-None-Match: "y"', 0],
      ["If-None-Match: *", 412],
    ],
    "PUT",
  );
  table(
    [
      ['If-None-Match: "x"', 0],
      ["If-None-Match: *", 304],
    ],
    "GET",
    "exact",
    { etag: null, mtimeSeconds: 1 },
  );
  table([['If-None-Match: "x"', 304]], "GET", "exact", { etag: 'W/"x"', mtimeSeconds: 1 });
});

describe("If-Modified-Since", () => {
  table([
    [`If-Modified-Since: ${SAME}`, 304],
    [`If-Modified-Since: ${EARLIER}`, 0],
    [`If-Modified-Since: ${LATER}`, 0],
  ]);
  table(
    [
      [`If-Modified-Since: ${SAME}`, 304],
      [`If-Modified-Since: ${EARLIER}`, 0],
      [`If-Modified-Since: ${LATER}`, 304],
    ],
    "GET",
    "before",
  );
  table([[`If-Modified-Since: ${SAME}`, 0]], "GET", "off");
  table([["If-Modified-Since: yesterday", 0]], "GET", "before");
  table([[`If-Modified-Since: ${SAME}`, 0]], "POST");
  table([[`If-Modified-Since: ${SAME}`, 0]], "GET", "before", { etag: '"x"', mtimeSeconds: null });
});

describe("If-Match", () => {
  table([
    ['If-Match: "x"', 0],
    ['If-Match: "y"', 412],
    ['If-Match: "y", "x"', 0],
    ['If-Match: W/"x"', 412],
    ["If-Match: *", 0],
    ["If-Match: bazinga!", 412],
  ]);
  table([['If-Match: "y"', 412]], "DELETE");
  table(
    [
      ['If-Match: W/"x"', 412],
      ["If-Match: *", 0],
    ],
    "GET",
    "exact",
    { etag: 'W/"x"', mtimeSeconds: 1 },
  );
});

describe("If-Unmodified-Since", () => {
  table([
    [`If-Unmodified-Since: ${SAME}`, 0],
    [`If-Unmodified-Since: ${LATER}`, 0],
    [`If-Unmodified-Since: ${EARLIER}`, 412],
    ["If-Unmodified-Since: yesterday", 0],
  ]);
});

describe("precedence", () => {
  table([
    [`If-Match: "x"\nIf-Unmodified-Since: ${EARLIER}`, 0],
    [`If-Match: "y"\nIf-Unmodified-Since: ${LATER}`, 412],
    [`If-None-Match: "y"\nIf-Modified-Since: ${SAME}`, 0],
    [`If-None-Match: "x"\nIf-Modified-Since: ${EARLIER}`, 304],
    ['If-Match: "y"\nIf-None-Match: "x"', 412],
    ['If-Match: "x"\nIf-None-Match: "x"', 304],
    [`If-Unmodified-Since: ${EARLIER}\nIf-None-Match: "x"`, 412],
  ]);
});

describe("If-Range", () => {
  const rows: [lines: string, applies: boolean, file?: Validators][] = [
    ["", true],
    ['If-Range: "x"', true],
    ['If-Range: "y"', false],
    ['If-Range: W/"x"', false],
    ['If-Range: W/"x"', false, { etag: 'W/"x"', mtimeSeconds: 1 }],
    [`If-Range: ${SAME}`, true],
    [`If-Range: ${EARLIER}`, false],
    [`If-Range: ${LATER}`, false],
    ["If-Range: x", false],
    ["If-Range:", false],
    ['If-Range: "x"', false, { etag: null, mtimeSeconds: 1 }],
    ["If-Range: x", false, { etag: '"x"', mtimeSeconds: null }],
  ];
  for (const [lines, applies, file = FILE] of rows) {
    test(`${lines} with ${file.etag}: ${applies}`, () =>
      expect(rangeApplies(head("GET", lines), file, NOW)).toBe(applies));
  }
});
