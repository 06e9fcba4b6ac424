/** Where a configuration has logs. */
import type { Config, Location } from "../../config/model.ts";
import type { AccessLog, ErrorOutput } from "../../config/settings/logs.ts";

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
