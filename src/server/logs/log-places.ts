/** Where a configuration, a location and a request have logs. */
import type { Config, Location } from "../../config/model.ts";
import type { AccessLog, ErrorOutput } from "../../config/settings/logs.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { isExempt } from "../../handlers/access.ts";

/** Every log of a configuration, the main error log first; some may be the same file. */
export function* logsOf(config: Config): Iterable<AccessLog | ErrorOutput> {
  yield* config.errorLog.outputs;
  for (const { settings } of locations(config)) {
    yield* settings.errorLog.outputs;
    yield* settings.accessLogs;
    yield* settings.limitedLogs ?? [];
  }
}

/** Every location of a configuration, including the servers' own scopes and the `if` blocks. */
export function* locations(config: Config): Iterable<Location> {
  const walk = function* (location: Location): Iterable<Location> {
    yield location;
    for (const inner of [...location.conditions, ...location.locations]) yield* walk(inner);
  };
  for (const server of config.servers) {
    yield server.scope;
    for (const location of server.locations) yield* walk(location);
  }
}

/** The access logs of a request: those of its location, or of the `limit_except` in it. */
export function accessLogsOf({ settings, method }: Exchange): readonly AccessLog[] {
  const { accessLogs, limitedLogs, limitExcept } = settings;
  return limitedLogs === null || limitExcept === null || isExempt(limitExcept, method) ? accessLogs : limitedLogs;
}
