/** Whatever the text: no exception, no endless loop, every message inside of a file. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { DIRECTIVES } from "../../../src/config/directives.ts";
import { parseTime } from "../../../src/config/values/arguments.ts";
import { compileTemplate } from "../../../src/config/values/template.ts";
import { compileRegex } from "../../../src/routing/pcre/compile.ts";
import { FILE, load } from "./fake-files.ts";

/** Pieces that configurations are made of, in any order. */
const piece = fc.oneof(
  fc.constantFrom(
    ...DIRECTIVES.keys(),
    "server",
    "location",
    "{",
    "}",
    ";",
    "{",
    "}",
    ";",
    '"',
    "'",
    "\\",
    "#",
    "$",
    "${",
    "\n",
    " ",
  ),
  fc.constantFrom(
    "/",
    "~",
    "=",
    "@a",
    "80",
    "on",
    "off",
    "404",
    "1m",
    "*",
    "include",
    "site.conf",
    "*.conf",
    "text/html",
    "(",
    "é😀",
    "\0",
  ),
  fc.string({ unit: "binary", maxLength: 5 }),
);
const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(" "));

function checkPlaces(source: string): void {
  const lines = source.split("\n").map((line) => [...line].length);
  for (const { position } of load(source).diagnostics) {
    expect(position.file).toBe(FILE);
    if (position.line === 0) continue;
    expect(position.line).toBeLessThanOrEqual(lines.length);
    expect(position.column).toBeGreaterThan(0);
    expect(position.column).toBeLessThanOrEqual(lines[position.line - 1]! + 1);
  }
}

test("pieces of configurations", () => {
  fc.assert(fc.property(text, checkPlaces), { numRuns: 2000 });
});

test("any characters", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 200 }).map((s) => s.toWellFormed()),
      checkPlaces,
    ),
    { numRuns: 500 },
  );
});

test("a good configuration cut anywhere is refused or a good one", () => {
  const whole = 'http { server { listen 80; location ~ "^/(a{2})$" { return 200 "x $1"; } error_page 404 =200 /x; } }';
  for (let end = 1; end < whole.length; end++) {
    const { config, diagnostics } = load(whole.slice(0, end));
    expect([end, config]).toEqual([end, null]);
    expect(diagnostics.length).toBeGreaterThan(0);
  }
});

test("regular expressions, templates and times never throw", () => {
  const characters = fc.string({ unit: fc.constantFrom(..."()[]{}\\^$*+?|.-:<>=!PdwAzQ1a,i "), maxLength: 20 });
  fc.assert(
    fc.property(characters, (source) => {
      compileRegex(source, true);
      compileTemplate(source);
      parseTime(source);
    }),
    { numRuns: 3000 },
  );
});
