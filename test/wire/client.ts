/**
 * A client that speaks bytes: what a test sends is what goes over the wire, and replies are read by a small parser
 * of the tests' own, so that a mistake of the server's HTTP code is not repeated here.
 */
import { connect, type NetConnectOpts, type Socket } from "node:net";

/** How long a test waits for bytes before it says what it has got instead, in ms. Long, for a busy machine. */
const PATIENCE = 30_000;

export class Reply {
  constructor(
    /** As on the wire, without the empty line. */
    readonly head: string,
    readonly body: Buffer,
    /** Trailer fields of a chunked body, as on the wire. */
    readonly trailers = "",
  ) {}

  get status(): number {
    return Number(this.head.slice(9, 12));
  }

  get statusLine(): string {
    return this.head.split("\r\n", 1)[0]!;
  }

  get text(): string {
    return this.body.toString("utf8");
  }

  /** The field's value, several joined by ", "; undefined when the reply has none. */
  field(name: string): string | undefined {
    const values = this.fields.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
    return values.length === 0 ? undefined : values.join(", ");
  }

  /** Name and value of every field line, in order. */
  get fields(): [string, string][] {
    const lines = this.head.split("\r\n").slice(1);
    return lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]);
  }
}

/** The end of the head that starts at `start`, or -1. */
const headEnd = (bytes: Buffer, start: number): number => bytes.indexOf("\r\n\r\n", start, "latin1");

/** Decodes a chunked body at `start`; null while it is incomplete. */
function readChunks(bytes: Buffer, start: number): { body: Buffer; trailers: string; end: number } | null {
  const pieces: Buffer[] = [];
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at, "latin1");
    if (lineEnd < 0) return null;
    const line = bytes.toString("latin1", at, lineEnd);
    if (!/^[0-9a-f]+(;.*)?$/i.test(line)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    at = lineEnd + 2;
    if (size === 0) return readTrailers(bytes, at, Buffer.concat(pieces));
    if (bytes.length < at + size + 2) return null;
    if (bytes.toString("latin1", at + size, at + size + 2) !== "\r\n") throw new Error("no CRLF after a chunk");
    pieces.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
}

function readTrailers(bytes: Buffer, at: number, body: Buffer): { body: Buffer; trailers: string; end: number } | null {
  if (bytes.length < at + 2) return null;
  if (bytes.toString("latin1", at, at + 2) === "\r\n") return { body, trailers: "", end: at + 2 };
  const end = headEnd(bytes, at);
  return end < 0 ? null : { body, trailers: bytes.toString("latin1", at, end), end: end + 4 };
}

/** Reads one reply to a request with `method` at the start of `bytes`; null while it is incomplete. `isClosed`: no more bytes come. */
export function readReply(bytes: Buffer, method: string, isClosed: boolean): { reply: Reply; end: number } | null {
  const end = headEnd(bytes, 0);
  if (end < 0) return null;
  const head = new Reply(bytes.toString("latin1", 0, end), Buffer.alloc(0));
  if (!/^HTTP\/1\.1 \d{3} /.test(head.head)) throw new Error(`not a reply: ${JSON.stringify(head.head.slice(0, 100))}`);
  if (method === "HEAD" || head.status < 200 || head.status === 204 || head.status === 304) {
    return { reply: head, end: end + 4 };
  }
  if (head.field("transfer-encoding") !== undefined) {
    const chunks = readChunks(bytes, end + 4);
    return chunks && { reply: new Reply(head.head, chunks.body, chunks.trailers), end: chunks.end };
  }
  const length = head.field("content-length");
  if (length === undefined && !isClosed) return null;
  const bodyEnd = length === undefined ? bytes.length : end + 4 + Number(length);
  if (bytes.length < bodyEnd) return null;
  return { reply: new Reply(head.head, Buffer.from(bytes.subarray(end + 4, bodyEnd))), end: bodyEnd };
}

export class Client {
  /** The server has ended its side, or the connection. */
  isClosed = false;
  /** It ended with a reset. */
  isReset = false;
  private received: Buffer[] = [];
  private wake: () => void = () => {};

  private constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on("data", (data: Buffer) => {
      this.received.push(data);
      this.wake();
    });
    const closed = (): void => {
      this.isClosed = true;
      this.wake();
    };
    socket.on("end", closed).on("close", closed);
    socket.on("error", (error) => {
      this.isReset ||= (error as NodeJS.ErrnoException).code === "ECONNRESET";
      closed();
    });
  }

  /** Connects to a port of 127.0.0.1, to `ADDRESS:PORT`, or to a unix socket's path. @param from the client's own address, of 127.0.0.0/8 */
  static connect(to: number | string, from = "127.0.0.1"): Promise<Client> {
    const [host, port] = typeof to === "number" ? ["127.0.0.1", to] : to.split(":");
    const where: NetConnectOpts = port ? { host, port: Number(port), localAddress: from } : { path: String(to) };
    const { promise, resolve, reject } = Promise.withResolvers<Client>();
    const socket = connect({ ...where, allowHalfOpen: true } as NetConnectOpts);
    const client = new Client(socket);
    socket.once("connect", () => resolve(client)).once("error", reject);
    return promise;
  }

  /** Sends bytes; text is Latin-1, so that every byte can be written. Resolves when the kernel has them. */
  send(data: string | Uint8Array): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data, () => resolve());
    return promise;
  }

  /** Shuts the sending side: the server sees the end of the stream, and may still answer. */
  finish(): void {
    this.socket.end();
  }

  /** What has arrived and was not yet taken by `reply`. */
  get pending(): Buffer {
    if (this.received.length > 1) this.received = [Buffer.concat(this.received)];
    return this.received[0] ?? Buffer.alloc(0);
  }

  /** The next whole reply, to a request with `method`. */
  async reply(method = "GET"): Promise<Reply> {
    let found: { reply: Reply; end: number } | null = null;
    await this.until(() => (found = readReply(this.pending, method, this.isClosed)) !== null, "a reply");
    const { reply, end } = found!;
    this.received = [this.pending.subarray(end)];
    return reply;
  }

  /**
   * Sends one request and gives its reply, behind which nothing may come: a body where there is none (204, 304, HEAD) or
   * a second reply is an error. What a 1xx comes before is not looked at.
   */
  async ask(request: string | Uint8Array, method = requestMethod(request)): Promise<Reply> {
    void this.send(request);
    const reply = await this.reply(method);
    if (reply.status >= 200 && this.pending.length > 0) throw new Error(behind(reply, this.pending));
    return reply;
  }

  /** All bytes until the server closes. */
  async rest(): Promise<Buffer> {
    await this.until(() => this.isClosed, "the end of the connection");
    const bytes = this.pending;
    this.received = [];
    return bytes;
  }

  /** Waits until `isTrue`; says what has arrived when the connection ends or patience does first. */
  async until(isTrue: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    while (!isTrue()) {
      const left = deadline - Date.now();
      if (this.isClosed || left <= 0) {
        const got = JSON.stringify(this.pending.toString("latin1", 0, 300));
        throw new Error(`waited for ${what}; ${this.isClosed ? "closed" : "still open"} after ${got}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Ends the connection by RST: whoever leaves by FIN may still want its reply. */
  reset(): void {
    this.socket.resetAndDestroy();
  }
}

const behind = (reply: Reply, rest: Buffer): string =>
  `${JSON.stringify(rest.toString("latin1", 0, 300))} behind the only reply, ${reply.statusLine}`;

function requestMethod(request: string | Uint8Array): string {
  return Buffer.from(request).toString("latin1").trimStart().split(" ", 1)[0]!;
}

/** One request on a connection of its own, which is then closed; gives the reply. That not a byte follows it is checked to the end. */
export async function ask(to: number | string, request: string | Uint8Array): Promise<Reply> {
  const client = await Client.connect(to);
  try {
    const reply = await client.ask(request);
    client.finish();
    const rest = await client.rest();
    if (rest.length > 0) throw new Error(behind(reply, rest));
    return reply;
  } finally {
    client.destroy();
  }
}

/** A GET of `path`; `fields` are further field lines. */
export function get(path: string, fields: Record<string, string> = {}, method = "GET"): string {
  const lines = Object.entries({ Host: "localhost", ...fields }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}
