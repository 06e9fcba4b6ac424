/** PCRE's expressions in JavaScript: the tables of docs/expressions.md, and what the tables do not say. */
import { describe, expect, test } from "bun:test";
import { groupNames, slowness } from "../../../src/config/values/regex.ts";
import { octets } from "../../../src/http/octets.ts";
import { compileRegex } from "../../../src/routing/pcre/compile.ts";
import { SureRegex } from "../../../src/routing/sure-regex.ts";
import { REFUSED, TRANSLATED } from "../../expressions.ts";

/** The groups of the match; the empty text for those that have none, as nginx. */
function groups(source: string, text: string, ignoreCase = false): string[] | null | undefined {
  const regex = compileRegex(source, ignoreCase);
  if (typeof regex === "string") throw new Error(regex);
  const found = new SureRegex(regex).exec(octets(text));
  return found && Array.from(found, (group) => group ?? "");
}

test.each(TRANSLATED)("$expression", ({ expression, matches, others }) => {
  const regex = new SureRegex(compileRegex(expression, false) as RegExp);
  expect(matches.filter((text) => !regex.exec(text))).toEqual([]);
  expect(others.filter((text) => regex.exec(text) !== null)).toEqual([]);
});

test.each(REFUSED)("%s is refused: %s", (expression, message) => {
  expect(compileRegex(expression, false)).toBe(message);
});

test.each([
  ["(", "missing ), at character 2"],
  [")", "unmatched ), at character 1"],
  ["^/é(", "missing ), at character 5"],
  ["*", "there is nothing to repeat, at character 1"],
  ["a**", "there is nothing to repeat, at character 3"],
  ["^*", "there is nothing to repeat, at character 1"],
  ["a|*", "there is nothing to repeat, at character 3"],
  ["(*)", "there is nothing to repeat, at character 2"],
  ["[a", "missing terminating ] for character class, at character 3"],
  ["[]", "missing terminating ] for character class, at character 3"],
  ["a\\", "\\ at end of pattern, at character 2"],
  ["[z-a]", "range out of order in character class, at character 2"],
  ["[[:foo:]]", "unknown class [:foo:], at character 2"],
  ["[[.a.]]", "collating elements are not supported, at character 2"],
  ["[\\B]", "\\B is not possible in a character class, at character 2"],
  ["(?<1a>x)", "a name of letters, digits and _ is expected, at character 4"],
  ["(?<a-b>x)", "> is expected behind the name, at character 5"],
  ["(?<a>x)(?<a>y)", "two groups have the name a, at character 11"],
  ["(?z)", "an unknown option behind (?, at character 3"],
  ["(?#", "missing ) behind (?#, at character 4"],
  ["a{3,1}", "numbers out of order in a quantifier, at character 1"],
  ["a{65536}", "the number in a quantifier is too big, at character 1"],
  ["\\x{zz}", "hexadecimal digits and } are expected behind \\x{, at character 4"],
  ["\\x{100}", "the character's number is too large, at character 1"],
  ["\\i", "\\i is not supported, at character 1"],
  ["\\u0041", "\\u is not supported, at character 1"],
  ["\\g", "\\g of this kind is not supported, at character 1"],
  ["\\8", "there is no group 8 before, at character 1"],
  ["\\k<x>", "there is no group x before, at character 1"],
  ["\\p{Foo}", "unknown property Foo behind \\p, at character 1"],
  ["(?i)(*UTF)a", "a verb or assertion of this kind is not supported, at character 5"],
  ["(".repeat(300), "parentheses are nested too deeply, at character 251"],
])("%.40s: %s", (source, message) => expect(compileRegex(source, false)).toBe(message));

describe("groups", () => {
  const BYTE = "\u00c3";
  test.each([
    ["^/(?>(a+)(?:b))(c)", "/aabc", ["aa", "c"]],
    ["^/(?|(a)x|(b)(y))(c)", "/axc", ["a", "", "c"]],
    ["^/(?|(a)x|(b)(y))(c)", "/byc", ["b", "y", "c"]],
    ["^/(?:(a)|(b))+$", "/ab", ["a", "b"]],
    ["^/(a|)*$", "/aa", [""]],
    ["^(?:(a|$)|b)?+(.*)", "\n", ["", ""]],
    ["^/(é)(.)", "/éé", [octets("é"), BYTE]],
  ] as [string, string, string[]][])("%s of %s", (source, text, expected) => {
    expect(groups(source, text)?.slice(1)).toEqual(expected);
  });
  test("with names, beside an atomic group", () => {
    const regex = new SureRegex(compileRegex("^/(?>(?<a>x+))(?'b'y)", false) as RegExp);
    expect({ ...regex.exec("/xxy")!.groups }).toEqual({ a: "xx", b: "y" });
    expect(regex.groupCount).toBe(2);
  });
  test("of characters, as octets", () => {
    const regex = new SureRegex(compileRegex("(*UTF)^/(.)(?<b>.)$", false) as RegExp);
    const found = regex.exec(octets("/é😀"))!;
    expect([found[1], found.groups?.b]).toEqual([octets("é"), octets("😀")]);
    expect(regex.exec("/\xffa")).toBeUndefined(); // no UTF-8: nginx answers 500
  });
  test("names, however written", () => {
    expect(groupNames("(?<a>x)(?P<b>y)(?'c'w)(?<!z)(?<=w)")).toEqual(["a", "b", "c"]);
  });
});

test("case is ignored when asked for, but not where the expression says so", () => {
  expect([groups("\\.PNG$", "/a.png", true), groups("(?-i)\\.PNG$", "/a.png", true)]).toEqual([[".png"], null]);
});

test("time is limited: possessive quantifiers are not slow, others are found out", () => {
  const warned = (source: string): boolean => slowness(compileRegex(source, false) as RegExp) !== null;
  const sources = ["^/([^/]++/)*+x$", "^/(?:a+)+b", "^/(?:[a-z]++-)*x", "(?i)^/(?:foo|bar)+$", "^/(?:(?>a+))+b"];
  expect(sources.map(warned)).toEqual([false, true, false, false, false]);
  expect(groups("^/(?:(?>a+)-?)+b", `/${"a".repeat(8000)}`)).toBeNull();
});
