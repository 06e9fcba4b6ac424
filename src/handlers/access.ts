/** Who may enter: `allow` and `deny` in their order, and `limit_except`, which lets some methods in without asking. */
import type { Settings } from "../config/model.ts";
import type { AccessRule } from "../config/parts.ts";
import type { ConnectionInfo, Exchange } from "../exchange/exchange.ts";
import { ANSWERED, GO_ON, type Phase } from "../exchange/phase.ts";

type Admission = (settings: Settings, connection: ConnectionInfo, method: string) => boolean;

/** Whether a location's rules let a client in with `method`. */
export const mayEnter: Admission = (settings, connection, method) =>
  allows(settings.access, connection) && maySend(settings, connection, method);

/** Whether `limit_except` alone does. */
const maySend: Admission = ({ limitExcept }, connection, method) =>
  limitExcept === null || exempt(limitExcept.methods, method) || allows(limitExcept.rules, connection);

/** The first rule that matches decides; none: allowed. */
export function allows(rules: readonly AccessRule[], connection: Pick<ConnectionInfo, "remoteBytes">): boolean {
  for (const rule of rules) if (matches(rule.match, connection)) return rule.allow;
  return true;
}

/** GET brings HEAD with it, as in nginx. */
const exempt = (methods: readonly string[], method: string): boolean =>
  methods.includes(method) || (method === "HEAD" && methods.includes("GET"));

function matches(match: AccessRule["match"], { remoteBytes }: Pick<ConnectionInfo, "remoteBytes">): boolean {
  if (match === "all") return true;
  if (match === "unix") return remoteBytes.length === 0;
  const from = remoteBytes.length === 16 && match.address.length === 4 ? mappedStart(remoteBytes) : 0;
  if (remoteBytes.length - from !== match.address.length) return false;
  return samePrefix(match.address, remoteBytes, from, match.bits);
}

/** Where the IPv4 address in an IPv4-mapped IPv6 address (::ffff:a.b.c.d, RFC 4291 §2.5.5.2) starts; 0: it is not one. */
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

/** `allow` and `deny` (ngx_http_access_module). */
export const addressRules: Phase = (exchange) =>
  allows(exchange.settings.access, exchange.connection) ? GO_ON : refuse(exchange);

/** The rules of `limit_except`, which count for all methods but those it names. */
export const methodRules: Phase = (exchange) =>
  maySend(exchange.settings, exchange.connection, exchange.method) ? GO_ON : refuse(exchange);

function refuse(exchange: Exchange): typeof ANSWERED {
  exchange.log("error", "access forbidden by rule");
  exchange.fail(403);
  return ANSWERED;
}
