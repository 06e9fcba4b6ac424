/** Simulated HTTP servers behind the gateway. What one answers is in the target of the request: `/p/MODE?SIZE`. */
import { Block } from "../../ffi/memory.ts";
import { encodeAddress } from "../../src/network/address.ts";
import type { Connection } from "./connection.ts";
import type { SimulatedKernel } from "./kernel.ts";
import type { Remote, RemotePeer } from "./listener.ts";
import type { Random } from "./random.ts";
import { type Expected, inChunks, pattern, type Request, request } from "./site.ts";

/** What an upstream sends to a request, and what its client is to get. */
interface Mode {
  /** The bytes in order; the end of the connection afterwards, if any. `size`: of the body. */
  readonly sends: (body: Buffer, head: boolean) => Buffer;
  readonly ends?: "finish" | "reset" | "reset when read" | "hang";
  /** It answers before the request's body has come. */
  readonly early?: boolean;
  /** The client's reply is 200 with the body, or this status; null: 200, but the reply may be cut. */
  readonly status?: number | null;
  /** The client's reply has no length. */
  readonly streamed?: boolean;
}

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const ok = (fields: string, body: Buffer, head = false): Buffer =>
  Buffer.concat([bytes(`HTTP/1.1 200 OK\r\n${fields}\r\n`), head ? Buffer.alloc(0) : body]);
const whole = (body: Buffer, head = false): Buffer => ok(`Content-Length: ${body.length}\r\n`, body, head);

/** Modes that give a complete reply, a good one or an error. */
export const COMPLETE = {
  length: { sends: whole },
  chunks: { sends: (body, head) => ok("Transfer-Encoding: chunked\r\n", inChunks(body, 777), head), streamed: true },
  "until-the-end": { sends: (body, head) => ok("", body, head), ends: "finish", streamed: true },
  "says-close": {
    sends: (body, head) => ok(`Connection: close\r\nContent-Length: ${body.length}\r\n`, body, head),
    ends: "finish",
  },
  "closes-while-kept": { sends: whole, ends: "finish" },
  "resets-while-kept": { sends: whole, ends: "reset when read" },
  interim: {
    sends: (body, head) => Buffer.concat([bytes("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n"), whole(body, head)]),
  },
  early: { sends: whole, early: true },
  "early-and-closes": { sends: whole, early: true, ends: "finish" },
  "too-much": { sends: (body, head) => Buffer.concat([whole(body, head), bytes("what is this?")]) },
  "two-replies": { sends: (body, head) => Buffer.concat([whole(body, head), whole(body, head)]) },
  garbage: { sends: () => bytes("\x16\x03\x01\x02\0\x01\0garbage\r\n\r\n"), status: 502 },
  "endless-head": { sends: () => bytes(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(100_000)}`), status: 502 },
  "two-lengths": { sends: (body) => ok("Content-Length: 1\r\nContent-Length: 2\r\n", body), status: 502 },
  "hangs-in-head": { sends: () => bytes("HTTP/1.1 200 OK\r\nX-"), ends: "hang", status: 504 },
  "ends-in-head": { sends: () => bytes("HTTP/1.1 200 OK\r\nX-"), ends: "finish", status: 502 },
  "says-nothing": { sends: () => Buffer.alloc(0), ends: "finish", status: 502 },
  "resets-in-head": { sends: () => bytes("HTTP/1.1 200"), ends: "reset", status: 502 },
} satisfies Record<string, Mode>;

/** Modes whose reply is cut. */
export const CUT = {
  "too-little": {
    sends: (body) => ok(`Content-Length: ${body.length + 1}\r\n`, body),
    ends: "finish",
    status: null,
  },
  "hangs-in-body": { sends: (body) => ok(`Content-Length: ${body.length + 1}\r\n`, body), ends: "hang", status: null },
  "resets-in-body": {
    sends: (body) => ok(`Content-Length: ${body.length + 1}\r\n`, body),
    ends: "reset",
    status: null,
  },
  "bad-chunk": {
    sends: (body) =>
      ok("Transfer-Encoding: chunked\r\n", Buffer.concat([inChunks(body, 777).subarray(0, -5), bytes("xyz\r\n")])),
    status: null,
    streamed: true,
  },
  "chunk-bomb": {
    sends: () => ok("Transfer-Encoding: chunked\r\n", bytes(`${"f".repeat(40)}\r\n`)),
    status: null,
    streamed: true,
  },
} satisfies Record<string, Mode>;

const MODES: Readonly<Record<string, Mode>> = { ...COMPLETE, ...CUT };

/** The salt of bodies of requests: the upstream checks that they arrive unchanged. */
const REQUEST_SALT = 9;

/** A request that leads to `mode`, with its expected reply. */
export function pass(
  mode: keyof typeof COMPLETE | keyof typeof CUT,
  size: number,
  form: { readonly method?: string; readonly body?: number; readonly chunks?: number; readonly early?: boolean } = {},
): Request {
  const { status = 200, streamed = false, early = false } = MODES[mode]!;
  const { method = form.body === undefined ? "GET" : "POST", body = 0, chunks = 0 } = form;
  const content = pattern(body, REQUEST_SALT);
  const expected: Expected =
    status === 200
      ? { status, body: pattern(size, 4), streamed, closes: "perhaps" }
      : { status: status ?? 200, or: status === null ? [502, 504] : [], streamed, closes: "perhaps" };
  if (body === 0) return request(`/p/${mode}?${size}`, expected, { method });
  const fields = [chunks > 0 ? "Transfer-Encoding: chunked" : `Content-Length: ${body}`];
  return request(`/p/${mode}?${size}`, expected, {
    method,
    fields,
    body: chunks > 0 ? inChunks(content, chunks) : content,
    early: early || form.early === true,
  });
}

/** A server at an IPv4 address. */
export class Upstream implements Remote {
  /** Probabilities that a connection is refused, or is not answered. */
  refusing = 0;
  hanging = 0;
  /** Requests that have arrived completely. */
  requests = 0;
  readonly connections: UpstreamConnection[] = [];

  constructor(
    readonly kernel: SimulatedKernel,
    readonly random: Random,
    host: string,
    port: number,
  ) {
    const block = new Block(128);
    const length = encodeAddress({ family: "ipv4", host, port }, block);
    kernel.network.place(Buffer.from(block.bytes.subarray(0, length)), this);
  }

  connect() {
    const { random } = this;
    const outcome = random.chance(this.refusing) ? "refuses" : random.chance(this.hanging) ? "hangs" : "accepts";
    const peer = new UpstreamConnection(this);
    this.connections.push(peer);
    const options = {
      receiveBuffer: random.magnitude(2_000, 200_000),
      sendBuffer: random.magnitude(2_000, 200_000),
      latency: random.fraction() * 20,
    };
    return { outcome, options, peer } as const;
  }
}

class UpstreamConnection implements RemotePeer {
  connection: Connection | null = null;
  private input = Buffer.alloc(0);
  private busy = false;

  constructor(private readonly upstream: Upstream) {}

  connected(): void {
    this.notified();
  }

  notified(): void {
    const { connection } = this;
    if (connection === null || connection.wasReset) return;
    this.input = Buffer.concat([this.input, connection.peerTake(Number.POSITIVE_INFINITY)]);
    if (connection.peerAtEnd) return connection.peerFinish();
    if (!this.busy) this.takeRequest();
  }

  private takeRequest(): void {
    const end = this.input.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = this.input.latin1Slice(0, end + 2);
    const [, method, name, size] = /^(\w+) \/p\/([\w-]+)\?(\d+) HTTP\/1\.[01]\r\n/.exec(head) ?? [];
    const mode = MODES[name ?? ""];
    if (mode === undefined) throw new Error(`the upstream got ${JSON.stringify(head)}`);
    const body = this.bodyAt(head, end + 4);
    if (body === null && !mode.early) return;
    this.busy = true;
    if (body !== null) this.upstream.requests++;
    const isWrong = body !== null && !body.content.equals(pattern(body.content.length, REQUEST_SALT));
    const bytes = isWrong
      ? Buffer.from("HTTP/1.1 418 Corrupt\r\nContent-Length: 0\r\n\r\n")
      : mode.sends(pattern(Number(size), 4), method === "HEAD");
    this.input = body === null ? Buffer.alloc(0) : this.input.subarray(body.end);
    this.sendFrom(bytes, 0, body === null ? "finish" : mode.ends);
  }

  /** The request's body, if it is complete. */
  private bodyAt(head: string, start: number): { content: Buffer; end: number } | null {
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1];
    if (!/\r\ntransfer-encoding: chunked\r\n/i.test(head)) {
      const end = start + Number(length ?? 0);
      return end > this.input.length ? null : { content: this.input.subarray(start, end), end };
    }
    const parts: Buffer[] = [];
    for (let at = start; ; ) {
      const line = this.input.indexOf("\r\n", at);
      if (line < 0) return null;
      const size = Number.parseInt(this.input.latin1Slice(at, line), 16);
      const end = line + 2 + size + 2;
      if (end > this.input.length) return null;
      if (size === 0) return { content: Buffer.concat(parts), end };
      parts.push(this.input.subarray(line + 2, line + 2 + size));
      at = end;
    }
  }

  private sendFrom(bytes: Buffer, from: number, ends: Mode["ends"]): void {
    const { random, kernel } = this.upstream;
    const { connection } = this;
    if (connection!.wasReset) return;
    if (from < bytes.length) {
      const end = random.chance(0.5) ? bytes.length : Math.min(bytes.length, from + random.magnitude(1, 50_000));
      connection!.peerSend(bytes.subarray(from, end));
      return kernel.clock.after(random.fraction() * 30, () => this.sendFrom(bytes, end, ends));
    }
    if (ends === "finish") connection!.peerFinish();
    else if (ends === "reset when read") this.resetWhenRead();
    else if (ends === "reset") kernel.clock.after(random.between(50, 500), () => connection!.peerReset());
    else if (ends !== "hang") this.next();
  }

  /** A reset discards what has not arrived, and a slow server (short recv) would miss a part of the reply. */
  private resetWhenRead(): void {
    const { random, kernel } = this.upstream;
    kernel.clock.after(random.between(50, 500), () => {
      if (this.connection!.peerUnread > 0) this.resetWhenRead();
      else this.connection!.peerReset();
    });
  }

  private next(): void {
    this.busy = false;
    this.notified();
  }
}
