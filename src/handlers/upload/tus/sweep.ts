/** Removes expired resumable uploads, and files that belong to no upload, a few in each turn of the loop. */
import { directoryEntries } from "../../../../ffi/abi.ts";
import { ERRNO } from "../../../../ffi/errno.ts";
import { FileStatus } from "../../../../ffi/kernel.ts";
import { Block } from "../../../../ffi/memory.ts";
import type { Services } from "../../../exchange/services.ts";
import type { Staging } from "../staging.ts";
import { infoName, lookAtPart, partName, readDescription } from "./description.ts";

/** The two files of an upload. */
const NAME = /^([0-9a-f]{32})\.(part|json)$/;
/** A turn ends after about this many names; they take about 2 ms. */
const NAMES_PER_TURN = 100;
/** Size of the getdents buffer in bytes, for about as many names. */
const ROOM = 8 * 1024;
/** How long a part without a description is kept, in seconds. It cannot be resumed, but another server may be about to write its description. */
const UNDESCRIBED_LIFETIME = 3600;

/** One pass over a staging folder. */
export class Sweep {
  private readonly fd: number;
  private readonly block = new Block(ROOM);
  private readonly status = new FileStatus();
  private over = false;
  private unfinished = 0;

  /**
   * @param inUse ids of uploads that requests use now; they are not removed
   * @param ended called with the number of uploads left; -1: not known
   */
  constructor(
    private readonly services: Services,
    private readonly staging: Staging,
    readonly owner: object,
    private readonly inUse: { has(id: string): boolean },
    private readonly ended: (unfinished: number) => void,
  ) {
    staging.retain();
    this.fd = staging.openToRead();
  }

  /**
   * Counts uploads that are created (1) or end (-1) during the pass. The pass may or may not see their names itself, so the
   * number may be wrong until the next pass.
   */
  count(change: 1 | -1): void {
    this.unfinished += change;
  }

  /** Examines the next names. */
  onTurn(): void {
    if (this.over) return;
    let n = this.fd;
    for (let names = 0; n >= 0 && names < NAMES_PER_TURN; ) {
      n = this.services.kernel.getdents(this.fd, this.block);
      if (n === 0) return this.end(Math.max(0, this.unfinished));
      const some = directoryEntries(this.block, Math.max(0, n));
      for (const { name } of some) this.examine(name);
      names += some.length;
    }
    if (n >= 0) this.services.reactor.again(this);
    else this.stop();
  }

  stop(): void {
    this.end(-1);
  }

  private end(unfinished: number): void {
    this.over = true;
    if (this.fd >= 0) this.services.kernel.close(this.fd);
    this.staging.release();
    this.ended(unfinished);
  }

  private examine(name: string): void {
    const [, id, kind] = NAME.exec(name) ?? [];
    if (id === undefined) return;
    const { kernel } = this.services;
    const n = this.inUse.has(id) ? 0 : lookAtPart(kernel, this.staging, id, this.status);
    if (kind === "json") {
      if (n === -ERRNO.ENOENT) kernel.unlink(this.staging.fd, name);
    } else if (this.inUse.has(id) || (n >= 0 && !this.isExpired(id))) {
      this.unfinished++;
    } else if (n >= 0) {
      kernel.unlink(this.staging.fd, partName(id));
      kernel.unlink(this.staging.fd, infoName(id));
    }
  }

  /** Whether the lifetime since the last byte (`status`) is over. A description that can't be read now is left for the next pass. */
  private isExpired(id: string): boolean {
    const age = this.services.clock.second - this.status.mtimeSeconds;
    const found = readDescription(this.services.kernel, this.staging, id);
    if (typeof found !== "number" && found !== null) return age >= found.lifetime;
    return (found === null || found === -ERRNO.ENOENT) && age >= UNDESCRIBED_LIFETIME;
  }
}
