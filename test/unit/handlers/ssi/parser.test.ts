/** The directives of SSI in a text: that it does not matter in which pieces it comes. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DIRECTIVE, MALFORMED, MORE, SsiParser } from "../../../../src/handlers/ssi/parser.ts";
import { pieces } from "../transform/pieces.ts";

/** Texts and directives in order, neighbouring texts as one. */
function parsed(list: Iterable<string>): string[] {
  const parser = new SsiParser(8);
  const found: string[] = [];
  let text = "";
  const add = (bytes: Buffer) => void (text += bytes.latin1Slice());
  const event = (what: string) => {
    if (text !== "") found.push(text);
    text = "";
    found.push(what);
  };
  for (const piece of list) {
    parser.feed(Buffer.from(piece, "latin1"));
    for (let outcome = parser.next(add); outcome !== MORE; outcome = parser.next(add)) {
      const values = parser.parameters.map(({ name, value }) => `${name}=${value}`);
      if (outcome === DIRECTIVE) event(`{${[parser.command, ...values].join(" ")}}`);
      if (outcome === MALFORMED) event(`{! ${parser.reason}}`);
    }
  }
  add(parser.rest());
  return text === "" ? found : [...found, text];
}

describe("directives", () => {
  test.each<[string, string[]]>([
    ["a<!--#b-->c", ["a", "{b}", "c"]],
    ['<!--# a x="1" y = \'2"\' -->', ['{a x=1 y=2"}']],
    ['<!--#a x="\\"b\\\\"-->', ['{a x=\\"b\\\\}']],
    ["<<!--#a--><!-<!--#b-->", ["<", "{a}", "<!-", "{b}"]],
    ["<!--x--><!--", ["<!--x--><!--"]],
    ["<!--#a x-->b", ['{! invalid "x-" parameter in "a" SSI command}', "b"]],
    ["<!--#a x=y-->b", ['{! unexpected "y" symbol before value of "x" parameter in "a" SSI command}', "b"]],
    ['<!--#a x="123456789"-->', ['{! too long "123456789..." value of "x" parameter in "a" SSI command}']],
    ["<!--#a -->b<!--#", ["{a}", "b"]],
    ["<!--#a -x-->b", ['{! unexpected "x" symbol in "a" SSI command}', "b"]],
  ])("%j", (text, expected) => {
    expect(parsed([text])).toEqual(expected);
    expect(parsed([...text])).toEqual(expected);
  });

  test("what cannot begin one does not wait", () => {
    const parser = new SsiParser(8);
    let text = "";
    parser.feed(Buffer.from("a <!-- b <!-"));
    parser.next((bytes) => void (text += bytes));
    expect(text).toBe("a <!-- b ");
  });

  test("the pieces do not matter", () => {
    const tokens = fc.constantFrom(
      "<",
      "!",
      "-",
      "--",
      "#",
      "<!--#",
      "-->",
      "a",
      " ",
      "=",
      '"',
      "'",
      "\\",
      "x=",
      "abcdefgh",
    );
    fc.assert(
      fc.property(fc.array(tokens, { maxLength: 40 }), fc.infiniteStream(fc.nat(4)), (list, sizes) => {
        const text = list.join("");
        expect(parsed(pieces(text, sizes))).toEqual(parsed([text]));
      }),
    );
  });
});
