/** The types that the gateway's settings consist of: passes, families, upstreams, caches, resolvers. Data only; sizes are bytes, times are milliseconds. */

import type { SocketAddress } from "../../ffi/inet.ts";
import type { AccessRule, Position, Template } from "./parts.ts";
import type { UpstreamTlsSettings } from "./settings/tls.ts";

/** The protocols of `*_pass`, named as their directives begin. */
export type Family = "proxy" | "fastcgi" | "uwsgi" | "scgi";

/** `*_pass`: to whom a location passes its requests. Either `upstream` or `target` is there. */
export interface Pass {
  readonly family: Family;
  readonly scheme: "http" | "https";
  /** The argument as written. */
  readonly text: string;
  /** Key of `Config.upstreams`; null: `target` names it when a request comes. */
  readonly upstream: string | null;
  /** The argument, if it has variables: for `proxy_pass` a URL, for the others an address or an upstream's name, perhaps with `uwsgi://` or `scgi://` before it. */
  readonly target: Template | null;
  /** The URI of `proxy_pass http://host/uri` (not of one with variables), which takes the place of `replaces`; null: the request's own URI is passed. */
  readonly uri: string | null;
  /** The prefix of the location, which `uri` replaces at the start of the normalised path. */
  readonly replaces: string;
  /** `$proxy_host` and `$proxy_port` of `proxy_pass` without variables; "" otherwise. */
  readonly host: string;
  readonly port: string;
  readonly position: Position;
}

/** When a request goes to the next server. `http_*`: on these statuses. */
type NextUpstream =
  | "error"
  | "timeout"
  | "invalid_header"
  | "non_idempotent"
  | `http_${403 | 404 | 429 | 500 | 502 | 503 | 504}`;

/** The settings that each family has: `proxy_read_timeout`, `fastcgi_read_timeout`, and so on. */
export interface FamilySettings {
  readonly connectTimeout: number;
  readonly sendTimeout: number;
  readonly readTimeout: number;
  readonly buffering: boolean;
  readonly requestBuffering: boolean;
  /** For the head of a reply. */
  readonly bufferSize: number;
  readonly buffers: { readonly count: number; readonly size: number };
  readonly busyBuffersSize: number;
  /** 0: replies are not written to files. */
  readonly maxTempFileSize: number;
  readonly tempFileWriteSize: number;
  /** Absolute; null: /tmp. */
  readonly tempPath: string | null;
  /** Names in small letters: as written, without those that a family always hides. */
  readonly hideHeaders: readonly string[];
  readonly passHeaders: readonly string[];
  /** Names of nginx's list, in small letters. */
  readonly ignoreHeaders: readonly string[];
  readonly interceptErrors: boolean;
  readonly ignoreClientAbort: boolean;
  readonly forceRanges: boolean;
  readonly passRequestBody: boolean;
  readonly passRequestHeaders: boolean;
  /** Bytes a second read from the server; 0: no limit. */
  readonly limitRate: number;
  /** Empty: off. */
  readonly nextUpstream: readonly NextUpstream[];
  /** 0: no limit. */
  readonly nextUpstreamTries: number;
  /** 0: no limit. */
  readonly nextUpstreamTimeout: number;
  /** Where replies are kept; "on": where root or alias says. null: off. */
  readonly store: Template | "on" | null;
  /** The mode of stored files, such as 0o600. */
  readonly storeAccess: number;
  /** The local address of connections (`ADDRESS[:PORT]`, when evaluated; "": any). */
  readonly bind: { readonly address: Template; readonly transparent: boolean } | null;
  readonly socketKeepalive: boolean;
  readonly cache: CacheSettings;
}

/** `*_cache_use_stale`. */
type UseStale = Exclude<NextUpstream, "non_idempotent"> | "updating";

/** `*_cache` and its companions. */
export interface CacheSettings {
  /** A key of `Config.caches` when evaluated; null: off. */
  readonly zone: Template | null;
  /** null: none is configured (proxy has `$scheme$proxy_host$uri$is_args$args`). */
  readonly key: Template | null;
  /** The first that has the status counts; null: any status. */
  readonly valid: readonly { readonly statuses: readonly number[] | null; readonly time: number }[];
  readonly methods: readonly string[];
  readonly minUses: number;
  /** Any that is neither "" nor "0": the reply does not come from the cache. */
  readonly bypass: readonly Template[];
  /** Any that is neither "" nor "0": the reply does not go into the cache. */
  readonly noCache: readonly Template[];
  readonly lock: boolean;
  readonly lockTimeout: number;
  readonly lockAge: number;
  readonly useStale: readonly UseStale[];
  readonly backgroundUpdate: boolean;
  readonly revalidate: boolean;
  /** Whether HEAD becomes GET for the cache. */
  readonly convertHead: boolean;
  /** Beyond this offset a range is asked of the server itself; null: never. */
  readonly maxRangeOffset: number | null;
  readonly purge: CachePurge | null;
}

/** `*_cache_purge`: which requests remove an entry. */
interface CachePurge {
  /** `*_cache_purge STRING...`: any that is neither "" nor "0". */
  readonly conditions: readonly Template[];
  /** `*_cache_purge METHOD from ADDRESS...`: the method, and who may. */
  readonly method: string | null;
  readonly from: readonly AccessRule["match"][];
}

/** `*_cache_path`. */
export interface CachePath {
  /** Of its keys_zone. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** Digits of the folders' names at each level: [1, 2] for `levels=1:2`; empty: all files in one folder. */
  readonly levels: readonly number[];
  /** Bytes of memory for keys. */
  readonly keysSize: number;
  /** null: no limit. */
  readonly maxSize: number | null;
  /** Bytes that must stay free on the file system; 0: no matter. */
  readonly minFree: number;
  readonly inactive: number;
  /** How many entries are removed or read at once, how long, and the pause between. */
  readonly manager: CachePace;
  readonly loader: CachePace;
  readonly position: Position;
}

interface CachePace {
  readonly files: number;
  readonly threshold: number;
  readonly sleep: number;
}

/** A text or an expression that is looked for, and what takes its place. */
interface Replacement {
  readonly from: Template | RegExp;
  readonly to: Template;
}

export interface ProxyOnly {
  /** As written; the fields that are always sent (Host, Connection) are not in it unless written. */
  readonly setHeaders: readonly { readonly name: string; readonly value: Template }[];
  readonly method: Template | null;
  readonly setBody: Template | null;
  readonly httpVersion: "1.0" | "1.1";
  /** `default` is already resolved; empty: off. */
  readonly redirect: readonly Replacement[];
  readonly cookieDomain: readonly Replacement[];
  readonly cookiePath: readonly Replacement[];
  readonly tls: UpstreamTlsSettings;
  readonly cookieFlags: readonly { readonly cookie: Template | RegExp; readonly flags: readonly Template[] }[];
}

/** A parameter of FastCGI, uWSGI or SCGI. */
export interface PassParam {
  readonly name: string;
  readonly value: Template;
  readonly ifNotEmpty: boolean;
}

export interface FastcgiOnly {
  readonly params: readonly PassParam[];
  readonly index: Template | null;
  /** Its two groups are `$fastcgi_script_name` and `$fastcgi_path_info`. */
  readonly splitPathInfo: RegExp | null;
  readonly keepConn: boolean;
  readonly catchStderr: readonly string[];
}

export interface UwsgiOnly {
  readonly params: readonly PassParam[];
  readonly modifier1: number;
  readonly modifier2: number;
}

export interface ScgiOnly {
  readonly params: readonly PassParam[];
}

/** An `upstream` block, or the address in a `*_pass`, which is a group of its own. */
export interface UpstreamConfig {
  /** The key in `Config.upstreams`: the block's name, `host:port` or `unix:/path`. */
  readonly name: string;
  readonly servers: readonly UpstreamServer[];
  readonly balancing: Balancing;
  /** Most idle connections that are kept; 0: none. */
  readonly keepalive: number;
  readonly keepaliveRequests: number;
  readonly keepaliveTime: number;
  readonly keepaliveTimeout: number;
  readonly sticky: StickyCookie | null;
  /** Requests that wait when every server is at its `max_conns`. */
  readonly queue: { readonly length: number; readonly timeout: number } | null;
  readonly health: HealthCheck | null;
  /** For `server ... resolve`. */
  readonly resolver: ResolverConfig | null;
  readonly resolverTimeout: number;
  readonly position: Position;
}

export interface UpstreamServer {
  /** As written: `backend.example:8080`, `unix:/path`. */
  readonly name: string;
  /** A name may have several, each of which is a peer with the same parameters. Empty with `resolve`. */
  readonly addresses: readonly SocketAddress[];
  /** A name that is looked up again and again; null: `addresses` are fixed. */
  readonly resolve: { readonly host: string; readonly port: number } | null;
  readonly weight: number;
  /** 0: failures do not count. */
  readonly maxFails: number;
  readonly failTimeout: number;
  readonly backup: boolean;
  readonly down: boolean;
  /** 0: no limit. */
  readonly maxConns: number;
  /** 0: off. */
  readonly slowStart: number;
  readonly position: Position;
}

type Balancing =
  | { readonly kind: "round_robin" | "least_conn" | "ip_hash" }
  | { readonly kind: "hash"; readonly key: Template; readonly consistent: boolean }
  | { readonly kind: "random"; readonly two: boolean };

/** `sticky cookie NAME`. */
export interface StickyCookie {
  readonly name: string;
  /** null: until the browser closes. "max": for ever. */
  readonly expires: number | "max" | null;
  readonly domain: Template | null;
  readonly path: Template | null;
  readonly httponly: boolean;
  readonly secure: boolean;
  readonly samesite: Template | null;
}

/** `health_check` of a location that passes to the upstream. */
export interface HealthCheck {
  readonly interval: number;
  readonly jitter: number;
  readonly fails: number;
  readonly passes: number;
  /** Path and query of the request. */
  readonly uri: string;
  /** null: the server's own port. */
  readonly port: number | null;
  /** A server is not used before its first check. */
  readonly mandatory: boolean;
  /** Of the location. */
  readonly family: Family;
  readonly connectTimeout: number;
  readonly readTimeout: number;
  readonly position: Position;
}

/** `resolver`. */
export interface ResolverConfig {
  readonly servers: readonly SocketAddress[];
  /** Overrides the TTL of answers; null: the TTL counts. */
  readonly valid: number | null;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

/** `set`, and `auth_request_set`. */
export interface Assignment {
  /** Without its `$`. */
  readonly variable: string;
  readonly value: Template;
}
