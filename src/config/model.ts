/**
 * The configuration as the server uses it: immutable, every default and inheritance already applied.
 * `src/config/` makes it from text; nothing else of `src/config/` is visible to the server and its handlers.
 * Units: sizes are bytes, times are milliseconds.
 */

import type { SocketAddress } from "../../ffi/inet.ts";
import type {
  AccessLog,
  AccessRule,
  AddHeader,
  CgiLimit,
  CgiRule,
  ErrorLog,
  ErrorPage,
  Expires,
  LimitExcept,
  Position,
  ProxiedRule,
  Return,
  StaticPolicy,
  Template,
  TryFiles,
  Upload,
} from "./parts.ts";

export interface Config {
  /** The main configuration file. */
  readonly file: string;
  /** What relative paths start from; every path below is already absolute (but for variables inside). */
  readonly prefix: string;
  readonly pidFile: string | null;
  readonly workerConnections: number | null;
  /** Whether a new socket or pipe is tried before epoll has reported it. */
  readonly eager: boolean;
  readonly workerRlimitNofile: number | null;
  /** The main error log, which start-up and the loop itself use. */
  readonly errorLog: ErrorLog;
  readonly addresses: readonly ListenAddress[];
  readonly servers: readonly VirtualServer[];
}

/** One address of `listen`, merged over all servers that name it. */
export interface ListenAddress {
  readonly address: SocketAddress;
  /** As messages show it: `127.0.0.1:8080`, `[::1]:80`, `*:8080` as `0.0.0.0:8080`, `unix:/run/x.sock`. */
  readonly text: string;
  readonly backlog: number;
  readonly reuseport: boolean;
  readonly ipv6only: boolean;
  readonly defaultServer: VirtualServer;
  readonly servers: readonly VirtualServer[];
  readonly position: Position;
}

export interface ServerName {
  /** `exact`: x.org; `leading`: `*.x.org`, text ".x.org"; `trailing`: `x.*`, text "x."; `regex`. All lower case but regex. `.x.org` gives an exact and a leading one. */
  readonly kind: "exact" | "leading" | "trailing" | "regex";
  readonly text: string;
  readonly regex: RegExp | null;
}

export interface VirtualServer {
  /** $server_name: the first name as written, "" when there is none. */
  readonly name: string;
  readonly names: readonly ServerName[];
  /** The server's own settings as a location that matches when no other does: modifier "", pattern "". */
  readonly scope: Location;
  /** In the order written, named ones (`@`) included. */
  readonly locations: readonly Location[];
  readonly position: Position;
}

export interface Location {
  /** Unique within the Config, counted from 0. */
  readonly id: number;
  readonly modifier: "" | "=" | "^~" | "~" | "~*" | "@";
  /** The prefix, the regular expression's source, or the name with its `@`. */
  readonly pattern: string;
  readonly regex: RegExp | null;
  readonly settings: Settings;
  /** Nested locations, in the order written. */
  readonly locations: readonly Location[];
  readonly position: Position;
}

/** Everything a request can depend on, after inheritance. */
export interface Settings {
  /** Default `html` beneath the prefix. Absolute when constant. */
  readonly root: Template;
  readonly alias: Template | null;
  /** What `alias` replaces: the prefix of the location that wrote it (nested ones inherit both). null: no alias, or a regular expression's, which is the whole path. */
  readonly aliasPrefix: string | null;
  readonly index: readonly Template[];
  readonly autoindex: boolean;
  readonly autoindexFormat: "html" | "json";
  readonly tryFiles: TryFiles | null;
  /** Only internal redirects lead here; a client gets 404. */
  readonly internal: boolean;
  /** As configured; null: the default (GET and HEAD, and what other directives of the location add). */
  readonly allowedMethods: readonly string[] | null;
  readonly limitExcept: LimitExcept | null;
  /** allow/deny in order; the first that matches decides; none matches: allowed. */
  readonly access: readonly AccessRule[];
  /** The realm of those who need a password; null: nobody does. May come to "off" by variables. */
  readonly authBasic: Template | null;
  /** Absolute when constant; null where none is configured. */
  readonly authUserFile: Template | null;
  /** Whether who enters needs both, an address that may and a password, or one of them. */
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
  /** Seconds for the field `Keep-Alive: timeout=N`, or null for no field. */
  readonly keepaliveHeader: number | null;
  readonly keepaliveRequests: number;
  /** Bytes a second, 0: off. */
  readonly clientMinRate: number;
  readonly sendMinRate: number;
  readonly lingeringTime: number;
  readonly lingeringTimeout: number;
  /** Extension (lower case, no dot) to media type. */
  readonly types: ReadonlyMap<string, string>;
  readonly defaultType: string;
  readonly charset: string | null;
  /** Compression on the way, by coding; the media types contain "*" where it is for any. */
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
  /** Files compressed ahead of time: for who takes them, or for everybody. */
  readonly gzipStatic: StaticPolicy;
  readonly brotliStatic: StaticPolicy;
  readonly zstdStatic: StaticPolicy;
  /** These hold for every coding. */
  readonly gzipVary: boolean;
  readonly gzipHttpVersion: 0 | 1;
  readonly gzipProxied: ReadonlySet<ProxiedRule>;
  readonly gzipDisable: readonly RegExp[];
  readonly addHeaders: readonly AddHeader[];
  readonly expires: Expires | null;
  readonly upload: Upload | null;
  /** What a POST does where its file's name is taken; PUT replaces unless it is "refuse". */
  readonly uploadOverwrite: "rename" | "replace" | "refuse";
  /** Files in one form. */
  readonly uploadMaxFiles: number;
  /** How long an interrupted upload can be resumed after its last byte. */
  readonly uploadResumeLifetime: number;
  /** The origins whose pages may upload, as browsers write them, or "*" alone; null: those of other sites may not. */
  readonly uploadCors: readonly string[] | null;
  /** Whether DELETE removes files. */
  readonly deleteFiles: boolean;
  /** What runs scripts; the first rule whose extension fits. Empty: nothing is run. */
  readonly cgi: readonly CgiRule[];
  /** The methods that programs answer; null: any. */
  readonly cgiMethods: readonly string[] | null;
  /** Without progress on the script's input or output. */
  readonly cgiTimeout: number;
  /** Scripts at once, in the whole server. */
  readonly cgiMaxProcesses: number;
  /** How many requests may wait for a script to end, and how long. */
  readonly cgiQueue: { readonly length: number; readonly wait: number };
  readonly cgiParams: readonly { readonly name: string; readonly value: Template }[];
  /** Names of variables of the server's own environment that scripts get. */
  readonly cgiPassEnv: readonly string[];
  readonly cgiPassAuthorization: boolean;
  /** Whether a script that does not exist is 404 before its interpreter is asked. */
  readonly cgiCheckScript: boolean;
  readonly cgiLimit: CgiLimit | null;
  /** Whether visitors get a session. */
  readonly session: boolean;
  /** Whether the location answers with the session's data as JSON (implies `session`). */
  readonly sessionApi: boolean;
  /** The cookie's name. */
  readonly sessionCookie: string;
  readonly sessionLifetime: number;
  /** Sessions at most; the oldest go first. */
  readonly sessionMax: number;
  /** An absolute path of a SQLite database, or null: in memory. */
  readonly sessionStore: string | null;
  /** Whether redirects to a path are sent with scheme, host and port. */
  readonly absoluteRedirect: boolean;
  /** Whether those have the server's first name for a host, and their port. */
  readonly serverNameInRedirect: boolean;
  readonly portInRedirect: boolean;
  /** Front servers that are believed who the client is; ends with a rule that denies all others. Empty: none. */
  readonly realIpFrom: readonly AccessRule[];
  /** The field in which they say it, in small letters. */
  readonly realIpHeader: string;
  /** Whether the last address in it that is no front server's counts, not simply the last. */
  readonly realIpRecursive: boolean;
  readonly serverTokens: boolean;
  readonly etag: boolean;
  readonly ifModifiedSince: "exact" | "before" | "off";
  readonly symlinks: "inside" | "follow" | "deny";
  readonly dotfiles: "allow" | "deny";
  readonly accessLogs: readonly AccessLog[];
  readonly errorLog: ErrorLog;
  /** null: off. `inactive` in ms. */
  readonly openFileCache: { readonly max: number; readonly inactive: number } | null;
  readonly openFileCacheValid: number;
  /** Whether it is also remembered that nothing is there. */
  readonly openFileCacheErrors: boolean;
}
