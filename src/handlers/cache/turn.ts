/** One request that its cache could not answer: decides about the reply that comes, and stores it. */
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/reply.ts";
import type { CacheFetch } from "../../exchange/upstream.ts";
import { formatDate } from "../../http/reply/date.ts";
import { OF_CONNECTION } from "../relay/reply/upstream-head.ts";
import { validatorsIn } from "../relay/reply/validators.ts";
import type { UpstreamHead } from "../relay/watcher.ts";
import type { Entry } from "./disk/entry.ts";
import { variantOf } from "./disk/key.ts";
import type { EntryWriter } from "./disk/writer.ts";
import { freshnessOf } from "./freshness.ts";
import type { Hits } from "./hits.ts";
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

export class CacheTurn implements CacheFetch {
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

  get convertsHead(): boolean {
    return this.rules.convertsHead;
  }

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
   * The head of the reply has come, and no other server will be tried.
   * @returns what stores the body; null: nothing does; or a function that answers from the cache instead
   */
  onHead(exchange: Exchange, head: UpstreamHead): EntryWriter | null | (() => void) {
    const { stale, toRevalidate, over } = this;
    if (over) return null;
    if (stale !== null && STALE_ON.includes(head.status) && this.rules.usesStale(`http_${head.status}`)) {
      return () => this.answer(exchange, stale, "STALE");
    }
    if (head.status === 304 && toRevalidate !== null) {
      this.renew(toRevalidate, head.fields, exchange.services.clock.second);
      return () => this.answer(exchange, toRevalidate, "REVALIDATED");
    }
    const writer = this.storing ? this.store(exchange, head) : null;
    if (writer === null) this.end();
    return writer;
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
      this.answer(exchange, stale, "STALE");
      return true;
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

  private answer(exchange: Exchange, entry: Entry, status: string): void {
    exchange.upstream!.cacheStatus = status;
    try {
      this.hits.reply(exchange, entry, false);
    } finally {
      this.end();
    }
  }

  /** The server has confirmed the entry: its new times are the 304's, else those that its own fields or `proxy_cache_valid` give. */
  private renew(entry: Entry, fields: readonly Field[], now: number): void {
    const own = freshnessOf(entry.head.fields, this.rules.ignored, now);
    const told = freshnessOf(fields, this.rules.ignored, now);
    const fresh = told.until > 0 ? told : own;
    const until = fresh.until || now + this.rules.validFor(entry.head.status);
    if (told.storable && until > now) {
      const { whileUpdating, ifError } = fresh;
      this.zone.renew(entry, { until, whileUpdating, ifError, storedAt: now });
    }
  }

  private store(exchange: Exchange, reply: UpstreamHead): EntryWriter | null {
    const { status, fields } = reply;
    if (!this.rules.isBuffered(fields) || this.rules.redirects(fields)) return null;
    if (!reply.hasBody && reply.contentLength > 0) return null; // of HEAD: there is nothing that GET could get
    const length = reply.hasBody ? reply.contentLength : 0;
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
    const { etag, mtimeSeconds } = validatorsIn(fields, now);
    const head = {
      key,
      until,
      whileUpdating: fresh.whileUpdating,
      ifError: fresh.ifError,
      storedAt: now,
      status,
      fields: fields.filter(([name]) => !OF_CONNECTION.includes(name.toLowerCase())),
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

/** Wakes everybody who waits for the updater of a node. */
function release(node: CacheNode): void {
  node.updater = null;
  const { waiters } = node;
  node.waiters = null;
  if (waiters !== null) for (const waiter of waiters) waiter.wake();
}
