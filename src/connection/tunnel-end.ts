/** A client's end of a tunnel: moves bytes between its connection and the far end, both ways, until both have ended. */
import type { Tunnel } from "../exchange/tunnel.ts";
import type { Transport } from "../network/transport.ts";
import { type BodyTarget, LARGEST_READ, type OutgoingBody } from "./bodies/outgoing-body.ts";
import { type Input, READS_PER_TURN } from "./input.ts";
import { type Output, PUMP_DRAINED, PUMP_INCOMPLETE, PUMP_LOST, PUMP_SHARE_USED } from "./output.ts";

/** Results of `move`. Nothing can be moved now. */
const TUNNEL_WAITS = 0;
/** The tunnel has used its share of the turn. */
export const TUNNEL_BUSY = 1;
/** Both sides have ended, or one is lost. */
export const TUNNEL_OVER = 2;

/** To the output it is a body without end. While nothing moves it holds no memory for bytes. */
export class TunnelEnd implements OutgoingBody {
  private clientEnded = false;
  /** The far side has ended, and so has this side of the client's connection. */
  private shut = false;

  constructor(
    private readonly transport: Transport,
    private readonly input: Input,
    private readonly output: Output,
    private readonly far: Tunnel,
  ) {}

  /** Begins to send, behind the head of the reply. */
  begin(): void {
    this.output.send(this);
  }

  /** Moves what it can. One of the TUNNEL constants. */
  move(): number {
    const isBusy = this.receive();
    const outcome = this.output.pump();
    if (outcome === PUMP_LOST || outcome === PUMP_INCOMPLETE) return TUNNEL_OVER;
    if (outcome === PUMP_DRAINED && this.far.broken) return TUNNEL_OVER;
    if (outcome === PUMP_DRAINED && !this.shut) {
      this.shut = true;
      this.transport.shut();
    }
    if (this.clientEnded && (this.shut || this.transport.broken)) return TUNNEL_OVER;
    return isBusy || outcome === PUMP_SHARE_USED ? TUNNEL_BUSY : TUNNEL_WAITS;
  }

  /** Passes on what the client has sent, as far as the far end takes it. True: there may be more. */
  private receive(): boolean {
    const { input } = this;
    for (let reads = 0; reads < READS_PER_TURN; reads++) {
      if (input.isEmpty && !input.fill()) return this.endInput();
      input.start += this.far.accept(input.block, input.start, input.end);
      if (!input.isEmpty) return false;
    }
    return true;
  }

  private endInput(): false {
    if (this.transport.ended && !this.clientEnded) {
      this.clientEnded = true;
      this.far.end();
    }
    return false;
  }

  // OutgoingBody

  get gathers(): boolean {
    return true;
  }

  /** BODY_SENT (0) is also what a far side that has ended gives. */
  step({ outbox }: BodyTarget, limit: number): number {
    const n = this.far.read(outbox.block, outbox.end, Math.min(LARGEST_READ, limit));
    if (n > 0) outbox.end += n;
    return n;
  }

  /** The far side has ended, and the output has taken all its bytes; or the connection ends. */
  release(): void {}
}
