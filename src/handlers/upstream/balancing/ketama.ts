/**
 * `hash KEY consistent`: servers have points on a ring, and a key belongs to the first point behind its hash, so that few keys move
 * when a server is added or removed. The points are those of Cache::Memcached::Fast, as in nginx (ngx_http_upstream_hash_module.c):
 * the same key, the same server.
 */
import type { Evaluator, Exchange } from "../../../exchange/exchange.ts";
import type { Peer } from "../peer.ts";
import { type Balancer, MOST_GUESSES, type Picker } from "./balancing.ts";
import { crc32 } from "./crc32.ts";
import { RoundRobin } from "./round-robin.ts";

/** Points of a server for each unit of its weight. */
const POINTS = 160;

/** A point of a server: all peers that its name stands for. */
interface Point {
  readonly hash: number;
  readonly server: RoundRobin;
}

export class Ketama implements Balancer {
  readonly ring: readonly Point[];

  constructor(
    peers: readonly Peer[],
    private readonly key: Evaluator,
    readonly fallback: Picker,
  ) {
    this.ring = ringOf(peers);
  }

  picker(exchange: Exchange): Picker {
    const key = this.key(exchange);
    return key === "" ? this.fallback : new KetamaPicker(this, firstAt(this.ring, crc32(key))); // as nginx 1.22
  }
}

class KetamaPicker implements Picker {
  private guesses = 0;

  constructor(
    private readonly of: Ketama,
    private at: number,
  ) {}

  pick(tried: readonly Peer[], now: number): Peer | null {
    const { ring, fallback } = this.of;
    for (; this.guesses <= MOST_GUESSES; this.guesses++, this.at++) {
      const peer = ring[this.at % ring.length]!.server.pick(tried, now);
      if (peer !== null) return peer;
    }
    return fallback.pick(tried, now);
  }
}

/** Index of the first point that is not before `hash`; the number of points if there is none. */
function firstAt(ring: readonly Point[], hash: number): number {
  let low = 0;
  let high = ring.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ring[middle]!.hash < hash) low = middle + 1;
    else high = middle;
  }
  return low;
}

function ringOf(peers: readonly Peer[]): readonly Point[] {
  const byName = Map.groupBy(peers, ({ server }) => server.name);
  const servers = new Map([...byName].map(([name, own]) => [name, new RoundRobin(own)]));
  const points: Point[] = [];
  for (const { server, weight } of peers) {
    for (const hash of pointsOf(server.name, weight * POINTS)) points.push({ hash, server: servers.get(server.name)! });
  }
  points.sort((one, other) => one.hash - other.hash);
  return points.filter(({ hash }, i) => i === 0 || hash !== points[i - 1]!.hash);
}

/** The points of a server by its name as written: each is hashed together with the one before. */
function pointsOf(name: string, count: number): number[] {
  const [, host, port] = /^(?:unix:)?(.*?)(?::(\d*))?$/is.exec(name)!;
  const start = /^unix:/i.test(name) ? `${name.slice(5)}\0` : `${host}\0${port ?? ""}`;
  const points: number[] = [];
  for (let previous = 0; points.length < count; points.push(previous)) {
    previous = crc32(start + octetsOf(previous));
  }
  return points;
}

/** A number as four octets, the lowest first. */
const octetsOf = (value: number): string =>
  String.fromCharCode(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
