/** Addresses and networks, as bytes. */
import type { AccessRule } from "../config/parts.ts";

/** Whether an address (4 or 16 bytes; none: a unix socket) is the one that a rule means, or in its network. An IPv4-mapped IPv6 address is an IPv4 one. */
export function isWithin(match: AccessRule["match"], bytes: Uint8Array): boolean {
  if (match === "all") return true;
  if (match === "unix") return bytes.length === 0;
  const from = bytes.length === 16 && match.address.length === 4 ? mappedStart(bytes) : 0;
  if (bytes.length - from !== match.address.length) return false;
  return samePrefix(match.address, bytes, from, match.bits);
}

/** Offset of the IPv4 address in an IPv4-mapped IPv6 address (::ffff:a.b.c.d, RFC 4291 §2.5.5.2); 0: it is none. */
export function mappedStart(bytes: Uint8Array): number {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return 0;
  return bytes[10] === 0xff && bytes[11] === 0xff ? 12 : 0;
}

function samePrefix(network: readonly number[], bytes: Uint8Array, from: number, bits: number): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (network[i] !== bytes[from + i]) return false;
  const mask = 0xff & (0xff00 >> (bits & 7));
  return mask === 0 || (network[whole]! & mask) === (bytes[from + whole]! & mask);
}
