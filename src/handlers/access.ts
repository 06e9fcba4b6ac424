/** Access by address: `allow` and `deny` in order, and `limit_except`, which exempts some methods. */
import type { Settings } from "../config/model.ts";
import type { AccessRule, LimitExcept } from "../config/parts.ts";
import type { ConnectionInfo } from "../exchange/exchange.ts";

/** Whether a location's rules admit a client with `method`. */
export function mayEnter({ access, limitExcept }: Settings, connection: ConnectionInfo, method: string): boolean {
  const limits = limitExcept === null || isExempt(limitExcept, method) ? [] : limitExcept.rules;
  return [access, limits].every((rules) => allows(rules, connection));
}

/** Whether rules admit a client. The first rule that matches decides; without a match the client is admitted. */
export const allows = (rules: readonly AccessRule[], connection: Pick<ConnectionInfo, "remoteBytes">): boolean =>
  ruleFor(rules, connection)?.allow !== false;

/** The first rule that matches; undefined: none does, so the client is admitted. */
export function ruleFor(
  rules: readonly AccessRule[],
  connection: Pick<ConnectionInfo, "remoteBytes">,
): AccessRule | undefined {
  return rules.find(({ match }) => matches(match, connection));
}

/** Whether `limit_except` exempts this method. GET includes HEAD, as in nginx. */
export const isExempt = ({ methods }: LimitExcept, method: string): boolean =>
  methods.includes(method) || (method === "HEAD" && methods.includes("GET"));

function matches(match: AccessRule["match"], { remoteBytes }: Pick<ConnectionInfo, "remoteBytes">): boolean {
  if (match === "all") return true;
  if (match === "unix") return remoteBytes.length === 0;
  const from = remoteBytes.length === 16 && match.address.length === 4 ? mappedStart(remoteBytes) : 0;
  if (remoteBytes.length - from !== match.address.length) return false;
  return samePrefix(match.address, remoteBytes, from, match.bits);
}

/** Offset of the IPv4 address in an IPv4-mapped IPv6 address (::ffff:a.b.c.d, RFC 4291 §2.5.5.2); 0: it is none. */
function mappedStart(bytes: Uint8Array): number {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return 0;
  return bytes[10] === 0xff && bytes[11] === 0xff ? 12 : 0;
}

function samePrefix(network: readonly number[], bytes: Uint8Array, from: number, bits: number): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (network[i] !== bytes[from + i]) return false;
  const mask = 0xff & (0xff00 >> (bits & 7));
  return mask === 0 || (network[whole]! & mask) === (bytes[from + whole]! & mask);
}
