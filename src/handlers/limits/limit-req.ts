/** `limit_req` (ngx_http_limit_req_module): keeps each key at a rate; requests that come too early wait or are rejected. */
import type { Settings } from "../../config/model.ts";
import type { RequestLimit } from "../../config/settings/limits.ts";
import { LOG_LEVELS, type LogLevel } from "../../config/settings/logs.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { LimitState } from "../../exchange/facts/limits.ts";
import { ANSWERED, GO_ON, LATER, type Phase, type Verdict } from "../../exchange/phase.ts";
import { evaluateOctets } from "../../exchange/templates.ts";
import { Deadline, type Deadlines } from "../../network/deadlines.ts";
import { COUNTED, EXCEEDS, NO_ROOM, type RequestZone, TO_COUNT } from "./request-zone.ts";
import type { LimitZones } from "./zones.ts";

/** Longer keys are not counted. */
const LONGEST_KEY = 65_535;

interface Limit extends RequestLimit {
  readonly states: RequestZone;
}

/** The phase of a location with `limit_req`. */
export function limitRequests(settings: Settings, zones: LimitZones): Phase {
  const limits = settings.limitReq.map((limit) => ({ ...limit, states: zones.requestZone(limit.zone) }));
  const limiter = new Limiter(limits, settings, zones.delays);
  return (exchange) => limiter.decide(exchange);
}

class Limiter {
  private readonly delayLevel: LogLevel;
  /** For each limit: the last request has a key there. */
  private readonly counts: boolean[];

  constructor(
    private readonly limits: readonly Limit[],
    private readonly settings: Settings,
    private readonly delays: Deadlines,
  ) {
    const { limitReqLogLevel: level } = settings;
    this.delayLevel = level === "info" ? level : LOG_LEVELS[LOG_LEVELS.indexOf(level) - 1]!;
    this.counts = limits.map(() => false);
  }

  decide(exchange: Exchange): Verdict {
    const state = (exchange.limits ??= new LimitState());
    if (state.requests !== null) return GO_ON; // a location before an internal redirect has decided
    const now = Math.floor(exchange.services.clock.now);
    const { limits, counts } = this;
    let outcome = -1;
    let n = 0;
    for (; n < limits.length; n++) {
      const { zone, states, burst } = limits[n]!;
      const key = evaluateOctets(zone.key, exchange);
      counts[n] = key !== "" && key.length <= LONGEST_KEY;
      if (key.length > LONGEST_KEY) tooLong(exchange, zone.key.text, key);
      if (!counts[n]) continue;
      outcome = states.check(key, now, zone.rate, burst, n === limits.length - 1);
      if (outcome !== TO_COUNT) break;
    }
    if (outcome < 0) return GO_ON; // no key: nothing is limited
    if (outcome === EXCEEDS || outcome === NO_ROOM) return this.reject(exchange, state, limits[n]!, outcome);
    return this.admit(exchange, state, n, outcome === COUNTED, now);
  }

  private reject(exchange: Exchange, state: LimitState, { zone, states }: Limit, outcome: number): Verdict {
    const { limitReqDryRun: dry, limitReqLogLevel, limitReqStatus } = this.settings;
    if (outcome === EXCEEDS) {
      const what = `limiting requests${dry ? ", dry run" : ""}, excess: ${decimal(states.excess)} by zone "${zone.name}"`;
      exchange.log(limitReqLogLevel, what);
    } else exchange.services.log("alert", `could not allocate node in limit_req zone "${zone.name}"`);
    state.requests = dry ? "REJECTED_DRY_RUN" : "REJECTED";
    if (dry) return GO_ON;
    exchange.fail(limitReqStatus);
    return ANSWERED;
  }

  /** All limits agree. Counts the request where that is not done yet, and waits as long as the strictest asks. */
  private admit(exchange: Exchange, state: LimitState, checked: number, isCounted: boolean, now: number): Verdict {
    const { limits, counts } = this;
    let wait = isCounted ? waitFor(limits[checked]!) : 0;
    let strictest = Math.min(checked, limits.length - 1);
    for (let n = checked - 1; n >= 0; n--) {
      if (!counts[n]) continue;
      const limit = limits[n]!;
      limit.states.count(now, limit.zone.rate);
      const own = waitFor(limit);
      if (own <= wait) continue;
      wait = own;
      strictest = n;
    }
    if (wait > 0) return this.delay(exchange, state, limits[strictest]!, wait, now);
    state.requests = "PASSED";
    return GO_ON;
  }

  private delay(exchange: Exchange, state: LimitState, { zone, states }: Limit, wait: number, now: number): Verdict {
    const dry = this.settings.limitReqDryRun;
    const what = `delaying request${dry ? ", dry run" : ""}, excess: ${decimal(states.excess)}, by zone "${zone.name}"`;
    exchange.log(this.delayLevel, what);
    state.requests = dry ? "DELAYED_DRY_RUN" : "DELAYED";
    if (dry) return GO_ON;
    const deadline = new Deadline(() => {
      exchange.onGone = null;
      exchange.endsWithClient = false;
      exchange.proceed();
    });
    this.delays.start(deadline, now + wait);
    exchange.onGone = () => this.delays.stop(deadline);
    exchange.endsWithClient = true; // a client that leaves frees its place at once, as in nginx
    return LATER;
  }
}

/** ms that the request last counted by a limit has to wait. */
function waitFor({ states: { excess }, delay, zone }: Limit): number {
  return excess <= delay ? 0 : Math.floor(((excess - delay) * 1000) / zone.rate);
}

function tooLong(exchange: Exchange, text: string, key: string): void {
  exchange.log("error", `the value of the "${text}" key is more than ${LONGEST_KEY} bytes: "${key}"`);
}

/** Thousandths as a decimal number: 1.500. */
const decimal = (thousandths: number): string => (thousandths / 1000).toFixed(3);
