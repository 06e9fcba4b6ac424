/** The content codings that a client takes (Accept-Encoding, RFC 9110 §12.5.3), of those that the server knows. */
import { preferences } from "./headers.ts";

/** zstd: RFC 8878; br: RFC 7932; gzip: RFC 1952. */
export type Coding = "zstd" | "br" | "gzip";
export const CODINGS: readonly Coding[] = ["zstd", "br", "gzip"];

/** What a client says about the codings: one of a few objects, so that what depends on it can be kept by its index. */
export interface Acceptance {
  /** Counts from 0, which is "as it is, please". */
  readonly index: number;
  /** How much each coding is wanted, compared with the others; 0: it must not be used, or the client likes the plain form better. */
  readonly ranks: Readonly<Record<Coding, number>>;
}

const known = new Map<string, Acceptance>();

/** Takes no coding at all. */
export const ACCEPTS_NONE = acceptance(0, 0, 0);

/**
 * What the value of Accept-Encoding says; undefined: the field is absent. A coding that is not named is not used, although the absence of
 * the field would allow it: nothing that sends no such field can be expected to decode. `identity` counts only where it is named.
 */
export function acceptedCodings(value: string | undefined): Acceptance {
  if (value === undefined || value === "") return ACCEPTS_NONE;
  const weights = new Map<string, number>();
  for (const { range, weight } of preferences(value)) {
    const name = range === "x-gzip" ? "gzip" : range; // RFC 9110 §8.4.1.3
    weights.set(name, Math.max(weights.get(name) ?? 0, weight));
  }
  const others = weights.get("*") ?? 0;
  const plain = weights.get("identity") ?? 0;
  const wanted = CODINGS.map((coding) => weights.get(coding) ?? others).map((weight) => (weight < plain ? 0 : weight));
  const steps = [...new Set(wanted.filter((weight) => weight > 0))].sort((a, b) => a - b);
  const [zstd, br, gzip] = wanted.map((weight) => steps.indexOf(weight) + 1) as [number, number, number];
  return acceptance(zstd, br, gzip);
}

function acceptance(zstd: number, br: number, gzip: number): Acceptance {
  const key = `${zstd}${br}${gzip}`;
  let found = known.get(key);
  if (found === undefined) known.set(key, (found = { index: known.size, ranks: { zstd, br, gzip } }));
  return found;
}
