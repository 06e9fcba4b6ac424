/** The cache directives of a location, compiled once. */
import type { CacheSettings, FamilySettings } from "../../config/gateway.ts";
import type { Settings } from "../../config/model.ts";
import type { Template } from "../../config/parts.ts";
import type { Evaluator, Exchange } from "../../exchange/exchange.ts";
import { passUrl } from "../../exchange/passing/pass-url.ts";
import type { Field } from "../../exchange/reply.ts";
import { octets } from "../../http/octets.ts";
import { uriMaker } from "../proxy/uri.ts";
import { buffering, obeyed } from "../relay/reply/accel.ts";
import type { HandlerServices } from "../services.ts";
import type { CacheZone } from "./zone.ts";

/** What of the directives a request asks. Evaluates templates when asked. */
export class CacheRules {
  readonly settings: CacheSettings;
  /** HEAD is sent as GET, so that its reply can be stored. */
  readonly convertsHead: boolean;
  readonly ignored: ReadonlySet<string>;
  private readonly buffering: boolean;
  private readonly zone: Evaluator;
  private readonly keyOf: Evaluator;
  private readonly bypass: readonly Evaluator[];
  private readonly noCache: readonly Evaluator[];

  /** @param family the settings of the location's family */
  constructor(
    settings: Settings,
    family: FamilySettings,
    private readonly services: HandlerServices,
  ) {
    this.buffering = family.buffering;
    const { cache } = family;
    const compiled = (template: Template) => services.templates.evaluator(template);
    this.settings = cache;
    // Programs are asked by REQUEST_METHOD, which `fastcgi_param` sets, so that their HEAD stays HEAD.
    this.convertsHead = cache.convertHead && (settings.pass?.family ?? "proxy") === "proxy";
    this.ignored = new Set(family.ignoreHeaders);
    this.zone = compiled(cache.zone!);
    this.keyOf = cache.key === null ? defaultKey(settings) : compiled(cache.key);
    this.bypass = cache.bypass.map(compiled);
    this.noCache = cache.noCache.map(compiled);
  }

  /** The cache for a request; undefined: none. */
  zoneFor(exchange: Exchange): CacheZone | undefined {
    const name = this.zone(exchange);
    return name === "off" || name === "" ? undefined : this.services.caches.get(name);
  }

  key(exchange: Exchange): string {
    return this.keyOf(exchange);
  }

  bypasses(exchange: Exchange): boolean {
    return isAnySet(this.bypass, exchange);
  }

  forbidsStoring(exchange: Exchange): boolean {
    return isAnySet(this.noCache, exchange);
  }

  /** `proxy_cache_valid`: seconds for which a reply of this status is fresh; 0: it is not stored. The first row that matches counts. */
  validFor(status: number): number {
    const row = this.settings.valid.find(({ statuses }) => statuses === null || statuses.includes(status));
    return row === undefined ? 0 : Math.floor(row.time / 1000);
  }

  /** `proxy_cache_max_range_offset`: whether the client wants a part so far behind that fetching all before it would take too long. */
  wantsFarPart({ request }: Exchange): boolean {
    const { maxRangeOffset } = this.settings;
    const range = maxRangeOffset === null ? undefined : request.field("range");
    if (range === undefined || !/^bytes=/i.test(range)) return false;
    const start = /^bytes= *(\d+)-/i.exec(range)?.[1];
    return start === undefined || Number(start) >= maxRangeOffset!;
  }

  /** As nginx: only replies that are buffered are stored. */
  isBuffered(fields: readonly Field[]): boolean {
    return buffering(fields, this.ignored) ?? this.buffering;
  }

  /** Whether a reply only says which file or location answers. */
  redirects(fields: readonly Field[]): boolean {
    return obeyed(fields, "x-accel-redirect", this.ignored) !== undefined;
  }

  /** Whether a stale entry answers instead of an error: one of nginx's words for `proxy_cache_use_stale`. */
  usesStale(on: string): boolean {
    return (this.settings.useStale as readonly string[]).includes(on);
  }
}

/** Whether one of the values is neither empty nor 0 (ngx_http_test_predicates). */
export function isAnySet(values: readonly Evaluator[], exchange: Exchange): boolean {
  return values.some((value) => {
    const text = value(exchange);
    return text !== "" && text !== "0";
  });
}

/**
 * As nginx (ngx_http_proxy_create_key): the server, and the URI as it is sent there. Of the decoded path `/a%3Fb` and `/a?b` would be the
 * same, so one client could make the reply that others get. The host of all unix sockets is "localhost".
 */
function defaultKey({ pass }: Settings): Evaluator {
  const uri = uriMaker(pass!);
  const server = ({ scheme }: Exchange["connection"], name: string): string => scheme + octets(name);
  if (pass!.target === null) return (exchange) => server(exchange.connection, pass!.upstream!) + uri(exchange);
  return (exchange) => server(exchange.connection, passUrl(exchange, pass!).server || pass!.text) + uri(exchange);
}
