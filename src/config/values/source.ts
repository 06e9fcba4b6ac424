/** Sources of connections: addresses and networks. */
import { parseAddress } from "../../../ffi/inet.ts";
import type { AccessRule } from "../parts.ts";
import type { Scope } from "../scope.ts";
import type { Word } from "../text/parser.ts";
import { kind } from "./arguments.ts";

export const source = kind(
  "all | ADDRESS | NETWORK/BITS | unix:",
  "all, an address, a network such as 10.0.0.0/8, or unix:",
  parseSource,
);

/** The source in the form of access rules. Warns when low bits of a network are set. */
export function network(match: Source, { text, position }: Word, scope: Scope): AccessRule["match"] {
  if (typeof match !== "object") return match;
  if (match.stray) scope.warning(position, `the low bits of "${text}" have no meaning and are taken as zero`);
  return { address: match.address, bits: match.bits };
}

/** `stray`: bits beyond the prefix are set; they are zero in `address`. */
export interface Network {
  readonly address: readonly number[];
  readonly bits: number;
  readonly stray: boolean;
}

type Source = "all" | "unix" | Network;

function parseSource(text: string): Source | undefined {
  if (text === "all") return "all";
  if (text === "unix:") return "unix";
  return parseNetwork(text);
}

/** Parses an address or network; an address is a network of all its bits. Undefined: it is neither. */
export function parseNetwork(text: string): Network | undefined {
  const [host, digits] = text.split("/", 2) as [string, string | undefined];
  const address = text.split("/").length > 2 ? null : parseAddress(host);
  if (address === null || (digits !== undefined && !/^\d{1,3}$/.test(digits))) return undefined;
  const bits = digits === undefined ? address.length * 8 : Number(digits);
  if (bits > address.length * 8) return undefined;
  const masked = address.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))) & 0xff);
  return { address: masked, bits, stray: masked.some((byte, i) => byte !== address[i]) };
}
