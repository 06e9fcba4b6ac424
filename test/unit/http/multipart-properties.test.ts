/** Promises of the form parser for whatever comes, however it is cut (fast-check; a failing seed is printed and can be replayed). */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { boundaryOf } from "../../../src/http/body/multipart.ts";
import { octets } from "../../../src/http/octets.ts";
import { type Part, readForm } from "./forms.ts";

const BCHARS = "0123456789ABCXYZabcxyz'()+_,-./:=? ";
const boundaries = fc
  .tuple(fc.string({ unit: fc.constantFrom(...BCHARS), maxLength: 69 }), fc.constantFrom(...BCHARS.trimEnd()))
  .map(([most, last]) => most + last);

/** Data of pieces that delimiters are made of; the boundary itself is filled in for `B`. */
const pieces = fc.oneof(
  fc.constantFrom(
    "\r",
    "\n",
    "\r\n",
    "-",
    "--",
    "\r\n-",
    "\r\n--",
    "\r\n\r\n--",
    "--B",
    "B",
    "\r\n-B",
    "\n--B--",
    "\r\n--b",
    "\0\xff",
  ),
  fc.string({ unit: "binary-ascii" }),
);
const data = fc.array(pieces, { maxLength: 12 }).map((texts) => texts.join(""));

/** Names as a browser takes them, without control characters; what it would write for them is `written`. */
const names = fc.string({ unit: "binary" }).map((text) => octetsSafe(text));
const parts = fc.array(fc.record({ name: names, filename: fc.option(names), data }), { maxLength: 6 });

/** Lone surrogates have no UTF-8; backslashes before quotes or backslashes are the one thing browsers can't say. */
function octetsSafe(text: string): string {
  return text.toWellFormed().replace(/[\x00-\x1f\x7f\\%]/g, "_");
}

/** The form as a browser writes it (WHATWG HTML §4.10.21.8). */
function written(form: readonly Part[], boundary: string): string {
  const quoted = (text: string) => `"${octets(text).replaceAll('"', "%22")}"`;
  const text = form.map(({ name, filename, data }) => {
    const file = filename === null ? "" : `; filename=${quoted(filename ?? "")}\r\nContent-Type: a/b`;
    return `--${boundary}\r\nContent-Disposition: form-data; name=${quoted(name)}${file}\r\n\r\n${data}\r\n`;
  });
  return `${text.join("")}--${boundary}--\r\n`;
}

const cuts = fc.array(fc.nat(2000), { maxLength: 12 });

function arrivals(length: number, positions: readonly number[]): number[] {
  return [...positions.filter((position) => position < length).toSorted((a, b) => a - b), length];
}

test("parse of a generated form = what was generated, at any split", () => {
  const property = fc.property(boundaries, parts, cuts, (boundary, generated, positions) => {
    const form = generated.map((part) => ({ ...part, data: part.data.replaceAll("B", boundary) }));
    const delimiter = `--${boundary}`;
    fc.pre(form.every(({ data }) => !data.startsWith(delimiter) && !data.includes(`\r\n${delimiter}`)));
    const body = Buffer.from(written(form, boundary), "latin1");
    const whole = form.map((part) => ({ ...part, type: part.filename === null ? "" : "a/b" }));
    for (const ends of [[body.length], arrivals(body.length, positions)]) {
      expect(readForm(body, ends, boundary)).toEqual({ outcome: "whole", parts: whole });
    }
  });
  fc.assert(property, { numRuns: 3000 });
});

const SOUP =
  "--b|--b--|\r\n|\r\n\r\n|\n|\r|-|--| |\t|b|\r\n--b|\r\n--b\r\n|\r\n--b--|" +
  'Content-Disposition: form-data; name="a"|; filename="x"|; filename*=utf-8\'\'%41|; name=b|\\|"|' +
  "Content-Type: a/b|Content-Transfer-Encoding: 8bit|X: y|:|\0|\xff|\xc3\xa9|--b\r\nContent-Disposition: form-data; name=a\r\n\r\n";
const soup = fc.array(fc.constantFrom(...SOUP.split("|")), { maxLength: 16 }).map((texts) => texts.join(""));

test("splitting any body anywhere never changes the result", () => {
  const property = fc.property(soup, cuts, (text, positions) => {
    const body = Buffer.from(text, "latin1");
    const places = positions.map((position) => position % (body.length + 1));
    const whole = readForm(body, [body.length], "b");
    expect(readForm(body, arrivals(body.length, places), "b")).toEqual(whole);
    const bytewise = Array.from({ length: body.length }, (_, i) => i + 1);
    expect(readForm(body, bytewise, "b")).toEqual(whole);
  });
  fc.assert(property, { numRuns: 5000 });
});

test("a boundary comes through Content-Type as it is, in quotes", () => {
  const property = fc.property(boundaries, (boundary) => {
    expect(boundaryOf(`multipart/form-data; boundary="${boundary}"`)).toBe(boundary);
  });
  fc.assert(property);
});

test("forms as the runtime's own FormData writes them", async () => {
  const form = new FormData();
  form.append("field", "ü\r\n--");
  form.append('a"b', new File(["\0\r\n\r\n--"], 'ü "€".bin', { type: "a/b" }));
  form.append("empty", new File([], ""));
  const request = new Response(form);
  const boundary = boundaryOf(request.headers.get("Content-Type") ?? "");
  const body = Buffer.from(await request.arrayBuffer());
  const { outcome, parts } = readForm(body, [body.length], boundary!);
  expect(outcome).toBe("whole");
  expect(parts.map(({ name, filename, data }) => [name, filename, data])).toEqual([
    ["field", null, octets("ü\r\n--")],
    ['a"b', 'ü "€".bin', "\0\r\n\r\n--"],
    ["empty", "", ""],
  ]);
});
