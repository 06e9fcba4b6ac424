/** Replies on their way from a source to a client that take turns at being slow, over seeds: whole, in order, bounded, and nothing is left. */
import { afterAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { linux } from "../../../ffi/linux.ts";
import { Block } from "../../../ffi/memory.ts";
import { ChunkedBody } from "../../../src/connection/bodies/chunked-body.ts";
import { Outbox } from "../../../src/connection/outbox.ts";
import { Output, PUMP_DRAINED, PUMP_INCOMPLETE } from "../../../src/connection/output.ts";
import type { Exchange } from "../../../src/exchange/exchange.ts";
import type { StreamBody } from "../../../src/exchange/reply.ts";
import { BodyBuffer } from "../../../src/handlers/relay/body-buffer.ts";
import { RelayLog } from "../../../src/handlers/relay/log.ts";
import { Relay } from "../../../src/handlers/relay/relay.ts";
import type { RelayedBody, RelaySettings, ReplyHead } from "../../../src/handlers/relay/reply-head.ts";
import { StreamedBody } from "../../../src/handlers/relay/request-body.ts";
import type { ReplySource, SourceEvents } from "../../../src/handlers/relay/source.ts";
import type { ReplyWatcher } from "../../../src/handlers/relay/watcher.ts";
import { BufferPool } from "../../../src/network/buffers.ts";
import { Random } from "../../simulation/random.ts";
import { TestTransport } from "../connection/transport.ts";
import { FakeExchange, FakeServices, location, Site } from "./world.ts";

const site = new Site({ tmp: null });
afterAll(() => site.remove());

/** Gives `bytes` as far as they have come, then its end. */
class Giver implements ReplySource {
  events!: SourceEvents;
  /** Bytes that have come, and those that were read. */
  come = 0;
  at = 0;
  leaves = 0;
  terminated = false;

  constructor(
    private readonly bytes: Buffer,
    /** What comes after the last byte: 0, or -errno. */
    readonly end: number,
  ) {}

  start(events: SourceEvents): void {
    this.events = events;
    events.onWritable();
  }

  write = (_block: Block, _offset: number, length: number): number => length;
  endInput(): void {}

  read(block: Block, offset: number, length: number): number {
    if (this.leaves > 0) throw new Error("read after it was left");
    const n = Math.min(length, this.come - this.at);
    if (n === 0) return this.come > this.bytes.length ? this.end : -ERRNO.EAGAIN;
    const most = Math.min(n, this.bytes.length - this.at);
    if (most === 0) return this.end;
    this.bytes.copy(block.bytes, offset, this.at, this.at + most);
    this.at += most;
    return most;
  }

  terminate(): void {
    this.terminated = true;
  }

  leave(): void {
    this.leaves++;
  }

  /** More has come. */
  gives(length: number): void {
    this.come = Math.min(this.bytes.length + 1, this.come + length);
    if (this.leaves === 0) this.events.onReadable();
  }
}

/** One byte is the head. */
class OneByte implements ReplyHead {
  readonly reason = "";
  watcher: ReplyWatcher | null = null;
  constructor(readonly contentLength: number) {}

  feed(): number {
    return 1;
  }

  reply(exchange: Exchange, body: RelayedBody): void {
    if (this.watcher !== null) body.watch(this.watcher);
    exchange.reply(200, [], body);
  }
}

/** Takes bytes of files as they are. */
class FileTransport extends TestTransport {
  override sendFile(file: number, position: number, length: number): number {
    const block = new Block(length);
    const n = linux.read(file, block, 0, length, position);
    return n <= 0 ? n : this.send(block, 0, n);
  }
}

interface How {
  readonly length: number;
  readonly announced?: boolean;
  /** Bytes that come beyond the announced length. */
  readonly excess?: number;
  readonly end?: number;
  readonly settings?: Partial<RelaySettings>;
  readonly calls?: Partial<Kernel>;
}

function world({ length, announced = true, excess = 0, end = 0, settings, calls = {} }: How) {
  const services = new FakeServices();
  Object.assign(services.kernel, calls);
  const taken = { now: 0, most: 0 };
  const { buffers } = services;
  const [take, release] = [buffers.take.bind(buffers), buffers.release.bind(buffers)];
  buffers.take = (size) => {
    const block = take(size);
    taken.now += block.bytes.length;
    taken.most = Math.max(taken.most, taken.now);
    return block;
  };
  buffers.release = (block) => {
    taken.now -= block.bytes.length;
    release(block);
  };
  const bytes = Buffer.alloc(1 + length + excess);
  for (let i = 0; i < bytes.length; i++) bytes[i] = i * 7 + (i >> 8);
  const source = new Giver(bytes, end);
  const exchange = new FakeExchange(services, location(), {});
  const head = new OneByte(announced ? length : -1);
  const relayed: RelaySettings = {
    buffering: true,
    bufferSize: 4096,
    limitRate: 0,
    ignoreClientAbort: false,
    buffers: { count: 4, size: 8192 },
    maxTempFileSize: 1 << 30,
    tempPath: site.path("tmp"),
    ...settings,
  };
  const body = new StreamedBody(new BodyBuffer(buffers), false, 0);
  const relay = new Relay(exchange, services, source, head, body, new RelayLog(exchange, services, "it"), relayed);
  const transport = new FileTransport();
  const output = new Output(transport, new Outbox(), new BufferPool(), { onOutputStuck() {} });
  let outcome = -1;
  /** Sends what the client takes; true: the reply has ended. */
  const pump = (): boolean => {
    if (exchange.how !== "reply" || outcome >= 0) return outcome >= 0;
    const stream = exchange.body as StreamBody;
    if (!sending) {
      sending = true;
      if (announced) output.writeBody(stream);
      else output.send(new ChunkedBody(stream));
    }
    const result = output.pump();
    if (result !== PUMP_DRAINED && result !== PUMP_INCOMPLETE) return false;
    outcome = result;
    output.drop();
    return true;
  };
  let sending = false;
  const pass = (ms: number): void => {
    Object.assign(services.reactor, { now: services.reactor.now + ms });
    services.reactor.timers.fire(services.reactor.now);
  };
  /** What the client got of the body. */
  const got = (): Buffer => {
    const sent = Buffer.from(transport.sent, "latin1");
    return announced ? sent : decoded(sent);
  };
  const whole = bytes.subarray(1, 1 + length);
  relay.begin();
  return {
    services,
    source,
    exchange,
    head,
    transport,
    output,
    pump,
    pass,
    got,
    whole,
    taken,
    relay,
    outcome: () => outcome,
  };
}

/** The chunks' data as far as they came; throws if the framing is wrong. */
function decoded(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const line = bytes.toString("latin1", at, lineEnd);
    if (!/^[0-9a-f]+$/.test(line)) throw new Error(`not a chunk size: ${line.slice(0, 20)}`);
    const size = Number.parseInt(line, 16);
    pieces.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    const end = lineEnd + 2 + size;
    if (end < bytes.length && bytes.toString("latin1", end, end + 2) !== "\r\n") throw new Error("no end of a chunk");
    at = end + 2;
  }
  return Buffer.concat(pieces);
}

const SEEDS = 150;

function anyWorld(random: Random) {
  const isFailing = random.chance(0.3);
  const failures = { open: random.chance(0.3), write: random.chance(0.7) };
  const calls: Partial<Kernel> = isFailing
    ? {
        ...(failures.open ? { open: () => -random.pick([ERRNO.ENOSPC, ERRNO.EMFILE, ERRNO.ENOENT]) } : {}),
        ...(failures.write
          ? {
              write: (fd, block, offset, length) =>
                random.chance(0.1) ? -ERRNO.ENOSPC : linux.write(fd, block, offset, random.between(1, length)),
            }
          : {}),
      }
    : {};
  const limits = [0, 10_000, 100_000, 1 << 30] as const;
  return world({
    length: random.chance(0.3) ? random.magnitude(1, 10_000) : random.between(50_000, 400_000),
    announced: random.chance(0.5),
    end: random.chance(0.2) ? -ERRNO.ECONNRESET : 0,
    settings: {
      buffering: random.chance(0.8),
      maxTempFileSize: random.pick(limits),
      buffers: { count: random.between(1, 8), size: random.pick([1024, 4096, 8192]) },
      limitRate: random.chance(0.1) ? 200_000 : 0,
    },
    calls,
  });
}

test("whatever comes when, the client gets the reply or a beginning of it, and nothing is left", () => {
  const outcomes = new Set<number>();
  let [files, failures] = [0, 0];
  for (let seed = 0; seed < SEEDS; seed++) {
    const random = new Random(seed);
    const it = anyWorld(random);
    const { source, transport } = it;
    const [fast, eager] = [random.magnitude(1000, 500_000), random.magnitude(1000, 200_000)];
    for (let step = 0; !it.pump() && step < 20_000; step++) {
      switch (random.between(0, 4)) {
        case 0:
          source.gives(random.magnitude(1, fast));
          break;
        case 1:
          transport.drain(random.magnitude(1, eager));
          break;
        case 2:
          transport.drain(0);
          break;
        case 3:
          it.pass(random.magnitude(1, 100));
          break;
        default:
          it.services.turn();
      }
    }
    const got = it.got();
    const where = `seed ${seed}`;
    const outcome = it.outcome();
    outcomes.add(outcome);
    if (it.services.watched.opens > 0) files++;
    if (it.exchange.logged.some((line) => line.startsWith("crit"))) failures++;
    expect([where, got.equals(it.whole.subarray(0, got.length))]).toEqual([where, true]);
    const isWhole = got.length === it.whole.length;
    if (outcome === PUMP_DRAINED) expect([where, isWhole]).toEqual([where, true]);
    else expect([where, outcome, source.end]).toEqual([where, PUMP_INCOMPLETE, -ERRNO.ECONNRESET]);
    expect([where, source.leaves, it.taken.now, it.services.watched.open.size]).toEqual([where, 1, 0, 0]);
    expect([where, it.taken.most <= 8 * 8192 + 3 * 64 * 1024]).toEqual([where, true]);
  }
  expect([...outcomes].sort()).toEqual([PUMP_DRAINED, PUMP_INCOMPLETE]);
  expect([files > SEEDS / 10, failures > SEEDS / 30]).toEqual([true, true]);
  expect(readdirSync(site.path("tmp"))).toEqual([]);
});

describe("a client that takes nothing", () => {
  /** The reply has begun, and the client takes nothing. */
  function stuck(how: Partial<How> = {}) {
    const it = world({ length: 300_000, ...how });
    it.source.gives(1);
    it.transport.drain(0);
    it.pump();
    it.source.gives(1_000_000);
    it.pump();
    const turns = (): void => {
      while (it.services.turn());
    };
    turns();
    return { ...it, turns };
  }

  test("for a moment costs no file", () => {
    const { services, source, pump, transport } = stuck();
    expect([services.watched.opens, source.leaves]).toEqual([0, 0]);
    transport.drain();
    expect(pump()).toBe(true);
    expect([services.watched.opens, source.leaves]).toEqual([0, 1]);
  });
  test("for longer gets its reply from a file, and the source is free", () => {
    const { services, source, pass, turns, transport, pump, got, whole } = stuck();
    pass(20);
    turns();
    expect([source.at, source.leaves, services.watched.opens]).toEqual([300_001, 1, 2]);
    transport.drain();
    expect([pump(), got().equals(whole)]).toEqual([true, true]);
  });
  test("makes the source wait where there is no file, or buffering is off", () => {
    for (const settings of [{ maxTempFileSize: 0 }, { buffering: false }]) {
      const { services, source, pass, turns, transport, pump, got, whole } = stuck({ settings });
      pass(5000);
      turns();
      expect([source.at < 150_000, source.leaves, services.watched.opens]).toEqual([true, 0, 0]);
      transport.drain();
      expect([pump(), got().equals(whole)]).toEqual([true, true]);
    }
  });
  test("and leaves, leaves nothing", () => {
    const { services, source, exchange, pass, turns, output, taken } = stuck();
    pass(20);
    exchange.onGone!();
    output.drop();
    turns();
    expect([source.terminated, source.leaves, services.watched.open.size, taken.now]).toEqual([true, 1, 0, 0]);
  });
});

describe("a reply that someone watches", () => {
  function watched(wantsAll: () => boolean) {
    const it = world({ length: 200_000 });
    const seen: Buffer[] = [];
    const ends: boolean[] = [];
    it.head.watcher = {
      get wantsAll() {
        return wantsAll();
      },
      onBody: (block, start, end) => void seen.push(Buffer.from(block.bytes.subarray(start, end))),
      onEnd: (whole) => void ends.push(whole),
    };
    it.source.gives(50_000);
    it.pump();
    return { ...it, seen: () => Buffer.concat(seen), ends };
  }

  test("is shown whole, whatever the client does", () => {
    for (const leaves of [false, true]) {
      const it = watched(() => true);
      if (leaves) it.exchange.onGone!();
      if (leaves) it.output.drop();
      it.source.gives(500_000);
      it.pump();
      while (it.services.turn());
      expect([it.seen().equals(it.whole), it.ends, it.source.leaves]).toEqual([true, [true], 1]);
      expect(it.source.terminated).toBe(false);
    }
  });
  test.each([1, 3, 1000])(
    "is cut at its announced length when the client has left, where %d bytes come at once",
    (piece) => {
      const it = world({ length: 5, excess: 500 });
      const seen: Buffer[] = [];
      const onBody = (block: Block, start: number, end: number) =>
        void seen.push(Buffer.from(block.bytes.subarray(start, end)));
      it.head.watcher = { wantsAll: true, onBody, onEnd: () => {} };
      it.source.gives(1); // the head
      it.exchange.onGone!(); // who is there reads no more than is announced
      for (let i = 0; i < 10; i++) it.source.gives(piece);
      while (it.services.turn());
      expect(Buffer.concat(seen)).toEqual(it.whole);
    },
  );

  test("that came with its head is cut at its announced length", () => {
    const it = world({ length: 5, excess: 500 });
    it.source.gives(1000);
    expect((it.exchange.body as RelayedBody).whole()).toEqual(it.whole);
  });

  test("ends for its watcher with the client, if that does not want all", () => {
    const it = watched(() => false);
    it.exchange.onGone!();
    expect([it.ends, it.source.terminated, it.source.leaves]).toEqual([[false], true, 1]);
  });
  test("is read no further without its client when its watcher has given up", () => {
    let wantsAll = true;
    const it = watched(() => wantsAll);
    it.exchange.onGone!();
    it.output.drop();
    it.source.gives(10_000);
    const leaves = it.source.leaves;
    wantsAll = false; // the disk is full
    it.source.gives(10_000);
    while (it.services.turn());
    expect([leaves, it.source.leaves, it.source.at < 80_000, it.ends]).toEqual([0, 1, true, [false]]);
  });
});

describe("ignoring that the client has left", () => {
  test.each([0, 1, 1000])("after %d bytes, the source gives its reply to its end", (before) => {
    const it = world({ length: 100_000, settings: { ignoreClientAbort: true } });
    it.source.gives(before);
    it.pump();
    it.exchange.onGone!();
    it.output.drop();
    it.source.gives(50_000);
    expect([it.source.leaves, it.source.terminated]).toEqual([0, false]);
    it.source.gives(100_000);
    while (it.services.turn());
    expect([it.source.at, it.source.leaves, it.source.terminated, it.taken.now]).toEqual([100_001, 1, false, 0]);
  });
  test("until it fails", () => {
    for (const before of [0, 1000]) {
      const it = world({ length: 100_000, settings: { ignoreClientAbort: true } });
      it.source.gives(before);
      it.exchange.onGone!();
      it.source.events.onFailed(504, "was slow");
      while (it.services.turn());
      expect([it.source.leaves, it.taken.now]).toEqual([1, 0]);
    }
  });
});

test("a head that is too long is refused", () => {
  const services = new FakeServices();
  const exchange = new FakeExchange(services, location(), {});
  const source = new Giver(Buffer.alloc(10_000, "x"), 0);
  const head: ReplyHead = { reason: "", contentLength: -1, feed: () => 0, reply() {} };
  const settings = { buffering: true, bufferSize: 4096, limitRate: 0, ignoreClientAbort: false } as RelaySettings;
  const body = new StreamedBody(new BodyBuffer(services.buffers), false, 0);
  new Relay(exchange, services, source, head, body, new RelayLog(exchange, services, "upstream"), settings).begin();
  source.gives(4096);
  expect(exchange.how).toBe("");
  source.gives(1);
  expect([exchange.how, exchange.status]).toEqual(["fail", 502]);
  expect(exchange.logged[0]).toContain("upstream sent too big header while reading response header from upstream");
});
