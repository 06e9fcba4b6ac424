/** A cached location in front of a server that is a function: no sockets, a real folder, a clock that the test moves. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Block } from "../../../../ffi/memory.ts";
import type { CachePath, CacheSettings, FamilySettings } from "../../../../src/config/gateway.ts";
import type { Settings } from "../../../../src/config/model.ts";
import type { Field, ReplyBody } from "../../../../src/exchange/reply.ts";
import { UpstreamFacts } from "../../../../src/exchange/upstream.ts";
import { LocationCache } from "../../../../src/handlers/cache/location-cache.ts";
import type { CacheTurn } from "../../../../src/handlers/cache/turn.ts";
import { FakeExchange, FakeServices, location, type RequestLike, template } from "../world.ts";

const POSITION = { file: "test.conf", line: 1, column: 1 };
const PACE = { files: 100, threshold: 200, sleep: 50 };

/** nginx's defaults. */
const CACHE: CacheSettings = {
  zone: template("z"),
  key: template("$uri$is_args$args"),
  valid: [],
  methods: ["GET", "HEAD"],
  minUses: 1,
  bypass: [],
  noCache: [],
  lock: false,
  lockTimeout: 5000,
  lockAge: 5000,
  useStale: [],
  backgroundUpdate: false,
  revalidate: false,
  convertHead: true,
  maxRangeOffset: null,
  purge: null,
};
const FAMILY = { buffering: true, ignoreHeaders: [] as readonly string[], interceptErrors: false, forceRanges: false };

/** What the server answers. A body in several pieces, or a failure. */
export interface Origin {
  readonly status?: number;
  readonly fields?: readonly string[];
  readonly body?: string | readonly string[] | Buffer;
  readonly fails?: "error" | "timeout" | "invalid_header";
  /** The reply is broken off. */
  readonly breaks?: boolean;
}

export interface CachedSite {
  readonly path?: Partial<CachePath>;
  readonly cache?: Partial<CacheSettings>;
  readonly family?: Partial<FamilySettings>;
  readonly settings?: Partial<Settings>;
}

/** A request that the cache passed on and whose reply the test decides. */
export interface Passed {
  readonly exchange: FakeExchange;
  readonly turn: CacheTurn | null;
  /** As it was when the request was passed on. */
  readonly asksForAll: boolean;
  reply(origin: Origin): void;
}

/** The end of the process at a call. */
export class Death extends Error {}

export class CacheWorld {
  readonly folder = mkdtempSync(join(tmpdir(), "webserv-cache-"));
  services = new FakeServices();
  /** What the server answers at once; null: the test answers, see `passed`. */
  origin: Origin | null = {};
  readonly passed: Passed[] = [];
  /** Number of replies that were to be stored. */
  stored = 0;
  private cache!: LocationCache;
  private readonly settings: Settings;
  private readonly family: FamilySettings;

  constructor(private readonly site: CachedSite = {}) {
    this.family = { ...FAMILY, ...site.family, cache: { ...CACHE, ...site.cache } } as FamilySettings;
    this.settings = location(site.settings).settings;
    this.open();
  }

  get path(): CachePath {
    const common = { name: "z", levels: [1, 2], keysSize: 1e6, maxSize: null, minFree: 0, inactive: 600_000 };
    const rest = { manager: PACE, loader: PACE, position: POSITION };
    return { ...common, ...rest, path: join(this.folder, "c"), ...this.site.path };
  }

  private open(): void {
    this.services.caches.adopt({ caches: new Map([["z", this.path]]) });
    this.cache = new LocationCache(this.settings, this.family, this.services, (_, { fields }) => fields);
  }

  /** A reload of the configuration. */
  reload(): void {
    this.open();
  }

  /** The server ends and starts again, in the same second. */
  restart(): void {
    const { now, second } = this.services.clock;
    this.services.caches.close();
    this.services = new FakeServices();
    Object.assign(this.services.clock, { now, second });
    this.open();
  }

  /** The process dies at the n-th call from now that changes files; a write then writes half of its bytes. */
  dieAfter(calls: number): void {
    const { kernel } = this.services;
    let left = calls;
    const dies =
      <Args extends unknown[]>(call: (...args: Args) => number, half?: (...args: Args) => number) =>
      (...args: Args): number => {
        if (left-- > 0) return call(...args);
        if (left === -1) half?.(...args);
        throw new Death();
      };
    const write = kernel.write.bind(kernel);
    Object.assign(kernel, {
      write: dies(write, (fd, block, offset, length) => write(fd, block, offset, length >> 1)),
      rename: dies(kernel.rename.bind(kernel)),
      mkdir: dies(kernel.mkdir.bind(kernel)),
    });
  }

  /** Lets time pass, and what waits for it run. */
  pass(seconds: number): void {
    this.services.pass(seconds);
    (this.services.reactor as { now: number }).now = this.services.clock.now;
    this.services.reactor.timers.fire(this.services.clock.now);
    while (this.services.turn());
  }

  /** Begins a request. */
  request(request: RequestLike = {}): FakeExchange {
    const exchange = new FakeExchange(this.services, { ...location(), settings: this.settings }, request);
    exchange.upstream = new UpstreamFacts();
    this.cache.begin(exchange, (turn: CacheTurn | null) => {
      const asksForAll = turn?.asksForAll === true;
      const passed = { exchange, turn, asksForAll, reply: (origin: Origin) => this.answer(exchange, turn, origin) };
      this.passed.push(passed);
      if (this.origin !== null) passed.reply(this.origin);
    });
    return exchange;
  }

  /** `STATUS CACHE-STATUS BODY` of a GET. */
  get(target = "/", fields: readonly string[] = []): string {
    return this.seen(this.request({ target, fields }));
  }

  /** What a client of the request has got. */
  seen({ status, how, upstream, body }: FakeExchange): string {
    return how === "" ? "waits" : `${status} ${upstream!.cacheStatus} ${this.text(body)}`.trim();
  }

  /** The bytes of a reply's body; its files are given back. */
  text(body: ReplyBody): string {
    if (body === null || Buffer.isBuffer(body)) return String(body ?? "");
    if (body.kind === "stream") return "stream";
    const parts = body.pieces.map((piece) => {
      if (Buffer.isBuffer(piece)) return piece.latin1Slice();
      const block = new Block(piece.length);
      const n = this.services.kernel.read(piece.file.fd, block, 0, piece.length, piece.position);
      piece.file.release();
      return block.bytes.latin1Slice(0, n);
    });
    return parts.join("");
  }

  private answer(exchange: FakeExchange, turn: CacheTurn | null, origin: Origin): void {
    const { status = 200, body = "hello", fails, breaks = false } = origin;
    if (fails !== undefined) {
      const code = fails === "timeout" ? 504 : 502;
      if (!turn?.failed(exchange, fails, code)) exchange.fail(code);
      turn?.end();
      return;
    }
    const fields = (origin.fields ?? ["Cache-Control: max-age=10"]).map(
      (line): Field => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)],
    );
    const pieces = (typeof body === "string" || Buffer.isBuffer(body) ? [body] : body).map((piece) =>
      Buffer.from(piece),
    );
    const whole = Buffer.concat(pieces);
    const length = fields.find(([name]) => name === "Content-Length")?.[1];
    const contentLength = length === undefined ? -1 : Number(length);
    const watcher = turn?.onHead(exchange, { status, fields, contentLength, hasBody: true }) ?? null;
    if (typeof watcher === "function") return watcher();
    if (watcher !== null) this.stored++;
    exchange.reply(status, fields, whole);
    for (const piece of pieces) {
      const block = new Block(Math.max(1, piece.length));
      piece.copy(block.bytes);
      watcher?.onBody(block, 0, piece.length);
    }
    watcher?.onEnd(!breaks);
  }

  close(): void {
    this.services.caches.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
