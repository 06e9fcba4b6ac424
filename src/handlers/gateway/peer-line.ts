/** The connection of an attempt as the far end of a tunnel. It refers to nothing else of its source, because tunnels are many and last long. */
import type { Reactor } from "../../network/reactor.ts";
import type { Transport } from "../../network/transport.ts";
import type { Attempt, Choice } from "../upstream/upstream.ts";
import type { Line } from "./far-end.ts";

export class PeerLine implements Line {
  constructor(
    readonly transport: Transport,
    readonly idleTimeout: number,
    private readonly attempt: Attempt,
    private readonly choice: Choice,
    private readonly reactor: Pick<Reactor, "now">,
  ) {}

  /** The attempt lasts as long as the tunnel: meanwhile the peer has one connection more. */
  ended(sent: number, received: number): void {
    const { record } = this.attempt;
    record.bytesSent += sent;
    record.bytesReceived += received;
    record.responseTime = this.reactor.now - record.startedAt;
    this.transport.close();
    this.choice.done(this.attempt, true, null);
  }
}
