/**
 * Checks the bytes that a client receives against the expected replies. It parses them one by one as they arrive, with its own
 * parser. At any time the received bytes must be a prefix of correct replies in order.
 */
import { ChunkedFraming, type Framing, LengthFraming } from "./framing.ts";
import type { Expected, Request } from "./site.ts";

/** Thrown for a reply, or a part of one, that a correct server never sends. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** Replies that a run allows besides the expected ones. */
export interface Tolerance {
  /** Statuses that may come instead: 408 for slow clients, 500 and 503 if faults cause them. */
  readonly statuses: ReadonlySet<number>;
  /** Any reply may end the connection, because of a limit of requests or a stop. */
  readonly closing: boolean;
}

export class Replies {
  /** Replies received completely. */
  complete = 0;
  /** Bytes received. */
  received = 0;
  /** Bytes the client has handed to the network. */
  sent = 0;
  /** The number of bytes sent by which time, in order. */
  private readonly sendings: { readonly end: number; readonly at: number }[] = [];
  /** The statuses of the replies so far, without interim ones. */
  readonly statuses: number[] = [];
  /** The fields of the last reply, by lower-case name. */
  lastFields: ReadonlyMap<string, string> = new Map();
  /** The last reply had `Connection: close`; nothing may follow it. Its body may be incomplete. */
  closing = false;
  /** A 100 (Continue) was received. */
  continued = false;
  private head = "";
  /** When the first byte of the reply arrived. Its Date must not be later. */
  private begunAt = 0;
  /** Framing of the current body; null while a head is read. */
  private framing: Framing | null = null;
  /** Offset of the next request to be answered, in the bytes the client sends. */
  private requestStart = 0;
  private body: Buffer | undefined;
  private bodyAt = 0;

  /** @param requests the client's requests in order; more may be added later */
  constructor(
    private readonly requests: readonly Request[],
    private readonly tolerance: Tolerance,
    /** Ms since 1970; NaN: the scenario changes the clock, so dates are not checked. */
    private readonly now: () => number,
  ) {}

  /** Records that the client has sent `count` more bytes. */
  sends(count: number): void {
    this.sent += count;
    this.sendings.push({ end: this.sent, at: this.now() });
  }

  /** Parses received bytes. Throws a Violation. */
  feed(bytes: Buffer): void {
    this.received += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      at = this.framing ? this.feedBody(this.framing, bytes, at) : this.feedHead(bytes, at);
    }
  }

  /** Called at the end of the connection, which also ends a body without a length. */
  end(): void {
    if (this.framing instanceof LengthFraming && this.framing.endsWithConnection) this.replyComplete();
  }

  /** Whether a reply has begun but is not complete. */
  get inside(): boolean {
    return this.framing !== null || this.head !== "";
  }

  /** A complete reply had `Connection: close`: no other follows. */
  get closed(): boolean {
    return this.closing && !this.inside;
  }

  private feedHead(bytes: Buffer, at: number): number {
    if (this.head === "") this.begunAt = this.now();
    if (this.closing) this.violated("bytes after a reply that said Connection: close");
    const end = bytes.indexOf("\n", at) + 1 || bytes.length;
    this.head += bytes.latin1Slice(at, end);
    if (!"HTTP/1.1 ".startsWith(this.head.slice(0, 9))) this.violated("not a reply");
    if (this.head.endsWith("\r\n\r\n")) this.headComplete();
    return end;
  }

  private headComplete(): void {
    const [statusLine = "", ...lines] = this.head.slice(0, -4).split("\r\n");
    const status = Number(
      /^HTTP\/1\.1 ([1-5]\d\d) [ -~]*$/.exec(statusLine)?.[1] ?? this.violated("a bad status line"),
    );
    const request = this.requests[this.complete];
    if (!request || this.sent <= this.requestStart) this.violated("a reply to no request");
    if (status === 100) {
      if (!request.continues) this.violated("100 without Expect");
      this.continued = true;
      this.head = "";
      return;
    }
    this.checkHead(request, status, this.fields(lines));
  }

  private fields(lines: string[]): Map<string, string> {
    const fields = new Map<string, string>();
    for (const line of lines) {
      const [, name, value] =
        /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([ -~\x80-\xff]*)$/.exec(line) ?? this.violated(`field ${line}`);
      if (fields.has(name!.toLowerCase())) this.violated(`two fields ${name}`);
      fields.set(name!.toLowerCase(), value!);
    }
    return fields;
  }

  private checkHead(request: Request, status: number, fields: Map<string, string>): void {
    const { expected } = request;
    const asExpected = status === expected.status;
    if (!asExpected && !expected.or?.includes(status) && !this.tolerance.statuses.has(status))
      this.violated(`status ${status}, expected ${expected.status}`);
    if (asExpected && !request.early && this.sent < this.requestStart + request.bytes.length)
      this.violated("a reply before its request");
    this.checkDate(fields.get("date") ?? this.violated("no Date"));
    if (!fields.has("server")) this.violated("no Server");
    for (const [name, value] of Object.entries((asExpected && expected.fields) || {})) {
      const actual = fields.get(name);
      if (actual === undefined || (value !== "*" && actual !== value))
        this.violated(`${name}: ${actual}, expected ${value}`);
    }
    this.checkClosing(expected, asExpected, fields.get("connection"));
    this.statuses.push(status);
    this.lastFields = fields;
    this.frame(request, status, asExpected, fields);
    this.head = "";
  }

  private checkDate(date: string): void {
    const seconds = Date.parse(date) / 1000;
    if (new Date(seconds * 1000).toUTCString() !== date) this.violated(`Date: ${date}`);
    const asked = this.sendings.find(({ end }) => end > this.requestStart)!.at;
    const isWrong = seconds * 1000 > this.begunAt || seconds < Math.floor(asked / 1000);
    if (isWrong) this.violated(`Date: ${date}, asked at ${new Date(asked).toUTCString()}`);
  }

  private checkClosing(expected: Expected, asExpected: boolean, connection = ""): void {
    this.closing = connection.toLowerCase() === "close";
    if (!asExpected || expected.closes === "perhaps") return;
    if (expected.closes && !this.closing) this.violated("the reply does not say Connection: close");
    if (!expected.closes && this.closing && !expected.streamed && !this.tolerance.closing)
      this.violated("Connection: close without a reason");
  }

  private frame(request: Request, status: number, asExpected: boolean, fields: Map<string, string>): void {
    const length = fields.get("content-length");
    const chunked = fields.get("transfer-encoding") === "chunked";
    const { bodies = [] } = asExpected ? request.expected : {};
    const streamed = asExpected ? request.expected.streamed === true : request.expected.or?.includes(status) === true;
    const body = asExpected
      ? (request.expected.body ?? bodies.find((one) => one.length === Number(length)))
      : undefined;
    if (bodies.length > 0 && body === undefined) this.violated(`Content-Length: ${length} of no version`);
    this.body = body;
    this.bodyAt = 0;
    if (length !== undefined && (chunked || !/^\d+$/.test(length))) this.violated(`Content-Length: ${length}`);
    if (body && length !== undefined && status !== 304 && Number(length) !== body.length) {
      this.violated(`Content-Length: ${length}, expected ${body.length}`);
    }
    if (request.method === "HEAD" || status === 204 || status === 304) return this.replyComplete();
    if (length === undefined && !streamed) this.violated("no Content-Length where the length is known");
    if (length === undefined && !chunked && !this.closing) this.violated("no length, and no end either");
    this.framing = chunked ? new ChunkedFraming() : new LengthFraming(Number(length ?? Number.POSITIVE_INFINITY));
    if (this.framing.done) this.replyComplete();
  }

  private feedBody(framing: Framing, bytes: Buffer, at: number): number {
    const end = framing.feed(bytes, at, (from, to) => this.checkBody(bytes, from, to));
    if (framing.done) this.replyComplete();
    return end;
  }

  private checkBody(bytes: Buffer, start: number, end: number): void {
    const to = this.bodyAt + end - start;
    if (this.body && (to > this.body.length || bytes.compare(this.body, this.bodyAt, to, start, end) !== 0)) {
      this.violated(`wrong bytes between ${this.bodyAt} and ${to} of the body`);
    }
    this.bodyAt = to;
  }

  private replyComplete(): void {
    const length = this.body?.length ?? this.bodyAt;
    if (this.framing instanceof ChunkedFraming && this.bodyAt < length)
      this.violated(`the body ends after ${this.bodyAt} of ${length} bytes`);
    this.framing = null;
    this.requestStart += this.requests[this.complete++]!.bytes.length;
  }

  private violated(what: string): never {
    const request = this.requests[this.complete];
    const line = request ? request.bytes.latin1Slice(0, request.bytes.indexOf("\r\n")) : "none";
    throw new Violation(
      `${what} (reply ${this.complete + 1}, request ${line}; head so far ${JSON.stringify(this.head)})`,
    );
  }
}
