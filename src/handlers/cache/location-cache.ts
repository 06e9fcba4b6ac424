/** The cache of a location: answers a request, or lets it be passed on to a server, now or when another request has brought the reply. */
import type { FamilySettings } from "../../config/gateway.ts";
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { HandlerServices } from "../services.ts";
import { Hits, type PassOn } from "./hits.ts";
import { Lookup } from "./lookup.ts";
import { PurgeRules } from "./purge.ts";
import { CacheRules } from "./rules.ts";
import type { Ask } from "./turn.ts";

export class LocationCache {
  private readonly rules: CacheRules;
  private readonly hits: Hits;
  private readonly purge: PurgeRules | null;

  /** @param family the settings of the location's family, whose cache is on */
  constructor(
    settings: Settings,
    family: FamilySettings,
    private readonly services: HandlerServices,
    passOn: PassOn,
  ) {
    this.rules = new CacheRules(settings, family, services);
    this.hits = new Hits(settings, family, services, passOn);
    this.purge = family.cache.purge === null ? null : new PurgeRules(family.cache.purge, services.templates);
  }

  /**
   * Answers from the cache, or calls `ask`: now, or later if the request waits for another (`proxy_cache_lock`). While it waits, the
   * exchange's `onGone` is the cache's. `exchange.upstream` must be there.
   */
  begin(exchange: Exchange, ask: Ask): void {
    const { rules, hits } = this;
    const facts = exchange.upstream!;
    facts.cacheStatus = "";
    const zone = rules.zoneFor(exchange);
    if (zone === undefined) return ask(null);
    if (this.purge?.applies(exchange)) return this.purge.answer(exchange, zone, rules.key(exchange));
    if (!rules.settings.methods.includes(exchange.method) || !zone.isOpen) return ask(null);
    const key = rules.key(exchange);
    const lookup = new Lookup(this.services, exchange, zone, rules, hits, key, ask);
    if (rules.bypasses(exchange)) return lookup.passBy();
    const entry = zone.kept.get(key);
    if (entry?.isFresh(this.services.clock.second) && entry.head.vary === "") {
      zone.use(entry);
      facts.cacheStatus = "HIT";
      if (!hits.sendKept(exchange, entry)) hits.reply(exchange, entry, true);
      return;
    }
    lookup.begin();
  }
}
