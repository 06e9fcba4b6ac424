/** State of a server's upload stores that is shared by all locations, even if they name a store by different paths. */

/** Number of different modification times within one millisecond. */
const STAMPS = 1000;

export class UploadStores {
  /** The stores (device and inode) from which dead servers' files were removed. */
  private readonly cleaned = new Set<string>();
  private stamps = 0;

  /** Records that a store is cleaned up. False: it was before; a server does it once per store. */
  beginCleanup(identity: string): boolean {
    const first = !this.cleaned.has(identity);
    this.cleaned.add(identity);
    return first;
  }

  /** Nanoseconds within a millisecond for the next file's modification time; repeats after STAMPS calls. */
  nextStamp(): number {
    this.stamps = (this.stamps + 1) % STAMPS;
    return this.stamps * (1_000_000 / STAMPS);
  }
}
