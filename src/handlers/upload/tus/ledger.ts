/**
 * What a server knows of the resumable uploads in one store, whichever of its locations took them and by whatever path they
 * call the store: which are being sent, how many there are, and when those that expired were last looked for.
 */
import type { HandlerServices } from "../../services.ts";
import type { Staging } from "../staging.ts";
import { Sweep } from "./sweep.ts";

/**
 * Unfinished uploads in a store. Each is two files, begun with one small request: without a bound anybody could fill the file
 * system with inodes. It is far beyond what visitors leave lying in a day, and two files of 4 KB each make 80 MB.
 */
export const MOST_UNFINISHED = 10_000;

/** A PATCH under way. */
export interface Sending {
  /** Somebody else goes on with the upload. */
  giveUp(): void;
}

const ledgers = new WeakMap<HandlerServices, Map<string, Ledger>>();

/** The ledger of a store, told by its folder's device and inode. */
export function ledgerOf(services: HandlerServices, { identity }: Staging): Ledger {
  let all = ledgers.get(services);
  if (all === undefined) ledgers.set(services, (all = new Map()));
  let ledger = all.get(identity);
  if (ledger === undefined) all.set(identity, (ledger = new Ledger(services)));
  return ledger;
}

export class Ledger {
  /** By the upload's id. A location that was made anew by a reload meets those of its predecessor. */
  readonly sending = new Map<string, Sending>();
  private unfinished = 0;
  private cleaned = false;
  private sweeping: Sweep | null = null;
  /** Monotonic ms. */
  private sweptAt = Number.NaN;

  constructor(private readonly services: HandlerServices) {}

  get isFull(): boolean {
    return this.unfinished >= MOST_UNFINISHED;
  }

  /** An upload was begun (1), or has ended (-1). */
  count(change: 1 | -1): void {
    this.unfinished = Math.max(0, this.unfinished + change);
    this.sweeping?.count(change);
  }

  /** Ends the PATCH of an upload that is under way, if one is, with its connection: the client asks again because that was lost. */
  takeOver(id: string): void {
    this.sending.get(id)?.giveUp();
  }

  /** Whether dead servers' files are still to be looked for: once in a server's life. */
  claimCleaning(): boolean {
    const first = !this.cleaned;
    this.cleaned = true;
    return first;
  }

  /** Begins to remove what has expired, once for all locations that ask in this turn. `owner` is who may stop it. */
  sweep(staging: Staging, owner: object): void {
    const { now } = this.services.clock;
    if (this.sweeping !== null || now === this.sweptAt) return;
    this.sweptAt = now;
    this.sweeping = new Sweep(this.services, staging, owner, this.sending, (unfinished) => {
      this.sweeping = null;
      if (unfinished >= 0) this.unfinished = unfinished;
    });
    this.sweeping.onTurn();
  }

  /** `owner` ends: so does the sweep that it began. */
  stop(owner: object): void {
    if (this.sweeping?.owner === owner) this.sweeping.stop();
  }
}
