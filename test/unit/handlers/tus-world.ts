/** A location with an upload store, and a client that speaks tus to it. */
import { expect } from "bun:test";
import { utimesSync } from "node:fs";
import type { BodySink } from "../../../src/exchange/handler.ts";
import { type Sent, tree, UploadWorld } from "./uploads.ts";
import { type Contents, FakeExchange, FakeServices, handlerFor } from "./world.ts";

export const TUS = "Tus-Resumable: 1.0.0";
export const PART = "Content-Type: application/offset+octet-stream";
export const DAY = 86_400;

export const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");
export const metadata = (pairs: Record<string, string>): string =>
  `Upload-Metadata: ${Object.entries(pairs)
    .map(([key, value]) => `${key} ${base64(value)}`)
    .join(",")}`;

export class TusWorld extends UploadWorld {
  declare handler: Contents;
  declare services: FakeServices;

  create(length: number | string, pairs: Record<string, string> = {}, fields: string[] = [], target = "/up/") {
    const about = Object.keys(pairs).length === 0 ? [] : [metadata(pairs)];
    return this.tus("POST", target, { fields: [`Upload-Length: ${length}`, ...about, ...fields] });
  }

  /** The URL of a new upload. */
  begun(length: number, pairs: Record<string, string> = { filename: "a.txt" }): string {
    const made = this.create(length, pairs);
    expect(made.status).toBe(201);
    return made.field("Location")!;
  }

  patch(url: string, offset: number | string, body: string | Buffer, more: Sent = {}): FakeExchange {
    const fields = [PART, `Upload-Offset: ${offset}`, ...(more.fields ?? [])];
    return this.tus("PATCH", url, { ...more, fields, body });
  }

  head(url: string): FakeExchange {
    return this.tus("HEAD", url);
  }

  tus(method: string, target: string, sent: Sent = {}): FakeExchange {
    const exchange = this.send(method, target, { ...sent, fields: [TUS, ...(sent.fields ?? [])] });
    expect(exchange.added).toContainEqual(["Tus-Resumable", "1.0.0"]);
    return exchange;
  }

  /** The beginning of a PATCH, whose `length` bytes are still to come; without one it is chunked. */
  sending(url: string, offset: number, length?: number): { exchange: FakeExchange; sink: BodySink } {
    const framing = length === undefined ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`;
    const fields = [TUS, PART, `Upload-Offset: ${offset}`, framing];
    const exchange = new FakeExchange(this.services, this.location, { method: "PATCH", target: url, fields });
    return { exchange, sink: this.handler.sink!(exchange)! };
  }

  /** Another process with the same configuration; the one before had no time to close anything. */
  restart(): void {
    this.services = new FakeServices();
    this.handler = handlerFor(this.location, this.services);
    this.handler.start?.();
  }

  /** What lies in the staging folder, locks left out. */
  get staged(): string[] {
    const all = tree(this.site.path("store"));
    return Object.keys(all).filter((path) => path.startsWith(".webserv/") && !path.endsWith(".lock"));
  }

  file(url: string, kind: "part" | "json"): string {
    return this.site.path(`store/.webserv/${url.slice(-32)}.${kind}`);
  }

  /** Makes the last byte of an upload so many seconds old. */
  age(url: string, seconds: number): void {
    const then = this.services.clock.second - seconds;
    utimesSync(this.file(url, "part"), then, then);
  }
}

/** Offset, length and metadata that HEAD tells. */
export function told(head: FakeExchange): (string | undefined)[] {
  expect(head.status).toBe(200);
  return ["Upload-Offset", "Upload-Length", "Upload-Metadata"].map((name) => head.field(name));
}
