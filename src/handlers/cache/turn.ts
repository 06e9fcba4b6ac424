/** One request that its cache could not answer: decides about the reply that comes, and stores it. */
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/reply.ts";
import { formatDate } from "../../http/reply/date.ts";
import type { Entry } from "./disk/entry.ts";
import { variantOf } from "./disk/key.ts";
import type { EntryWriter } from "./disk/writer.ts";
import { freshnessOf } from "./freshness.ts";
import { type Hits, validatorsOf } from "./hits.ts";
import type { CacheNode } from "./index.ts";
import type { CacheRules } from "./rules.ts";
import type { CacheZone } from "./zone.ts";

/** The statuses that stand in `proxy_cache_use_stale` as http_NNN. */
const STALE_ON: readonly number[] = [500, 502, 503, 504, 403, 404, 429];
/** Failures of servers that `proxy_cache_valid` may remember. */
const REMEMBERED: readonly number[] = [502, 504];

/** Where a request's entry is: of the key, and of the variant if the key has some. */
export interface Slots {
  readonly key: string;
  readonly node: CacheNode;
  /** Where the entry is kept at hand (KeptEntries). */
  readonly slot: string;
  /** The node of the variant, if the key's entry is another variant, with its `vary`. */
  readonly variant: { readonly node: CacheNode; readonly slot: string; readonly vary: string } | null;
}

/** What the request is allowed to do. */
interface TurnOptions {
  /** Its reply may be stored. */
  readonly storing: boolean;
  /** The entry that is no longer fresh; null: there is none, or it may not answer. */
  readonly stale: Entry | null;
}

/** Passes a request on to a server. @param turn null: the cache has nothing to do with it */
export type Ask = (turn: CacheTurn | null) => void;

export class CacheTurn {
  /** Sees the body of the reply; null: it is not stored. */
  watcher: EntryWriter | null = null;
  private over = false;
  private storing: boolean;
  private readonly stale: Entry | null;

  constructor(
    private readonly zone: CacheZone,
    private readonly rules: CacheRules,
    private readonly hits: Hits,
    private readonly slots: Slots,
    options: TurnOptions,
  ) {
    this.storing = options.storing;
    this.stale = options.stale;
    this.stale?.hold();
    this.eachNode((node) => node.holders++);
  }

  /** The node that gets the reply, as far as is known before its Vary. */
  get node(): CacheNode {
    return this.slots.variant?.node ?? this.slots.node;
  }

  /** Others wait, or get what there is, until this one has ended. */
  takeLock(until: number): void {
    this.node.updater = this;
    this.node.lockUntil = until;
  }

  /** Whether the request to the server asks for the whole reply, without the client's conditions and ranges. */
  get asksForAll(): boolean {
    return this.storing;
  }

  /** If-Modified-Since and If-None-Match of a revalidation; "": not sent. */
  get modifiedSince(): string {
    const entry = this.toRevalidate;
    return entry === null || entry.head.modified < 0 ? "" : formatDate(entry.head.modified);
  }

  get noneMatch(): string {
    return this.toRevalidate?.head.etag ?? "";
  }

  private get toRevalidate(): Entry | null {
    return this.rules.settings.revalidate ? this.stale : null;
  }

  /**
   * The head of the reply has come, and no other server will be tried. Then `watcher` is set.
   * @param fields as the server sent them
   * @param length Content-Length, -1: unknown
   * @returns whether the request was answered from the cache; then the reply is not wanted
   */
  head(exchange: Exchange, status: number, fields: readonly Field[], length: number): boolean {
    if (this.over) return false;
    if (this.stale !== null && STALE_ON.includes(status) && this.rules.usesStale(`http_${status}`)) {
      return this.sendStale(exchange, this.stale);
    }
    if (status === 304 && this.toRevalidate !== null) return this.revalidated(exchange, this.toRevalidate, fields);
    this.watcher = this.storing ? this.store(exchange, status, fields, length) : null;
    if (this.watcher === null) this.end();
    return false;
  }

  /**
   * There will be no reply.
   * @param kind why: error, timeout, invalid_header; @param status for the client: 502 or 504
   * @returns whether the request was answered from the cache
   */
  failed(exchange: Exchange, kind: string, status: number): boolean {
    if (this.over) return false;
    const { stale } = this;
    if (stale !== null && (this.rules.usesStale(kind) || this.isStaleAllowed(exchange, stale))) {
      return this.sendStale(exchange, stale);
    }
    const valid = this.storing && REMEMBERED.includes(status) ? this.rules.validFor(status) : 0;
    if (valid > 0) {
      this.node.error = status;
      this.node.errorUntil = exchange.services.clock.second + valid;
    }
    this.end();
    return false;
  }

  /** stale-if-error. */
  private isStaleAllowed(exchange: Exchange, { head }: Entry): boolean {
    return head.until + head.ifError >= exchange.services.clock.second;
  }

  private sendStale(exchange: Exchange, entry: Entry): true {
    return this.answer(exchange, entry, "STALE");
  }

  private answer(exchange: Exchange, entry: Entry, status: string): true {
    exchange.upstream!.cacheStatus = status;
    this.hits.reply(exchange, entry, false);
    this.end();
    return true;
  }

  /** The server has confirmed the entry: its new times are the 304's, else those that its own fields or `proxy_cache_valid` give. */
  private revalidated(exchange: Exchange, entry: Entry, fields: readonly Field[]): true {
    const now = exchange.services.clock.second;
    const own = freshnessOf(entry.head.fields, this.rules.ignored, now);
    const told = freshnessOf(fields, this.rules.ignored, now);
    const fresh = told.until > 0 ? told : own;
    const until = fresh.until || now + this.rules.validFor(entry.head.status);
    if (told.storable && until > now) {
      const { whileUpdating, ifError } = fresh;
      this.zone.renew(entry, { until, whileUpdating, ifError, storedAt: now });
    }
    return this.answer(exchange, entry, "REVALIDATED");
  }

  private store(exchange: Exchange, status: number, fields: readonly Field[], length: number): EntryWriter | null {
    const now = exchange.services.clock.second;
    const fresh = freshnessOf(fields, this.rules.ignored, now);
    const valid = fresh.until > 0 ? 0 : this.rules.validFor(status);
    const until = fresh.until || now + valid;
    if (!fresh.storable || (fresh.until === 0 && valid === 0)) return null;
    if (this.rules.forbidsStoring(exchange)) return null;
    const { key } = this.slots;
    const variant = fresh.vary === "" ? "" : variantOf(key, fresh.vary, (name) => exchange.request.fieldAll(name));
    const { node, slot } = this.placeFor(fresh.vary);
    const describes = status === 200 || status === 206;
    const { etag, mtimeSeconds } = validatorsOf(fields, now);
    const head = {
      key,
      until,
      whileUpdating: fresh.whileUpdating,
      ifError: fresh.ifError,
      storedAt: now,
      status,
      fields: fields.filter(([name]) => !FRAMING.test(name)),
      vary: fresh.vary,
      variant,
      modified: describes ? (mtimeSeconds ?? -1) : -1,
      etag: describes ? (etag ?? "") : "",
      bodyLength: length,
    };
    return this.zone.write(node, slot, head, length, () => this.end());
  }

  /** As nginx: a variant has its own place while the key's entry varies by the same fields. */
  private placeFor(vary: string): { node: CacheNode; slot: string } {
    const { variant } = this.slots;
    return variant !== null && variant.vary === vary ? variant : this.slots;
  }

  private eachNode(what: (node: CacheNode) => void): void {
    what(this.slots.node);
    if (this.slots.variant !== null) what(this.slots.variant.node);
  }

  /** The request is over, or its reply is not stored: others need not wait for it. May be called more than once. */
  end(): void {
    if (this.over) return;
    this.over = true;
    this.storing = false;
    this.eachNode((node) => {
      node.holders--;
      if (node.updater === this) release(node);
    });
    this.stale?.close();
  }
}

/** Fields that belong to the connection and not to the reply. */
const FRAMING =
  /^(?:connection|content-length|keep-alive|proxy-authenticate|proxy-connection|te|trailer|transfer-encoding|upgrade)$/i;

/** Wakes everybody who waits for the updater of a node. */
function release(node: CacheNode): void {
  node.updater = null;
  const { waiters } = node;
  node.waiters = null;
  if (waiters !== null) for (const waiter of waiters) waiter.wake();
}
