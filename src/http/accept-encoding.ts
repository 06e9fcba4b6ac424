/** The content codings that a client accepts (Accept-Encoding, RFC 9110 §12.5.3), out of those the server supports. */
import { preferences } from "./headers.ts";

/** zstd: RFC 8878; br: RFC 7932; gzip: RFC 1952. */
export type Coding = "zstd" | "br" | "gzip";
export const CODINGS: readonly Coding[] = ["zstd", "br", "gzip"];

/** What a client says about the codings. There are only a few different objects, so results can be cached by `index`. */
export interface Acceptance {
  /** Index of this object, from 0; 0 accepts no coding. */
  readonly index: number;
  /** Preference for each coding, relative to the others; 0: not acceptable, or the client prefers the uncoded form. */
  readonly ranks: Readonly<Record<Coding, number>>;
}

const known = new Map<string, Acceptance>();

/** Accepts no coding. */
export const ACCEPTS_NONE = acceptance(0, 0, 0);

/**
 * Parses the value of Accept-Encoding; undefined: the field is absent. Only codings that the field names are used. Without the field
 * the RFC would allow any coding, but a client that does not send it may be unable to decode. `identity` counts only when it is named.
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
