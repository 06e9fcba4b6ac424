/**
 * Sends a request for a script to 127.0.0.1 and reads the reply as fast as it arrives. Exit status 1: the reply is wrong.
 *
 *     bun run bench/cgi-client.ts PORT chunked|length PATH BYTES    a POST of BYTES bytes, which the reply must contain
 *     bun run bench/cgi-client.ts PORT none PATH BYTES              a GET; the reply must have BYTES bytes
 */
import { connect } from "node:net";

const [port, kind, path, count] = Bun.argv.slice(2);
const BYTES = Number(count);
const PIECE = 1_000_000;
const OK = /^HTTP\/1\.1 200 /;

const sent = new Bun.CryptoHasher("sha1");

/** The body of a reply: chunked, with Content-Length, or until the end of the connection. */
class ReplyReader {
  readonly received = new Bun.CryptoHasher("sha1");
  bytes = 0;
  status = "";
  private text = "";
  private readonly lines: string[] = [];
  private chunked = false;
  /** Bytes of the chunk or body not yet received; 0: a line follows. */
  private left = 0;
  private inHead = true;
  complete = false;

  take(data: Buffer): void {
    for (let at = 0; at < data.length && !this.complete; )
      at = this.left > 0 ? this.takeBody(data, at) : this.takeLine(data, at);
  }

  private takeBody(data: Buffer, at: number): number {
    const end = Math.min(data.length, at + this.left);
    if (kind !== "none") this.received.update(data.subarray(at, end));
    this.bytes += end - at;
    this.left -= end - at;
    this.complete = this.left === 0 && !this.chunked;
    return end;
  }

  private takeLine(data: Buffer, at: number): number {
    const end = data.indexOf("\n", at);
    this.text += data.toString("latin1", at, end < 0 ? data.length : end);
    if (end < 0) return data.length;
    const line = this.text.trimEnd();
    this.text = "";
    if (this.inHead) this.takeHeadLine(line);
    else if (line !== "") this.takeSize(Number.parseInt(line, 16));
    return end + 1;
  }

  private takeHeadLine(line: string): void {
    if (line !== "") return void this.lines.push(line);
    this.inHead = false;
    this.status = this.lines[0] ?? "";
    const length = this.lines.find((field) => /^content-length:/i.test(field));
    this.chunked = this.lines.some((field) => /^transfer-encoding:\s*chunked/i.test(field));
    this.left = this.chunked ? 0 : length === undefined ? Number.POSITIVE_INFINITY : Number(length.slice(15));
  }

  private takeSize(size: number): void {
    this.left = size;
    this.complete = size === 0;
  }
}

const reader = new ReplyReader();
const socket = connect(Number(port), "127.0.0.1");
socket.on("data", (data: Buffer) => {
  reader.take(data);
  if (reader.status !== "" && !OK.test(reader.status)) finish(reader.status);
  if (reader.complete) socket.end();
});
socket.on("error", (error) => finish(error.message));
socket.on("close", () => finish(problem()));

function problem(): string {
  if (!OK.test(reader.status)) return reader.status || "no reply";
  if (reader.bytes !== BYTES) return `${reader.bytes} bytes of ${BYTES} came`;
  if (kind !== "none" && sent.digest("hex") !== reader.received.digest("hex")) return "other bytes came back";
  return "";
}

function finish(text: string): never {
  if (text !== "") console.error(text);
  process.exit(text === "" ? 0 : 1);
}

function write(data: string | Buffer): Promise<void> {
  return new Promise((resolve) => socket.write(data, () => resolve()));
}

const framing = { chunked: "Transfer-Encoding: chunked\r\n", length: `Content-Length: ${BYTES}\r\n`, none: "" }[kind!];
await write(
  `${kind === "none" ? "GET" : "POST"} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${framing}\r\n`,
);
for (let at = 0; kind !== "none" && at < BYTES; at += PIECE) {
  const piece = Buffer.alloc(Math.min(PIECE, BYTES - at), `the piece at ${at}; `);
  sent.update(piece);
  if (kind === "chunked") await write(`${piece.length.toString(16)}\r\n`);
  await write(piece);
  if (kind === "chunked") await write("\r\n");
}
if (kind === "chunked") await write("0\r\n\r\n");
