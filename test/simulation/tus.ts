/** A client of resumable uploads (tus 1.0): it creates one, sends it in pieces, loses its connection, asks how far it came and goes on. */
import type { Client } from "./client.ts";
import type { Random } from "./random.ts";
import { type Expected, type Request, request } from "./site.ts";
import { type FormFile, type Store, sending } from "./store.ts";
import type { World } from "./world.ts";

const VERSION = "Tus-Resumable: 1.0.0";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** POST: makes an upload; its URL is the Location of the reply. */
export function create({ name, content }: FormFile): Request {
  const fields = [`Upload-Length: ${content.length}`, `Upload-Metadata: filename ${base64(name)}`, "Content-Length: 0"];
  const expected: Expected = { status: 201, fields: { location: "*", "tus-resumable": "1.0.0" }, closes: false };
  return request("/up/", expected, { method: "POST", fields: [VERSION, ...fields] });
}

/** HEAD: how far it is. */
export function ask(url: string, or: readonly number[] = []): Request {
  const fields = { "upload-offset": "*", "upload-length": "*", "cache-control": "no-store" };
  return request(url, { status: 200, or, fields, closes: false }, { method: "HEAD", fields: [VERSION] });
}

/** PATCH: the bytes from `offset` to `end`. 409: another connection's bytes came in between. */
export function patch(url: string, content: Buffer, offset: number, end: number, chunks = 0): Request {
  const expected: Expected = { status: 204, or: [404, 409], fields: { "upload-offset": `${end}` }, closes: false };
  const fields = [VERSION, `Upload-Offset: ${offset}`, "Content-Type: application/offset+octet-stream"];
  return sending("PATCH", url, expected, content.subarray(offset, end), { chunks, fields });
}

/** DELETE: gives it up. */
export const terminate = (url: string): Request =>
  request(url, { status: 204, closes: false }, { method: "DELETE", fields: [VERSION] });

/** More than this is no bad luck: it gives up. */
const MOST_TRIES = 400;

/** Uploads one file, whatever happens to its connections. */
export class TusUploader {
  /** It knows that the file is there. */
  done = false;
  private readonly file: FormFile;
  private readonly random: Random;
  private url = "";
  private tries = 0;

  /** @param losses how often it loses its connection within a PATCH */
  constructor(
    private readonly world: World,
    store: Store,
    name: string,
    length: number,
    private losses: number,
  ) {
    this.random = world.random.fork();
    this.file = { name, content: store.invents(name, length) };
    this.connect((client) => this.creates(client), this.random.between(0, 500));
    world.awaits(() => this.done || this.tries > MOST_TRIES);
    world.promises(
      `${name} is there`,
      () => (this.done && store.content(name)?.equals(this.file.content)) || `after ${this.tries} tries, ${this.url}`,
    );
  }

  private connect(go: (client: Client) => void, start: number): void {
    if (++this.tries > MOST_TRIES) return;
    const client = this.world.client({ start }).impolitely();
    if (this.random.chance(0.5)) client.cuts(this.random.magnitude(200, 5_000), 1);
    client.afterwards(() => go(client));
  }

  private creates(client: Client): void {
    this.sends(client, create(this.file), (status) => {
      this.url = client.replies.lastFields.get("location") ?? "";
      if (status === 201) this.patches(client, 0);
      else this.connect((next) => this.creates(next), 500);
    });
  }

  private resumes(delay: number): void {
    this.connect((client) => {
      this.sends(client, ask(this.url, [404]), (status) => {
        const offset = Number(client.replies.lastFields.get("upload-offset"));
        if (status === 404 || (status === 200 && offset === this.file.content.length)) this.finds();
        else if (status === 200) this.patches(client, offset);
        else this.resumes(500);
      });
    }, delay);
  }

  /** The server has all of it: then the file is there, as far as this client can know. */
  private finds(): void {
    this.done = true;
  }

  private patches(client: Client, offset: number): void {
    const { content } = this.file;
    const { random } = this;
    const end = random.chance(0.6) ? content.length : random.between(offset, content.length);
    const next = patch(this.url, content, offset, end, random.chance(0.4) ? random.magnitude(1, 5_000) : 0);
    if (this.losses > 0 && random.chance(0.7)) return this.loses(client, next);
    this.sends(client, next, (status) => {
      if (status !== 204) this.resumes(random.between(0, 500));
      else if (end < content.length) this.patches(client, end);
      else this.finds();
    });
  }

  /** Breaks off within the request; the next connection may come before the server knows, or even before this one is done. */
  private loses(client: Client, request: Request): void {
    const { random } = this;
    this.losses--;
    this.resumes(random.between(0, 2_000));
    const expected = { ...request.expected, or: [400, 404, 408, 409] };
    client.begins({ ...request, expected }, random.between(1, request.bytes.length - 1)).pauses(random.between(0, 50));
    if (random.chance(0.4)) client.vanishes();
    else if (random.chance(0.5)) client.resets();
    else client.halfCloses();
  }

  /** Sends it; `then` gets the status, or undefined where the connection was lost before a reply. */
  private sends(client: Client, request: Request, then: (status: number | undefined) => void): void {
    const index = client.requests.length;
    client.sends(request).awaits();
    client.afterwards(() => then(client.replies.statuses[index]));
  }
}
