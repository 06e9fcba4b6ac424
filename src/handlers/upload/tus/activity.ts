/**
 * State of the resumable uploads in one store: which are in use, how many are unfinished, and when expired ones were last removed.
 * All locations of the server share it, even if they name the store by different paths.
 */
import type { Services } from "../../../exchange/services.ts";
import { LargeWorkQueue } from "../../large/large-work.ts";
import type { Staging } from "../staging.ts";
import { Sweep } from "./sweep.ts";

/**
 * Most unfinished uploads in a store. One small request creates two files, so without a limit a client could use up the file
 * system's inodes. The limit is far above the uploads that visitors abandon in a day. Two files of 4 KB for each make 80 MB.
 */
export const MOST_UNFINISHED = 10_000;

/** A request that uses an upload: a PATCH that sends bytes, or a POST that concatenates it with others. */
export interface UploadUser {
  /** Ends the request and its connection, because another request needs the upload. */
  interrupt(): void;
}

/** The resumable uploads in one store. */
export class UploadActivity {
  private readonly users = new Map<string, UploadUser>();
  private unfinished = 0;
  private sweeping: Sweep | null = null;
  /** When the last sweep began, monotonic ms. */
  private sweptAt = Number.NaN;

  constructor(private readonly services: Services) {}

  get isFull(): boolean {
    return this.unfinished >= MOST_UNFINISHED;
  }

  /** Counts an upload that was created (1) or has ended (-1). */
  count(change: 1 | -1): void {
    this.unfinished = Math.max(0, this.unfinished + change);
    this.sweeping?.count(change);
  }

  /** Records that `user` uses the upload. The caller must have interrupted the previous user. */
  begin(id: string, user: UploadUser): void {
    this.users.set(id, user);
  }

  end(id: string, user: UploadUser): void {
    if (this.users.get(id) === user) this.users.delete(id);
  }

  /** Ends the request that uses the upload, if there is one: a client that asks again has lost the connection of its first request. */
  interrupt(id: string): void {
    this.users.get(id)?.interrupt();
  }

  /** Begins a sweep of expired uploads, unless one is running or another location began one in this turn. `owner` may stop it. */
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

  /** Stops the sweep if `owner` began it. */
  stop(owner: object): void {
    if (this.sweeping?.owner === owner) this.sweeping.stop();
  }
}

/** The resumable uploads of a server, by store. They survive a reload: the new location shares them with the old one. */
export class UploadActivities {
  /** Concatenations and removals of large files. */
  readonly large: LargeWorkQueue;
  private readonly all = new Map<string, UploadActivity>();

  constructor(private readonly services: Services) {
    this.large = new LargeWorkQueue(services);
  }

  /** The uploads in a store, which is identified by device and inode. */
  in({ identity }: Staging): UploadActivity {
    let activity = this.all.get(identity);
    if (activity === undefined) this.all.set(identity, (activity = new UploadActivity(this.services)));
    return activity;
  }
}
