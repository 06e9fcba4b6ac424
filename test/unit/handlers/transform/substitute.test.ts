/** `sub_filter`: what it makes of a body, by nginx's rules, and that it does not matter in which pieces the body comes. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Substitute } from "../../../../src/handlers/transform/substitute.ts";
import { Texts } from "../../../../src/handlers/transform/substitutions.ts";
import { pieces, throughPieces } from "./pieces.ts";

type Pair = readonly [text: string, replacement: string];

const filter = (pairs: readonly Pair[], once: boolean) =>
  new Substitute(
    new Texts(pairs.map(([text]) => text)),
    pairs.map(([, replacement]) => Buffer.from(replacement, "latin1")),
    once,
  );

const replaced = (body: string, pairs: readonly Pair[], once = false): string =>
  throughPieces(filter(pairs, once), [body]);

describe("sub_filter", () => {
  test.each<[string, readonly Pair[], boolean, string]>([
    ["abc abc", [["b", "-"]], true, "a-c abc"],
    ["abc abc", [["b", "-"]], false, "a-c a-c"],
    ["ABC abc", [["aBc", "x"]], false, "x x"],
    ["caf\xe9 CAF\xc9", [["caf\xe9", "x"]], false, "x CAF\xc9"], // only ASCII letters have a case
    ["a.c abc $&", [["a.c", "$&"]], false, "$& abc $&"],
    ["aab", [["ab", "x"]], false, "ax"],
    ["aaa", [["aa", "x"]], false, "xa"],
    [
      "abcd",
      [
        ["bc", "1"],
        ["abc", "2"],
      ],
      false,
      "2d",
    ], // the one that begins first
    [
      "abcd",
      [
        ["ab", "1"],
        ["abc", "2"],
      ],
      false,
      "1cd",
    ], // the one that was written first
    [
      "abcd",
      [
        ["abc", "2"],
        ["ab", "1"],
      ],
      false,
      "2d",
    ],
    [
      "abab xyxy",
      [
        ["ab", "1"],
        ["xy", "2"],
      ],
      true,
      "1ab 2xy",
    ], // each once
    [
      "abab",
      [
        ["ab", "1"],
        ["ab", "2"],
      ],
      true,
      "12",
    ],
    ["abab", [["ab", ""]], true, "ab"],
    ["aa", [["a", "aa"]], false, "aaaa"], // what was put in is not looked at again
    ["ab", [["abc", "x"]], false, "ab"],
    ["", [["a", "x"]], false, ""],
  ])("%j, %j, once %p: %j", (body, pairs, once, expected) => {
    expect(replaced(body, pairs, once)).toBe(expected);
    expect(throughPieces(filter(pairs, once), [...body])).toBe(expected);
  });

  test("only what may begin a text waits for more", () => {
    const out: Buffer[] = [];
    filter(
      [
        ["</head>", "x"],
        ["d", "D"],
      ],
      false,
    ).feed(Buffer.from("data: 1\n</he"), out);
    expect(Buffer.concat(out).toString()).toBe("Data: 1\n");
  });

  const letters = fc.constantFrom("a", "b", "A", "<", "\xe9");
  const words = fc.array(letters, { minLength: 1, maxLength: 4 }).map((list) => list.join(""));
  const body = fc.array(letters, { maxLength: 60 }).map((list) => list.join(""));
  const pairs = fc.array(fc.tuple(words, fc.constantFrom("", "1", "ab", "(long)")), { minLength: 1, maxLength: 4 });

  test("the pieces do not matter", () => {
    fc.assert(
      fc.property(body, pairs, fc.boolean(), fc.infiniteStream(fc.nat(5)), (text, list, once, sizes) => {
        expect(throughPieces(filter(list, once), pieces(text, sizes))).toBe(model(text, list, once));
      }),
    );
  });
});

const lower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** The rules, one position after the other. */
function model(body: string, pairs: readonly Pair[], once: boolean): string {
  let left = [...pairs];
  let result = "";
  for (let at = 0; at < body.length; ) {
    const pair = left.find(([text]) => lower(body).startsWith(lower(text), at));
    result += pair === undefined ? body[at] : pair[1];
    at += pair === undefined ? 1 : pair[0].length;
    if (once) left = left.filter((each) => each !== pair);
  }
  return result;
}
