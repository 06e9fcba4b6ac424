/** A location with an upload store in a real folder, fed as the server feeds it: in pieces, from one block that is used again. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { Block } from "../../../ffi/memory.ts";
import type { Location, Settings } from "../../../src/config/model.ts";
import type { BodySink } from "../../../src/exchange/handler.ts";
import { type Contents, FakeExchange, FakeServices, handlerFor, location, Site, template } from "./world.ts";

export interface Sent {
  readonly fields?: readonly string[];
  readonly body?: string | Buffer;
  /** Bytes the sink gets at once; default: all. */
  readonly piece?: number;
  readonly errorStatus?: number;
}

/** Everything beneath a folder by its path: the text of a file, "-> target" of a link, "/" of a folder without content. */
export function tree(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const path of readdirSync(root, { recursive: true, encoding: "utf8" }).sort()) {
    const at = join(root, path);
    const status = lstatSync(at);
    if (status.isSymbolicLink()) found[path] = `-> ${readlinkSync(at)}`;
    else if (status.isFile()) found[path] = readFileSync(at, "utf8");
    else if (!status.isDirectory()) found[path] = "special";
    else if (readdirSync(at).length === 0) found[path] = "/";
  }
  return found;
}

/** `/up/` stores in the site's folder `store`, which GET serves. */
export class UploadWorld {
  readonly site: Site;
  readonly services = new FakeServices();
  readonly location: Location;
  readonly handler: Contents;
  private readonly block = new Block(1 << 16);

  constructor(files: ConstructorParameters<typeof Site>[0] = {}, changes: Partial<Settings> = {}) {
    this.site = new Site({ store: null, ...files });
    const folder = this.site.path("store");
    const upload = { folder, prefix: "/up/" };
    this.location = location({ upload, alias: template(`${folder}/`), aliasPrefix: "/up/", ...changes }, "/up/");
    this.handler = handlerFor(this.location, this.services);
  }

  /** What is in the store, but for the staging folder while it is empty or holds nothing but the lock. */
  get stored(): Record<string, string> {
    return Object.fromEntries(
      Object.entries(tree(this.site.path("store"))).filter(
        ([path]) => !/^\.webserv(\/[0-9a-f]{16}\.lock)?$/.test(path),
      ),
    );
  }

  /** A whole request and its reply. */
  send(method: string, target: string, sent: Sent = {}): FakeExchange {
    const body = Buffer.from(sent.body ?? "");
    const { exchange, sink } = this.begin(method, target, sent, body.length);
    if (exchange.how === "" && sink !== undefined) this.feed(exchange, sink, body, sent.piece ?? body.length);
    if (exchange.how === "") this.handler.handle(exchange);
    return exchange;
  }

  /** The request's head alone; `length` bytes of body are announced. */
  begin(
    method: string,
    target: string,
    sent: Sent = {},
    length = 0,
  ): { exchange: FakeExchange; sink: BodySink | undefined } {
    const fields = [`Content-Length: ${length}`, ...(sent.fields ?? [])];
    const exchange = new FakeExchange(this.services, this.location, {
      method,
      target,
      fields,
      ...(sent.errorStatus === undefined ? {} : { errorStatus: sent.errorStatus }),
    });
    return { exchange, sink: length > 0 ? this.handler.sink?.(exchange) : undefined };
  }

  /** Gives all of a body to a sink, and its end unless it has replied before. */
  feed(exchange: FakeExchange, sink: BodySink, body: Buffer, piece = body.length): void {
    for (let at = 0; at < body.length && exchange.how === ""; at += piece)
      this.give(sink, body.subarray(at, at + piece), exchange);
    if (exchange.how === "") sink.end();
    else sink.abort();
  }

  /** One piece, at another place of the block each time, which is overwritten afterwards. Who takes less has to ask for more. */
  give(sink: BodySink, piece: Buffer, exchange?: FakeExchange): void {
    const start = piece.length % 7;
    for (let done = 0; done < piece.length && !exchange?.how; ) {
      const length = piece.copy(this.block.bytes, start, done);
      const resumed = exchange?.resumed;
      const taken = sink.accept(this.block, start, start + length);
      if (taken !== length && exchange?.resumed === resumed) throw new Error(`it took ${taken} of ${length} and waits`);
      this.block.bytes.fill("!", 0, start + length);
      done += taken;
    }
  }

  /** Ends the world; gives how many descriptors were not given back. */
  end(): number {
    this.handler.close?.();
    this.site.remove();
    return this.services.watched.open.size;
  }
}

export const BOUNDARY = "----b";
export const FORM = `Content-Type: multipart/form-data; boundary=${BOUNDARY}`;

/** A form of parts given by the parameters of their Content-Disposition and their content. */
export function form(...parts: readonly (readonly [parameters: string, content: string])[]): string {
  const bodies = parts.map(
    ([parameters, content]) =>
      `--${BOUNDARY}\r\nContent-Disposition: form-data; ${parameters}\r\nContent-Type: text/plain\r\n\r\n${content}\r\n`,
  );
  return `${bodies.join("")}--${BOUNDARY}--\r\n`;
}
