/** `proxy_cache_purge`: requests that remove an entry. */
import type { CacheSettings } from "../../config/gateway.ts";
import type { Evaluator, Exchange, Templates } from "../../exchange/exchange.ts";
import { ruleFor } from "../access.ts";
import { nameOf } from "./disk/key.ts";
import { isAnySet } from "./rules.ts";
import type { CacheZone } from "./zone.ts";

type Purge = NonNullable<CacheSettings["purge"]>;

export class PurgeRules {
  private readonly conditions: readonly Evaluator[];

  constructor(
    private readonly purge: Purge,
    templates: Templates,
  ) {
    this.conditions = purge.conditions.map((condition) => templates.evaluator(condition));
  }

  /** Whether a request is to remove the entry of its key. */
  applies(exchange: Exchange): boolean {
    if (this.purge.method !== null && exchange.method === this.purge.method) return true;
    return isAnySet(this.conditions, exchange);
  }

  /** 204 when an entry was removed, 404 when there was none (as nginx), 403 for addresses that may not. */
  answer(exchange: Exchange, zone: CacheZone, key: string): void {
    if (exchange.method === this.purge.method && !this.isAllowed(exchange)) {
      exchange.log("error", "a purge of the cache is forbidden for this address");
      return exchange.fail(403);
    }
    if (!zone.purge(nameOf(key))) return exchange.fail(404);
    exchange.reply(204, [], null);
  }

  private isAllowed({ connection }: Exchange): boolean {
    const rules = this.purge.from.map((match) => ({ allow: true, match }));
    return ruleFor(rules, connection) !== undefined;
  }
}
