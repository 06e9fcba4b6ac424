import { describe, expect, test } from "bun:test";
import { namesStaging } from "../../../src/config/parts.ts";
import { isSafeName, numberedName, reducedName } from "../../../src/handlers/upload/names.ts";

const bytes = (text: string): number => Buffer.byteLength(text);

describe("a client's file name becomes", () => {
  test.each([
    ["a.txt", "a.txt"],
    ["/etc/passwd", "passwd"],
    ["../../a.txt", "a.txt"],
    ["C:\\Users\\me\\a.txt", "a.txt"],
    ["..\\..\\a.txt", "a.txt"],
    ["a/b\\c/d.txt", "d.txt"],
    ["\\/a", "a"],
    ["folder/", ""],
    ["folder\\", ""],
    ["", ""],
    ["   ", ""],
    ["\u00a0\u3000", ""],
    [".", ""],
    ["..", ""],
    ["...", ""],
    [".htaccess", ""],
    ["x/.profile", ""],
    [".webserv", ""],
    ["a\0b", ""],
    ["a\nb.txt", ""],
    ["a\tb.txt", ""],
    ["a\x7fb", ""],
    ["a\x85b", ""],
    ["a\u2028b", ""],
    ["lone \ud800 surrogate", ""],
    ["a.", "a."],
    ["a.txt ", "a.txt "],
    [" a.txt", " a.txt"],
    ["con", "con"],
    ["a:b*c?<>|\"'.txt", "a:b*c?<>|\"'.txt"],
    ["%2e%2e%2fa", "%2e%2e%2fa"],
    ["~", "~"],
    ["-rf", "-rf"],
    ["$(id).txt", "$(id).txt"],
    ["Ünïcödé 名前 🎉.txt", "Ünïcödé 名前 🎉.txt"],
    ["e\u0301.txt", "e\u0301.txt"],
    ["\u00e9.txt", "\u00e9.txt"],
  ])("%j: %j", (given, name) => {
    expect(reducedName(given)).toBe(name);
  });
});

describe("a name that is too long is cut before its extension, at a character's border", () => {
  test.each([
    ["a".repeat(255), "a".repeat(255)],
    ["a".repeat(256), "a".repeat(255)],
    [`${"a".repeat(300)}.txt`, `${"a".repeat(251)}.txt`],
    [`${"a".repeat(300)}.tar.gz`, `${"a".repeat(248)}.tar.gz`],
    [`${"ü".repeat(200)}.txt`, `${"ü".repeat(125)}.txt`],
    [`${"🎉".repeat(100)}.x`, `${"🎉".repeat(63)}.x`],
    [`a.${"b".repeat(300)}`, `a.${"b".repeat(253)}`],
    [`${"a".repeat(254)}.txt`, `${"a".repeat(251)}.txt`],
  ])("%#", (given, name) => {
    expect(reducedName(given)).toBe(name);
    expect(bytes(name)).toBeLessThanOrEqual(255);
  });
});

describe("a number stands before the extension", () => {
  test.each([
    ["a.txt", "1", "a-1.txt"],
    ["a.tar.gz", "2", "a-2.tar.gz"],
    ["a.b.txt", "1", "a.b-1.txt"],
    ["README", "10", "README-10"],
    [".profile", "1", ".profile-1"],
    ["a.", "1", "a.-1"],
    ["v1.2 final draft", "1", "v1.2 final draft-1"],
    ["ü.tar", "1", "ü-1.tar"],
    ["a\nb.txt", "1", "a\nb-1.txt"],
    [`${"a".repeat(251)}.txt`, "1", `${"a".repeat(249)}-1.txt`],
    [`${"ü".repeat(125)}.txt`, "100", `${"ü".repeat(123)}-100.txt`],
  ])("%j, %s: %j", (name, number, numbered) => {
    expect(numberedName(name, number)).toBe(numbered);
    expect(bytes(numbered)).toBeLessThanOrEqual(255);
  });
});

describe("a component of a path", () => {
  test.each([
    ["a", true, true],
    ["a b.txt", true, true],
    ["名", true, true],
    ["a.", true, true],
    ["x".repeat(255), true, true],
    ["x".repeat(256), false, false],
    ["ü".repeat(128), false, false],
    ["", false, false],
    [".", false, false],
    ["..", false, false],
    [".a", false, true],
    ["...", false, true],
    ["a\\b", false, false],
    ["a/b", false, false],
    ["a\x01", false, false],
    ["a\x9f", false, false],
    ["a\u2029", false, false],
    ["\udfff", false, false],
  ])("%j is a name: %p, where dot files are allowed: %p", (name, safe, withDots) => {
    expect([isSafeName(name, false), isSafeName(name, true)]).toEqual([safe, withDots]);
  });
});

describe("the staging folder is recognised", () => {
  test.each([
    [".webserv", true],
    ["/a/.webserv", true],
    ["/.webserv/x", true],
    ["/.WEBSERV/x", true],
    ["/.WebServ", true],
    ["/.web\u017ferv", true],
    ["/.webserv. /x", true],
    ["/.webserv.", true],
    ["/webserv", false],
    ["/.webserver", false],
    ["/a.webserv", false],
    ["/.webserv-old/x", false],
    ["/.webserv.txt", false],
  ])("%j: %p", (path, is) => {
    expect(namesStaging(path)).toBe(is);
  });
});
