/** `limit_conn` (ngx_http_limit_conn_module): how many requests may be in progress at once for each key. */
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { LimitState } from "../../exchange/facts/limits.ts";
import { ANSWERED, GO_ON, type Phase, type Verdict } from "../../exchange/phase.ts";
import { evaluateOctets } from "../../exchange/templates.ts";
import type { LimitZones } from "./zones.ts";

/** Longer keys are not counted. */
const LONGEST_KEY = 255;

/** The phase of a location with `limit_conn`. What it counts is released when the request has ended. */
export function limitConnections(settings: Settings, zones: LimitZones): Phase {
  const limits = settings.limitConn.map((limit) => ({ ...limit, counts: zones.connectionZone(limit.zone) }));
  return (exchange) => {
    const state = (exchange.limits ??= new LimitState());
    if (state.connections !== null) return GO_ON; // a location before an internal redirect has counted it
    for (const { zone, most, counts } of limits) {
      const key = evaluateOctets(zone.key, exchange);
      if (key === "") continue;
      if (key.length > LONGEST_KEY) {
        exchange.log("error", `the value of the "${zone.key.text}" key is more than ${LONGEST_KEY} bytes: "${key}"`);
        continue;
      }
      state.connections = "PASSED";
      const entry = counts.enter(key, most);
      if (entry <= 0) return reject(exchange, state, settings, entry === 0 ? null : zone.name);
      state.hold(() => counts.leave(entry));
    }
    return GO_ON;
  };
}

/** @param zone null: it was full, which nginx does not log */
function reject(exchange: Exchange, state: LimitState, settings: Settings, zone: string | null): Verdict {
  const { limitConnDryRun: dry, limitConnLogLevel, limitConnStatus } = settings;
  if (zone !== null)
    exchange.log(limitConnLogLevel, `limiting connections${dry ? ", dry run," : ""} by zone "${zone}"`);
  state.drop();
  state.connections = dry ? "REJECTED_DRY_RUN" : "REJECTED";
  if (dry) return GO_ON;
  exchange.fail(limitConnStatus);
  return ANSWERED;
}
