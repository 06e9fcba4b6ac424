// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${name}` is the language that is tested here
/** nginx's tokens: words, quotes, escapes, comments, and where they stand. */
import { describe, expect, test } from "bun:test";
import { Lexer, type Token } from "../../../src/config/text/lexer.ts";

function tokenize(text: string): Token[] {
  const lexer = new Lexer(text, "f");
  const tokens = [lexer.next()];
  while (tokens.at(-1)!.kind !== "end") tokens.push(lexer.next());
  return tokens;
}

/** The words and marks of a text, in order, none with a mistake. */
function reads(text: string, ...expected: string[]): void {
  test(JSON.stringify(text), () => {
    const tokens = tokenize(text);
    expect(tokens.filter((token) => token.problem !== null)).toEqual([]);
    expect(tokens.slice(0, -1).map((token) => token.text)).toEqual(expected);
    expect(tokens.at(-1)!.kind).toBe("end");
  });
}

describe("words and marks", () => {
  reads("");
  reads("listen 80;", "listen", "80", ";");
  reads("a{b c;}", "a", "{", "b", "c", ";", "}");
  reads("a\tb\r\nc\n;", "a", "b", "c", ";");
  reads("a b}c;", "a", "b}c", ";");
  reads("it's a\"b;", "it's", 'a"b', ";");
});

describe("comments begin where a word would", () => {
  reads("a # b;\nc;", "a", "c", ";");
  reads("#", ...[]);
  reads("a#b c;#d", "a#b", "c", ";");
  reads('"#a" b;', "#a", "b", ";");
});

describe("quotes", () => {
  reads("'a b' \"c;{}\" '';", "a b", "c;{}", "", ";");
  reads(`"it's" 'say "x"';`, "it's", 'say "x"', ";");
  reads('"a\nb";', "a\nb", ";");
  reads('"a"{', "a", "{");
});

describe("escapes: quotes, backslashes and control characters; all others stay", () => {
  reads("a\\ b;", "a\\ b", ";");
  reads("a\\;b;", "a\\;b", ";");
  reads("\"a\\\"b\" 'c\\'d';", 'a"b', "c'd", ";");
  reads('"a\\\\b";', "a\\b", ";");
  reads('"a\\nb\\tc\\rd";', "a\nb\tc\rd", ";");
  reads("~ \\.php$;", "~", "\\.php$", ";");
  reads("\\d{x;", "\\d", "{", "x", ";");
  reads('"\\d{3}";', "\\d{3}", ";");
});

describe("variables in braces stay in the word", () => {
  reads("a${b}c;", "a${b}c", ";");
  reads("$a {", "$a", "{");
  reads("x$${a};", "x$${a}", ";");
});

describe("places", () => {
  const places = (text: string): string[] =>
    tokenize(text).map(({ position, end }) => `${position.line}:${position.column}-${end.line}:${end.column}`);

  test("lines and columns count from 1", () => {
    expect(places("a b;\n  c")).toEqual(["1:1-1:2", "1:3-1:4", "1:4-1:5", "2:3-2:4", "2:4-2:4"]);
  });
  test("a word over several lines ends where it ends", () => {
    expect(places('"a\nbc";')).toEqual(["1:1-2:4", "2:4-2:5", "2:5-2:5"]);
  });
  test("columns count characters, not bytes or code units", () => {
    expect(places("é 😀 b")).toEqual(["1:1-1:2", "1:3-1:4", "1:5-1:6", "1:6-1:6"]);
    expect(places("😀\n😀 b")).toEqual(["1:1-1:2", "2:1-2:2", "2:3-2:4", "2:4-2:4"]);
  });
});
