/** The phases of a location: the checks that each request passes before the location's content handlers, in order. */
import type { Location, Settings } from "../config/model.ts";
import { ANSWERED, GO_ON, named, type Phase } from "../exchange/phase.ts";
import { isExempt } from "./access.ts";
import { entryPhases } from "./auth/entry.ts";
import { limitConnections } from "./limits/limit-conn.ts";
import { limitRequests } from "./limits/limit-req.ts";
import { type Program, rewritePhase } from "./rewrite/program.ts";
import type { HandlerServices } from "./services.ts";
import { openSession } from "./session/visitor.ts";
import { mirror } from "./subrequest/mirror.ts";
import { corsPhase, hasCors } from "./upload/cors.ts";

/** nginx's names for the steps of a request before its content. */
interface Phases {
  readonly rewrite: readonly Phase[];
  /** The limits: subrequests have them too. */
  readonly preaccess: readonly Phase[];
  /** With what comes between access and content (`mirror`). */
  readonly access: readonly Phase[];
}

/**
 * The phases of a location, made once. As in nginx, `limit_except` comes before `return`, and `return` before `allow`, `deny` and
 * `auth_basic`, which have no effect where there is a `return`.
 * @param serverName servers with the same name share sessions
 * @param program the steps of the location's block; null: there are none
 */
export function phasesOf(
  { settings }: Location,
  services: HandlerServices,
  serverName = "",
  program: Program | null = null,
): Phases {
  const rewrite: Phase[] = [];
  if (settings.internal) rewrite.push(named("internal", internalOnly));
  if (hasCors(settings)) rewrite.push(named("upload_cors", corsPhase));
  if (opensSession(settings)) rewrite.push(named("session", session(settings, services, serverName)));
  if (program !== null) rewrite.push(unlessLimited(settings, rewritePhase(program)));
  const { limited, access } = entryPhases(settings, services);
  if (settings.return !== null) return { rewrite, preaccess: [], access: limited };
  const copies = settings.mirror.length > 0 ? [named("mirror", mirror(settings, services))] : [];
  return { rewrite, preaccess: limits(settings, services), access: [...limited, ...access, ...copies] };
}

/** As in nginx, a location's steps are not for the methods that `limit_except` limits. */
function unlessLimited({ limitExcept }: Settings, phase: Phase): Phase {
  if (limitExcept === null) return phase;
  return (exchange) => (isExempt(limitExcept, exchange.method) ? phase(exchange) : GO_ON);
}

/** `limit_req`, then `limit_conn`: nginx's order. */
function limits(settings: Settings, { limits }: HandlerServices): readonly Phase[] {
  const phases: Phase[] = [];
  if (settings.limitReq.length > 0) phases.push(named("limit_req", limitRequests(settings, limits)));
  if (settings.limitConn.length > 0) phases.push(named("limit_conn", limitConnections(settings, limits)));
  return phases;
}

/** `internal`: only internal redirects may lead here. */
const internalOnly: Phase = (exchange) => {
  if (exchange.redirects > 0 || exchange.isRedirected) return GO_ON;
  exchange.fail(404);
  return ANSWERED;
};

/** Whether the session is opened in a phase. `session_api` opens it itself when needed. */
const opensSession = (settings: Settings): boolean =>
  settings.return === null ? settings.session && !settings.sessionApi : settings.session || settings.sessionApi;

/** `session on`: opens the session before anything else is decided. */
function session(settings: Settings, services: HandlerServices, serverName: string): Phase {
  const store = services.sessions.store(serverName, settings);
  return (exchange) => {
    if (!exchange.isSubrequest) openSession(exchange, store); // it has that of the client's request
    return GO_ON;
  };
}
