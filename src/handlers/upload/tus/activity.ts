/**
 * What a server knows of the resumable uploads in one store, whichever of its locations took them and by whatever path they
 * call the store: which are being sent, how many there are, and when those that expired were last looked for.
 */
import type { Services } from "../../../exchange/services.ts";
import type { Staging } from "../staging.ts";
import { LargeWorkQueue } from "./large-work.ts";
import { Sweep } from "./sweep.ts";

/**
 * Unfinished uploads in a store. Each is two files, begun with one small request: without a bound anybody could fill the file
 * system with inodes. It is far beyond what visitors leave lying in a day, and two files of 4 KB each make 80 MB.
 */
export const MOST_UNFINISHED = 10_000;

/** A request that uses an upload: a PATCH that sends its bytes, or a POST that joins it with others. */
export interface UploadUser {
  /** Somebody else goes on with the upload: the request ends, with its connection. */
  giveUp(): void;
}

/** The resumable uploads in one store. */
export class UploadActivity {
  private readonly users = new Map<string, UploadUser>();
  private unfinished = 0;
  private sweeping: Sweep | null = null;
  /** Monotonic ms. */
  private sweptAt = Number.NaN;

  constructor(private readonly services: Services) {}

  get isFull(): boolean {
    return this.unfinished >= MOST_UNFINISHED;
  }

  /** An upload was begun (1), or has ended (-1). */
  count(change: 1 | -1): void {
    this.unfinished = Math.max(0, this.unfinished + change);
    this.sweeping?.count(change);
  }

  /** `user` uses the upload from now on; nobody else may do so then (`takeOver`). */
  begin(id: string, user: UploadUser): void {
    this.users.set(id, user);
  }

  end(id: string, user: UploadUser): void {
    if (this.users.get(id) === user) this.users.delete(id);
  }

  /** Ends the request that uses an upload, if one does: the client asks again because that one's connection was lost. */
  takeOver(id: string): void {
    this.users.get(id)?.giveUp();
  }

  /** Begins to remove what has expired, once for all locations that ask in this turn. `owner` is who may stop it. */
  sweep(staging: Staging, owner: object): void {
    const { now } = this.services.clock;
    if (this.sweeping !== null || now === this.sweptAt) return;
    this.sweptAt = now;
    this.sweeping = new Sweep(this.services, staging, owner, this.users, (unfinished) => {
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

/** The resumable uploads of a server, by their stores. A location that was made anew by a reload meets those of its predecessor. */
export class UploadActivities {
  /** Files that are made of others, or removed. */
  readonly large: LargeWorkQueue;
  private readonly all = new Map<string, UploadActivity>();

  constructor(private readonly services: Services) {
    this.large = new LargeWorkQueue(services);
  }

  /** Those in a store, told by its folder's device and inode. */
  in({ identity }: Staging): UploadActivity {
    let activity = this.all.get(identity);
    if (activity === undefined) this.all.set(identity, (activity = new UploadActivity(this.services)));
    return activity;
  }
}
