/** `bun run bench/limit-req.ts`: what `limit_req` costs with a million addresses: us of CPU time for a request, and the memory that its zone takes. Prints JSON. */

import type { Settings } from "../src/config/model.ts";
import { Evaluators } from "../src/exchange/evaluators.ts";
import type { Exchange } from "../src/exchange/exchange.ts";
import { GO_ON, type Phase } from "../src/exchange/phase.ts";
import { limitRequests } from "../src/handlers/limits/limit-req.ts";
import { LimitZones } from "../src/handlers/limits/zones.ts";
import { Timers } from "../src/network/timers.ts";
import { readOwnResident } from "./measure.ts";

const ADDRESSES = 1_000_000;
/** Bytes: enough for all addresses, and for a tenth. */
const LARGE = 80 * 2 ** 20;
const SMALL = 8 * 2 ** 20;

const clock = { now: 0, turn: 0, second: 0, date: "" };
const services = { clock, reactor: { now: 0, timers: new Timers() }, randomHex: () => "0123456789abcdef", log() {} };
const remoteBytes = new Uint8Array(4);
const exchange = { limits: null, connection: { remoteBytes }, services, templates: new Evaluators(), log() {} };

/** The phase of a location whose zone has this size. */
function limiter(size: number): Phase {
  const key = { text: "$binary_remote_addr", parts: [{ variable: "binary_remote_addr" }], constant: null };
  const zone = {
    kind: "limit_req_zone",
    name: "z",
    key,
    size,
    rate: 10_000,
    position: { file: "", line: 0, column: 0 },
  };
  const settings = { limitReq: [{ zone, burst: 5_000, delay: Number.POSITIVE_INFINITY }], limitReqLogLevel: "error" };
  return limitRequests(settings as unknown as Settings, new LimitZones(services as unknown as LimitZones["services"]));
}

/** us of CPU time for a request: each address once, in an order that no cache likes. */
function measure(phase: Phase, addresses: number): number {
  const begin = process.cpuUsage();
  for (let i = 0; i < addresses; i++) {
    const address = Math.imul(i, 0x9e3779b1);
    remoteBytes[0] = address >>> 24;
    remoteBytes[1] = address >>> 16;
    remoteBytes[2] = address >>> 8;
    remoteBytes[3] = address;
    if ((i & 1023) === 0) clock.now++;
    exchange.limits = null;
    if (phase(exchange as unknown as Exchange) !== GO_ON) throw new Error("a request was rejected");
  }
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / addresses;
}

measure(limiter(SMALL), 300_000); // to warm up
Bun.gc(true);
const before = readOwnResident(process.pid);
const large = limiter(LARGE);
const first = measure(large, ADDRESSES);
clock.now += 10_000;
const again = measure(large, ADDRESSES);
Bun.gc(true);
const resident = readOwnResident(process.pid) - before;
const full = measure(limiter(SMALL), ADDRESSES);
clock.now += 10_000;
measure(large, 1); // it must still be there
console.log(JSON.stringify({ first, again, full, resident, size: LARGE }));
