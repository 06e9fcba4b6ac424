/** Which entry of a table gave a variable its value. */
import { parseAddress } from "../../../ffi/inet.ts";
import type { Position } from "../../config/parts.ts";
import type { GeoTable, MapTable, SplitTable, VariableTable } from "../../config/tables/tables.ts";
import type { Directive } from "../../config/text/parser.ts";
import { parseNetwork } from "../../config/values/source.ts";
import { murmurHash2 } from "../../exchange/tables/murmur.ts";
import { lowerCase, octets } from "../../http/octets.ts";
import { isWithin } from "../../routing/networks.ts";
import { SureRegex } from "../../routing/sure-regex.ts";

interface EntryText {
  readonly text: string;
  /** null: there is no such entry. */
  readonly at: Position | null;
}

/** The end of `$x is "value"...`: which entry says so, for what was looked up. @param source as Unicode */
export function entryText(table: VariableTable, entries: readonly Directive[], source: string): EntryText {
  const pairs = entries.filter(({ args }) => args.length > 0);
  const found = entryOf(table, pairs, source) ?? pairs.find(({ name }) => name === "default");
  const what = table.kind === "geo" ? source : `"${source}"`;
  if (found === undefined) return { text: `: no entry is for ${what}`, at: null };
  const by = found.name === "default" ? "the default" : `by ${found.name || '""'}`;
  return { text: `, ${by} for ${what}`, at: found.position };
}

function entryOf(table: VariableTable, pairs: readonly Directive[], source: string): Directive | undefined {
  switch (table.kind) {
    case "map":
      return ofMap(table, pairs, source);
    case "geo":
      return ofGeo(table, pairs, source);
    case "split_clients":
      return ofSplit(table, pairs, source);
  }
}

function ofMap(table: MapTable, pairs: readonly Directive[], source: string): Directive | undefined {
  const name = lowerCase(octets(source));
  const texts = pairs.filter((pair) => !isExpression(pair) && pair.name !== "default");
  const key = (pair: Directive): string => lowerCase(octets(pair.name.replace(/^\\/, "")));
  const exact = texts.find((pair) => key(pair) === name || (table.hostnames && key(pair) === `.${name}`));
  const longest = (found: readonly Directive[]) => found.toSorted((a, b) => key(b).length - key(a).length)[0];
  const leading = texts.filter((pair) => /^\*?\../.test(key(pair)) && name.endsWith(key(pair).replace(/^\*/, "")));
  const trailing = texts.filter((pair) => key(pair).endsWith(".*") && name.startsWith(key(pair).slice(0, -1)));
  const host = table.hostnames ? (longest(leading) ?? longest(trailing)) : undefined;
  return exact ?? host ?? ofExpressions(table, pairs, source);
}

const isExpression = ({ name }: Directive): boolean => name.startsWith("~");

/** The expressions of the table are those of the entries, in order. */
function ofExpressions({ expressions }: MapTable, pairs: readonly Directive[], source: string): Directive | undefined {
  if (source === "") return undefined;
  const at = expressions.findIndex(({ regex }) => new SureRegex(regex).exec(octets(source)) !== null);
  return at < 0 ? undefined : pairs.filter(isExpression)[at];
}

/** Of networks the narrowest, of equal ones and of ranges the last. */
function ofGeo({ ipv6 }: GeoTable, pairs: readonly Directive[], source: string): Directive | undefined {
  const bytes = Uint8Array.from(parseAddress(source) ?? [255, 255, 255, 255]);
  const deleted = new Map(pairs.flatMap(({ name, args }, i) => (name === "delete" ? [[args[0]!.text, i]] : [])));
  let best: Directive | undefined;
  let width = -1;
  for (const [i, pair] of pairs.entries()) {
    const { name } = pair;
    if ((deleted.get(name) ?? -1) > i) continue;
    const network = ipv6 === null ? rangeOf(name, bytes) : parseNetwork(name);
    if (network === undefined || network.bits < width || !isWithin(network, bytes)) continue;
    best = pair;
    width = network.bits;
  }
  return best;
}

/** The address itself, if it lies in a range. */
function rangeOf(text: string, bytes: Uint8Array): { address: readonly number[]; bits: number } | undefined {
  const [first, last] = text.split("-").map((end) => parseAddress(end));
  if (first?.length !== 4 || last?.length !== 4 || bytes.length !== 4) return undefined;
  const isInside = compare(first, bytes) <= 0 && compare(bytes, last) <= 0;
  return isInside ? { address: [...bytes], bits: 32 } : undefined;
}

const compare = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Buffer.compare(Uint8Array.from(a), Uint8Array.from(b));

function ofSplit({ parts }: SplitTable, pairs: readonly Directive[], source: string): Directive | undefined {
  const hash = murmurHash2(octets(source));
  const at = parts.findIndex(({ below }) => hash < below);
  return at < 0 ? undefined : pairs[at];
}
