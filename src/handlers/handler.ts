/**
 * The contract between the server and its handlers. A handler decides what a request gets; the server owns the
 * client, and neither sees the other's descriptors. The server calls `sink` when the head is accepted and a body
 * is announced, feeds it, and calls `handle` when the whole request has arrived.
 */

import type { Kernel } from "../../ffi/kernel.ts";
import type { Block } from "../../ffi/memory.ts";
import type { ErrorLog, Location, LogLevel, Settings, VirtualServer } from "../config/model.ts";
import type { RequestHead } from "../http/request.ts";
import type { Reactor } from "../network/reactor.ts";
import type { Scripts } from "./cgi/scripts.ts";
import type { FileCaches } from "./file-caches.ts";
import type { SessionRegistry } from "./session/registry.ts";
import type { Session } from "./session/session.ts";

export interface Handler {
  /** The server begins to listen: the place for what must be done once, before the first request. */
  start?(): void;
  /** Fields that the reply to OPTIONS has here besides Allow. */
  optionsFields?(exchange: Exchange): readonly Field[];
  /** Whether it takes a request whose method the location does not list: one about a thing of its own, no file. */
  takes?(exchange: Exchange): boolean;
  /** Where the request's body goes. Absent, or undefined for this request: read and discarded. */
  sink?(exchange: Exchange): BodySink | undefined;
  /** The request is here, whole. Ends with exactly one of the Exchange's replying calls, now or later. */
  handle(exchange: Exchange): void;
  /** Called every minute or so while the server has nothing better to do: gives up what was not used for long. */
  sweep?(): void;
  /** The location ends (stop, reload): gives back every descriptor. Replies under way keep theirs. */
  close?(): void;
}

/** Takes a request's body piece by piece. */
export interface BodySink {
  /** It replies by itself, at any time, and `handle` is not called. What it replies before the body's end does not end the body (CGI). */
  readonly answers?: boolean;
  /** Where in the body the file begins that is coming, in bytes: reading then stops where pages of the file end. 0 where it is the body. */
  readonly fileStart?: number;
  /**
   * Takes block[start, end); gives how many bytes it took. Fewer than offered: it calls `exchange.resume()` when it wants more.
   * A sink that can't go on replies (`exchange.fail`) and gives anything; then it is aborted, and the rest of the body is discarded.
   */
  accept(block: Block, start: number, end: number): number;
  /** The body is complete. It may reply; if it does not, the server then calls the handler's `handle`. */
  end(): void;
  /** The body will never be complete: the client left, was too slow, sent nonsense, or the reply came first. */
  abort(): void;
}

/** A field of a reply: name in its usual spelling, value without line ends. */
export type Field = readonly [name: string, value: string];

/** What follows a reply's head. */
export type ReplyBody = Buffer | PieceBody | StreamBody | null;

/** Bytes and ranges of files, one after the other. */
export interface PieceBody {
  readonly kind: "pieces";
  readonly pieces: readonly (Buffer | FileRange)[];
  /** The sum of the pieces, in bytes. */
  readonly length: number;
}

/** `length` bytes of an open file from `position`. The server calls `file.release()` when it is done with the piece. */
export interface FileRange {
  readonly file: OpenFile;
  readonly position: number;
  readonly length: number;
}

/** A descriptor with several users: closed when the last one releases it. `retain` before sharing it. */
export interface OpenFile {
  readonly fd: number;
  retain(): void;
  release(): void;
}

/** A body that comes into being while it is sent. */
export interface StreamBody {
  readonly kind: "stream";
  /** Bytes to come, or -1 when unknown: then chunked (1.1) or until close (1.0). */
  readonly length: number;
  /** Fills `block` at `offset`, at most `length` bytes. 0: the end. -EAGAIN: nothing yet, `exchange.resume()` follows. Other -errno: broken off. */
  read(block: Block, offset: number, length: number): number;
  /** Called once, however the sending ended. */
  close(): void;
}

/**
 * A complete reply in one Block, as HTTP/1.1 has it on a connection that goes on (the server adds a Connection field where
 * the request differs), made once and sent many times. Its Date is patched in place,
 * but never while a client still has to be sent a part of it (`holders` > 0): then the owner makes a new one.
 */
export interface WholeReply {
  readonly status: number;
  readonly block: Block;
  readonly headLength: number;
  /** Head and body, in bytes. */
  readonly length: number;
  /** Where the Date's value starts in the block. */
  readonly dateOffset: number;
  /** The second (since 1970) that the Date shows. */
  dateSecond: number;
  /** Clients whose queue still points into the block. The server counts it. */
  holders: number;
  /** The fields in the head, for $sent_http_NAME in logs. */
  readonly fields: readonly Field[];
}

/** One request and its reply. Handlers keep no reference to it after they replied. */
export interface Exchange {
  readonly services: Services;
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
  /** The reply's fields, Content-Type and Content-Length included; empty before a reply. */
  readonly sentFields: readonly Field[];

  /** True when a WholeReply may answer this request: not for the page of an error, nor with added fields, nor where `Keep-Alive` would be wrong. */
  readonly takesWholeReply: boolean;

  /**
   * Sends a reply. The server adds Date, Server, Connection, Content-Length or Transfer-Encoding, `add_header` and `expires`,
   * and leaves the body out for HEAD, 204 and 304. A 304 or HEAD passes the body GET would have (or null with `length`).
   */
  reply(status: number, fields: readonly Field[], body: ReplyBody, options?: ReplyOptions): void;
  /** The visitor's session, where `session` is on; else null. */
  session: Session | null;
  /** Adds a field to whatever reply this request gets, an error's page included (Set-Cookie). */
  addField(name: string, value: string): void;

  /** Sends a WholeReply (only where `takesWholeReply`) whose Date is current, and `rest` behind it if it lacks its body. */
  replyWhole(reply: WholeReply, rest?: ReplyBody): void;
  /** Makes a WholeReply of `status` with the server's own fields; the caller fills the body in at `headLength`. */
  wholeReply(status: number, fields: readonly Field[], bodyLength: number, options?: ReplyOptions): WholeReply;
  /** Answers with an error: `error_page` if one is configured, else the built-in page. `fields` go into the reply (Allow, Content-Range). */
  fail(status: number, fields?: readonly Field[]): void;
  /** Passes on a whole reply as it comes, status line and all (NPH scripts, RFC 3875 §5); the connection ends with it. */
  replyRaw(body: StreamBody): void;
  /**
   * Routes again inside the server: to a URI ("/path?query", decoded path) or a named location ("@name"). After 10: 500.
   * With `query` the first argument is only a path, and a "?" in it is part of a name. `method`: where it is no longer the request's.
   */
  redirect(uri: string, query?: string, method?: string): void;
  /** Closes the connection without a reply (return 444). */
  drop(): void;
  /**
   * Called once if the client leaves, the server stops, or it refuses the rest of the request, before a reply is given or while
   * it goes out: then nothing may be called here any more. Set by a handler that replies later.
   */
  onGone: (() => void) | null;
  /** A sink or stream that had nothing to take or give has again. */
  resume(): void;
  /** Something threw where the server did not call, and so did not see it. The client gets a 500, or its connection ends. */
  crash(error: unknown): void;
  /** The location that a request for `path` (decoded) would be answered by; `undecided`: with 500, for whether it is this one is not known. */
  locationOf(path: string): { location: Location; undecided: boolean };
  /** Writes to the location's error log with client, request and host; `brief`, where an earlier line has these, with the client alone. */
  log(level: LogLevel, message: string, brief?: boolean): void;
}

export interface ReplyOptions {
  /** Content-Length for HEAD or 304 when the body is not at hand; -1 leaves Content-Length out. */
  readonly length?: number;
  /** Seconds since 1970 of the file, for `expires modified`. */
  readonly modified?: number;
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
}

/** What all handlers of a server share. */
export interface Services {
  readonly kernel: Kernel;
  readonly clock: Clock;
  /** Where pipes and processes are waited for. */
  readonly reactor: Reactor;
  /** What file caches share; whoever changes files (uploads, DELETE) says so there. */
  readonly files: FileCaches;
  /** The stores of sessions, shared by the locations that name them. */
  readonly sessions: SessionRegistry;
  /** The server's own environment, of which scripts get what `cgi_pass_env` names. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The Server field's value where `server_tokens` is on: `webserv/VERSION`. */
  readonly serverToken: string;
  /** The CGI scripts that run. */
  readonly scripts: Scripts;
  /** `bytes` (at most 64) random bytes (getrandom) as hexadecimal digits. */
  randomHex(bytes: number): string;
  /** Messages that belong to no request, or to one that is over: those go where its location's go (`to`). */
  log(level: LogLevel, message: string, to?: ErrorLog): void;
}

/** The time as of the start of the loop's turn. */
export interface Clock {
  /** Monotonic ms. */
  readonly now: number;
  /** Whole seconds since 1970. */
  readonly second: number;
  /** The second as an IMF-fixdate of 29 bytes. */
  readonly date: string;
}
