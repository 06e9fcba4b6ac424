/** Decoding and normalising of paths, and the way back. */
import { expect, test } from "bun:test";
import { encodePath, encodeSegment, normalise, queryParameter } from "../../../src/http/request/target.ts";

function normalised(text: string): string | null {
  const bytes = Buffer.from(text, "latin1");
  return normalise(bytes, 0, bytes.length);
}

test.each([
  ["/", "/"],
  ["", "/"],
  ["/a/b", "/a/b"],
  ["/a/", "/a/"],
  ["//", "/"],
  ["//a//b//", "/a/b/"],
  ["/.", "/"],
  ["/./a/.", "/a/"],
  ["/a/..", "/"],
  ["/a/../", "/"],
  ["/a/b/..", "/a/"],
  ["/a/b/../../c", "/c"],
  ["/a/%2e%2E/b", "/b"],
  ["/a%2fb%2F%2Fc", "/a/b/c"],
  ["/a%2f..%2fb", "/b"],
  ["/...", "/..."],
  ["/.a/..b/c..", "/.a/..b/c.."],
  ["/%41%2D", "/A-"],
  ["/%252e%252e", "/%2e%2e"],
  ["/%3F%23", "/?#"],
  ["/a%20b+c", "/a b+c"],
  ["/%C3%A9\xc3\xa9", "/éé"],
  ["/%F0%9F%98%80", "/😀"],
  ["/\\..\\a", "/\\..\\a"],
])("%p becomes %p", (raw, path) => expect(normalised(raw)).toBe(path));

test("a long path stays as it is", () => {
  const path = `/${"a".repeat(9000)}`;
  expect(normalised(path)).toBe(path);
});

test.each([
  ["/..", "climbs above the root"],
  ["/../", "climbs above the root"],
  ["/a/../../b", "climbs above the root and comes back"],
  ["/%2e%2e", "climbs, encoded"],
  ["/a//../..", "a merged slash is no folder"],
  ["/./..", "a dot is no folder"],
  ["/%", "half a pair"],
  ["/%4", "half a pair"],
  ["/%4g", "no hexadecimal digit"],
  ["/%-1", "a sign"],
  ["/%00", "NUL"],
  ["/a%00.html", "NUL within a name"],
  ["a", "no slash"],
  ["%41/", "no slash, decoded"],
])("%p is refused: %s", (raw) => expect(normalised(raw)).toBeNull());

test.each([
  ["/%80", "a continuation alone"],
  ["/%C3", "cut off"],
  ["/%C3/%A9", "torn apart"],
  ["/%C0%AF", "an overlong slash, which is none"],
  ["/%E0%80%AF", "an overlong slash in three bytes"],
  ["/%ED%A0%80", "a surrogate"],
  ["/%F4%90%80%80", "beyond U+10FFFF"],
  ["/lat%E9/%C3%A9%FF", "between UTF-8"],
])("%p is a name without UTF-8, and keeps its bytes: %s", (raw) => {
  const path = normalised(raw)!;
  expect(encodePath(path)).toBe(raw);
  expect(path.split("/").length).toBe(raw.split("/").length);
});

test("a raw byte that is no UTF-8 is the same as its percent pair", () => {
  expect(normalised("/\xe9")).toBe(normalised("/%e9"));
});

test("a piece of a longer buffer is read as such", () => {
  expect(normalise(Buffer.from("GET /a%20b HTTP/1.1"), 4, 10)).toBe("/a b");
  expect(normalise(Buffer.from("/%41"), 0, 3)).toBeNull();
});

test.each([
  ["/a b", "/a%20b"],
  ["/\"<>&;'", "/%22%3C%3E%26%3B%27"],
  ["/é?#%", "/%C3%A9%3F%23%25"],
  ["/A-z0.9_~!$()*+,:=@", "/A-z0.9_~!$()*+,:=@"],
  ["/a\\b\r\n", "/a%5Cb%0D%0A"],
])("encodePath(%p) is %p", (path, encoded) => expect(encodePath(path)).toBe(encoded));

test("a segment is never a scheme or a path", () => expect(encodeSegment("a:b/c")).toBe("a%3Ab%2Fc"));

test("parameters of a query", () => {
  expect(queryParameter("a=1&B=2&b=3&c", "b")).toBe("2");
  expect(queryParameter("a=1&c", "c")).toBeUndefined();
  expect(queryParameter("c&c=1", "c")).toBe("1");
  expect(queryParameter("ab=1", "a")).toBeUndefined();
  expect(queryParameter("a=b=c", "a")).toBe("b=c");
});
