/** One request's way through its cache (ngx_http_upstream_cache): look, answer, wait for another request, or fetch. */
import type { Exchange } from "../../exchange/exchange.ts";
import { Alarm } from "../../network/timers.ts";
import type { HandlerServices } from "../services.ts";
import type { Entry } from "./disk/entry.ts";
import { nameOf, variantOf } from "./disk/key.ts";
import type { Hits } from "./hits.ts";
import type { CacheNode, Waiter } from "./index.ts";
import type { CacheRules } from "./rules.ts";
import { type Ask, CacheTurn, type Slots } from "./turn.ts";
import type { CacheZone } from "./zone.ts";

/** Has a node while the request that is to update it begins. */
const IN_BACKGROUND = {};
/** Most variants of one key that a purge finds. */
const MOST_VARIANTS = 1000;

export class Lookup implements Waiter {
  private readonly timeout = new Alarm(() => this.onTimeout());
  /** It has waited as long as it may: it fetches without storing. */
  private isImpatient = false;
  private waitsUntil = 0;
  /** Its uses were counted. */
  private counted = false;
  private waitsFor: CacheNode | null = null;

  constructor(
    private readonly services: HandlerServices,
    private readonly exchange: Exchange,
    private readonly zone: CacheZone,
    private readonly rules: CacheRules,
    private readonly hits: Hits,
    private readonly key: string,
    private readonly ask: Ask,
  ) {}

  /** `proxy_cache_bypass`: nothing is looked up, but the reply is stored. */
  passBy(): void {
    const slots = this.slots();
    this.exchange.upstream!.cacheStatus = "BYPASS";
    if (slots === null) return this.ask(null);
    this.ask(this.turn(slots, true, null));
  }

  begin(): void {
    const { exchange } = this;
    const slots = this.slots();
    exchange.upstream!.cacheStatus = "MISS";
    if (slots === null) return this.ask(null);
    this.choose(slots);
  }

  /** Finds the nodes of the request; null: the index has no room. */
  private slots(): Slots | null {
    const { zone, key, exchange } = this;
    const node = zone.node(nameOf(key));
    if (node === null) return null;
    if (!this.counted) node.uses++;
    const entry = zone.entry(node, key, key);
    const { vary = "", variant = "" } = entry?.head ?? {};
    const wanted = vary === "" ? "" : variantOf(key, vary, (name) => exchange.request.fieldAll(name));
    entry?.close();
    if (wanted === variant) return { key, node, slot: key, variant: null };
    const other = zone.node(wanted);
    if (other === null) return null;
    if (!this.counted) other.uses++;
    node.variants ??= new Set();
    if (node.variants.size < MOST_VARIANTS) node.variants.add(wanted);
    return { key, node, slot: key, variant: { node: other, slot: `${key}\0${wanted}`, vary } };
  }

  private choose(slots: Slots): void {
    this.counted = true;
    const { node, slot } = slots.variant ?? slots;
    const { second } = this.services.clock;
    if (node.error !== 0 && node.errorUntil >= second) return this.answerError(node.error);
    const entry = this.zone.entry(node, slot, this.key);
    if (entry === null) return this.miss(slots, node);
    if (entry.isFresh(second)) this.answer(entry, "HIT");
    else this.expired(slots, node, entry);
    entry.close();
  }

  private answerError(status: number): void {
    this.exchange.upstream!.cacheStatus = "HIT";
    this.exchange.fail(status);
  }

  private answer(entry: Entry, status: string): void {
    this.exchange.upstream!.cacheStatus = status;
    this.hits.reply(this.exchange, entry, status === "HIT");
  }

  private miss(slots: Slots, node: CacheNode): void {
    const { lock, lockAge, lockTimeout, minUses } = this.rules.settings;
    const { now } = this.services.clock;
    if (node.uses < minUses || this.isImpatient) return this.ask(this.turn(slots, false, null));
    if (lock && node.updater !== null && node.lockUntil > now) {
      return lockTimeout === 0 ? this.ask(this.turn(slots, false, null)) : this.wait(node);
    }
    const turn = this.turn(slots, true, null);
    if (lock) turn.takeLock(now + lockAge);
    this.ask(turn);
  }

  private expired(slots: Slots, node: CacheNode, entry: Entry): void {
    const { head } = entry;
    const mayUse = this.rules.usesStale("updating") || head.until + head.whileUpdating >= this.services.clock.second;
    const isUpdate = node.updater === IN_BACKGROUND && this.exchange.isSubrequest;
    if (node.updater !== null && mayUse && !isUpdate) return this.answer(entry, "UPDATING");
    if (node.updater === null && mayUse && this.rules.settings.backgroundUpdate && this.updates(node)) {
      return this.answer(entry, "STALE");
    }
    const turn = this.turn(slots, true, entry);
    if (node.updater === null || isUpdate) turn.takeLock(this.services.clock.now + this.rules.settings.lockAge);
    this.exchange.upstream!.cacheStatus = "EXPIRED";
    this.ask(turn);
  }

  /** `proxy_cache_background_update`: a request of our own fetches the reply. False: it does not come to that. */
  private updates(node: CacheNode): boolean {
    const { path: uri, query, method } = this.exchange;
    node.updater = IN_BACKGROUND;
    this.services.subrequests.start(this.exchange, { uri, query, method, body: null, isRepeated: true }, null);
    if (node.updater !== IN_BACKGROUND) return true;
    node.updater = null; // another location answers for this path
    return false;
  }

  private turn(slots: Slots, storing: boolean, stale: Entry | null): CacheTurn {
    const stores = storing && (this.exchange.method !== "HEAD" || this.rules.convertsHead);
    const isFar = stores && this.rules.wantsFarPart(this.exchange);
    return new CacheTurn(this.zone, this.rules, this.hits, slots, { storing: stores && !isFar, stale });
  }

  // Waiting

  private wait(node: CacheNode): void {
    const { now } = this.services.clock;
    node.holders++;
    node.waiters ??= new Set();
    node.waiters.add(this);
    this.waitsFor = node;
    this.exchange.onGone = () => {
      this.leaveNode();
      this.stopTimer();
    };
    if (this.waitsUntil === 0) this.waitsUntil = now + this.rules.settings.lockTimeout;
    if (this.timeout.timerList === null) this.startTimer();
  }

  /** It fires when the lock may be taken over, or when it has waited long enough. */
  private startTimer(): void {
    const { lockTimeout, lockAge } = this.rules.settings;
    const { reactor } = this.services;
    reactor.timers.start(this.timeout, Math.max(1, Math.min(lockTimeout, lockAge)), reactor.now);
  }

  private stopTimer(): void {
    this.services.reactor.timers.stop(this.timeout);
  }

  private leaveNode(): void {
    const node = this.waitsFor;
    this.waitsFor = null;
    if (node === null) return;
    node.holders--;
    node.waiters?.delete(this);
  }

  wake(): void {
    this.services.reactor.again(this);
  }

  onTurn(): void {
    if (this.waitsFor !== null) this.goOn(); // else the client has left
  }

  private onTimeout(): void {
    this.isImpatient = this.services.reactor.now >= this.waitsUntil;
    this.goOn();
  }

  private goOn(): void {
    this.leaveNode();
    this.exchange.onGone = null;
    try {
      this.begin();
    } catch (error) {
      this.exchange.crash(error);
    }
    if (this.waitsFor === null) this.stopTimer();
  }
}
