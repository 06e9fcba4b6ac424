/** The entries of a cache that are kept at hand: small ones with their bodies, larger ones with their open files. Bounded. */
import type { Entry } from "./disk/entry.ts";

/** What all caches of a server keep, and how much that may be. */
export class KeptBounds {
  bytes = 0;
  files = 0;

  /** @param mostFiles gives how many descriptors may be kept now */
  constructor(
    readonly mostBytes: number,
    readonly mostFiles: () => number,
  ) {}
}

/** What an entry costs besides its body. */
const OVERHEAD = 1024;

const bytesOf = ({ body, head }: Entry): number =>
  OVERHEAD + 2 * (body?.length ?? 0) + head.fields.reduce((sum, [name, value]) => sum + name.length + value.length, 0);

export class KeptEntries {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly bounds: KeptBounds) {}

  get(slot: string): Entry | undefined {
    return this.entries.get(slot);
  }

  /** Keeps an entry, in place of another if there is one. Where there is no room it is not kept. */
  put(slot: string, entry: Entry): void {
    this.drop(slot);
    const bytes = bytesOf(entry);
    const { bounds } = this;
    while (bounds.bytes + bytes > bounds.mostBytes && this.evict(() => true));
    if (bounds.bytes + bytes > bounds.mostBytes) return;
    const isFile = entry.file !== null;
    if (isFile && bounds.files >= bounds.mostFiles() && !this.evict(({ file }) => file !== null)) return;
    entry.hold();
    bounds.bytes += bytes;
    if (isFile) bounds.files++;
    entry.slot = entry.node.slot = slot;
    this.entries.set(slot, entry);
  }

  drop(slot: string): void {
    const entry = this.entries.get(slot);
    if (entry === undefined) return;
    this.entries.delete(slot);
    this.bounds.bytes -= bytesOf(entry);
    if (entry.file !== null) this.bounds.files--;
    entry.slot = "";
    entry.replies.clear();
    entry.close();
  }

  /** Drops entries that were not used since the last call. */
  sweep(): void {
    for (const [slot, entry] of this.entries) {
      if (!entry.used) this.drop(slot);
      entry.used = false;
    }
  }

  /** Drops what locations have made of the entries: after a reload others ask. */
  forgetReplies(): void {
    for (const { replies } of this.entries.values()) replies.clear();
  }

  clear(): void {
    for (const slot of [...this.entries.keys()]) this.drop(slot);
  }

  /** Drops one of the entries that `among` accepts; one used since the last time goes to the end of the queue instead. */
  private evict(among: (entry: Entry) => boolean): boolean {
    for (const [slot, entry] of this.entries) {
      if (!among(entry)) continue;
      if (!entry.used) {
        this.drop(slot);
        return true;
      }
      entry.used = false;
      this.entries.delete(slot);
      this.entries.set(slot, entry);
    }
    return false;
  }
}
