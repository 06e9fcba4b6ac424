/** The codings of a location, made once from its settings: which of them suit a reply, and which one a request gets. */
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/reply.ts";
import { ACCEPTS_NONE, type Acceptance, CODINGS, type Coding } from "../../http/accept-encoding.ts";
import { SureRegex } from "../../routing/sure-regex.ts";
import { Method } from "./method.ts";
import { mayCompressForProxy } from "./proxied.ts";
import type { CompressionWork } from "./work.ts";

/** The suffixes of files that were compressed ahead of time. */
export const SUFFIXES: Readonly<Record<Coding, string>> = { br: ".br", zstd: ".zst", gzip: ".gz" };

/** A way to send a reply: compressed by `method`, or, if that is null, from a compressed file beside the requested one. */
export interface Way {
  readonly coding: Coding;
  readonly method: Method | null;
  /** Whatever the client accepts. */
  readonly always: boolean;
  readonly types: ReadonlySet<string>;
  readonly minLength: number;
  /** Index among all ways. */
  readonly index: number;
}

/** What is never "*", so that a set of types without it is for text/html alone. */
const ANY = "*";
/** The statuses whose replies are compressed, as in nginx. */
const STATUSES: readonly number[] = [200, 403, 404];

export class Codings {
  /** In order of preference if a client accepts several equally: first files, which cost nothing, then by cost for bytes saved. */
  readonly ways: readonly Way[];
  readonly varies: boolean;
  /** For each set of accepted codings the ways, best first. */
  private readonly chosen: (readonly Way[])[] = [];
  private readonly disabled: readonly SureRegex[];
  /** `gzip_proxied` treats all requests of proxies alike, whatever the fields of the reply (`any` or `off`). */
  private readonly proxiesAlike: boolean;

  /** Null: the location compresses nothing. */
  static of(settings: Settings, work: CompressionWork): Codings | null {
    // A location that sets Content-Encoding itself has files that are compressed already.
    const isCoded = settings.addHeaders.some(({ name }) => name.toLowerCase() === "content-encoding");
    const ways = isCoded ? [] : waysOf(settings);
    return ways.length === 0 ? null : new Codings(settings, work, ways);
  }

  private constructor(
    private readonly settings: Settings,
    private readonly work: CompressionWork,
    ways: readonly Way[],
  ) {
    this.ways = ways;
    this.varies = settings.gzipVary;
    this.disabled = settings.gzipDisable.map((regex) => new SureRegex(regex));
    this.proxiesAlike = settings.gzipProxied.has("any") || settings.gzipProxied.has("off");
  }

  /** The codings that the request accepts here; null: that depends on the fields of the reply, so no kept reply may answer it. */
  accepted(exchange: Exchange): Acceptance | null {
    const { request } = exchange;
    if (exchange.isSubrequest) return ACCEPTS_NONE; // its reply is read here, or is part of another
    if (request.minor < this.settings.gzipHttpVersion) return ACCEPTS_NONE;
    const acceptance = this.work.accepted(request);
    if (acceptance === ACCEPTS_NONE) return acceptance;
    if (this.disabled.length > 0 && this.isDisabled(exchange)) return ACCEPTS_NONE;
    if (request.fieldIndex("via") < 0 || this.settings.gzipProxied.has("any")) return acceptance;
    return this.proxiesAlike ? ACCEPTS_NONE : null;
  }

  /** As `accepted`, for a reply whose fields are known. */
  acceptedWith(exchange: Exchange, fields: readonly Field[]): Acceptance {
    const { request, services } = exchange;
    const acceptance = this.accepted(exchange);
    if (acceptance !== null) return acceptance;
    const authorized = request.fieldIndex("authorization") >= 0;
    const may = mayCompressForProxy(this.settings.gzipProxied, fields, authorized, services.clock.second);
    return may ? this.work.accepted(request) : ACCEPTS_NONE;
  }

  /** The ways for these accepted codings, best first. */
  waysFor(acceptance: Acceptance): readonly Way[] {
    return (this.chosen[acceptance.index] ??= this.ways
      .filter(({ coding, always }) => always || acceptance.ranks[coding] > 0)
      .sort((a, b) => rank(b, acceptance) - rank(a, acceptance)));
  }

  /** Whether a way may be used for a reply of this status, type and length (-1: unknown). */
  suits({ method, types, minLength }: Way, status: number, mediaType: string, length: number): boolean {
    if (method === null || !STATUSES.includes(status) || (length >= 0 && length < minLength)) return false;
    return types.has(ANY) || types.has(bareType(mediaType));
  }

  private isDisabled({ request }: Exchange): boolean {
    const agent = request.field("user-agent");
    // If it is unknown whether the expression matches, the reply is not compressed.
    return agent !== undefined && this.disabled.some((regex) => regex.exec(agent) !== null);
  }
}

const rank = ({ coding, always }: Way, { ranks }: Acceptance): number => (always ? 9 : ranks[coding]);

/** A media type without its parameters, in small letters. */
function bareType(value: string): string {
  const semicolon = value.indexOf(";");
  return (semicolon < 0 ? value : value.slice(0, semicolon)).trim().toLowerCase();
}

/** Of files compressed ahead of time, br is the smallest. Compressing a reply, zstd saves as much as brotli in a fraction of the time. */
function waysOf(settings: Settings): Way[] {
  const { gzip, brotli, zstd } = settings;
  const statics = { br: settings.brotliStatic, zstd: settings.zstdStatic, gzip: settings.gzipStatic };
  const isOn = { zstd, br: brotli, gzip };
  const ways: Omit<Way, "index">[] = [];
  for (const coding of ["br", "zstd", "gzip"] as const) {
    const policy = statics[coding];
    if (policy !== "on" && policy !== "always") continue;
    ways.push({ coding, method: null, always: policy === "always", types: new Set([ANY]), minLength: 0 });
  }
  for (const coding of CODINGS) if (isOn[coding]) ways.push(onTheWay(coding, settings));
  return ways.map((way, index) => ({ ...way, index }));
}

function onTheWay(coding: Coding, settings: Settings): Omit<Way, "index"> {
  const [level, types, minLength] =
    coding === "gzip"
      ? [settings.gzipLevel, settings.gzipTypes, settings.gzipMinLength]
      : coding === "br"
        ? [settings.brotliLevel, settings.brotliTypes, settings.brotliMinLength]
        : [settings.zstdLevel, settings.zstdTypes, settings.zstdMinLength];
  return { coding, method: new Method(coding, level), always: false, types, minLength };
}
