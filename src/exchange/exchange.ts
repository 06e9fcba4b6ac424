/** One request and its reply, in the form that handlers, phases and variables use. */
import type { Block } from "../../ffi/memory.ts";
import type { Location, Settings, VirtualServer } from "../config/model.ts";
import type { Template } from "../config/parts.ts";
import type { LogLevel } from "../config/settings/logs.ts";
import type { RequestHead } from "../http/request/request.ts";
import type { ProxyAddresses } from "../network/proxy-protocol/header.ts";
import type { TcpInfo, TlsFacts } from "../network/transport.ts";
import type { LimitState } from "./facts/limits.ts";
import type { UserIds } from "./facts/user-ids.ts";
import type { Page } from "./page.ts";
import type { Encoded, Field, ReplyBody, ReplyOptions, StreamBody, WholeReply } from "./reply.ts";
import type { Rewriting } from "./rewriting.ts";
import type { Services } from "./services.ts";
import type { Session } from "./session.ts";
import type { Tunnel } from "./tunnel.ts";
import type { UpstreamFacts } from "./upstream.ts";

/** One request and its reply. Handlers must not keep a reference after they have replied. */
export interface Exchange {
  readonly services: Services;
  readonly templates: Templates;
  readonly request: RequestHead;
  readonly server: VirtualServer;
  readonly location: Location;
  readonly settings: Settings;
  /** $uri: the decoded, normalised path. Internal redirects change it. Starts with "/". */
  readonly path: string;
  /** $args: the raw query without "?", "" when there is none. */
  readonly query: string;
  /** Groups, as octets, of the last regular expression that matched (location, server_name, map): [0] is the whole match. Whoever sets them keeps the named groups of those before; null: none matched. */
  captures: RegExpExecArray | null;
  /** The octets of variables that `set` and the like have given values, and of tables' variables once they were asked for; null: none has. */
  assigned: Map<string, string> | null;
  /** For HEAD the server leaves the body out; handlers reply as to GET. */
  readonly method: string;
  /** Number of internal redirects so far. */
  readonly redirects: number;
  /** An internal redirect to a path has replaced the path and the query of the request line. One to a named location does not. */
  readonly isRedirected: boolean;
  /** What the rewrite module has changed, and may change. */
  readonly rewriting: Rewriting;
  /** It is a request within a client's request (`auth_request`, `mirror`): its `request` is the client's, and its reply is not sent. */
  readonly isSubrequest: boolean;
  /** The status that `error_page` gives to the reply that comes now; 0: the reply's own status. Such a reply is never a 304, 206, 412 or 416. */
  readonly errorStatus: number;

  readonly connection: ConnectionInfo;
  /** Monotonic time of the request's first byte, ms. */
  readonly startedAt: number;
  /** Its first bytes came with the request before it. */
  readonly isPipelined: boolean;
  /** 32 hexadecimal digits, made when first asked for. */
  readonly requestId: string;

  // For log_format, once the reply is being sent.
  /** 0 before the reply. `return` sets it already for its own text. */
  status: number;
  readonly bodyBytesSent: number;
  readonly bytesSent: number;
  /** The reply was sent to its end. */
  readonly isComplete: boolean;
  /** The connection stays open after the reply, as far as that is known. */
  readonly persists: boolean;
  /** The coding of the reply's body and its sizes; null: no compression was involved. */
  readonly encoded: Encoded | null;
  /** The reply's fields, including Content-Type and Content-Length; empty before the reply. */
  sentFields: readonly Field[];
  /** The fields behind the reply's body; empty before its end. */
  sentTrailers: readonly Field[];

  /** Whether a WholeReply may answer this request: not for an error page, and not with added fields. */
  readonly takesWholeReply: boolean;

  /**
   * Sends a reply. The server adds Date, Server, Connection, Content-Length or Transfer-Encoding, `add_header` and `expires`,
   * and leaves the body out for HEAD, 204 and 304. A 304 or HEAD passes the body GET would have (or null with `length`).
   */
  reply(status: number, fields: readonly Field[], body: ReplyBody, options?: ReplyOptions): void;
  /** The visitor's session, where `session` is on; else null. */
  session: Session | null;
  /** The user who gave the right password (octets); "" where none was asked for, or the address was enough. */
  user: string;
  /** Bytes per second of the reply, as `set $limit_rate` or X-Accel-Limit-Rate say; 0: no limit; -1: `limit_rate` decides. */
  limitRate: number;
  /** The ids of `userid`; null: they were not needed yet. */
  userIds: UserIds | null;
  /** What `limit_req` and `limit_conn` have decided; null: nothing yet. */
  limits: LimitState | null;
  /** What this request and those included in its reply have in common; null: there are none. */
  page: Page | null;
  /** How many requests it is within, each included in the reply to the next. */
  readonly depth: number;
  /** What is known of the servers that the request was passed to; null: it was passed to none. */
  upstream: UpstreamFacts | null;
  /** Bytes of the request's body that a handler got, with the framing of chunks. */
  readonly bodyBytesReceived: number;
  /** The lines of the fields behind the chunks of the request's body, in octets; "" before they were received. */
  readonly receivedTrailers: string;
  /** The body, where a handler has collected it; else null. */
  receivedBody: ReceivedBody | null;
  /** Sees the body of the request too, as far as the handler's sink takes it; what it gives does not matter. Phases may set it. */
  bodyWatcher: BodyWatcher | null;
  /** Adds a field, such as Set-Cookie, to whatever reply this request gets, even an error page. `replaces`: it stands in place of the handler's own, but not in an error page. */
  addField(name: string, value: string, replaces?: boolean): void;

  /** Sends a WholeReply (only if `takesWholeReply`) with a current Date; then `rest`, if the WholeReply has no body. */
  replyWhole(reply: WholeReply, rest?: ReplyBody): void;
  /** Makes a WholeReply of `status` with the server's own fields. The body is copied and goes through the filters. */
  wholeReply(status: number, fields: readonly Field[], body: Buffer | null, options?: ReplyOptions): WholeReply;
  /** Answers with an error: `error_page` if configured, else the built-in page. `fields` are added to the reply (Allow, Content-Range). */
  fail(status: number, fields?: readonly Field[]): void;
  /** Passes on a complete reply unchanged, including its status line (NPH scripts, RFC 3875 §5). The connection ends with it. */
  replyRaw(body: StreamBody): void;
  /**
   * Replies 101 (Switching Protocols) to a request without a body: from then on the client's connection is a tunnel to `far`, which
   * is closed however the tunnel ends. `fields` contain Upgrade.
   */
  tunnel(fields: readonly Field[], far: Tunnel): void;
  /**
   * Redirects internally to a URI ("/path?query", decoded path) or a named location ("@name"). After 10 redirects: 500.
   * With `query`, the first argument is only a path, and a "?" in it belongs to a name. `method` replaces the request's method.
   */
  redirect(uri: string, query?: string, method?: string): void;
  /** Continues the request in its location with another path (`try_files`). With an `alias` in a regex location, the whole path is then beneath the alias. */
  retarget(path: string): void;
  /** Whether `retarget` was called in a regex location with `alias`: its files are the alias plus the whole path. */
  readonly beneathAlias: boolean;
  /** Closes the connection without a reply (return 444). */
  drop(): void;
  /**
   * Called once when the client has gone, the server stops, or it refuses the rest of the request, before or while the reply is
   * sent. After that no method of the exchange may be called. Set by handlers that reply later.
   */
  onGone: (() => void) | null;
  /** A client that closes its sending side while it waits for the reply is taken as gone. */
  endsWithClient: boolean;
  /** A line of the error log says already why the reply that has begun will not be complete. */
  explained: boolean;
  /** Continues a request whose phase has answered LATER: runs the next phase or the content handler. Called once, in any turn. */
  proceed(): void;
  /** Tells that a sink or stream that had to wait can go on. */
  resume(): void;
  /** Reports an exception from code that the server did not call itself. The client gets a 500, or its connection is closed. */
  crash(error: unknown): void;
  /** The location that would answer a request for `path` (decoded). `undecided`: it is unknown whether its expression matches, so the request would get 500. */
  locationOf(path: string): { location: Location; undecided: boolean };
  /** Writes to the location's error log, with client, request and host; if `brief` (an earlier line has these) only with the client. */
  log(level: LogLevel, message: string, brief?: boolean): void;
}

/** Sees the body of a request; as BodySink. */
export interface BodyWatcher {
  accept(block: Block, start: number, end: number): number;
  end(): void;
  abort(): void;
}

/** Gives the octets of a text for a request (see http/octets.ts); "" where there is no value. */
export type Evaluator = (exchange: Exchange) => string;

/**
 * What a variable depends on, and so how long its value may be cached. `head`: only on the bytes of the request's head; `connection`:
 * only on the connection; `reply`: only on the reply's own media type; `change`: on more.
 */
export type Lifetime = "head" | "connection" | "reply" | "change";

/** The templates and variables of one configuration as functions. */
export interface Templates {
  /** The same function each time. */
  evaluator(template: Template): Evaluator;
  /** The evaluator of a variable by its name without `$`. */
  variable(name: string): Evaluator;
  /** Whether a variable always has a value, if only an empty one, because `set` and nothing else gives it one. */
  isAssigned(name: string): boolean;
  lifetime(name: string): Lifetime;
  /** Whether the value depends on nothing but the reply's own media type. */
  isOfReply(template: Template): boolean;
  /** Whether a template has this variable. */
  uses(name: string): boolean;
}

/** A request's body, once it was received as a whole before it is passed on. */
export interface ReceivedBody {
  /** Bytes. */
  readonly length: number;
  /** Its octets, if it is in memory and the configuration has $request_body; else "". */
  readonly text: string;
  /** The name of the file that it is in; "": it is in none, or in one without a name. */
  readonly file: string;
}

/** The properties of the client's connection that logs and variables can use. */
export interface ConnectionInfo {
  /** Serial number. */
  readonly number: number;
  /** Number of requests so far, including this one. */
  readonly requests: number;
  /** Numeric address; "unix:" for a unix socket. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The bytes of the address (4 or 16; none for unix), for allow and deny. */
  readonly remoteBytes: Uint8Array;
  readonly serverAddress: string;
  readonly serverPort: number;
  /** The scheme of URLs for this server. */
  readonly scheme: "http" | "https";
  /** Monotonic time at which it was accepted, ms. */
  readonly openedAt: number;
  /** What the kernel tells of it now; null: nothing, as of a unix socket. */
  tcpInfo(): TcpInfo | null;
  /** The addresses that the header of the PROXY protocol told. */
  readonly proxied?: ProxyAddresses | null;
  /** TLS on the connection; absent: none. */
  readonly tls?: TlsFacts | undefined;
  /** The connection itself, if the other properties are those of a front server's client. */
  readonly direct?: ConnectionInfo;
}
