/** Access by address: `allow` and `deny` in order, and `limit_except`, which exempts some methods. */
import type { Settings } from "../config/model.ts";
import type { AccessRule, LimitExcept } from "../config/parts.ts";
import type { ConnectionInfo } from "../exchange/exchange.ts";
import { isWithin } from "../routing/networks.ts";

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
  return rules.find(({ match }) => isWithin(match, connection.remoteBytes));
}

/** Whether `limit_except` exempts this method. GET includes HEAD, as in nginx. */
export const isExempt = ({ methods }: LimitExcept, method: string): boolean =>
  methods.includes(method) || (method === "HEAD" && methods.includes("GET"));
