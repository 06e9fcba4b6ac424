/** `auth_request` and `auth_request_set` (ngx_http_auth_request_module): a subrequest decides about access. */
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { ANSWERED, GO_ON, LATER, type Phase, type Verdict } from "../../exchange/phase.ts";
import type { Field } from "../../exchange/reply.ts";
import { evaluateOctets } from "../../exchange/templates.ts";
import { unauthorized } from "../auth/unauthorized.ts";
import type { SubrequestStarter } from "./subrequest.ts";

type Rules = Pick<Settings, "authRequest" | "authRequestSet">;

/**
 * The phase of `auth_request`: 2xx lets the request go on; 401, with its WWW-Authenticate, and 403 refuse it; anything else is a 500.
 * @param denied called instead of refusing with 401 or 403 (`satisfy any`)
 */
export function authRequest(rules: Rules, subrequests: SubrequestStarter, denied: Phase | null = null): Phase {
  const uri = rules.authRequest!;
  const options = { uri, method: "GET", body: null };
  return (exchange) => {
    let verdict: Verdict = LATER;
    let [waits, isDecided] = [false, false];
    const cancel = subrequests.start(exchange, options, (reply) => {
      isDecided = true;
      exchange.onGone = null;
      assign(rules, exchange, reply);
      verdict = decide(exchange, reply, denied);
      if (waits && verdict === GO_ON) exchange.proceed();
    });
    waits = true;
    if (!isDecided) exchange.onGone = cancel;
    return verdict;
  };
}

/** `auth_request_set`: values are those of the subrequest. */
function assign({ authRequestSet }: Rules, exchange: Exchange, reply: Exchange): void {
  if (authRequestSet.length === 0) return;
  const assigned = (exchange.assigned ??= new Map());
  for (const { variable, value } of authRequestSet) assigned.set(variable, evaluateOctets(value, reply));
}

function decide(exchange: Exchange, reply: Exchange, denied: Phase | null): Verdict {
  const { status } = reply;
  if (status >= 200 && status < 300) return GO_ON;
  if (status === 401 || status === 403) {
    if (denied !== null) return denied(exchange);
    if (status === 401) return unauthorized(exchange, challenges(reply));
    exchange.fail(status);
    return ANSWERED;
  }
  exchange.log("error", `auth request unexpected status: ${status}`);
  exchange.fail(500);
  return ANSWERED;
}

const challenges = ({ sentFields }: Exchange): Field[] =>
  sentFields.filter(([name]) => name.toLowerCase() === "www-authenticate").map(([name, value]) => [name, value]);
