/** The limits' zones of one server. A reload keeps those whose name, key and size stay. */
import type { Config } from "../../config/model.ts";
import type { LimitZone } from "../../config/settings/limits.ts";
import type { Services } from "../../exchange/services.ts";
import { Deadlines } from "../../network/deadlines.ts";
import { ConnectionZone } from "./connection-zone.ts";
import { RequestZone } from "./request-zone.ts";

export class LimitZones {
  /** The requests that are delayed. */
  readonly delays: Deadlines;
  private readonly requests = new Map<string, RequestZone>();
  private readonly connections = new Map<string, ConnectionZone>();

  constructor(private readonly services: Pick<Services, "reactor" | "randomHex">) {
    this.delays = new Deadlines(services.reactor);
  }

  /** The states of a `limit_req_zone`. */
  requestZone(zone: LimitZone): RequestZone {
    return found(this.requests, zone, () => new RequestZone(zone.size, this.services.randomHex(8)));
  }

  /** The counts of a `limit_conn_zone`. */
  connectionZone(zone: LimitZone): ConnectionZone {
    return found(this.connections, zone, () => new ConnectionZone(zone.size, this.services.randomHex(8)));
  }

  /** Forgets the zones that none of these configurations has. */
  keep(configs: readonly Pick<Config, "limitZones">[]): void {
    const used = new Set(configs.flatMap(({ limitZones }) => limitZones.map(idOf)));
    for (const zones of [this.requests, this.connections])
      for (const id of zones.keys()) if (!used.has(id)) zones.delete(id);
  }
}

const idOf = ({ name, key, size }: LimitZone): string => `${name}:${size} ${key.text}`;

function found<T>(zones: Map<string, T>, zone: LimitZone, make: () => T): T {
  const id = idOf(zone);
  let state = zones.get(id);
  if (state === undefined) zones.set(id, (state = make()));
  return state;
}
