/** Replies of other servers: what a head says, and which heads are refused (502). */
import { describe, expect, test } from "bun:test";
import { EXPECTED, ok, readResponse, reads, refuses } from "./responses.ts";

const NONE = "no valid HTTP/1.0 header";

describe("the status line", () => {
  reads("HTTP/1.1 200 OK\r\n\r\n", { outcome: "complete", status: 200, fields: [] }, "the usual", { closed: true });
  reads("HTTP/1.1 404 \r\n\r\n", { status: 404 }, "no phrase", { closed: true });
  reads("HTTP/1.1 404\r\n\r\n", { status: 404 }, "no phrase and no space", { closed: true });
  reads("HTTP/1.9 204 \r\n\r\n", { status: 204, persistent: true }, "1.9 counts as 1.1");
  reads("HTTP/1.1 200 d\xe9j\xe0\tvu\r\n\r\n", { status: 200 }, "any text as phrase", { closed: true });
  reads("HTTP/1.1 999 x\r\n\r\n", { status: 999 }, "a status nobody knows", { closed: true });
  refuses("HTTP/2.0 200 OK\r\n\r\n", NONE, "another version");
  refuses("HTTP/0.9 200 OK\r\n\r\n", NONE, "an old version");
  refuses("HTTP/1. 200 OK\r\n\r\n", NONE, "no minor version");
  refuses("http/1.1 200 OK\r\n\r\n", NONE, "small letters");
  refuses("HTTP/1.1  200 OK\r\n\r\n", NONE, "two spaces");
  refuses("HTTP/1.1 20 OK\r\n\r\n", NONE, "two digits");
  refuses("HTTP/1.1 2000 OK\r\n\r\n", NONE, "four digits");
  refuses("HTTP/1.1 099 OK\r\n\r\n", NONE, "below 100");
  refuses("HTTP/1.1 2x0 OK\r\n\r\n", NONE, "not digits");
  refuses("\r\nHTTP/1.1 200 OK\r\n\r\n", NONE, "an empty line before it");
  refuses("<html>HTTP/0.9</html>", NONE, "no head at all");
  refuses("HTTP/1.\n", NONE, "a line that ends early");
  refuses("HTTP/1.1 200 OK\n\n", "invalid header", "LF alone");
  refuses("HTTP/1.1 200 O\rK\r\n\r\n", "invalid header", "CR alone");
  refuses("HTTP/1.1 200 O\0K\r\n\r\n", "invalid header", "NUL");
  reads("HTTP/1.1 200 OK\r", { outcome: "incomplete" }, "a byte is missing", { closed: true });
});

describe("fields", () => {
  const fields = [
    ["A", "b"],
    ["Set-Cookie", "x=1; Path=/"],
    ["set-cookie", "y"],
    ["Empty", ""],
  ] as const;
  reads(ok("A: b", "Set-Cookie:\t x=1; Path=/ \t", "set-cookie:y", "Empty:"), { fields }, "in order, trimmed", {
    closed: true,
  });
  reads(ok("X_y: \xe9\t\xff"), { fields: [["X_y", "\xe9\t\xff"]] }, "octets", { closed: true });
  for (const line of ["A : b", " A: b", "A", ": b", "A\0: b", "A: b\0", "A: b\x7f", "A: \x01", "\xe9: b", "A(: b"])
    refuses(ok(line), "invalid header", "not a field");
  refuses(ok("A: b", " c"), "invalid header", "a folded line");
  refuses(ok("A: b", "\tc"), "invalid header", "a folded line with a tab");
  refuses(ok(" A: b"), "invalid header", "a folded line behind the status line");
  refuses("HTTP/1.1 200 OK\r\nA: b\n\r\n", "invalid header", "LF alone");
  refuses("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "invalid header", "CR alone");
  refuses("HTTP/1.1 200 OK\r\nA: b\r\n\n", "invalid header", "LF alone as the empty line");
  refuses("HTTP/1.1 200 OK\r\nA: b\r\n\rX", "invalid header", "CR alone as the empty line");
  refuses(`HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(1001)}\r\n`, "too many headers", "1001 fields", {
    expected: { headLimit: 100_000 },
  });
});

describe("the limit", () => {
  const head = ok(`A: ${"b".repeat(60)}`);
  const limit = (headLimit: number) => ({ expected: { headLimit }, closed: true });
  reads(`${head}body`, { body: "body" }, "just reached", limit(head.length));
  refuses(head, "too big header", "one byte more", limit(head.length - 1));
  refuses("HTTP/1.1 200 OK\r\n" + "a".repeat(100), "too big header", "an endless line", limit(64));
  refuses("HTTP/1.1 200 " + "a".repeat(100), "too big header", "an endless phrase", limit(64));
  refuses("HTTP/1.1 200 OK\r\n" + "A: b\r\n".repeat(100), "too big header", "an endless head", limit(64));
});

describe("a head that repeats", () => {
  const read = (text: string, expected = EXPECTED) => {
    const bytes = Buffer.from(text, "latin1");
    return readResponse(bytes, [bytes.length], expected);
  };
  const first = `HTTP/1.1 404 Not Found\r\nConnection: close\r\nA: 1\r\nContent-Length: 3\r\n\r\n`;

  test("says the same again, and its body is its own", () => {
    const whole = read(`${first}abc`);
    expect(whole).toMatchObject({ outcome: "complete", status: 404, body: "abc", persistent: false });
    expect(read(`${first}xyz`)).toEqual({ ...whole, body: "xyz" });
    expect(read(`${first}x`)).toMatchObject({ outcome: "incomplete", body: "x" });
  });

  test("except for one byte is another", () => {
    read(`${first}abc`);
    expect(read(`${first.replace("A: 1", "A: 2")}abc`).fields).toContainEqual(["A", "2"]);
    expect(read(`${first.replace("close", "cloze")}abc`)).toMatchObject({ status: 404, persistent: true });
  });

  test("is refused where less is allowed", () => {
    read(`${first}abc`);
    const less = { ...EXPECTED, headLimit: first.length - 1 };
    expect(read(`${first}abc`, less)).toEqual({ outcome: "refused", reason: "too big header" });
  });
});
