/**
 * What turns a body of one charset into another: for bytes of a single-byte charset a table, for UTF-8 its characters. By nginx's
 * `charset_map` where there is one, else by the tables of the runtime. As in nginx a byte that stands for nothing becomes `?`, and a
 * character of UTF-8 that the other charset lacks a reference such as `&#8364;`.
 */
import { codePoints, isUtf8, NONE } from "./charsets.ts";

export type Recoding =
  | { readonly kind: "bytes"; readonly table: Uint8Array }
  | { readonly kind: "to utf-8"; readonly table: readonly Buffer[] }
  /** The byte of a code point. */
  | { readonly kind: "from utf-8"; readonly table: ReadonlyMap<number, number> };

/** A table of `charset_map`; names are in small letters. */
interface Table {
  readonly from: string;
  readonly to: string;
  readonly codes: readonly { readonly from: number; readonly to: readonly number[] }[];
}

const UNKNOWN = "?".charCodeAt(0);
const ASCII = 128;

/** The conversion from one charset to another; null: nobody has told it. @param from @param to in small letters */
export function recodingBetween(from: string, to: string, tables: readonly Table[]): Recoding | null {
  const table = tables.find((each) => each.from === from && each.to === to);
  if (table !== undefined) return isUtf8(to) ? toUtf8(bytesOf(table)) : byBytes(pairs(table));
  const inverse = tables.find((each) => each.from === to && each.to === from);
  if (inverse !== undefined) {
    return isUtf8(from) ? fromUtf8(pointsOf(inverse)) : byBytes(pairs(inverse).map(([a, b]) => [b, a]));
  }
  return builtIn(from, to);
}

function builtIn(from: string, to: string): Recoding | null {
  const source = isUtf8(from) ? null : codePoints(from);
  const target = isUtf8(to) ? null : codePoints(to);
  if (source !== null && target !== null) return byBytes(samePoints(source, target));
  if (source !== null && isUtf8(to)) return toUtf8(source.map((point) => (point === NONE ? null : utf8(point))));
  return target !== null && isUtf8(from) ? fromUtf8(target.map((point, byte) => [point, byte])) : null;
}

const utf8 = (point: number): Buffer => Buffer.from(String.fromCodePoint(point), "utf8");

/** Pairs of bytes that stand for the same character. */
function samePoints(source: readonly number[], target: readonly number[]): (readonly [number, number])[] {
  const bytes = new Map(target.map((point, byte) => [point, byte]));
  return source.flatMap((point, byte) => {
    const other = point === NONE ? undefined : bytes.get(point);
    return other === undefined ? [] : [[byte, other] as const];
  });
}

const pairs = ({ codes }: Table): (readonly [number, number])[] => codes.map(({ from, to }) => [from, to[0]!]);

function bytesOf({ codes }: Table): (Buffer | null)[] {
  const bytes = Array.from({ length: 256 }, (_, byte) => (byte < ASCII ? Buffer.of(byte) : null));
  for (const { from, to } of codes) bytes[from] = Buffer.from(to);
  return bytes;
}

function pointsOf({ codes }: Table): (readonly [number, number])[] {
  return codes.map(({ from, to }) => [Buffer.from(to).toString("utf8").codePointAt(0)!, from]);
}

function byBytes(known: readonly (readonly [number, number])[]): Recoding {
  const table = Uint8Array.from({ length: 256 }, (_, byte) => (byte < ASCII ? byte : UNKNOWN));
  for (const [from, to] of known) table[from] = to;
  return { kind: "bytes", table };
}

const toUtf8 = (bytes: readonly (Buffer | null)[]): Recoding => ({
  kind: "to utf-8",
  table: bytes.map((each) => each ?? Buffer.of(UNKNOWN)),
});

function fromUtf8(known: readonly (readonly [number, number])[]): Recoding {
  const table = new Map(Array.from({ length: ASCII }, (_, byte) => [byte, byte]));
  for (const [point, byte] of known) if (point !== NONE) table.set(point, byte);
  return { kind: "from utf-8", table };
}
