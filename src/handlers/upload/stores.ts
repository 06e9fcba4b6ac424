/** What a server knows of its upload stores, whichever of its locations use them and by whatever path they call them. */

/** Times within one millisecond that files can be given. */
const STAMPS = 1000;

export class UploadStores {
  /** The stores (device and inode) in which dead servers' files were looked for. */
  private readonly cleaned = new Set<string>();
  private stamps = 0;

  /** Whether dead servers' files in a store are still to be looked for: once in a server's life. */
  claimCleaning(identity: string): boolean {
    const first = !this.cleaned.has(identity);
    this.cleaned.add(identity);
    return first;
  }

  /** Nanoseconds within a millisecond, different each time, for the modification times of files. */
  nextStamp(): number {
    this.stamps = (this.stamps + 1) % STAMPS;
    return this.stamps * (1_000_000 / STAMPS);
  }
}
