/** One cache: `proxy_cache_path` and its siblings. It lives as long as its folder is configured, over reloads. */
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import { Block } from "../../../ffi/memory.ts";
import type { CachePath } from "../../config/gateway.ts";
import type { Services } from "../../exchange/services.ts";
import type { BufferPool } from "../../network/buffers.ts";
import { Alarm } from "../../network/timers.ts";
import { DAMAGED, Entry, READ_AT_ONCE, readEntry, UNREADABLE } from "./disk/entry.ts";
import { type EntryHead, encodeHead, PRELUDE } from "./disk/entry-head.ts";
import { CacheFolder } from "./disk/folder.ts";
import { pathOf } from "./disk/key.ts";
import { Loader } from "./disk/loader.ts";
import { EntryWriter } from "./disk/writer.ts";
import { CacheIndex, type CacheNode } from "./index.ts";
import { type KeptBounds, KeptEntries } from "./kept-entries.ts";

/** How often old entries are looked for, ms. nginx's manager also sleeps ten seconds. */
const UPKEEP = 10_000;
/** Entries that are removed before the free space is looked at again. */
const FEW = 8;

/** What caches need of their server. */
export interface CacheServices extends Services {
  readonly buffers: BufferPool;
}

export class CacheZone {
  readonly index: CacheIndex;
  readonly kept: KeptEntries;
  /** Number of entries that are being written. */
  writing = 0;
  private readonly folder: CacheFolder;
  private loader: Loader | null = null;
  private readonly loading: Alarm;
  private readonly upkeep: Alarm;
  private readonly block: Block;
  private path: CachePath;

  /** @param block of READ_AT_ONCE bytes, for any zone to read entries into */
  constructor(
    path: CachePath,
    private readonly services: CacheServices,
    bounds: KeptBounds,
    block: Block,
  ) {
    this.path = path;
    this.block = block;
    this.kept = new KeptEntries(bounds);
    this.index = new CacheIndex(path.keysSize, (node) => this.forget(node));
    this.folder = new CacheFolder(services.kernel, path.path, path.levels);
    this.loading = new Alarm(() => this.load());
    this.upkeep = new Alarm(() => this.tidy());
  }

  static readBlock(): Block {
    return new Block(READ_AT_ONCE);
  }

  /** Opens the folder and begins to read it back. Where that fails, the cache stays empty and stores nothing; it is tried again. */
  open(): void {
    const { reactor } = this.services;
    reactor.timers.start(this.upkeep, UPKEEP, reactor.now);
    const n = this.folder.open();
    if (n < 0)
      return this.failed(n === -ERRNO.EAGAIN ? "is used by another server" : `cannot be used (${errnoText(n)})`);
    this.loader = new Loader(this.services.kernel, this.folder, (name, size) => this.found(name, size));
    this.load();
  }

  /** Its folder was removed (some empty caches so): it is made again, instead of a miss and a line in the log for every request. */
  private reopen(): void {
    this.folder.close();
    this.open();
  }

  /** Takes the limits of another configuration, and forgets the locations of the one before. */
  adjust(path: CachePath): void {
    this.path = path;
    this.kept.forgetReplies();
    this.index.resize(path.keysSize);
  }

  close(): void {
    const { timers } = this.services.reactor;
    timers.stop(this.loading);
    timers.stop(this.upkeep);
    this.loader = null;
    this.kept.clear();
    this.folder.close();
  }

  /** Whether its folder was not read back completely: what the index does not know may be there. */
  private get isCold(): boolean {
    return this.loader !== null;
  }

  /** Whether replies can be stored. */
  get isOpen(): boolean {
    return this.folder.isOpen;
  }

  /** The node of a name, made if it is new. Null: the index is full of nodes in use. */
  node(name: string): CacheNode | null {
    const { now } = this.services.clock;
    const node = this.index.get(name);
    if (node === undefined) return this.index.add(name, now);
    this.index.touch(node, now);
    return node;
  }

  /**
   * The entry of a node, at hand or read from its file and then kept under `slot`; null: there is none, or it is another key's.
   * The caller must close it.
   */
  entry(node: CacheNode, slot: string, key: string): Entry | null {
    const kept = this.kept.get(slot);
    if (kept === undefined) return this.read(node, slot, key);
    kept.used = true;
    kept.hold();
    return kept;
  }

  /** A use of an entry that was found at hand. */
  use(entry: Entry): void {
    entry.used = true;
    entry.node.uses++;
    this.index.touch(entry.node, this.services.clock.now);
  }

  private read(node: CacheNode, slot: string, key: string): Entry | null {
    if (!node.exists && !this.isCold) return null;
    const fd = this.folder.openEntry(node.name);
    const entry = fd < 0 ? UNREADABLE : readEntry(this.services.kernel, fd, node, this.block);
    if (fd === -ERRNO.ENOENT) this.index.resized(node, -1);
    else if (fd < 0) this.failed(`could not open "${this.fileOf(node)}" (${errnoText(fd)})`);
    if (entry === DAMAGED) this.discard(node, "is damaged or no entry");
    if (typeof entry === "string") return null;
    if (entry.head.key !== key) {
      entry.close();
      return null; // another key with the same MD5: this one replaces it
    }
    this.index.resized(node, entry.start + entry.length);
    this.kept.put(slot, entry);
    return entry;
  }

  /** Begins to write an entry. Null: it cannot be stored. @param announced Content-Length, -1: unknown @param ended called once, at the end */
  write(node: CacheNode, slot: string, head: EntryHead, announced: number, ended: () => void): EntryWriter | null {
    const encoded = this.folder.isOpen ? encodeHead(head) : null;
    if (encoded === null) return null;
    const { kernel, buffers } = this.services;
    this.writing++;
    return new EntryWriter(kernel, this.folder, buffers, node.name, head, encoded, announced, {
      published: (whole, start, body, size) => {
        this.writing--;
        this.publish(node, slot, new Entry(node, whole, start, body, null), size);
        ended();
      },
      failed: (error) => {
        this.writing--;
        if (error < 0) this.failed(`could not write an entry (${errnoText(error)})`);
        if (error === -ERRNO.ENOENT) this.reopen();
        ended();
      },
    });
  }

  private publish(node: CacheNode, slot: string, entry: Entry, size: number): void {
    this.kept.drop(slot);
    if (!node.indexed) return this.folder.removeEntry(node.name); // purged meanwhile
    this.index.resized(node, size);
    node.error = 0;
    if (entry.body !== null) this.kept.put(slot, entry);
    this.makeRoom(node);
  }

  /** Gives an entry, which a peer has confirmed, other times. */
  renew(entry: Entry, times: Pick<EntryHead, "until" | "whileUpdating" | "ifError" | "storedAt">): void {
    entry.head = { ...entry.head, ...times };
    entry.replies.clear();
    encodeHead(entry.head)!.copy(this.block.bytes, 0, 0, PRELUDE);
    const n = this.folder.rewrite(pathOf(entry.node.name, this.folder.levels), this.block, PRELUDE);
    if (n < 0) this.failed(`could not renew an entry (${errnoText(n)})`);
  }

  /** Removes an entry and its variants, as far as they are known. False: there was none. */
  purge(name: string): boolean {
    const node = this.index.get(name);
    for (const variant of node?.variants ?? []) this.purge(variant);
    if (node !== undefined && node.slot !== "") this.kept.drop(node.slot);
    if (node === undefined && !this.isCold) return false;
    const there = node?.exists === true || (this.isCold && this.isThere(name));
    this.folder.removeEntry(name);
    if (node !== undefined) this.index.remove(node);
    return there;
  }

  private isThere(name: string): boolean {
    const fd = this.folder.openEntry(name);
    if (fd >= 0) this.services.kernel.close(fd);
    return fd >= 0;
  }

  sweep(): void {
    this.kept.sweep();
  }

  private found(name: string, size: number): void {
    const { now } = this.services.clock;
    const known = this.index.get(name);
    if (known !== undefined) {
      if (!known.exists) this.index.resized(known, size);
      return;
    }
    const node = this.index.count < this.index.capacity ? this.index.add(name, now) : null;
    if (node === null) this.folder.removeEntry(name);
    else this.index.resized(node, size);
  }

  private load(): void {
    const { kernel, reactor } = this.services;
    const { files, threshold, sleep } = this.path.loader;
    if (this.loader === null) return;
    if (this.loader.step(files, kernel.monotonic() + threshold)) reactor.timers.start(this.loading, sleep, reactor.now);
    else {
      this.loader = null;
      this.makeRoom(null);
    }
  }

  /** Removes what was not used for long, and makes room on the disk. */
  private tidy(): void {
    const { reactor, clock } = this.services;
    if (!this.folder.isOpen) return this.open();
    const { files, sleep } = this.path.manager;
    const isMore = this.index.expire(clock.now - this.path.inactive, files) || this.makeRoom(null);
    reactor.timers.start(this.upkeep, isMore ? sleep : UPKEEP, reactor.now);
  }

  /** Removes the least recently used entries while the cache is too large, a portion at once. Gives whether it still is. */
  private makeRoom(except: CacheNode | null): boolean {
    const { maxSize, minFree, manager } = this.path;
    const most = maxSize ?? Number.POSITIVE_INFINITY;
    for (let i = 0; i < manager.files && this.index.bytes > most; i++) if (!this.index.evict(except)) return false;
    const isFull = minFree > 0 && this.folder.free() < minFree;
    for (let i = 0; i < FEW && isFull; i++) if (!this.index.evict(except)) return false;
    return isFull || this.index.bytes > most;
  }

  /** A node leaves the index, and its file the disk. */
  private forget(node: CacheNode): void {
    if (node.exists) this.folder.removeEntry(node.name);
    if (node.slot !== "") this.kept.drop(node.slot);
  }

  private discard(node: CacheNode, why: string): void {
    this.failed(`"${this.fileOf(node)}" ${why}: it is removed`);
    this.folder.removeEntry(node.name);
    this.index.resized(node, -1);
  }

  private fileOf(node: CacheNode): string {
    return `${this.path.path}/${pathOf(node.name, this.path.levels)}`;
  }

  private failed(what: string): void {
    this.services.log("crit", `cache "${this.path.name}" (${this.path.path}): ${what}`);
  }
}
