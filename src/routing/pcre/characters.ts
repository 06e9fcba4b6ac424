/** Sets of characters: bytes, or code points behind (*UTF). PCRE's classes, and how JavaScript writes a set. */

/** Ranges [first, last], in order and apart. */
export type Characters = readonly (readonly [first: number, last: number])[];

export const LAST_BYTE = 0xff;
export const LAST_CODE_POINT = 0x10ffff;

/** The set of ranges in any order. */
export function characters(...ranges: readonly (readonly [number, number])[]): Characters {
  const merged: [number, number][] = [];
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const before = merged.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else merged.push([first, last]);
  }
  return merged;
}

export const single = (code: number): Characters => [[code, code]];
export const union = (...sets: readonly Characters[]): Characters => characters(...sets.flat());

/** The characters up to `most` that are not in the set. */
export function complement(set: Characters, most: number): Characters {
  const out: [number, number][] = [];
  let next = 0;
  for (const [first, last] of set) {
    if (first > next) out.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= most) out.push([next, most]);
  return out;
}

export const overlap = (one: Characters, other: Characters): boolean =>
  one.some(([first, last]) => other.some(([a, b]) => first <= b && a <= last));

/** The set with the other case of its ASCII letters: bytes beyond have no case in nginx, whose tables are those of the C locale. */
export function withBothCases(set: Characters): Characters {
  const other = set.flatMap(([first, last]) => [shifted(first, last, 0x41, 32), shifted(first, last, 0x61, -32)]);
  return characters(...set, ...other.filter((range) => range !== null));
}

/** The part of [first, last] among the 26 letters from `a` on, moved; null: there is none. */
function shifted(first: number, last: number, a: number, by: number): readonly [number, number] | null {
  const from = Math.max(first, a);
  const to = Math.min(last, a + 25);
  return from > to ? null : [from + by, to + by];
}

const DIGIT = characters([0x30, 0x39]);
const UPPER = characters([0x41, 0x5a]);
const LOWER = characters([0x61, 0x7a]);
const SPACE = characters([9, 13], [32, 32]);
const WORD = union(DIGIT, UPPER, LOWER, single(0x5f));
const GRAPH = characters([0x21, 0x7e]);

/** `[:name:]`. */
export const POSIX: ReadonlyMap<string, Characters> = new Map([
  ["alnum", union(DIGIT, UPPER, LOWER)],
  ["alpha", union(UPPER, LOWER)],
  ["ascii", characters([0, 0x7f])],
  ["blank", characters([9, 9], [32, 32])],
  ["cntrl", characters([0, 31], [127, 127])],
  ["digit", DIGIT],
  ["graph", GRAPH],
  ["lower", LOWER],
  ["print", characters([32, 0x7e])],
  ["punct", characters([0x21, 0x2f], [0x3a, 0x40], [0x5b, 0x60], [0x7b, 0x7e])],
  ["space", SPACE],
  ["upper", UPPER],
  ["word", WORD],
  ["xdigit", union(DIGIT, characters([0x41, 0x46], [0x61, 0x66]))],
]);

/** The classes of small letters behind a backslash. That of the capital is the complement. */
export const CLASSES: ReadonlyMap<string, Characters> = new Map([
  ["d", DIGIT],
  ["s", SPACE],
  ["w", WORD],
  ["v", characters([10, 13], [0x85, 0x85], [0x2028, 0x2029])],
  [
    "h",
    characters(
      ...[9, 0x20, 0xa0, 0x1680, 0x180e, 0x202f, 0x205f, 0x3000].map((code) => [code, code] as const),
      [0x2000, 0x200a],
    ),
  ],
]);

/** The set without what is beyond `most`. */
export const upTo = (set: Characters, most: number): Characters =>
  set.filter(([first]) => first <= most).map(([first, last]) => [first, Math.min(last, most)]);

/** How JavaScript writes one character of the set, for bytes and with the flag `u`. */
export function classText(set: Characters, most: number): string {
  const [first] = set;
  if (first === undefined) return "[]";
  if (set.length === 1 && first[0] === first[1]) return characterText(first[0], /[\\^$.*+?()[\]{}|/]/);
  if (set.length === 1 && first[0] === 0 && first[1] === most) return "[^]";
  const isNegated = set.at(-1)![1] === most;
  const ranges = isNegated ? complement(set, most) : set;
  return `[${isNegated ? "^" : ""}${ranges.map(rangeText).join("")}]`;
}

function rangeText([first, last]: readonly [number, number]): string {
  const [a, b] = [first, last].map((code) => characterText(code, /[\\\]^[-]/));
  return first === last ? a! : last === first + 1 ? a! + b! : `${a}-${b}`;
}

function characterText(code: number, special: RegExp): string {
  if (code > 0xff) return `\\u{${code.toString(16)}}`;
  if (code < 0x20 || code > 0x7e) return `\\x${code.toString(16).padStart(2, "0")}`;
  const text = String.fromCharCode(code);
  return special.test(text) ? `\\${text}` : text;
}
