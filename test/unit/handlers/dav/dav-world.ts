/** A location with WebDAV in a real folder, asked as the server asks it: a request at a time, and turns of the loop until it is answered. */
import { ERRNO } from "../../../../ffi/errno.ts";
import { Block } from "../../../../ffi/memory.ts";
import type { Location, Settings } from "../../../../src/config/model.ts";
import { DAV_EXT_METHODS, DAV_METHODS } from "../../../../src/config/settings/dav.ts";
import { tree } from "../uploads.ts";
import { FakeExchange, FakeServices, handlerFor, location, type RequestLike, Site, template } from "../world.ts";

/** Settings that file managers need. */
export const MANAGED: Partial<Settings> = {
  davExtMethods: DAV_EXT_METHODS,
  davLock: { name: "locks", size: 65_536, timeout: 60_000 },
};

export interface Asked extends RequestLike {
  readonly body?: string | Buffer;
  readonly user?: string;
}

export class DavWorld {
  readonly site: Site;
  readonly services = new FakeServices();
  readonly location;
  readonly handler;
  /** The locations of the server; null: the request's own is all that matters. */
  locations: readonly Location[] | null = null;

  constructor(files: ConstructorParameters<typeof Site>[0] = {}, changes: Partial<Settings> = {}, pattern = "/") {
    this.site = new Site(files);
    this.location = location({ root: template(this.site.root), davMethods: DAV_METHODS, ...changes }, pattern);
    this.handler = handlerFor(this.location, this.services);
  }

  /** Begins a request, up to the end of its body. */
  begin(method: string, target: string, { body = "", fields = [], user = "", ...request }: Asked = {}): FakeExchange {
    const bytes = Buffer.from(body);
    const length = bytes.length > 0 ? [`Content-Length: ${bytes.length}`] : [];
    const all = { method, target, fields: [...length, ...fields], ...request };
    const exchange = new FakeExchange(this.services, this.location, all);
    exchange.user = user;
    if (this.locations !== null) this.lookUpIn(exchange, this.locations);
    const sink = bytes.length > 0 ? this.handler.sink(exchange) : undefined;
    if (sink !== undefined) {
      const block = new Block(Math.max(1, bytes.length));
      bytes.copy(block.bytes);
      sink.accept(block, 0, bytes.length);
      if (exchange.how === "") sink.end();
      else sink.abort();
    }
    if (exchange.how === "" && sink === undefined) this.handler.handle(exchange);
    return exchange;
  }

  /** Lets the exchange find locations of the server: nested ones first, then those with the longest prefix. */
  private lookUpIn(exchange: FakeExchange, locations: readonly Location[]): void {
    Object.assign(exchange.server, { locations });
    const nested = exchange.locationOf.bind(exchange);
    exchange.locationOf = (path) => {
      if (path.startsWith(this.location.pattern)) return nested(path);
      const fitting = locations.filter(({ pattern }) => path.startsWith(pattern));
      const location = fitting.sort((a, b) => b.pattern.length - a.pattern.length)[0] ?? exchange.location;
      return { location, undecided: false };
    };
  }

  /** A request whose body has come, but not its end. */
  receiving(method: string, target: string, body: string): { exchange: FakeExchange; end: () => void } {
    const fields = [`Content-Length: ${body.length}`];
    const exchange = new FakeExchange(this.services, this.location, { method, target, fields });
    const sink = this.handler.sink(exchange)!;
    const block = new Block(body.length);
    block.bytes.write(body);
    sink.accept(block, 0, body.length);
    return { exchange, end: () => sink.end() };
  }

  /** A whole request and its reply. */
  ask(method: string, target: string, asked: Asked = {}): FakeExchange {
    const exchange = this.begin(method, target, asked);
    while (exchange.how === "" && this.services.turn());
    return exchange;
  }

  /** What is there, but for the staging folder while it is empty or has only locks. */
  get files(): Record<string, string> {
    const all = tree(this.site.root);
    const isBehindLink = (path: string): boolean =>
      path.split("/").some((_, i, names) => i > 0 && all[names.slice(0, i).join("/")]?.startsWith("-> "));
    const isLock = (path: string): boolean => /(^|\/)\.webserv(\/[0-9a-f]{16}\.lock)?$/.test(path);
    return Object.fromEntries(Object.entries(all).filter(([path]) => !isLock(path) && !isBehindLink(path)));
  }

  /** Ends the world; gives how many descriptors were not given back. */
  end(): number {
    while (this.services.turn());
    this.handler.close();
    this.site.remove();
    return this.services.watched.open.size;
  }

  /** Lets a call of the kernel fail with an errno from its `nth` call on, counted from 1. */
  fails(
    call: "sendfile" | "mkdir" | "rename" | "unlink" | "write" | "getdents" | "rmdir",
    errno: keyof typeof ERRNO,
    nth = 1,
  ): void {
    const kernel = this.services.kernel as unknown as Record<string, (...args: never[]) => number>;
    const real = kernel[call]!;
    let calls = 0;
    kernel[call] = (...args) => (++calls >= nth ? -ERRNO[errno] : real(...args));
  }
}
