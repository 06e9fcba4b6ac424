/** The access phases of a location: addresses (`allow`, `deny`), passwords (`auth_basic`) and subrequests (`auth_request`), all or one of them (`satisfy`), for all methods or some (`limit_except`). */
import type { Settings } from "../../config/model.ts";
import type { AccessRule, LimitExcept } from "../../config/parts.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { ANSWERED, GO_ON, named, type Phase, type Verdict } from "../../exchange/phase.ts";
import { allows, isExempt, ruleFor } from "../access.ts";
import type { HandlerServices } from "../services.ts";
import { authRequest } from "../subrequest/auth-request.ts";
import { askPassword, type PasswordRules } from "./basic-auth.ts";
import type { Passwords } from "./passwords.ts";

/** The conditions of a location, or of the `limit_except` in it. */
interface Conditions {
  readonly rules: readonly AccessRule[];
  readonly password: PasswordRules | null;
  /** The phase of `auth_request`, and what it does if that denies access (see there); null: there is none. */
  readonly asks: (denied: Phase | null) => Phase | null;
}

/** The phases of `limit_except`, which run before `return`, and those of the location. */
interface EntryPhases {
  readonly limited: readonly Phase[];
  readonly access: readonly Phase[];
}

export function entryPhases(settings: Settings, { passwords, subrequests }: HandlerServices): EntryPhases {
  const { limitExcept, access, satisfy } = settings;
  const asks = (denied: Phase | null) =>
    settings.authRequest === null ? null : named("auth_request", authRequest(settings, subrequests, denied));
  const whole = phasesFor({ rules: access, password: passwordRules(settings), asks }, satisfy, passwords);
  if (limitExcept === null) return { limited: [], access: whole };
  const isLimited = (exchange: Exchange): boolean => !isExempt(limitExcept, exchange.method);
  const limit = limitConditions(settings, limitExcept);
  const limited = phasesFor({ ...limit, asks: satisfy === "any" ? asks : () => null }, satisfy, passwords);
  const rest = limitedRest(settings, limitExcept, whole, asks(null));
  const notLimited = whole.map((phase) => when((exchange) => !isLimited(exchange), phase));
  return {
    limited: limited.map((phase) => when(isLimited, phase)),
    access: rest === whole ? whole : [...notLimited, ...rest.map((phase) => when(isLimited, phase))],
  };
}

/** The conditions that `limit_except` adds. With `satisfy any`: all conditions that apply to its methods. */
function limitConditions(settings: Settings, limit: LimitExcept): Omit<Conditions, "asks"> {
  const { rules } = limit;
  const password = limitedPassword(settings, limit);
  if (settings.satisfy === "any") return { rules: rules.length === 0 ? settings.access : rules, password };
  return { rules, password: saysPassword(limit) ? password : null };
}

/** The location's own phases for the methods of `limit_except`: its addresses, its `auth_request`, and its password unless `limit_except` has one. */
function limitedRest(
  settings: Settings,
  limit: LimitExcept,
  whole: readonly Phase[],
  asked: Phase | null,
): readonly Phase[] {
  if (settings.satisfy === "any") return [];
  if (!saysPassword(limit)) return whole;
  const addresses = settings.access.length > 0 ? [addressRules(settings.access)] : [];
  return asked === null ? addresses : [...addresses, asked];
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

const when = (isAsked: (exchange: Exchange) => boolean, phase: Phase): Phase =>
  named(phase.name, (exchange) => (isAsked(exchange) ? phase(exchange) : GO_ON));

function phasesFor(
  { rules, password, asks }: Conditions,
  satisfy: Settings["satisfy"],
  passwords: Passwords,
): readonly Phase[] {
  const ask: Phase | null =
    password === null ? null : named("auth_basic", (exchange) => askPassword(exchange, password, passwords));
  const addresses = rules.length > 0 ? [named("allow, deny", addressRules(rules))] : [];
  if (satisfy === "all") return [...addresses, ask, asks(null)].filter((phase) => phase !== null);
  const either = asks(ask) ?? ask; // a subrequest is asked before the client, who may have no password
  if (either === null || rules.length === 0) return either === null ? addresses : [either];
  // Nothing else is asked only if a rule allows the address. That no rule denies it is not enough, as in nginx.
  return [when((exchange) => ruleFor(rules, exchange.connection)?.allow !== true, either)];
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
