/** What replies are made of: heads, field values, tags, preferences, HTML. */
import { describe, expect, test } from "bun:test";
import { escapeHtml } from "../../../src/http/escape.ts";
import { entityTag, isEntityTag, isToken, preferences, weightOf } from "../../../src/http/headers.ts";
import { responseHead } from "../../../src/http/reply/response.ts";
import { isBodiless, reasonPhrase } from "../../../src/http/reply/status.ts";

/** The field lines of a head. */
const lines = (name: string, value: string): string =>
  responseHead(200, [[name, value]]).replace(/^HTTP.*\r\n|\r\n$/g, "");

test("a head", () => {
  expect(
    responseHead(404, [
      ["Content-Type", "text/html"],
      ["X", ""],
    ]),
  ).toBe("HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nX: \r\n\r\n");
  expect(responseHead(299, [])).toBe("HTTP/1.1 299 \r\n\r\n");
});

test.each([
  ["a\r\nSet-Cookie: x", "X: a  Set-Cookie: x\r\n"],
  ["a\0b\x7f", "X: a b\r\n"],
  ["a\tb", "X: a\tb\r\n"],
  ["\u00e9", "X: \u00e9\r\n"],
  ["\u20ac\n", "X: \u00e2\u0082\u00ac\r\n"],
  ["\u2028", "X: \u00e2\u0080\u00a8\r\n"],
  ["\u010d\u010a", "X: \u00c4\u008d\u00c4\u008a\r\n"],
])("nothing in the value %p ends its line", (value, line) => expect(lines("X", value)).toBe(line));

test.each(["", "a b", "a:", "a\r\nb", "\u00e9", "a\0"])("%p is no field name", (name) => {
  expect(isToken(name)).toBe(false);
  expect(lines(name, "x")).toBe("");
});

test("statuses", () => {
  expect(reasonPhrase(200)).toBe("OK");
  expect(reasonPhrase(599)).toBe("");
  expect([100, 199, 200, 204, 205, 304, 404].map(isBodiless)).toEqual([true, true, false, true, false, true, false]);
});

test("entity tags", () => {
  expect(entityTag(0x65f, 0, 0x1a2b)).toBe('"65f-1a2b"');
  expect(entityTag(1, 255, 0)).toBe('"1.ff-0"');
  expect(isEntityTag(entityTag(-1, 999_999_999, 2 ** 53 - 1))).toBe(true);
  for (const text of ['""', 'W/"a"', '"a,b"']) expect(isEntityTag(text)).toBe(true);
  for (const text of ["a", '"', 'w/"a"', '"a"b"', '"a b"', '"a" ']) expect(isEntityTag(text)).toBe(false);
});

test.each([
  ["a, b ,c", ["a", "b", "c"]],
  [",, a,", ["a"]],
  ['"a,b", c', ['"a,b"', "c"]],
  ['"a\\",b", c', ['"a\\",b"', "c"]],
  ['a, "b', ["a", '"b']],
  ["", []],
])("the elements of %p", (value, elements) => expect(preferences(value).map(({ range }) => range)).toEqual(elements));

describe("Accept", () => {
  const TYPES = ["text/html", "application/json"];
  test.each([
    [undefined, [1000, 1000]],
    ["", [1000, 1000]],
    ["*/*", [1000, 1000]],
    ["application/json", [0, 1000]],
    ["application/*", [0, 1000]],
    ["text/html;q=0.5, application/json;q=0.8", [500, 800]],
    ["text/html;q=0.8, */*;q=0.1", [800, 100]],
    ["text/*;q=0.3, text/html;q=0, */*;q=0.1", [0, 100]],
    ["Text/HTML", [1000, 0]],
    ["application/json; q=1.5", [0, 0]],
    ["image/png", [0, 0]],
    ["text/html;q=0, application/json;q=0.000", [0, 0]],
    ["text/html;q=0.123", [123, 0]],
  ])("%p gives HTML and JSON the weights %p", (accept, weights) => {
    expect(TYPES.map((type) => weightOf(accept, type))).toEqual(weights);
  });
});

test("HTML", () => expect(escapeHtml(`<a href="x" id='y'>&`)).toBe("&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;"));
