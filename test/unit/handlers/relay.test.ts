/** A relay between a request and a source that does what the test says. */
import { describe, expect, test } from "bun:test";
import { ERRNO } from "../../../ffi/errno.ts";
import { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../../src/exchange/exchange.ts";
import type { StreamBody } from "../../../src/exchange/reply.ts";
import { BodyBuffer } from "../../../src/handlers/relay/body-buffer.ts";
import { RelayLog } from "../../../src/handlers/relay/log.ts";
import { Relay } from "../../../src/handlers/relay/relay.ts";
import type { ReplyHead } from "../../../src/handlers/relay/reply-head.ts";
import { StreamedBody } from "../../../src/handlers/relay/request-body.ts";
import type { ReplySource, SourceEvents } from "../../../src/handlers/relay/source.ts";
import { FakeExchange, FakeServices, location } from "./world.ts";

/** Takes `room` bytes, gives what is in `output`, and remembers what it is asked. */
class FakeSource implements ReplySource {
  events: SourceEvents | null = null;
  readonly calls: string[] = [];
  input = "";
  room = Number.POSITIVE_INFINITY;
  /** Pieces; a number is given as it is. Nothing: -EAGAIN. */
  readonly output: (string | number)[] = [];

  start(events: SourceEvents): void {
    this.events = events;
    this.calls.push("start");
  }

  write(block: Block, offset: number, length: number): number {
    const n = Math.min(this.room, length);
    if (n === 0) return -ERRNO.EAGAIN;
    if (n < 0) return -ERRNO.EPIPE;
    this.input += block.bytes.latin1Slice(offset, offset + n);
    this.room -= n;
    return n;
  }

  endInput(): void {
    if (!this.calls.includes("end of input")) this.calls.push("end of input");
  }

  read(block: Block, offset: number, length: number): number {
    const piece = this.output.shift();
    if (typeof piece === "string") return block.bytes.latin1Write(piece, offset, length);
    if (piece !== undefined) this.output.unshift(piece); // an end is told again and again
    return piece ?? -ERRNO.EAGAIN;
  }

  terminate(): void {
    this.calls.push("terminate");
  }

  leave(): void {
    this.calls.push("leave");
  }

  logErrors(): void {
    this.calls.push("log");
  }

  /** What it was asked since the last look. */
  get asked(): string {
    return this.calls.splice(0).join(", ");
  }
}

/** A head is a line: "bad", or the status. */
class LineHead implements ReplyHead {
  readonly reason = "it is bad";
  readonly contentLength = -1;
  private line = "";

  feed(bytes: Buffer, start: number, end: number): number {
    const lineEnd = bytes.subarray(0, end).indexOf("\n", start);
    this.line += bytes.latin1Slice(start, lineEnd < 0 ? end : lineEnd);
    if (this.line.startsWith("bad")) return -1;
    return lineEnd < 0 ? 0 : lineEnd + 1 - start;
  }

  reply(exchange: Exchange, body: StreamBody): void {
    if (this.line === "throws") throw new Error("planned");
    exchange.reply(Number(this.line), [], body);
  }
}

interface How {
  /** More of a body comes: the source starts when so much is there. */
  readonly most?: number;
  /** The reply is passed on as it comes. */
  readonly raw?: boolean;
}

function world({ most, raw = false }: How = {}) {
  const services = new FakeServices();
  const exchange = new FakeExchange(services, location(), {});
  const crashes: unknown[] = [];
  exchange.crash = (error) => void crashes.push(error);
  const source = new FakeSource();
  const held = new BodyBuffer(services.buffers);
  const body = new StreamedBody(held, most !== undefined, most ?? 0);
  const log = new RelayLog(exchange, services, "the source");
  const relay = new Relay(exchange, services, source, raw ? null : new LineHead(), body, log);
  const block = new Block(4096);
  /** Offers a piece of the body: how much of it was taken. */
  const offer = (text: string): number => {
    block.bytes.latin1Write(text, 3);
    return relay.accept(block, 3, 3 + text.length);
  };
  /** The next of the reply's body: text, or what `read` gives else. */
  const next = (length = 4000): string | number => {
    const n = (exchange.body as StreamBody).read(block, 5, length);
    return n > 0 ? block.bytes.latin1Slice(5, 5 + n) : n;
  };
  const says = (...pieces: (string | number)[]): void => {
    source.output.push(...pieces);
    source.events!.onReadable();
  };
  return { services, exchange, source, relay, offer, next, says, held, crashes };
}

/** One whose source runs and waits for nothing. */
function running(how: How = {}) {
  const all = world(how);
  all.relay.begin();
  all.source.events!.onWritable();
  all.source.calls.length = all.exchange.resumed = 0;
  return all;
}

describe("a source starts", () => {
  test("not before the relay begins", () => {
    const { source, relay, exchange } = world();
    expect([source.asked, exchange.onGone]).toEqual(["", null]);
    relay.begin();
    expect(source.asked).toBe("start");
  });
  test("when a small body is complete, which it then gets at once", () => {
    const { source, relay, offer, held } = world({ most: Number.POSITIVE_INFINITY });
    relay.begin();
    expect([offer("some"), offer(" body")]).toEqual([4, 5]);
    expect(source.asked).toBe("");
    relay.end();
    expect(source.asked).toBe("start");
    source.events!.onWritable();
    expect([source.input, source.asked, held.length]).toEqual(["some body", "end of input", 0]);
  });
  test("when so much of a larger one has come", () => {
    const { source, relay, offer, exchange } = world({ most: 6 });
    relay.begin();
    expect([offer("some"), source.asked]).toEqual([4, ""]);
    expect([offer(" body"), source.asked]).toEqual([2, "start"]);
    expect([offer("dy"), exchange.resumed]).toEqual([0, 0]); // it waits for a place
    source.events!.onWritable();
    expect([source.input, exchange.resumed]).toEqual(["some b", 1]);
    expect([offer("ody"), source.input, source.asked]).toEqual([3, "some body", ""]);
    relay.end();
    expect(source.asked).toBe("end of input");
  });
  test("at once where nothing is read first", () => {
    const { source, relay } = world({ most: 0 });
    relay.begin();
    expect(source.asked).toBe("start");
  });
  test("never for a client that leaves before, and nothing is kept", () => {
    for (const leaves of ["abort", "onGone"] as const) {
      const { source, relay, offer, exchange, held } = world({ most: 100 });
      relay.begin();
      offer("some");
      if (leaves === "abort") relay.abort();
      else exchange.onGone!();
      expect([source.asked, held.length, exchange.onGone, exchange.how]).toEqual(["terminate, leave", 0, null, ""]);
      expect(offer("more")).toBe(4);
    }
  });
});

describe("a body", () => {
  test("waits where the source has no room, and goes on", () => {
    const { source, offer, exchange, relay } = running({ most: 0 });
    source.room = 3;
    expect([offer("abcdef"), relay.waitsForClient]).toEqual([3, false]);
    source.room = 100;
    source.events!.onWritable();
    expect([exchange.resumed > 0, relay.waitsForClient]).toEqual([true, true]);
    expect([offer("def"), source.input]).toEqual([3, "abcdef"]);
  });
  test("held before the start goes first, however little room there is", () => {
    const { source, relay, offer } = world({ most: 6 });
    relay.begin();
    offer("abcdef");
    source.room = 4;
    source.events!.onWritable();
    expect([offer("g"), source.input]).toEqual([0, "abcd"]);
    source.room = 100;
    source.events!.onWritable();
    expect([offer("g"), source.input]).toEqual([1, "abcdefg"]);
  });
  test("is nobody's when the source takes no more", () => {
    const { source, offer } = running({ most: 0 });
    source.room = -1;
    expect(offer("abcdef")).toBe(6);
  });
  test("that is broken off before the reply ends the source", () => {
    const { source, relay } = running({ most: 0 });
    relay.abort();
    expect(source.asked).toBe("terminate, leave");
  });
  test("that is broken off behind the reply's beginning ends at its source", () => {
    const { source, relay, says, services } = running({ most: 0 });
    says("200\n");
    services.turn();
    relay.abort();
    expect(source.asked).toBe("end of input");
  });
});

describe("a reply", () => {
  test("begins when its head is complete, and streams", () => {
    const { source, exchange, says, next } = running();
    says("20");
    expect(exchange.how).toBe("");
    says("1\nfirst");
    expect([exchange.how, exchange.status, (exchange.body as StreamBody).length]).toEqual(["reply", 201, -1]);
    expect([next(3), next(), next()]).toEqual(["fir", "st", -ERRNO.EAGAIN]);
    says("second", 0);
    expect([exchange.resumed, next(), next()]).toEqual([1, "second", 0]);
    expect(source.asked).toBe("leave"); // it is free before the client has everything
    (exchange.body as StreamBody).close();
    expect([source.asked, exchange.onGone]).toEqual(["", null]);
  });
  test("waits a turn for what has come of the body", () => {
    const { exchange, says, services } = running({ most: 0 });
    says("200\n");
    expect([exchange.how, exchange.resumed]).toEqual(["", 1]);
    services.turn();
    expect(exchange.how).toBe("reply");
  });
  test("without a head is passed on as it is", () => {
    const { exchange, says, next } = running({ raw: true });
    says("HTTP/1.1 200 OK\r\n");
    expect([exchange.how, next()]).toEqual(["raw", "HTTP/1.1 200 OK\r\n"]);
  });
  test("that breaks off is cut off", () => {
    const { says, next } = running();
    says("200\nsome", -ERRNO.ECONNRESET);
    expect([next(), next(), next()]).toEqual(["some", -ERRNO.ECONNRESET, -ERRNO.ECONNRESET]);
  });
  test("whose source fails within it is cut off, and the log says why", () => {
    const { exchange, source, says, next } = running();
    says("200\nsome");
    source.events!.onFailed(504, "made no progress");
    expect([next(), next(), exchange.resumed, exchange.status]).toEqual(["some", -ERRNO.EIO, 1, 200]);
    expect(exchange.logged).toEqual(["error: the source: made no progress"]);
  });
});

describe("instead of a reply", () => {
  const table: [why: string, output: (string | number)[], reason: string][] = [
    ["an end before the head", ["20", 0], "ended before its header block did"],
    ["a source that breaks off", [-ERRNO.ECONNRESET], "ended before its header block did"],
    ["an error", [-ERRNO.EIO], "could not be read (EIO)"],
    ["a bad head", ["bad\n"], "gave a bad header block: it is bad"],
  ];
  test.each(table)("%s is 502", (_, output, reason) => {
    const { exchange, source, says } = running();
    says(...output);
    expect([exchange.how, exchange.status, source.asked]).toEqual(["fail", 502, "log, leave"]);
    expect(exchange.logged[0]).toStartWith(`error: the source ${reason.replace(/\(.*/, "")}`);
    expect(exchange.onGone).toBe(null);
  });
  test("a source that cannot start gives its own status and fields", () => {
    const { exchange, relay, source } = world();
    source.start = (events) => events.onFailed(503, "found no place", [["Retry-After", "5"]]);
    relay.begin();
    expect([exchange.status, exchange.field("retry-after")]).toEqual([503, "5"]);
  });
  test("a reply that throws costs its request alone", () => {
    const { says, crashes } = running();
    says("throws\n");
    expect(String(crashes[0])).toContain("planned");
  });
});

test("when the client leaves the source is ended, and whatever it still says is nobody's", () => {
  const { exchange, source, says, services } = running();
  says("200\nsome");
  exchange.onGone!();
  expect(source.asked).toBe("terminate, leave");
  says("more");
  source.events!.onWritable();
  source.events!.onFailed(504, "made no progress");
  expect([exchange.resumed, exchange.logged, services.logged.length]).toEqual([0, [], 0]);
});
