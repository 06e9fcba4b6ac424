/** Range requests in bytes (RFC 9110 §14). */

/** A part of a representation: its first and last byte, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The Range field is ignored: reply with the whole representation. */
export const RANGE_IGNORED = "ignored";
/** Well-formed, but no range overlaps the representation: 416. */
export const RANGE_UNSATISFIABLE = "unsatisfiable";

const UNIT = /^bytes=/i;
const RANGE_SPEC = /^(\d*)-(\d*)$/;

/**
 * Parses `value`, a Range field, for a representation of `size` bytes. Gives the ranges in the order requested. If some overlap or
 * touch, they are joined and sorted. Ignores other units, malformed values and more than `most` ranges.
 */
export function parseRange(
  value: string,
  size: number,
  most: number,
): readonly ByteRange[] | typeof RANGE_IGNORED | typeof RANGE_UNSATISFIABLE {
  if (!UNIT.test(value)) return RANGE_IGNORED;
  const specs = value
    .slice(6)
    .split(",")
    .map((spec) => spec.trim())
    .filter((spec) => spec !== "");
  if (specs.length === 0 || specs.length > most) return RANGE_IGNORED;
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const range = resolve(spec, size);
    if (range === undefined) return RANGE_IGNORED;
    if (range !== null) ranges.push(range);
  }
  if (ranges.length === 0) return RANGE_UNSATISFIABLE;
  // An empty representation has no range that Content-Range could name, so the whole is sent.
  return size === 0 ? RANGE_IGNORED : separate(ranges);
}

/**
 * One range-spec for a given size. Null: it is empty or starts after the end; undefined: malformed. For an empty representation, a
 * suffix is satisfiable (RFC 9110 §14.1.2), and so is a range from the first byte on, as in nginx.
 */
function resolve(spec: string, size: number): ByteRange | null | undefined {
  const match = RANGE_SPEC.exec(spec);
  if (!match || spec === "-") return undefined;
  if (match[1] === "") {
    const suffix = Number(match[2]);
    return suffix === 0 ? null : { start: Math.max(0, size - suffix), end: size - 1 };
  }
  const start = Number(match[1]);
  const last = match[2] === "" ? Number.POSITIVE_INFINITY : Number(match[2]);
  if (last < start) return undefined;
  return start > 0 && start >= size ? null : { start, end: Math.min(last, size - 1) };
}

/** The ranges unchanged when they do not overlap or touch, else joined (RFC 9110 §15.3.7.2 allows both). */
function separate(ranges: ByteRange[]): ByteRange[] {
  const joined: { start: number; end: number }[] = [];
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last && range.start <= last.end + 1) last.end = Math.max(last.end, range.end);
    else joined.push({ ...range });
  }
  return joined.length === ranges.length ? ranges : joined;
}

/** The value of Content-Range for one part. */
export function contentRange(range: ByteRange, size: number): string {
  return `bytes ${range.start}-${range.end}/${size}`;
}

/** The value of Content-Range in a 416. */
export function unsatisfiedRange(size: number): string {
  return `bytes */${size}`;
}
