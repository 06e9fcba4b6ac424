/** Clients of resumable uploads (tus 1.0). A client creates an upload, sends it in pieces, loses its connection, asks for the offset and resumes. */
import type { Client } from "./client.ts";
import type { Random } from "./random.ts";
import { type Expected, type Request, request } from "./site.ts";
import { type FormFile, type Store, sending } from "./store.ts";
import type { World } from "./world.ts";

const VERSION = "Tus-Resumable: 1.0.0";
const PART_TYPE = "Content-Type: application/offset+octet-stream";
const checksum = (body: Buffer): string =>
  `Upload-Checksum: sha1 ${new Bun.CryptoHasher("sha1").update(body).digest("base64")}`;
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** The content and options of one upload. */
interface Sent extends FormFile {
  /** A partial upload. */
  readonly partial: boolean;
  /** The length is sent with the bytes, not at creation. */
  readonly deferred: boolean;
}

/** POST: creates an upload and sends its first `length` bytes. Its URL is the reply's Location. */
export function create({ name, content, partial, deferred }: Sent, length = 0): Request {
  const fields = [
    deferred ? "Upload-Defer-Length: 1" : `Upload-Length: ${content.length}`,
    partial ? "Upload-Concat: partial" : `Upload-Metadata: filename ${base64(name)}`,
  ];
  const expected: Expected = {
    status: 201,
    fields: { location: "*", "tus-resumable": "1.0.0", "upload-offset": `${length}` },
    closes: false,
  };
  if (length === 0)
    return request("/up/", expected, { method: "POST", fields: [VERSION, ...fields, "Content-Length: 0"] });
  const body = content.subarray(0, length);
  return sending("POST", "/up/", expected, body, { fields: [VERSION, ...fields, PART_TYPE, checksum(body)] });
}

/** POST: concatenates partial uploads. 404: they are gone, because an earlier request succeeded and its reply was lost. */
export function join(name: string, urls: readonly string[], length: number): Request {
  const fields = [`Upload-Concat: final;${urls.join(" ")}`, `Upload-Metadata: filename ${base64(name)}`];
  const expected: Expected = {
    status: 201,
    or: [404],
    fields: { location: "*", "upload-offset": `${length}` },
    closes: false,
  };
  return request("/up/", expected, { method: "POST", fields: [VERSION, ...fields, "Content-Length: 0"] });
}

/** HEAD: asks for the offset. */
export function ask(url: string, or: readonly number[] = []): Request {
  const fields = { "upload-offset": "*", "cache-control": "no-store" };
  return request(url, { status: 200, or, fields, closes: false }, { method: "HEAD", fields: [VERSION] });
}

/** PATCH: sends the bytes from `offset` to `end`. 409: another connection has added bytes meanwhile. */
export function patch(url: string, content: Buffer, offset: number, end: number, chunks = 0, checked = false): Request {
  const expected: Expected = { status: 204, or: [404, 409], fields: { "upload-offset": `${end}` }, closes: false };
  const body = content.subarray(offset, end);
  const fields = [VERSION, `Upload-Offset: ${offset}`, `Upload-Length: ${content.length}`, PART_TYPE];
  return sending("PATCH", url, expected, body, { chunks, fields: checked ? [...fields, checksum(body)] : fields });
}

/** DELETE: removes the upload. */
export const terminate = (url: string): Request =>
  request(url, { status: 204, closes: false }, { method: "DELETE", fields: [VERSION] });

/** Most attempts; then the client fails. Where most calls of a run fail, joining three parts took more than 400. */
const MOST_TRIES = 4000;

/** Sends one upload, and resumes it after each lost connection. */
class Transfer {
  private readonly random: Random;
  private url = "";
  private tries = 0;

  /**
   * @param losses how often it loses its connection within a PATCH
   * @param finished called when, as far as the client knows, the server has all bytes
   */
  constructor(
    private readonly world: World,
    private readonly file: Sent,
    private losses: number,
    private readonly finished: (url: string) => void,
  ) {
    this.random = world.random.fork();
    this.connect((client) => this.creates(client), this.random.between(0, 500));
  }

  get isLost(): boolean {
    return this.tries > MOST_TRIES;
  }

  describe(): string {
    return `after ${this.tries} tries, ${this.url}`;
  }

  private connect(go: (client: Client) => void, start: number): void {
    if (++this.tries > MOST_TRIES) return;
    const client = this.world.client({ start }).impolitely();
    if (this.random.chance(0.5)) client.cuts(this.random.magnitude(200, 5_000), 1);
    client.afterwards(() => go(client));
  }

  private creates(client: Client): void {
    const { length } = this.file.content;
    const some = this.random.chance(0.3) ? this.random.between(0, length) : 0;
    this.sends(client, create(this.file, some), (status) => {
      this.url = client.replies.lastFields.get("location") ?? "";
      if (status !== 201) this.connect((next) => this.creates(next), 500);
      else if (some === length && !this.file.deferred) this.finds();
      else this.patches(client, some);
    });
  }

  private resumes(delay: number): void {
    this.connect((client) => {
      this.sends(client, ask(this.url, [404]), (status) => {
        const offset = Number(client.replies.lastFields.get("upload-offset"));
        const isThere = status === 404 ? !this.file.partial : status === 200 && offset === this.file.content.length;
        if (isThere && this.isLengthKnown(client)) this.finds();
        else if (status === 200) this.patches(client, offset);
        else this.resumes(500);
      });
    }, delay);
  }

  /** The server has all bytes, so for this client the file must exist. */
  private finds(): void {
    this.finished(this.url);
  }

  /** It is not where a PATCH that told it was lost before the server saw it; where the upload is no more, nobody needs it. */
  private isLengthKnown({ replies }: Client): boolean {
    return !this.file.deferred || !replies.lastFields.has("upload-defer-length");
  }

  private patches(client: Client, offset: number): void {
    const { content } = this.file;
    const { random } = this;
    const end = random.chance(0.6) ? content.length : random.between(offset, content.length);
    const next = patch(
      this.url,
      content,
      offset,
      end,
      random.chance(0.4) ? random.magnitude(1, 5_000) : 0,
      random.chance(0.4),
    );
    if (this.losses > 0 && random.chance(0.7)) return this.loses(client, next);
    this.sends(client, next, (status) => {
      if (status !== 204) this.resumes(random.between(0, 500));
      else if (end < content.length) this.patches(client, end);
      else this.finds();
    });
  }

  /** Loses the connection within the request. The next connection may begin before the server notices, or before this one has ended. */
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

  /** Sends a request. `then` gets the status; undefined: the connection was lost before the reply. */
  private sends(client: Client, request: Request, then: (status: number | undefined) => void): void {
    const index = client.requests.length;
    client.sends(request).awaits();
    client.afterwards(() => then(client.replies.statuses[index]));
  }
}

/** Common part of both kinds of clients. */
abstract class Uploader {
  /** The client knows that the file exists. */
  done = false;
  protected readonly content: Buffer;

  constructor(
    protected readonly world: World,
    store: Store,
    protected readonly name: string,
    length: number,
  ) {
    this.content = store.invents(name, length);
    world.awaits(() => this.done || this.isLost());
    const isThere = () => this.done && store.content(name)?.equals(this.content);
    world.promises(`${name} is there`, () => isThere() || this.describe());
  }

  protected abstract isLost(): boolean;
  protected abstract describe(): string;
}

/** Uploads one file. */
export class TusUploader extends Uploader {
  private readonly transfer: Transfer;

  /** @param losses how often it loses its connection within a PATCH */
  constructor(world: World, store: Store, name: string, length: number, losses: number) {
    super(world, store, name, length);
    const file = { name, content: this.content, partial: false, deferred: world.random.chance(0.3) };
    this.transfer = new Transfer(world, file, losses, () => {
      this.done = true;
    });
  }

  protected isLost(): boolean {
    return this.transfer.isLost;
  }

  protected describe(): string {
    return this.transfer.describe();
  }
}

/** Uploads the parts of one file at the same time, and lets the server concatenate them. */
export class ParallelUploader extends Uploader {
  private readonly transfers: Transfer[] = [];
  private readonly urls: string[] = [];
  private tries = 0;

  constructor(world: World, store: Store, name: string, length: number, parts: number, losses: number) {
    super(world, store, name, length);
    const size = Math.ceil(this.content.length / parts);
    for (let index = 0; index < parts; index++) {
      const content = this.content.subarray(index * size, (index + 1) * size);
      const file = { name: `${name} ${index}`, content, partial: true, deferred: false };
      this.transfers.push(new Transfer(world, file, losses, (url) => this.finds(index, url, parts)));
    }
  }

  protected isLost(): boolean {
    return this.tries > MOST_TRIES || this.transfers.some(({ isLost }) => isLost);
  }

  protected describe(): string {
    return `after ${this.tries} tries to join, ${this.transfers.map((transfer) => transfer.describe()).join("; ")}`;
  }

  private finds(index: number, url: string, parts: number): void {
    this.urls[index] = url;
    if (Object.keys(this.urls).length === parts && this.tries === 0) this.joins(0);
  }

  private joins(start: number): void {
    if (++this.tries > MOST_TRIES) return;
    const { random } = this.world;
    const client = this.world.client({ start }).impolitely();
    client.sends(join(this.name, this.urls, this.content.length));
    if (random.chance(0.2)) {
      client.pauses(random.between(0, 20)).vanishes();
      this.joins(random.between(0, 500)); // perhaps before the server notices that this connection is lost
      return;
    }
    client.awaits();
    client.afterwards(() => {
      const status = client.replies.statuses[0];
      if (status === 201 || status === 404) this.done = true;
      else this.joins(random.between(1, 500));
    });
  }
}
