/**
 * The machine says of every text what JavaScriptCore says, groups included, but where PCRE says something else, in steps that grow
 * with the text alone. test/wire/expressions.test.ts compares with PCRE.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { LinearRegex } from "../../../src/routing/linear-regex.ts";
import { hasOtherGroups } from "../../../src/routing/regex-groups.ts";
import { parseRegex } from "../../../src/routing/regex-syntax.ts";

/** What both say: the groups and where the match begins. */
const both = (regex: RegExp, text: string): [unknown, unknown] => {
  const seen = (found: RegExpExecArray | null) => found && [...found, found.index, { ...found.groups }];
  return [seen(LinearRegex.of(regex)!.exec(text)), seen(regex.exec(text))];
};

test.each([
  [/\.php$/u, "/a.php"],
  [/^\/(\w+)\/(\d*)$/u, "/a/"],
  [/(?:a|ab)(?:c|bcd)(d*)/u, "abcd"],
  [/a{2,3}(a?)/u, "aaaaa"],
  [/a{2,3}?(a?)/u, "aaaaa"],
  [/^(?<first>\w+)-(?<last>\w+)$/u, "a-b"],
  [/\bfoo\b|\Boo/u, "a foo"],
  [/[^/]+\.(jpe?g|png)$/iu, "/x/A.JPG"],
  [/^.\u{1F600}[\u{1F600}-\u{1F64F}]$/u, "\u{1F601}\u{1F600}\u{1F602}"],
  [/[k]/iu, "\u212a"],
  [/\bx/iu, "\u017fx"],
  [/^\s$/u, "\u2028"],
  [/^.$/u, "\n"],
  [/^[\w.-]+\/$/u, "a.b-c/"],
  [/[\]\\]/u, "]"],
  [/./u, "\ud800"],
] as [RegExp, string][])("%p of %p", (regex, text) => {
  const [found, expected] = both(regex, text);
  expect(found).toEqual(expected);
});

test.each([
  [/^\/(?:a|(b))*c/u, "/bac", ["/bac", "b"]],
  [/(a*)*/u, "b", ["", ""]],
  [/(a*)*/u, "aab", ["aa", ""]],
  [/(?:((?:b)*?))*/u, "bb", ["", ""]],
  [/(a*)+/u, "b", ["", ""]],
  [/(a*)?/u, "b", ["", ""]],
  [/(a*?)?/u, "ab", ["", ""]],
  [/(|a)+/u, "aa", ["", ""]],
  [/(?:|a)*(.*)/u, "aa", ["aa", "aa"]],
  [/(z)((a+)?(b+)?(c))*/u, "zaacbbbcac", ["zaacbbbcac", "z", "ac", "a", "bbb", "c"]],
] as [RegExp, string, string[]][])("%p of %p, as PCRE", (regex, text, expected) => {
  expect([...LinearRegex.of(regex)!.exec(text)!]).toEqual(expected);
  expect(hasOtherGroups(parseRegex(regex.source).root)).toBe(true);
});

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, depthSize: "medium" },
    fc.constantFrom("a", "b", "[ab]", ".", "\\w", "[^a]", "^", "$", "\\b", "\\B", ""),
    fc.tuple(tie("expression"), tie("expression")).map(([one, other]) => one + other),
    fc.tuple(tie("expression"), tie("expression")).map(([one, other]) => `(?:${one}|${other})`),
    tie("expression").map((inner) => `(${inner})`),
    fc
      .tuple(tie("expression"), fc.constantFrom("*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,3}?", "{2,}"))
      .map(([inner, quantifier]) => `(?:${inner})${quantifier}`),
  ),
}));

test("any expression and any text", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "c", "-"), maxLength: 8 });
  fc.assert(
    fc.property(
      expression,
      fc.array(text, { minLength: 5, maxLength: 5 }),
      fc.constantFrom("u", "iu"),
      (source, texts, flags) => {
        const regex = new RegExp(source, flags);
        const machine = LinearRegex.of(regex);
        if (machine === null || hasOtherGroups(parseRegex(source).root)) return;
        expect(machine.isLoose).toBe(false);
        for (const one of texts) {
          const [found, expected] = [machine.exec(one), regex.exec(one)];
          expect([found?.index, ...(found ?? [])]).toEqual([expected?.index, ...(expected ?? [])]);
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test.each([
  [/^a(?!b)/u, "ab", true],
  [/^a(?!b)/u, "cab", false],
  [/(?<!a)b$/u, "ab", true],
  [/(a|b)\1-/u, "abc-", true],
  [/^(?<x>a)c\k<x>/u, "ab", false],
] as [RegExp, string, boolean][])("%p of %p: %p, but for what it cannot tell", (regex, text, matches) => {
  const machine = LinearRegex.of(regex)!;
  expect([machine.isLoose, machine.exec(text) !== null]).toEqual([true, matches]);
});

test.each([/(?:a{1000}){1000}/u, /(?:(?:a*)*b?)*/u])("there is none for %p", (regex) => {
  expect(LinearRegex.of(regex)).toBeNull();
});
