/** A group of addresses that one request has found (`*_pass` with variables): they are tried in order, and no connection is kept. */
import type { SocketAddress } from "../../../ffi/inet.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Clock } from "../../exchange/services.ts";
import { AttemptRecord, type UpstreamFacts } from "../../exchange/upstream.ts";
import type { Transport } from "../../network/transport.ts";
import { addressText } from "../upstream/peer.ts";
import type { Attempt, Choice, UpstreamGroup } from "../upstream/upstream.ts";

export class Addresses implements UpstreamGroup, Choice {
  tries: number;
  private facts!: UpstreamFacts;
  private tried = 0;

  /** @param name as the target has it, with its port */
  constructor(
    readonly name: string,
    private readonly addresses: readonly SocketAddress[],
    private readonly clock: Clock,
  ) {
    this.tries = addresses.length;
  }

  choose({ upstream }: Exchange): Choice {
    this.facts = upstream!;
    return this;
  }

  next(): Attempt | null {
    const address = this.addresses[this.tried++];
    if (address === undefined) return null;
    const name = addressText(address);
    const record = new AttemptRecord(name, this.clock.now);
    this.facts.attempts.push(record);
    return { peer: { name, address }, kept: null, record, tunnelEnded() {} };
  }

  /** Never called: no connection is kept. */
  again(attempt: Attempt): Attempt {
    return attempt;
  }

  accepted(): void {}

  done(_attempt: Attempt, _ok: boolean, keep: Transport | null): boolean {
    this.tries--;
    keep?.close();
    return false;
  }

  leave(): void {}
}
