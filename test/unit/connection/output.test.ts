/** What a connection sends: everything in order, however little the transport takes. */
import { describe, expect, test } from "bun:test";
import { ERRNO } from "../../../ffi/errno.ts";
import { Block } from "../../../ffi/memory.ts";
import { Outbox } from "../../../src/connection/outbox.ts";
import {
  Output,
  PUMP_BLOCKED,
  PUMP_DRAINED,
  PUMP_INCOMPLETE,
  PUMP_LOST,
  PUMP_STARVED,
} from "../../../src/connection/output.ts";
import type { PieceBody, StreamBody, WholeReply } from "../../../src/exchange/reply.ts";
import { BufferPool } from "../../../src/network/buffers.ts";
import { TestTransport } from "./transport.ts";

function outputOf(room = Number.POSITIVE_INFINITY) {
  const transport = new TestTransport();
  transport.room = room;
  const outbox = new Outbox();
  const stuck: string[] = [];
  const output = new Output(transport, outbox, new BufferPool(), { onOutputStuck: () => stuck.push("stuck") });
  /** Pumps, `room` bytes at a time, until it is drained. */
  const drainBy = (room: number): void => {
    for (let i = 0; output.pump() !== PUMP_DRAINED && i < 1000; i++) transport.drain(room);
  };
  return { transport, outbox, output, stuck, drainBy };
}

function kept(text: string): WholeReply {
  const block = new Block(text.length);
  block.bytes.latin1Write(text, 0);
  const length = text.length;
  const head = { headLength: 10, dateOffset: 0, dateSecond: 0, fields: [], encoded: null };
  return { status: 200, block, length, holders: 0, ...head };
}

test("small things leave with one send", () => {
  const { transport, output } = outputOf();
  output.writeText("head ");
  output.writeBody(Buffer.from("body "));
  output.writeKept(kept("kept reply"), 10);
  expect([output.isDrained, output.bytesTaken, output.bytesWritten]).toEqual([true, 0, 20]);
  expect([output.pump(), transport.sent]).toEqual([PUMP_DRAINED, "head body kept reply"]);
  expect([transport.sends, output.bytesTaken]).toEqual([[20], 20]);
});

test.each([1, 2, 7, 1000, 100_000])("text, a kept reply, bytes and a file in order, %d bytes at a time", (room) => {
  const step = Math.max(room, 100);
  const { output, transport, drainBy } = outputOf(room);
  const reply = kept("k".repeat(20_000));
  output.writeText("before ");
  output.writeKept(reply, reply.length);
  output.writeText(" head ");
  const file = { fd: 9, retain() {}, release: () => releases++ };
  let releases = 0;
  const body: PieceBody = {
    kind: "pieces",
    pieces: [Buffer.from("piece "), { file, position: 0, length: 5_000 }, Buffer.from(" end")],
    length: 5_010,
  };
  output.writeBody(body);
  drainBy(step);
  expect(transport.sent === `before ${"k".repeat(20_000)} head piece ${".".repeat(5_000)} end`).toBe(true);
  expect([reply.holders, releases, output.isDrained, output.bytesTaken]).toEqual([0, 1, true, transport.sent.length]);
});

test("a large kept reply is sent from where it is, and held until it is out", () => {
  const { transport, output } = outputOf(5_000);
  const reply = kept("k".repeat(20_000));
  output.writeKept(reply, reply.length);
  expect([output.pump(), reply.holders, output.isDrained]).toEqual([PUMP_BLOCKED, 1, false]);
  transport.drain();
  expect([output.pump(), reply.holders, output.isDrained]).toEqual([PUMP_DRAINED, 0, true]);
});

describe("a stream", () => {
  const streamOf = (pieces: (string | number)[], length = -1): StreamBody & { closes: number } => ({
    kind: "stream",
    length,
    closes: 0,
    read(block, offset, most) {
      const piece = pieces.shift() ?? 0;
      return typeof piece === "number" ? piece : block.bytes.latin1Write(piece, offset, most);
    },
    close() {
      this.closes++;
    },
  });

  test("leaves with its head as far as it has come", () => {
    const { transport, output } = outputOf();
    const stream = streamOf(["abc", "def"]);
    output.writeText("head ");
    output.writeBody(stream);
    expect([output.pump(), transport.sent, transport.sends.length, stream.closes]).toEqual([
      PUMP_DRAINED,
      "head abcdef",
      1,
      1,
    ]);
  });

  test("that has nothing yet is not the client's fault", () => {
    const { output, transport } = outputOf();
    output.writeBody(streamOf([-ERRNO.EAGAIN, -ERRNO.EAGAIN, "abc"]));
    expect([output.pump(), output.starved]).toEqual([PUMP_STARVED, true]);
    expect([output.pump(), output.starved, transport.sent]).toEqual([PUMP_DRAINED, false, "abc"]);
  });

  test("that breaks off leaves its reply incomplete", () => {
    const { output } = outputOf();
    output.writeBody(streamOf(["abc"], 9));
    expect(output.pump()).toBe(PUMP_INCOMPLETE);
  });

  test("is closed with what is not sent", () => {
    const { output, transport } = outputOf(2);
    const stream = streamOf(["abc", -ERRNO.EAGAIN]);
    output.writeBody(stream);
    output.pump();
    output.drop();
    expect([stream.closes, output.isDrained, transport.sent]).toEqual([1, true, "ab"]);
  });
});

test("a lost connection takes nothing more", () => {
  const { output, transport } = outputOf(3);
  output.writeText("abcdef");
  output.pump();
  transport.lose();
  expect(output.pump()).toBe(PUMP_LOST);
  output.writeText("ghi");
  expect(transport.sent).toBe("abc");
});

describe("what is left to the end of the turn", () => {
  test("goes out then, behind what others left", () => {
    const { output, outbox, transport, stuck } = outputOf();
    output.writeText("mine");
    output.leave();
    expect([outbox.length, transport.sent]).toEqual([0, ""]);
    outbox.appendText("another's");
    outbox.leave({ sendRegion: (start, end) => stuck.push(outbox.block.bytes.latin1Slice(start, end)) });
    outbox.sendRegions();
    expect([transport.sent, stuck]).toEqual(["mine", ["another's"]]);
  });

  test("tells its owner when it does not fit, and keeps the rest", () => {
    const { output, outbox, transport, stuck } = outputOf(2);
    output.writeText("mine");
    output.leave();
    outbox.sendRegions();
    expect([transport.sent, stuck, output.isDrained]).toEqual(["mi", ["stuck"], false]);
    transport.drain();
    expect([output.pump(), transport.sent]).toEqual([PUMP_DRAINED, "mine"]);
  });

  test("is sent before more is written", () => {
    const { output, transport } = outputOf();
    output.writeText("first");
    output.leave();
    output.catchUp();
    expect(transport.sent).toBe("first");
  });
});
