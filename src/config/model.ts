/**
 * The configuration in the form the server uses: immutable, with every default and inheritance applied.
 * `src/config/` makes it from text; the server and its handlers see nothing else of `src/config/`.
 * Units: sizes are bytes, times are milliseconds.
 */

import type { SocketAddress } from "../../ffi/inet.ts";
import type { TlsRules } from "../../ffi/openssl/rules.ts";
import type {
  Assignment,
  CachePath,
  Family,
  FamilySettings,
  FastcgiOnly,
  Pass,
  ProxyOnly,
  ResolverConfig,
  ScgiOnly,
  UpstreamConfig,
  UwsgiOnly,
} from "./gateway.ts";
import type {
  AccessRule,
  AddHeader,
  CgiLimit,
  CgiRule,
  ErrorPage,
  LimitExcept,
  Position,
  ProxiedRule,
  Return,
  StaticPolicy,
  Template,
  TryFiles,
  Upload,
} from "./parts.ts";
import type { CoreSettings } from "./settings/core.ts";
import type { DavSettings } from "./settings/dav.ts";
import type { Expires } from "./settings/expires.ts";
import type { FilterSettings } from "./settings/filters.ts";
import type { KeepaliveSettings } from "./settings/keepalive.ts";
import type { LimitSettings, LimitZone } from "./settings/limits.ts";
import type { ErrorLog, LogSettings } from "./settings/logs.ts";
import type { ModuleSettings } from "./settings/modules.ts";
import type { RewriteSettings } from "./settings/rewrite.ts";
import type { TableSettings } from "./settings/tables.ts";
import type { TlsSettings } from "./settings/tls.ts";
import type { VariableTable } from "./tables/tables.ts";

export interface Config {
  /** The main configuration file. */
  readonly file: string;
  /** The base of relative paths. Every path below is already absolute (except for variables inside). */
  readonly prefix: string;
  readonly pidFile: string | null;
  readonly workerConnections: number | null;
  /** Whether a new socket or pipe is tried before epoll has reported it. */
  readonly eager: boolean;
  readonly workerRlimitNofile: number | null;
  /** How long `quit` waits for requests in progress; 0: as long as they take. */
  readonly shutdownTimeout: number;
  /** The main error log; start-up and the event loop write to it. */
  readonly errorLog: ErrorLog;
  readonly addresses: readonly ListenAddress[];
  readonly servers: readonly VirtualServer[];
  /** The `upstream` blocks, and the fixed addresses of `*_pass`. */
  readonly upstreams: ReadonlyMap<string, UpstreamConfig>;
  /** The `*_cache_path` directives by the names of their zones. */
  readonly caches: ReadonlyMap<string, CachePath>;
  /** `map` and its like, by the names of their variables. */
  readonly tables: ReadonlyMap<string, VariableTable>;
  /** The variables that `set` gives values; true: nothing else does, so that one without a value is worth a warning. */
  readonly assigned: ReadonlyMap<string, boolean>;
  /** The names of all variables that templates have. */
  readonly usedVariables: ReadonlySet<string>;
  /** The zones of `limit_req_zone` and `limit_conn_zone`. */
  readonly limitZones: readonly LimitZone[];
  /** The certificates and rules of the servers that are reached by TLS. */
  readonly tls: ReadonlyMap<VirtualServer, TlsRules>;
}

/** One address of `listen`, merged from all servers that name it. */
export interface ListenAddress {
  readonly address: SocketAddress;
  /** For messages: `127.0.0.1:8080`, `[::1]:80`, `*:8080` as `0.0.0.0:8080`, `unix:/run/x.sock`. */
  readonly text: string;
  readonly backlog: number;
  readonly reuseport: boolean;
  readonly ipv6only: boolean;
  /** Whether connections begin with a header of the PROXY protocol. */
  readonly proxyProtocol: boolean;
  /** Whether they begin with a TLS handshake. */
  readonly tls: boolean;
  readonly defaultServer: VirtualServer;
  readonly servers: readonly VirtualServer[];
  readonly position: Position;
}

export interface ServerName {
  /** `exact`: x.org; `leading`: `*.x.org`, text ".x.org"; `trailing`: `x.*`, text "x."; `regex`. All in lower case except regex. `.x.org` becomes an exact and a leading name. */
  readonly kind: "exact" | "leading" | "trailing" | "regex";
  readonly text: string;
  readonly regex: RegExp | null;
}

export interface VirtualServer {
  /** $server_name: the first name in small letters, without a dot before it; an expression as written; "" when there is none. */
  readonly name: string;
  readonly names: readonly ServerName[];
  /** The server's own settings, as a location for requests that no location matches: modifier "", pattern "". */
  readonly scope: Location;
  /** In the order written, including named ones (`@`). */
  readonly locations: readonly Location[];
  readonly position: Position;
}

export interface Location {
  /** Unique within the Config, from 0. */
  readonly id: number;
  readonly modifier: "" | "=" | "^~" | "~" | "~*" | "@";
  /** The prefix, the regular expression's source, or the name with its `@`. */
  readonly pattern: string;
  readonly regex: RegExp | null;
  readonly settings: Settings;
  /** Nested locations, in the order written. */
  readonly locations: readonly Location[];
  /** The `if` blocks in it, each a location that a request is in where the condition holds; see IfStep. */
  readonly conditions: readonly Location[];
  readonly position: Position;
}

/** All settings that a request can depend on, after inheritance. */
export interface Settings
  extends Readonly<Record<Family, FamilySettings>>,
    CoreSettings,
    DavSettings,
    FilterSettings,
    KeepaliveSettings,
    LimitSettings,
    ModuleSettings,
    LogSettings,
    RewriteSettings,
    TableSettings,
    TlsSettings {
  /** Default `html` beneath the prefix. Absolute when constant. */
  readonly root: Template;
  readonly alias: Template | null;
  /** The prefix that `alias` replaces: that of the location that sets it (nested ones inherit both). null: no alias, or an alias in a regex location, which is the whole path. */
  readonly aliasPrefix: string | null;
  readonly index: readonly Template[];
  readonly autoindex: boolean;
  readonly tryFiles: TryFiles | null;
  /** Only internal redirects may lead here; clients get 404. */
  readonly internal: boolean;
  /** As configured; null: the default (GET, HEAD, and what other directives of the location add). */
  readonly allowedMethods: readonly string[] | null;
  readonly limitExcept: LimitExcept | null;
  /** allow/deny in order. The first rule that matches decides; without a match access is allowed. */
  readonly access: readonly AccessRule[];
  /** The realm for which a password is required; null: none is. Variables may give "off". */
  readonly authBasic: Template | null;
  /** Absolute when constant; null where none is configured. */
  readonly authUserFile: Template | null;
  /** Whether a request needs both an allowed address and a password ("all"), or one of them ("any"). */
  readonly satisfy: "all" | "any";
  readonly return: Return | null;
  readonly errorPages: readonly ErrorPage[];
  /** 0: no limit. */
  readonly clientMaxBodySize: number;
  readonly clientBodyBufferSize: number;
  readonly clientBodyTempPath: string | null;
  readonly clientHeaderBufferSize: number;
  readonly largeClientHeaderBuffers: { readonly count: number; readonly size: number };
  readonly clientHeaderTimeout: number;
  readonly clientBodyTimeout: number;
  readonly sendTimeout: number;
  /** 0: keep-alive is off. */
  readonly keepaliveTimeout: number;
  /** Seconds in the field `Keep-Alive: timeout=N`; null: no field. */
  readonly keepaliveHeader: number | null;
  readonly keepaliveRequests: number;
  /** Bytes per second; 0: off. */
  readonly clientMinRate: number;
  readonly sendMinRate: number;
  readonly lingeringTime: number;
  readonly lingeringTimeout: number;
  /** Extension (lower case, no dot) to media type. */
  readonly types: ReadonlyMap<string, string>;
  readonly defaultType: string;
  /** Compression while replies are sent, by coding; the media types contain "*" for any type. */
  readonly gzip: boolean;
  readonly gzipTypes: ReadonlySet<string>;
  readonly gzipLevel: number;
  readonly gzipMinLength: number;
  readonly brotli: boolean;
  readonly brotliTypes: ReadonlySet<string>;
  readonly brotliLevel: number;
  readonly brotliMinLength: number;
  readonly zstd: boolean;
  readonly zstdTypes: ReadonlySet<string>;
  readonly zstdLevel: number;
  readonly zstdMinLength: number;
  /** Files compressed in advance: sent to clients that accept them, or to all. */
  readonly gzipStatic: StaticPolicy;
  readonly brotliStatic: StaticPolicy;
  readonly zstdStatic: StaticPolicy;
  /** Settings for all codings. */
  readonly gzipVary: boolean;
  readonly gzipHttpVersion: 0 | 1;
  readonly gzipProxied: ReadonlySet<ProxiedRule>;
  readonly gzipDisable: readonly RegExp[];
  readonly addHeaders: readonly AddHeader[];
  readonly expires: Expires | null;
  readonly upload: Upload | null;
  /** What POST does when the file's name is taken. PUT replaces the file unless this is "refuse". */
  readonly uploadOverwrite: "rename" | "replace" | "refuse";
  /** Most files in one form. */
  readonly uploadMaxFiles: number;
  /** How long after its last byte an interrupted upload can be resumed. */
  readonly uploadResumeLifetime: number;
  /** The origins whose pages may upload, as browsers write them, or "*" alone; null: those of other sites may not. */
  readonly uploadCors: readonly string[] | null;
  /** Whether DELETE removes files. */
  readonly deleteFiles: boolean;
  /** Rules that run scripts; the first rule with a matching extension applies. Empty: no scripts. */
  readonly cgi: readonly CgiRule[];
  /** The methods that programs answer; null: any. */
  readonly cgiMethods: readonly string[] | null;
  /** Most time without progress on the script's input or output. */
  readonly cgiTimeout: number;
  /** Most scripts at once, in the whole server. */
  readonly cgiMaxProcesses: number;
  /** How many requests may wait for a script to end, and how long each. */
  readonly cgiQueue: { readonly length: number; readonly wait: number };
  readonly cgiParams: readonly { readonly name: string; readonly value: Template }[];
  /** Names of variables of the server's environment that are passed to scripts. */
  readonly cgiPassEnv: readonly string[];
  readonly cgiPassAuthorization: boolean;
  /** Whether a missing script is a 404; if false, the interpreter is run for it. */
  readonly cgiCheckScript: boolean;
  readonly cgiLimit: CgiLimit | null;
  /** Whether visitors get a session. */
  readonly session: boolean;
  /** Whether the location answers with the session's data as JSON (implies `session`). */
  readonly sessionApi: boolean;
  /** The cookie's name. */
  readonly sessionCookie: string;
  readonly sessionLifetime: number;
  /** Most sessions; the least recently used are removed first. */
  readonly sessionMax: number;
  /** Absolute path of a SQLite database; null: in memory. */
  readonly sessionStore: string | null;
  /** Whether redirects to a path are sent with scheme, host and port. */
  readonly absoluteRedirect: boolean;
  /** Whether absolute redirects use the server's first name as host, and whether they contain the port. */
  readonly serverNameInRedirect: boolean;
  readonly portInRedirect: boolean;
  /** Front servers that are trusted to name the client; the last rule denies all others. Empty: none. */
  readonly realIpFrom: readonly AccessRule[];
  /** The field that names the client, in small letters; "proxy_protocol": the header of that protocol does. */
  readonly realIpHeader: string;
  /** Whether the last address in the field that is not a trusted front server counts, instead of simply the last one. */
  readonly realIpRecursive: boolean;
  readonly serverTokens: boolean;
  readonly etag: boolean;
  readonly ifModifiedSince: "exact" | "before" | "off";
  readonly symlinks: "inside" | "follow" | "deny" | "owner";
  readonly dotfiles: "allow" | "deny";
  /** The cache of open files; null: off. `inactive` in ms. */
  readonly openFileCache: { readonly max: number; readonly inactive: number } | null;
  readonly openFileCacheValid: number;
  /** Whether the cache also remembers missing files. */
  readonly openFileCacheErrors: boolean;
  /** To whom requests are passed; nested locations do not inherit it. */
  readonly pass: Pass | null;
  /** To whom those are passed that `limit_except` does not except; null: as the location says. */
  readonly limitedPass: Pass | null;
  readonly proxyOnly: ProxyOnly;
  readonly fastcgiOnly: FastcgiOnly;
  readonly uwsgiOnly: UwsgiOnly;
  readonly scgiOnly: ScgiOnly;
  /** null: names in variables cannot be looked up. */
  readonly resolver: ResolverConfig | null;
  readonly resolverTimeout: number;
  /** The URI of the subrequest that decides about access. */
  readonly authRequest: string | null;
  readonly authRequestSet: readonly Assignment[];
  /** The URIs of background subrequests, whose replies are ignored. */
  readonly mirror: readonly string[];
  readonly mirrorRequestBody: boolean;
  /** Whether the location answers with nginx's basic status. */
  readonly stubStatus: boolean;
}
