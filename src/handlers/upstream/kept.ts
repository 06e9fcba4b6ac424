/**
 * Idle connections to the peers of one group (`keepalive`), the least recently used closed first. Nothing may come on an idle
 * connection: it is closed at once when its peer closes it or sends something. Without `keepalive` none is kept, as in nginx 1.22
 * (its versions since 1.29.7 keep 32): a program with few processes, such as php-fpm or gunicorn, would have one of them held by each.
 */
import { ERRNO } from "../../../ffi/errno.ts";
import { Block } from "../../../ffi/memory.ts";
import type { UpstreamConfig } from "../../config/gateway.ts";
import type { Services } from "../../exchange/services.ts";
import { Timed } from "../../network/timers.ts";
import type { Transport, TransportOwner } from "../../network/transport.ts";
import type { Peer } from "./peer.ts";

type Limits = Pick<UpstreamConfig, "keepalive" | "keepaliveRequests" | "keepaliveTime" | "keepaliveTimeout">;

/** A connection to a peer, from its first request to the last. */
export interface Link {
  readonly transport: Transport;
  /** Monotonic ms, about when it was made. */
  readonly since: number;
  /** Requests so far, with the one in progress. */
  requests: number;
}

/** Takes the byte by which a peer shows that it does not keep silent. */
const scratch = new Block(1024);

export class KeptConnections {
  /** In the order in which they were put there. */
  private readonly all = new Set<IdleConnection>();
  private readonly byPeer = new Map<Peer, IdleConnection[]>();
  private closed = false;

  constructor(
    private readonly limits: Limits,
    private readonly services: Pick<Services, "clock" | "reactor">,
  ) {}

  get size(): number {
    return this.all.size;
  }

  /** The connection to `peer` that was used last, no longer kept; null: there is none. One on which something has come is closed. */
  take(peer: Peer): Link | null {
    for (;;) {
      const idle = this.byPeer.get(peer)?.at(-1);
      if (idle === undefined) return null;
      this.forget(idle);
      if (isSilent(idle.transport)) return idle;
      idle.transport.close();
    }
  }

  /** Keeps a connection after a request, or closes it. */
  keep(peer: Peer, link: Link): void {
    const { keepalive, keepaliveRequests, keepaliveTime, keepaliveTimeout } = this.limits;
    const { reactor, clock } = this.services;
    const isWorn = peer.gone || link.requests >= keepaliveRequests || clock.now - link.since > keepaliveTime;
    if (this.closed || keepalive === 0 || isWorn || !isSilent(link.transport)) return link.transport.close();
    if (this.all.size >= keepalive) this.drop(this.all.values().next().value!);
    const idle = link instanceof IdleConnection ? link : new IdleConnection(peer, link, this);
    this.all.add(idle);
    const own = this.byPeer.get(peer);
    if (own === undefined) this.byPeer.set(peer, [idle]);
    else own.push(idle);
    link.transport.owner = idle;
    reactor.timers.start(idle, keepaliveTimeout, reactor.now);
  }

  /** Closes those of a peer that has left the group. */
  closeOf(peer: Peer): void {
    for (const idle of [...(this.byPeer.get(peer) ?? [])]) this.drop(idle);
    this.byPeer.delete(peer);
  }

  /** Closes all, and keeps no more. */
  close(): void {
    this.closed = true;
    for (const idle of this.all) this.drop(idle);
  }

  /** Closes one of those that are kept. */
  drop(idle: IdleConnection): void {
    this.forget(idle);
    idle.transport.close();
  }

  private forget(idle: IdleConnection): void {
    this.all.delete(idle);
    this.services.reactor.timers.stop(idle);
    const own = this.byPeer.get(idle.peer)!;
    if (own.at(-1) === idle) own.pop();
    else own.splice(own.indexOf(idle), 1);
  }
}

/** Made when a connection is kept for the first time; it serves for all times that follow. */
class IdleConnection extends Timed implements TransportOwner, Link {
  readonly transport: Transport;
  readonly since: number;
  requests: number;

  constructor(
    readonly peer: Peer,
    { transport, since, requests }: Link,
    private readonly home: KeptConnections,
  ) {
    super();
    this.transport = transport;
    this.since = since;
    this.requests = requests;
  }

  onReady(): void {
    if (!isSilent(this.transport)) this.home.drop(this);
  }

  onTimeout(): void {
    this.home.drop(this);
  }
}

/** Whether the peer has neither closed the connection nor sent anything. */
function isSilent(transport: Transport): boolean {
  if (transport.ended || transport.broken || transport.lost) return false;
  return !transport.readable || transport.receive(scratch, 0, 1) === -ERRNO.EAGAIN;
}
