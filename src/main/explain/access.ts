/** Which `allow` or `deny` decides. */

import type { Position } from "../../config/parts.ts";
import type { Directive } from "../../config/text/parser.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { isExempt, ruleFor } from "../../handlers/access.ts";

/** The rule's place, and its text behind a blank. @param given the `allow` and `deny` of the block, in order */
export function accessReason(
  { settings, connection, method }: Exchange,
  given: readonly Directive[],
): readonly [Position | null, string] {
  const { limitExcept, access } = settings;
  const isLimited = limitExcept !== null && !isExempt(limitExcept, method) && limitExcept.rules.length > 0;
  const rule = ruleFor(isLimited ? limitExcept.rules : access, connection);
  if (rule === undefined) return [null, ` (no rule is for ${connection.remoteAddress})`];
  if (isLimited) return [null, ` (limit_except: ${rule.allow ? "allow" : "deny"})`];
  const directive = given[access.indexOf(rule)];
  if (directive === undefined) return [null, ""];
  return [directive.position, ` (${directive.name} ${directive.args.map(({ text }) => text).join(" ")})`];
}
