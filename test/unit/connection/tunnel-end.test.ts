/** A tunnel after 101: bytes both ways between a client's connection and the far end, whatever each side takes, until both have ended. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ERRNO } from "../../../ffi/errno.ts";
import { Block } from "../../../ffi/memory.ts";
import { Input } from "../../../src/connection/input.ts";
import { Outbox } from "../../../src/connection/outbox.ts";
import { Output } from "../../../src/connection/output.ts";
import { TUNNEL_BUSY, TUNNEL_OVER, TunnelEnd } from "../../../src/connection/tunnel-end.ts";
import type { Exchange } from "../../../src/exchange/exchange.ts";
import { AttemptRecord } from "../../../src/exchange/upstream.ts";
import { FarEnd } from "../../../src/handlers/gateway/far-end.ts";
import { BufferPool } from "../../../src/network/buffers.ts";
import type { Reactor } from "../../../src/network/reactor.ts";
import { Timers } from "../../../src/network/timers.ts";
import { TestTransport } from "./transport.ts";

const IDLE = 60_000;
/** Result of `step`: neither of the others. */
const TUNNEL_WAITS = 0;

/** A tunnel between a client and a server that send these pieces; "" ends a side. */
function tunnel(fromClient: string[], fromServer: string[], rest: string | null = null) {
  const client = new TestTransport(fromClient);
  const server = new TestTransport(fromServer);
  const pool = new BufferPool();
  const outbox = new Outbox();
  const output = new Output(client, outbox, pool, { onOutputStuck() {} });
  const input = new Input(client, pool, new Block(128 * 1024));
  const logged: string[] = [];
  const record = new AttemptRecord("server", 0);
  let ends = 0;
  let resumes = 0;
  const exchange = {
    resume: () => resumes++,
    log: (_: string, text: string) => logged.push(text),
  } as unknown as Exchange;
  const reactor = { now: 1000, timers: new Timers() } as unknown as Reactor;
  const attempt = { record, tunnelEnded: () => ends++ };
  const line = {
    transport: server,
    attempt,
    idleTimeout: IDLE,
    url: "",
    rest: rest === null ? null : Buffer.from(rest),
  };
  const far = new FarEnd(exchange, reactor, line);
  const end = new TunnelEnd(client, input, output, far);
  output.writeText("101|");
  end.begin();
  return {
    client,
    server,
    far,
    logged,
    record,
    ends: () => ends,
    input,
    resumes: () => resumes,
    step: () => {
      const outcome = end.move();
      input.leaveInbox();
      return outcome;
    },
    pass: (ms: number) => {
      (reactor as { now: number }).now += ms;
      reactor.timers.fire(reactor.now);
    },
  };
}

describe("bytes", () => {
  test("go both ways, and what came behind the 101 comes first", () => {
    const { step, client, server } = tunnel(["ping", "pong"], ["hello"], "early ");
    expect(step()).toBe(TUNNEL_WAITS);
    expect([client.sent, server.sent]).toEqual(["101|early hello", "pingpong"]);
  });
  test("wait for a server without room: no more is received than once", () => {
    const { step, server, client, input } = tunnel(["a".repeat(100), "b".repeat(100)], []);
    server.room = 30;
    expect(step()).toBe(TUNNEL_WAITS);
    expect([server.sent.length, input.end - input.start]).toEqual([30, 70]);
    server.drain();
    step();
    expect(server.sent).toBe("a".repeat(100) + "b".repeat(100));
    expect(input.isEmpty && client.readable).toBe(false);
  });
  test("wait for a client without room: the server is not read on", () => {
    const { step, client, server } = tunnel([], ["x".repeat(50_000), "y".repeat(50_000)]);
    client.room = 10;
    step();
    const unread = server.readable;
    client.drain();
    while (step() === TUNNEL_BUSY);
    expect([unread, client.sent]).toEqual([true, `101|${"x".repeat(50_000)}${"y".repeat(50_000)}`]);
  });
  test("a side that sends without end has its share of a turn", () => {
    const { step } = tunnel(
      Array.from({ length: 100 }, () => "x"),
      [],
    );
    expect(step()).toBe(TUNNEL_BUSY);
  });
});

describe("the end", () => {
  test("of the client: the server is told, and can go on", () => {
    const { step, client, server } = tunnel(["bye", ""], ["first"]);
    expect([step(), server.sent, server.shuts, client.shuts]).toEqual([TUNNEL_WAITS, "bye", 1, 0]);
    (server as unknown as { arriving: string[] }).arriving.push("last", "");
    server.readable = true;
    expect([step(), client.sent, client.shuts]).toEqual([TUNNEL_OVER, "101|firstlast", 1]);
  });
  test("of the client, while the server has no room: only then it is told", () => {
    const { step, server } = tunnel(["abc", ""], []);
    server.room = 1;
    step();
    const before = server.shuts;
    server.drain();
    step();
    expect([before, server.sent, server.shuts]).toEqual([0, "abc", 1]);
  });
  test("of the server: the client is told, and can go on", () => {
    const { step, client, server } = tunnel([], ["bye", ""]);
    expect([step(), client.sent, client.shuts]).toEqual([TUNNEL_WAITS, "101|bye", 1]);
    (client as unknown as { arriving: string[] }).arriving.push("last", "");
    client.readable = true;
    expect([step(), server.sent]).toEqual([TUNNEL_OVER, "last"]);
  });
  test("of the server, while the client has no room: only then it is told", () => {
    const { step, client } = tunnel([], ["abcdef", ""]);
    client.room = 5;
    step();
    expect([client.sent, client.shuts]).toEqual(["101|a", 0]);
    client.drain();
    step();
    expect([client.sent, client.shuts]).toEqual(["101|abcdef", 1]);
  });
  test("by a reset of the server is told in the log", () => {
    const { step, server, logged } = tunnel([], []);
    server.readable = true;
    server.receive = () => {
      server.lost = true;
      return -ERRNO.ECONNRESET;
    };
    expect(step()).toBe(TUNNEL_OVER);
    expect(logged).toEqual(["recv() failed (104: Connection reset by peer) while proxying upgraded connection"]);
  });
  test("by a reset of the client", () => {
    const { step, client } = tunnel([], []);
    client.lose();
    expect(step()).toBe(TUNNEL_OVER);
  });
  test("after no byte from the client for too long, when the server has ended", () => {
    const { step, pass, resumes, client } = tunnel(["a"], [""]);
    expect([step(), client.shuts]).toEqual([TUNNEL_WAITS, 1]);
    pass(IDLE);
    expect([step(), resumes()]).toEqual([TUNNEL_OVER, 1]);
  });
  test("by a reset of the server, when it had ended its side before", () => {
    const { step, server, client } = tunnel([], [""]);
    expect(step()).toBe(TUNNEL_WAITS);
    server.lose();
    arrive(client, ["a"]);
    expect(step()).toBe(TUNNEL_OVER);
  });
  test("by a client that has ended and then is gone altogether", () => {
    const { step, client } = tunnel([""], []);
    expect(step()).toBe(TUNNEL_WAITS);
    client.broken = true;
    expect(step()).toBe(TUNNEL_OVER);
  });
  test("after no byte in either direction for too long", () => {
    const { step, pass, logged, resumes, client, far, record, ends } = tunnel(["a"], []);
    step();
    pass(IDLE - 1);
    (client as unknown as { arriving: string[] }).arriving.push("b");
    client.readable = true;
    step();
    pass(IDLE - 1);
    expect([step(), resumes()]).toEqual([TUNNEL_WAITS, 0]);
    pass(1);
    expect([step(), resumes()]).toEqual([TUNNEL_OVER, 1]);
    expect(logged).toEqual(["upstream timed out (110: Connection timed out) while proxying upgraded connection"]);
    far.close();
    expect([record.bytesSent, record.bytesReceived, record.responseTime, ends()]).toEqual([
      2,
      0,
      1000 + 2 * IDLE - 1,
      1,
    ]);
  });
});

/** More arrives; "" ends the side. */
function arrive(transport: TestTransport, pieces: string[]): void {
  (transport as unknown as { arriving: string[] }).arriving.push(...pieces);
  transport.readable = true;
}

test("whatever comes when, and however little either side takes: all bytes arrive in order, then the ends", () => {
  const text = fc.string({ minLength: 1, maxLength: 300, unit: "binary-ascii" });
  const event = fc.oneof(
    fc.record({ from: fc.constantFrom("client", "server"), pieces: fc.array(text, { minLength: 1, maxLength: 20 }) }),
    fc.record({ room: fc.constantFrom("client", "server"), bytes: fc.nat(500) }),
  );
  const property = fc.property(fc.array(event, { maxLength: 40 }), fc.boolean(), (events, clientFirst) => {
    const { step, client, server } = tunnel([], []);
    const sent = { client: "", server: "" };
    const sides = { client, server };
    for (const each of events) {
      if ("room" in each) {
        if (each.bytes === 0) sides[each.room].room = 0;
        else sides[each.room].drain(each.bytes);
      } else {
        sent[each.from] += each.pieces.join("");
        arrive(sides[each.from], [...each.pieces]);
      }
      expect(step()).not.toBe(TUNNEL_OVER);
      expect(`101|${sent.server}`).toStartWith(client.sent);
      expect(sent.client).toStartWith(server.sent);
    }
    const order = clientFirst ? [client, server] : [server, client];
    let outcome = TUNNEL_WAITS;
    for (const side of order) {
      expect(outcome).not.toBe(TUNNEL_OVER);
      arrive(side, [""]);
      for (let i = 0; i < 2000 && outcome !== TUNNEL_OVER; i++) {
        client.drain(50);
        server.drain(70);
        client.readable = !client.ended;
        server.readable = !server.ended;
        outcome = step();
      }
    }
    expect([outcome, client.sent, server.sent]).toEqual([TUNNEL_OVER, `101|${sent.server}`, sent.client]);
    expect([client.shuts, server.shuts]).toEqual([1, 1]);
  });
  fc.assert(property, { numRuns: 300 });
});
