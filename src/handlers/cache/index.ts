/**
 * The index of a cache: what is known of each key, in the order of use. Its size is bounded by that of `keys_zone`; the least
 * recently used node that nobody holds makes room. Pure.
 */

/** nginx documents about 8,000 keys for a megabyte. */
const BYTES_OF_A_KEY = 128;
/** Most nodes that are looked at to find one that nobody holds. */
const MOST_TRIES = 20;

/** Someone who waits until the updater of a node has ended. */
export interface Waiter {
  wake(): void;
}

/** What a cache knows of a key, or of one of its variants. Times are monotonic ms, but `errorUntil`. */
export class CacheNode {
  uses = 0;
  /** Number of requests that look at it, write it or wait for it; it is not removed meanwhile. */
  holders = 0;
  /** Whether there is a file. */
  exists = false;
  /** Bytes of the file. */
  size = 0;
  /** The status 502 or 504, if that is remembered instead of a reply, up to and with this second since 1970. */
  error = 0;
  errorUntil = 0;
  /** Where its entry is kept at hand (kept-entries.ts); "": nowhere so far. */
  slot = "";
  /** Names of the variants that requests have asked for, so that a purge finds them. */
  variants: Set<string> | null = null;
  /** The request that fetches the reply now. */
  updater: object | null = null;
  /** When another request may fetch it as well (`proxy_cache_lock_age`). */
  lockUntil = 0;
  waiters: Set<Waiter> | null = null;
  usedAt = 0;
  newer: CacheNode | null = null;
  older: CacheNode | null = null;
  /** It is in the index. */
  indexed = true;

  constructor(readonly name: string) {}
}

export class CacheIndex {
  private readonly nodes = new Map<string, CacheNode>();
  private newest: CacheNode | null = null;
  private oldest: CacheNode | null = null;
  /** Bytes of all files. */
  bytes = 0;
  capacity = 0;

  /** @param removed called with each node that is removed to make room, before its file is unknown */
  constructor(
    keysSize: number,
    private readonly removed: (node: CacheNode) => void,
  ) {
    this.resize(keysSize);
  }

  /** Sets the size of `keys_zone` in bytes. */
  resize(keysSize: number): void {
    this.capacity = Math.max(1, Math.floor(keysSize / BYTES_OF_A_KEY));
    while (this.nodes.size > this.capacity && this.evict());
  }

  get count(): number {
    return this.nodes.size;
  }

  /** The node of a name; does not count as a use. */
  get(name: string): CacheNode | undefined {
    return this.nodes.get(name);
  }

  /** Makes a node, the most recently used one. Null: there is no room, because all old nodes are held. */
  add(name: string, now: number): CacheNode | null {
    if (this.nodes.size >= this.capacity && !this.evict()) return null;
    const node = new CacheNode(name);
    this.nodes.set(name, node);
    this.link(node, now);
    return node;
  }

  /** Makes a node the most recently used one. */
  touch(node: CacheNode, now: number): void {
    node.usedAt = now;
    if (node === this.newest || !node.indexed) return;
    this.unlink(node);
    this.link(node, now);
  }

  /** Notes the size of a node's file; -1: it has none. */
  resized(node: CacheNode, size: number): void {
    this.bytes += Math.max(0, size) - node.size;
    node.size = Math.max(0, size);
    node.exists = size >= 0;
  }

  remove(node: CacheNode): void {
    if (!node.indexed) return;
    this.resized(node, -1);
    this.nodes.delete(node.name);
    this.unlink(node);
    node.indexed = false;
  }

  /** Removes the least recently used node that nobody holds. False: there is none among the oldest. */
  evict(except: CacheNode | null = null): boolean {
    let node = this.oldest;
    for (let tries = 0; node !== null && tries < MOST_TRIES; tries++, node = node.newer) {
      if (node.holders > 0 || node === except) continue;
      this.drop(node);
      return true;
    }
    return false;
  }

  /** Removes nodes that were last used before `time`, at most `most`. Gives whether there may be more of them. */
  expire(time: number, most: number): boolean {
    let node = this.oldest;
    for (let tries = 0; node !== null && node.usedAt < time; tries++) {
      if (tries >= most) return true;
      const { newer } = node;
      if (node.holders === 0) this.drop(node);
      node = newer;
    }
    return false;
  }

  /** All nodes, the least recently used first. */
  *[Symbol.iterator](): Generator<CacheNode> {
    for (let node = this.oldest; node !== null; node = node.newer) yield node;
  }

  private drop(node: CacheNode): void {
    this.removed(node);
    this.remove(node);
  }

  private link(node: CacheNode, now: number): void {
    node.usedAt = now;
    node.older = this.newest;
    node.newer = null;
    if (this.newest === null) this.oldest = node;
    else this.newest.newer = node;
    this.newest = node;
  }

  private unlink(node: CacheNode): void {
    const { newer, older } = node;
    if (older === null) this.oldest = newer;
    else older.newer = newer;
    if (newer === null) this.newest = older;
    else newer.older = older;
    node.newer = node.older = null;
  }
}
