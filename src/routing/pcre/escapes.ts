/** What a backslash begins, where a class may have it too: classes of characters, and characters by their number. */
import { type Characters, CLASSES, complement, LAST_BYTE, LAST_CODE_POINT, upTo } from "./characters.ts";
import type { Text } from "./text.ts";

const CONTROLS: ReadonlyMap<string, number> = new Map([
  ["a", 7],
  ["e", 0x1b],
  ["f", 12],
  ["n", 10],
  ["r", 13],
  ["t", 9],
]);

export const lastOf = ({ isUnicode }: Text): number => (isUnicode ? LAST_CODE_POINT : LAST_BYTE);

/** Takes what follows a backslash. A number: one character; null: it is nothing that a class could have (nothing is taken). */
export function escaped(text: Text, ignoresCase: boolean): number | Characters | null {
  const start = text.at - 1;
  if (text.isDone) text.fail("\\ at end of pattern", start);
  const c = text.here;
  if (!/[A-Za-z0-9]/.test(c)) return text.code();
  const set = CLASSES.get(c.toLowerCase());
  if (set !== undefined) {
    text.at++;
    return c === c.toLowerCase() ? upTo(set, lastOf(text)) : complement(upTo(set, lastOf(text)), lastOf(text));
  }
  if (c === "p" || c === "P") return property(text, ignoresCase, start);
  const control = CONTROLS.get(c);
  if (control === undefined) return numbered(text, start);
  text.at++;
  return control;
}

/** \0dd, \o{ddd}, \xhh, \x{hhh}, \cX. */
function numbered(text: Text, start: number): number | null {
  const octal = text.match(/0[0-7]{0,2}|o\{([0-7]+)\}/y);
  if (octal !== null) return within(text, Number.parseInt(octal[1] ?? octal[0], 8), start);
  if (text.take("x{")) {
    const digits = text.match(/([0-9A-Fa-f]+)\}/y);
    if (digits === null) text.fail("hexadecimal digits and } are expected behind \\x{");
    return within(text, Number.parseInt(digits[1]!, 16), start);
  }
  const digits = text.match(/x([0-9A-Fa-f]{0,2})/y);
  if (digits !== null) return Number.parseInt(`0${digits[1]}`, 16);
  const control = text.match(/c([\x20-\x7e])/y);
  if (control !== null) return control[1]!.toUpperCase().charCodeAt(0) ^ 64;
  return null;
}

function within(text: Text, code: number, at: number): number {
  if (code > lastOf(text)) text.fail("the character's number is too large", at);
  return code;
}

/** \pL, \p{Lu}, \p{^Lu}, \P{Greek}. Of bytes it tells those of Latin-1, as PCRE, and case counts. */
function property(text: Text, ignoresCase: boolean, start: number): Characters {
  const found = text.match(/([pP])(?:\{(\^?)([\w&]+)\}|([A-Za-z]))/y);
  if (found === null) text.fail("malformed \\p or \\P", start);
  if (ignoresCase && text.isUnicode) text.fail("a property behind (*UTF), ignoring case, is not supported", start);
  const [, letter, caret, long, short] = found;
  const name = long ?? short!;
  const test = propertyTest(name);
  if (test === null) text.fail(`unknown property ${name} behind \\${letter}`, start);
  const isNegated = (letter === "P") !== (caret === "^");
  const set: [number, number][] = [];
  for (let code = 0; code <= lastOf(text); code++) {
    if (test.test(String.fromCodePoint(code)) === isNegated) continue;
    if (set.at(-1)?.[1] === code - 1) set.at(-1)![1] = code;
    else set.push([code, code]);
  }
  return set;
}

function propertyTest(name: string): RegExp | null {
  if (name === "L&") return /^[\p{Lu}\p{Ll}\p{Lt}]$/u;
  for (const property of [name, `Script=${name}`]) {
    try {
      return new RegExp(`^\\p{${property}}$`, "u");
    } catch {
      // It is another kind of property, or none.
    }
  }
  return null;
}

/** Takes an octal number of up to three digits, as `\12` in a class. */
export function octal(text: Text, start: number): number | null {
  const digits = text.match(/[0-7]{1,3}/y);
  if (digits === null) return null;
  const code = Number.parseInt(digits[0], 8);
  return text.isUnicode ? code : within(text, code, start);
}
