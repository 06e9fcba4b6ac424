/** One request and its reply, as handlers, phases and variables see them. */
import type { Location, Settings, VirtualServer } from "../config/model.ts";
import type { LogLevel, Template } from "../config/parts.ts";
import type { RequestHead } from "../http/request/request.ts";
import type { Encoded, Field, ReplyBody, ReplyOptions, StreamBody, WholeReply } from "./reply.ts";
import type { Services } from "./services.ts";
import type { Session } from "./session.ts";

/** One request and its reply. Handlers keep no reference to it after they replied. */
export interface Exchange {
  readonly services: Services;
  readonly templates: Templates;
  readonly request: RequestHead;
  readonly server: VirtualServer;
  readonly location: Location;
  readonly settings: Settings;
  /** $uri: the decoded, normalised path; changes with internal redirects. Starts with "/". */
  readonly path: string;
  /** $args: the raw query without "?", "" when there is none. */
  readonly query: string;
  /** Groups of the last regular expression that matched (location or server_name): [0] is the whole match. */
  readonly captures: RegExpExecArray | null;
  /** HEAD: the server leaves the body out by itself; handlers reply as to GET. */
  readonly method: string;
  /** How many internal redirects led here. */
  readonly redirects: number;
  /** The status that `error_page` gives whatever reply comes now; 0: the reply's own. Such a reply is never a 304, 206, 412 or 416. */
  readonly errorStatus: number;

  readonly connection: ConnectionInfo;
  /** Monotonic ms at the request's first byte. */
  readonly startedAt: number;
  /** 32 hexadecimal digits, made when first asked for. */
  readonly requestId: string;

  // What log_format can ask for once the reply is on its way.
  readonly status: number;
  readonly bodyBytesSent: number;
  readonly bytesSent: number;
  /** What compression made of the reply's body; null: nothing. */
  readonly encoded: Encoded | null;
  /** The reply's fields, Content-Type and Content-Length included; empty before a reply. */
  sentFields: readonly Field[];

  /** True when a WholeReply may answer this request: not for the page of an error, nor with added fields. */
  readonly takesWholeReply: boolean;

  /**
   * Sends a reply. The server adds Date, Server, Connection, Content-Length or Transfer-Encoding, `add_header` and `expires`,
   * and leaves the body out for HEAD, 204 and 304. A 304 or HEAD passes the body GET would have (or null with `length`).
   */
  reply(status: number, fields: readonly Field[], body: ReplyBody, options?: ReplyOptions): void;
  /** The visitor's session, where `session` is on; else null. */
  session: Session | null;
  /** Who the client has proved to be by a password (octets); "" where none was asked for, or an address was enough. */
  user: string;
  /** Adds a field to whatever reply this request gets, an error's page included (Set-Cookie). */
  addField(name: string, value: string): void;

  /** Sends a WholeReply (only where `takesWholeReply`) whose Date is current, and `rest` behind it if it lacks its body. */
  replyWhole(reply: WholeReply, rest?: ReplyBody): void;
  /** Makes a WholeReply of `status` with the server's own fields; the body, which is copied, goes through the filters. */
  wholeReply(status: number, fields: readonly Field[], body: Buffer | null, options?: ReplyOptions): WholeReply;
  /** Answers with an error: `error_page` if one is configured, else the built-in page. `fields` go into the reply (Allow, Content-Range). */
  fail(status: number, fields?: readonly Field[]): void;
  /** Passes on a whole reply as it comes, status line and all (NPH scripts, RFC 3875 §5); the connection ends with it. */
  replyRaw(body: StreamBody): void;
  /**
   * Routes again inside the server: to a URI ("/path?query", decoded path) or a named location ("@name"). After 10: 500.
   * With `query` the first argument is only a path, and a "?" in it is part of a name. `method`: where it is no longer the request's.
   */
  redirect(uri: string, query?: string, method?: string): void;
  /** The request goes on in its location with another path (`try_files`). Beneath an expression's `alias`, the whole path counts from now on. */
  retarget(path: string): void;
  /** `retarget` was called in a location with an expression's `alias`: its files are the alias and the whole path. */
  readonly beneathAlias: boolean;
  /** Closes the connection without a reply (return 444). */
  drop(): void;
  /**
   * Called once if the client leaves, the server stops, or it refuses the rest of the request, before a reply is given or while
   * it goes out: then nothing may be called here any more. Set by a handler that replies later.
   */
  onGone: (() => void) | null;
  /** The phase that said LATER lets the request go on: the next phase is asked, or the content. Called once, in any turn. */
  proceed(): void;
  /** A sink or stream that had nothing to take or give has again. */
  resume(): void;
  /** Something threw where the server did not call, and so did not see it. The client gets a 500, or its connection ends. */
  crash(error: unknown): void;
  /** The location that a request for `path` (decoded) would be answered by; `undecided`: with 500, for whether it is this one is not known. */
  locationOf(path: string): { location: Location; undecided: boolean };
  /** Writes to the location's error log with client, request and host; `brief`, where an earlier line has these, with the client alone. */
  log(level: LogLevel, message: string, brief?: boolean): void;
}

/** Gives octets for a request (see http/octets.ts); "" where there is nothing to tell. */
export type Evaluator = (exchange: Exchange) => string;

/** The configuration's templates as functions. */
export interface Templates {
  evaluator(template: Template): Evaluator;
}

/** What a log or a variable can know of the client's connection. */
export interface ConnectionInfo {
  /** Serial number of the connection. */
  readonly number: number;
  /** Requests on it so far, this one included. */
  readonly requests: number;
  /** Numeric address, "unix:" for a unix socket. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The address bytes (4 or 16; empty for unix), for allow and deny. */
  readonly remoteBytes: Uint8Array;
  readonly serverAddress: string;
  readonly serverPort: number;
  /** Of the URLs that lead here. */
  readonly scheme: "http" | "https";
  /** The connection itself where a front server speaks for its client. */
  readonly direct?: ConnectionInfo;
}
