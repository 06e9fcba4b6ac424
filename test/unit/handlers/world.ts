/** A location, a request and a real folder for handlers, without a server: what they reply is kept to be looked at. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { checkBcrypt } from "../../../ffi/bcrypt.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { linux } from "../../../ffi/linux.ts";
import { Block } from "../../../ffi/memory.ts";
import type { Location, Settings, VirtualServer } from "../../../src/config/model.ts";
import type { Template } from "../../../src/config/parts.ts";
import type { LogLevel } from "../../../src/config/settings/logs.ts";
import { Evaluators } from "../../../src/exchange/evaluators.ts";
import type { BodyWatcher, ConnectionInfo, Exchange, ReceivedBody, Templates } from "../../../src/exchange/exchange.ts";
import type { LimitState } from "../../../src/exchange/facts/limits.ts";
import { UserIdSequence, type UserIds } from "../../../src/exchange/facts/user-ids.ts";
import { type Answer, type BodySink, type Handler, MOVED } from "../../../src/exchange/handler.ts";
import type { Page } from "../../../src/exchange/page.ts";
import { GO_ON } from "../../../src/exchange/phase.ts";
import type { Field, ReplyBody, ReplyOptions, StreamBody, WholeReply } from "../../../src/exchange/reply.ts";
import type { Rewriting } from "../../../src/exchange/rewriting.ts";
import type { Session } from "../../../src/exchange/session.ts";
import type { Tunnel } from "../../../src/exchange/tunnel.ts";
import type { UpstreamFacts } from "../../../src/exchange/upstream.ts";
import { Passwords } from "../../../src/handlers/auth/passwords.ts";
import { CacheZones } from "../../../src/handlers/cache/zones.ts";
import { Scripts } from "../../../src/handlers/cgi/scripts.ts";
import { CompressionWork } from "../../../src/handlers/compression/work.ts";
import { type Content, contentsOf } from "../../../src/handlers/contents.ts";
import { LockZones } from "../../../src/handlers/dav/locks/lock-zones.ts";
import { FileCaches } from "../../../src/handlers/files/file-caches.ts";
import { LimitZones } from "../../../src/handlers/limits/zones.ts";
import { Listings } from "../../../src/handlers/listing/listings.ts";
import { phasesOf } from "../../../src/handlers/phases.ts";
import type { HandlerServices } from "../../../src/handlers/services.ts";
import { SessionRegistry } from "../../../src/handlers/session/registry.ts";
import { UploadStores } from "../../../src/handlers/upload/stores.ts";
import { UploadActivities } from "../../../src/handlers/upload/tus/activity.ts";
import { Upstreams } from "../../../src/handlers/upstream/upstreams.ts";
import { RequestParser } from "../../../src/http/request/parser.ts";
import { normalise } from "../../../src/http/request/target.ts";
import { BufferPool } from "../../../src/network/buffers.ts";
import type { Reactor } from "../../../src/network/reactor.ts";
import { Resolver } from "../../../src/network/resolver/resolver.ts";
import { Timers } from "../../../src/network/timers.ts";

/** "text $name ${name}" as a Template. */
export function template(text: string): Template {
  const parts = text.split(/(\$\w+|\$\{\w+\})/).flatMap((part): Template["parts"] => {
    if (part === "") return [];
    return part.startsWith("$") ? [{ variable: part.replace(/\W/g, "") }] : [part];
  });
  return { text, parts, constant: text.includes("$") ? null : text };
}

const TYPES = {
  html: "text/html",
  txt: "text/plain",
  js: "text/javascript",
  png: "image/png",
  json: "application/json",
};

/** Settings as the configuration's defaults, but for `changes`. */
export function settings(changes: Partial<Settings> = {}): Settings {
  return {
    root: template("/nowhere"),
    alias: null,
    aliasPrefix: null,
    index: [template("index.html")],
    autoindex: false,
    autoindexFormat: "html",
    internal: false,
    tryFiles: null,
    allowedMethods: null,
    limitExcept: null,
    access: [],
    authBasic: null,
    authUserFile: null,
    satisfy: "all",
    return: null,
    rewrite: [],
    rewriteLog: false,
    uninitializedVariableWarn: true,
    limitedPass: null,
    errorPages: [],
    types: new Map(Object.entries(TYPES)),
    defaultType: "text/plain",
    gunzip: false,
    charset: null,
    sourceCharset: null,
    charsetMaps: [],
    subFilters: [],
    addBeforeBody: "",
    addAfterBody: "",
    addTrailers: [],
    ssi: false,
    gzip: false,
    brotli: false,
    zstd: false,
    gzipStatic: "off",
    brotliStatic: "off",
    zstdStatic: "off",
    gzipVary: true,
    gzipHttpVersion: 1,
    gzipProxied: new Set(["off"]),
    gzipDisable: [],
    addHeaders: [],
    expires: null,
    upload: null,
    uploadOverwrite: "rename",
    uploadMaxFiles: 100,
    uploadResumeLifetime: 24 * 3_600_000,
    uploadCors: null,
    deleteFiles: false,
    davMethods: [],
    davExtMethods: [],
    davLock: null,
    davAccess: 0o600,
    createFullPutPath: false,
    minDeleteDepth: 0,
    cgi: [],
    cgiMethods: null,
    cgiTimeout: 60_000,
    cgiMaxProcesses: 64,
    cgiQueue: { length: 256, wait: 10_000 },
    cgiParams: [],
    cgiPassEnv: [],
    cgiPassAuthorization: false,
    cgiCheckScript: true,
    cgiLimit: null,
    session: false,
    sessionApi: false,
    sessionCookie: "sid",
    sessionLifetime: 30 * 60_000,
    sessionMax: 100_000,
    sessionStore: null,
    absoluteRedirect: false,
    serverNameInRedirect: false,
    portInRedirect: true,
    realIpFrom: [],
    realIpHeader: "x-real-ip",
    realIpRecursive: false,
    serverTokens: true,
    keepaliveHeader: null,
    etag: true,
    ifModifiedSince: "exact",
    symlinks: "inside",
    symlinksFrom: null,
    dotfiles: "deny",
    accessLogs: [],
    limitedLogs: null,
    errorLog: { file: "stderr", level: "error" },
    openFileCache: { max: 1000, inactive: 60_000 },
    openFileCacheValid: 1000,
    openFileCacheErrors: false,
    pass: null,
    authRequest: null,
    authRequestSet: [],
    mirror: [],
    mirrorRequestBody: true,
    stubStatus: false,
    validReferers: null,
    limitReq: [],
    limitConn: [],
    limitRate: null,
    limitRateAfter: null,
    secureLink: null,
    secureLinkMd5: null,
    secureLinkSecret: null,
    userid: "off",
    useridName: "uid",
    useridMark: null,
    useridService: null,
    clientBodyInFileOnly: "off",
    maxRanges: 16,
    chunkedTransferEncoding: true,
    logNotFound: true,
    ...changes,
  } as Settings;
}

let locations = 0;

export function location(changes: Partial<Settings> = {}, pattern = "/"): Location {
  const position = { file: "test.conf", line: 1, column: 1 };
  return {
    id: locations++,
    modifier: "",
    pattern,
    regex: null,
    settings: settings(changes),
    locations: [],
    conditions: [],
    position,
  };
}

/** A temporary folder with files (text), folders (null) and links ({ link }), by path; removed with `remove`. */
export class Site {
  readonly root = mkdtempSync(join(tmpdir(), "webserv-handlers-"));

  constructor(files: { readonly [path: string]: string | Buffer | null | { readonly link: string } }) {
    for (const [path, what] of Object.entries(files)) {
      const at = join(this.root, path);
      mkdirSync(what === null ? at : dirname(at), { recursive: true });
      if (typeof what === "string" || Buffer.isBuffer(what)) writeFileSync(at, what);
      else if (what !== null) symlinkSync(what.link.replace("ROOT", this.root), at);
    }
  }

  path(name: string): string {
    return join(this.root, name);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** The linux kernel that remembers which descriptors are open, and can be told to fail. */
export class WatchedKernel {
  readonly open = new Set<number>();
  /** How many files were opened, one way or another. */
  opens = 0;
  /** errno by path for the next opens beneath a root. */
  readonly failures = new Map<string, number>();
  descriptorLimit = 1024;
  readonly kernel: Kernel;

  constructor() {
    const opened = (fd: number): number => {
      this.opens++;
      if (fd >= 0) this.open.add(fd);
      return fd;
    };
    this.kernel = {
      ...linux,
      descriptorLimit: () => this.descriptorLimit,
      open: (path, flags, mode) => opened(linux.open(path, flags, mode)),
      openBeneath: (directory, path, flags, mode, links) => {
        const failure = this.failures.get(path);
        return failure === undefined ? opened(linux.openBeneath(directory, path, flags, mode, links)) : -failure;
      },
      close: (fd) => {
        if (!this.open.delete(fd)) throw new Error(`descriptor ${fd} closed twice`);
        return linux.close(fd);
      },
    };
  }
}

export class FakeServices implements HandlerServices {
  readonly watched = new WatchedKernel();
  readonly kernel = this.watched.kernel;
  readonly clock = { now: 1000, turn: 1, second: 1_700_000_000, date: "Tue, 14 Nov 2023 22:13:20 GMT" };
  /** Who asked for another turn. */
  private waiting: { onTurn(): void }[] = [];
  /** For handlers that wait for pipes and processes, of which it reports nothing. */
  readonly reactor = {
    now: 1000,
    timers: new Timers(),
    again: (what) => void this.waiting.push(what),
  } as Reactor;
  readonly resolver = new Resolver(this.kernel, this.reactor);
  readonly connections = {
    counts: () => ({ active: 9, accepted: 20, requests: 30, reading: 1, writing: 3, waiting: 5 }),
  };
  readonly subrequests = { start: () => () => {}, include: () => ({ finish() {}, abort() {} }) };
  readonly buffers = new BufferPool();
  readonly scripts = new Scripts(this.reactor);
  readonly environment: Record<string, string | undefined> = {};
  readonly serverToken = "webserv/1.2.3";
  readonly hostname = "machine";
  readonly passwords = new Passwords(this, checkBcrypt);
  readonly templates: Templates = new Evaluators();
  readonly files = new FileCaches();
  readonly compression = new CompressionWork(this.clock);
  readonly listings: Listings = new Listings(this);
  readonly sessions: SessionRegistry = new SessionRegistry(this);
  readonly stores = new UploadStores();
  readonly locks = new LockZones();
  readonly uploads = new UploadActivities(this);
  readonly upstreams = new Upstreams(this);
  readonly caches = new CacheZones(this);
  readonly limits = new LimitZones(this);
  get tls(): never {
    throw new Error("no TLS in these tests");
  }
  readonly userIds = new UserIdSequence(0x01020304);
  readonly logged: string[] = [];

  log(level: LogLevel, message: string): void {
    this.logged.push(`${level}: ${message}`);
  }

  randomHex(bytes: number): string {
    const block = new Block(bytes);
    this.kernel.getrandom(block, 0, bytes);
    return block.bytes.toString("hex", 0, bytes);
  }

  /** Lets those go on who asked for another turn; false: nobody did. */
  turn(): boolean {
    const all = this.waiting;
    this.waiting = [];
    for (const what of all) what.onTurn();
    return all.length > 0;
  }

  /** Lets seconds pass; the Date is only marked, not computed. */
  pass(seconds: number): void {
    this.clock.now += seconds * 1000;
    this.clock.turn++;
    this.clock.second += seconds;
    this.clock.date = `Tue, 14 Nov 2023 22:13:${20 + seconds} GMT`;
  }
}

export interface RequestLike {
  readonly method?: string;
  /** The whole target; the query is split off. */
  readonly target?: string;
  readonly fields?: readonly string[];
  readonly minor?: 0 | 1;
  readonly keepAlive?: boolean;
  readonly errorStatus?: number;
  readonly captures?: RegExpExecArray | null;
  readonly connection?: Partial<ConnectionInfo>;
}

/** Records what a handler does with it. */
export class FakeExchange implements Exchange {
  readonly request;
  readonly server = { name: "example.org", locations: [] as readonly Location[] } as VirtualServer;
  readonly settings: Settings;
  path: string;
  beneathAlias = false;
  readonly query: string;
  readonly method: string;
  captures: RegExpExecArray | null;
  assigned: Map<string, string> | null = null;
  readonly redirects = 0;
  readonly isSubrequest = false;
  bodyWatcher: BodyWatcher | null = null;
  isRedirected = false;
  readonly rewriting: Rewriting = {
    path: "",
    query: "",
    captures: null,
    isRedirected: false,
    hasOtherQuery: false,
    passesWholePath: false,
    enterCondition: () => undefined,
    lookUpAgain: () => true,
  };
  readonly errorStatus: number;
  readonly startedAt = 990;
  readonly requestId = "0123456789abcdef0123456789abcdef";
  readonly connection: ConnectionInfo;
  readonly takesWholeReply: boolean;
  readonly bodyBytesSent = 5;
  readonly bytesSent = 105;
  isComplete = false;
  readonly isPipelined = false;
  persists = true;
  readonly bodyBytesReceived = 0;
  receivedTrailers = "";
  receivedBody: ReceivedBody | null = null;
  status = 0;
  sentFields: readonly Field[] = [];
  sentTrailers: readonly Field[] = [];
  readonly encoded = null;
  /** What happened: "reply", "whole", "fail", "redirect", "drop". */
  how = "";
  body: ReplyBody = null;
  options: ReplyOptions | undefined = undefined;
  redirectedTo: readonly [uri: string, query: string | undefined] | null = null;
  whole: WholeReply | null = null;
  far: Tunnel | null = null;
  resumed = 0;
  readonly logged: string[] = [];
  session: Session | null = null;
  user = "";
  limits: LimitState | null = null;
  page: Page | null = null;
  readonly depth = 0;
  userIds: UserIds | null = null;
  limitRate = -1;
  upstream: UpstreamFacts | null = null;
  onGone: (() => void) | null = null;
  endsWithClient = false;
  explained = false;
  /** What addField added, which the server would put into any reply. */
  readonly added: Field[] = [];

  get templates(): Templates {
    return this.services.templates;
  }

  constructor(
    readonly services: FakeServices,
    readonly location: Location,
    request: RequestLike,
  ) {
    this.settings = location.settings;
    this.method = request.method ?? "GET";
    const target = request.target ?? "/";
    const mark = target.indexOf("?");
    const path = Buffer.from(mark < 0 ? target : target.slice(0, mark));
    this.path = normalise(path, 0, path.length)!;
    this.query = mark < 0 ? "" : target.slice(mark + 1);
    this.captures = request.captures ?? null;
    this.errorStatus = request.errorStatus ?? 0;
    this.takesWholeReply = (request.keepAlive ?? true) && request.minor !== 0 && this.errorStatus === 0;
    this.request = parse(request, this.method, target);
    this.connection = { ...CONNECTION, ...request.connection };
  }

  reply(status: number, fields: readonly Field[], body: ReplyBody, options?: ReplyOptions): void {
    this.finish("reply", status, fields);
    this.body = body;
    this.options = options;
  }

  addField(name: string, value: string): void {
    this.added.push([name, value]);
  }

  replyWhole(whole: WholeReply, rest: ReplyBody = null): void {
    this.finish("whole", whole.status, whole.fields);
    this.whole = whole;
    this.body = rest ?? Buffer.from(whole.block.bytes.subarray(whole.headLength, whole.length));
  }

  wholeReply(status: number, fields: readonly Field[], body: Buffer | null): WholeReply {
    const { second: dateSecond, date } = this.services.clock;
    const head = `HTTP/1.1 ${status} X\r\nDate: ${date}\r\n${fields.map((f) => `${f[0]}: ${f[1]}\r\n`).join("")}\r\n`;
    const headLength = head.length;
    const length = headLength + (body?.length ?? 0);
    const block = new Block(length);
    block.bytes.write(head, "latin1");
    body?.copy(block.bytes, headLength);
    const dateOffset = head.indexOf("Date: ") + 6;
    return { status, block, headLength, length, dateOffset, dateSecond, holders: 0, fields, encoded: null };
  }

  fail(status: number, fields: readonly Field[] = []): void {
    this.finish("fail", status, fields);
  }

  redirect(uri: string, query?: string): void {
    this.finish("redirect", 0, []);
    this.redirectedTo = [uri, query];
  }

  replyRaw(body: StreamBody): void {
    this.finish("raw", 200, []);
    this.body = body;
  }

  tunnel(fields: readonly Field[], far: Tunnel): void {
    this.finish("tunnel", 101, fields);
    this.far = far;
  }

  drop(): void {
    this.finish("drop", 444, []);
  }

  proceed(): void {}

  retarget(path: string): void {
    this.path = path;
    this.beneathAlias = this.settings.alias !== null && this.settings.aliasPrefix === null;
  }

  resume(): void {
    this.resumed++;
  }

  crash(error: unknown): void {
    throw error;
  }

  /** A nested location whose expression fits, else the one with the longest prefix, else the request's own. */
  locationOf(path: string): { location: Location; undecided: boolean } {
    const { locations } = this.location;
    const fitting = locations.filter(({ regex, pattern }) => regex === null && path.startsWith(pattern));
    const [longest] = fitting.sort((a, b) => b.pattern.length - a.pattern.length);
    const location = locations.find(({ regex }) => regex?.test(path)) ?? longest ?? this.location;
    return { location, undecided: false };
  }

  log(level: LogLevel, message: string): void {
    this.logged.push(`${level}: ${message}`);
  }

  /** A field of the reply. */
  field(name: string): string | undefined {
    return this.sentFields.find((field) => field[0].toLowerCase() === name.toLowerCase())?.[1];
  }

  /** The whole body, taken as the server would: files are read and released, streams read to their end and closed. */
  text(room = 4096): string {
    return this.bytes(room).toString("utf8");
  }

  bytes(room = 4096): Buffer {
    const { body } = this;
    if (body === null) return Buffer.alloc(0);
    if (Buffer.isBuffer(body)) return body;
    const block = new Block(room);
    if (body.kind === "stream") return readStream(body, block, () => this.services.pass(0.001));
    return Buffer.concat(
      body.pieces.map((piece) => {
        if (Buffer.isBuffer(piece)) return piece;
        const bytes = new Block(Math.max(1, piece.length));
        const n = this.services.kernel.read(piece.file.fd, bytes, 0, piece.length, piece.position);
        piece.file.release();
        return bytes.bytes.subarray(0, n);
      }),
    );
  }

  private finish(how: string, status: number, fields: readonly Field[]): void {
    if (this.how !== "") throw new Error(`answered twice: ${this.how}, then ${how}`);
    this.how = how;
    this.status = status;
    this.sentFields = fields;
  }
}

function readStream(stream: Extract<ReplyBody, { kind: "stream" }>, block: Block, nextTurn: () => void): Buffer {
  const pieces: Buffer[] = [];
  for (;;) {
    const n = stream.read(block, 0, block.bytes.length);
    if (n === -ERRNO.EAGAIN) nextTurn();
    else if (n < 0) throw new Error(`broken off: ${n}`);
    else if (n === 0) break;
    else pieces.push(Buffer.from(block.bytes.subarray(0, n)));
  }
  stream.close();
  return Buffer.concat(pieces);
}

const CONNECTION: ConnectionInfo = {
  number: 7,
  requests: 3,
  remoteAddress: "192.0.2.1",
  remotePort: 40000,
  remoteBytes: new Uint8Array([192, 0, 2, 1]),
  serverAddress: "127.0.0.1",
  serverPort: 8080,
  scheme: "http",
  openedAt: 500,
  tcpInfo: () => ({ rtt: 1200, rttvar: 300, congestionWindow: 10, receiveSpace: 65_535 }),
};

function parse(request: RequestLike, method: string, target: string) {
  const host = (request.fields ?? []).some((line) => /^host:/i.test(line)) ? [] : ["Host: Example.org:8080"];
  const lines = [`${method} ${target} HTTP/1.${request.minor ?? 1}`, ...host, ...(request.fields ?? []), "", ""];
  const bytes = Buffer.from(lines.join("\r\n"), "latin1");
  const parser = new RequestParser({ line: 8192, field: 8192, total: 32768, fields: 100 });
  parser.reset();
  const consumed = parser.feed(bytes, 0, bytes.length);
  if (consumed !== bytes.length) throw new Error(`not a request: ${consumed} ${parser.reason}`);
  return parser.head;
}

/** The handlers of a location as one: whoever claims a request answers it, if the location allows the method. */
export class Contents {
  readonly contents: readonly Content[];

  constructor(location: Location, services: HandlerServices, serverName = "") {
    this.contents = contentsOf(location, services, serverName);
  }

  start(): void {
    for (const { handler } of this.contents) handler.start?.();
  }

  sweep(): void {
    for (const { handler } of this.contents) handler.sweep?.();
  }

  close(): void {
    for (const { handler } of this.contents) handler.close?.();
  }

  optionsFields(exchange: Exchange): Field[] {
    return this.contents.flatMap(({ handler }) => [...(handler.optionsFields?.(exchange) ?? [])]);
  }

  sink(exchange: Exchange): BodySink | undefined {
    return this.chosen(exchange)?.sink?.(exchange);
  }

  handle(exchange: Exchange): void {
    this.chosen(exchange)?.handle(exchange);
  }

  /** Who answers; null: the request was answered or redirected. */
  chosen(exchange: Exchange): Answer | null {
    for (const content of this.contents) {
      const answer = claimed(content.handler, exchange);
      if (answer === null) continue;
      if (answer === MOVED) return null;
      if (exchange.errorStatus !== 0 || content.allows(exchange.method)) return answer;
      exchange.fail(405, [["Allow", content.allow]]);
      return null;
    }
    throw new Error("no handler has claimed the request");
  }
}

/** What a handler says when it is asked who answers. */
export function claimed(handler: Handler, exchange: Exchange): Answer | null {
  return handler.claim === undefined ? handler : handler.claim(exchange);
}

export const handlerFor = (location: Location, services: HandlerServices, serverName?: string): Contents =>
  new Contents(location, services, serverName);

/** Lets the phases of the exchange's location decide, then its handlers. */
export function answer(exchange: FakeExchange, serverName = "", handlers?: Contents): void {
  const { location, services } = exchange;
  const { rewrite, preaccess, access } = phasesOf(location, services, serverName);
  for (const phase of [...rewrite, ...preaccess, ...access]) if (phase(exchange) !== GO_ON) return;
  (handlers ?? handlerFor(location, services, serverName)).handle(exchange);
}
