/** The access phases of a location: addresses (`allow`, `deny`) and passwords (`auth_basic`), both or one of them (`satisfy`), for all methods or some (`limit_except`). */
import type { Settings } from "../../config/model.ts";
import type { AccessRule, LimitExcept } from "../../config/parts.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { ANSWERED, GO_ON, type Phase, type Verdict } from "../../exchange/phase.ts";
import { allows, isExempt, ruleFor } from "../access.ts";
import { askPassword, type PasswordRules } from "./basic-auth.ts";
import type { Passwords } from "./passwords.ts";

/** The conditions of a location, or of the `limit_except` in it. */
interface Conditions {
  readonly rules: readonly AccessRule[];
  readonly password: PasswordRules | null;
}

/** The phases of `limit_except`, which run before `return`, and those of the location. */
interface EntryPhases {
  readonly limited: readonly Phase[];
  readonly access: readonly Phase[];
}

export function entryPhases(settings: Settings, passwords: Passwords): EntryPhases {
  const { limitExcept, access, satisfy } = settings;
  const whole = phasesFor({ rules: access, password: passwordRules(settings) }, satisfy, passwords);
  if (limitExcept === null) return { limited: [], access: whole };
  const isLimited = (exchange: Exchange): boolean => !isExempt(limitExcept, exchange.method);
  const limited = phasesFor(limitConditions(settings, limitExcept), satisfy, passwords);
  const rest = limitedRest(settings, limitExcept, whole);
  const notLimited = whole.map((phase) => when((exchange) => !isLimited(exchange), phase));
  return {
    limited: limited.map((phase) => when(isLimited, phase)),
    access: rest === whole ? whole : [...notLimited, ...rest.map((phase) => when(isLimited, phase))],
  };
}

/** The conditions that `limit_except` adds. With `satisfy any`: all conditions that apply to its methods. */
function limitConditions(settings: Settings, limit: LimitExcept): Conditions {
  const { rules } = limit;
  const password = limitedPassword(settings, limit);
  if (settings.satisfy === "any") return { rules: rules.length === 0 ? settings.access : rules, password };
  return { rules, password: saysPassword(limit) ? password : null };
}

/** The location's own phases for the methods of `limit_except`: its addresses, and its password unless `limit_except` has one. */
function limitedRest(settings: Settings, limit: LimitExcept, whole: readonly Phase[]): readonly Phase[] {
  if (settings.satisfy === "any") return [];
  if (!saysPassword(limit)) return whole;
  return settings.access.length > 0 ? [addressRules(settings.access)] : [];
}

/** The password that a request with this method needs, whatever its address; null: none. */
export function passwordFor(settings: Settings, method: string): PasswordRules | null {
  const { limitExcept } = settings;
  return limitExcept === null || isExempt(limitExcept, method)
    ? passwordRules(settings)
    : limitedPassword(settings, limitExcept);
}

const limitedPassword = (settings: Settings, { auth }: LimitExcept): PasswordRules | null =>
  passwordRules({
    authBasic: auth.authBasic === undefined ? settings.authBasic : auth.authBasic, // null is "off"
    authUserFile: auth.authUserFile ?? settings.authUserFile,
  });

const saysPassword = ({ auth }: LimitExcept): boolean =>
  auth.authBasic !== undefined || auth.authUserFile !== undefined;

const passwordRules = ({
  authBasic,
  authUserFile,
}: Pick<Settings, "authBasic" | "authUserFile">): PasswordRules | null =>
  authBasic === null ? null : { realm: authBasic, file: authUserFile };

const when =
  (isAsked: (exchange: Exchange) => boolean, phase: Phase): Phase =>
  (exchange) =>
    isAsked(exchange) ? phase(exchange) : GO_ON;

function phasesFor(
  { rules, password }: Conditions,
  satisfy: Settings["satisfy"],
  passwords: Passwords,
): readonly Phase[] {
  if (password === null) return rules.length > 0 ? [addressRules(rules)] : [];
  const ask: Phase = (exchange) => askPassword(exchange, password, passwords);
  if (rules.length === 0) return [ask];
  // The password is not asked only if a rule allows the address. That no rule denies it is not enough, as in nginx.
  if (satisfy === "any") return [when((exchange) => ruleFor(rules, exchange.connection)?.allow !== true, ask)];
  return [addressRules(rules), ask];
}

const addressRules =
  (rules: readonly AccessRule[]): Phase =>
  (exchange) =>
    allows(rules, exchange.connection) ? GO_ON : refuse(exchange);

function refuse(exchange: Exchange): Verdict {
  exchange.log("error", "access forbidden by rule");
  exchange.fail(403);
  return ANSWERED;
}
