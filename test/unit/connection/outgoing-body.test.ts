import { describe, expect, test } from "bun:test";
import { ERRNO } from "../../../ffi/errno.ts";
import { ChunkedBody } from "../../../src/connection/bodies/chunked-body.ts";
import {
  BODY_SENT,
  type BodyTarget,
  type OutgoingBody,
  outgoing,
} from "../../../src/connection/bodies/outgoing-body.ts";
import { Outbox } from "../../../src/connection/outbox.ts";
import type { StreamBody } from "../../../src/exchange/reply.ts";

/** A stream that gives these pieces, text or -errno, one at each call, and then its end. */
function streamOf(pieces: readonly (string | number)[], length = -1): StreamBody {
  let next = 0;
  return {
    kind: "stream",
    length,
    read(block, offset, most) {
      const piece = pieces[next++] ?? 0;
      return typeof piece === "number" ? piece : block.bytes.latin1Write(piece, offset, most);
    },
    close() {},
  };
}

const target = (): BodyTarget => ({ outbox: new Outbox(), sendFile: () => -ERRNO.EIO });

const bodyOf = (stream: StreamBody, chunked: boolean): OutgoingBody =>
  chunked ? new ChunkedBody(stream) : outgoing(stream)!;

/** Steps until the end; what the outbox holds after each, or all of it at the end when nobody empties it meanwhile. */
function sent(stream: StreamBody, chunked: boolean, before: string, empties: boolean): string {
  const to = target();
  to.outbox.appendText(before);
  const body = bodyOf(stream, chunked);
  let text = "";
  const take = (): void => {
    text += to.outbox.block.bytes.latin1Slice(to.outbox.start, to.outbox.end);
    to.outbox.clear();
  };
  for (let n = 1; n !== BODY_SENT; ) {
    n = body.step(to, 1_000_000);
    if (n < 0) throw new Error(`step gave ${n}`);
    if (empties) take();
  }
  take();
  return text;
}

/** RFC 9112 §7.1, as simple as can be. */
const chunks = (pieces: readonly string[]): string =>
  `${pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join("")}0\r\n\r\n`;

const SIZES = [1, 2, 15, 16, 17, 255, 256, 4095, 4096, 4097, 0xefff, 0xf000];
const pieces = SIZES.map((size, i) => String.fromCharCode(97 + i).repeat(size));

describe("a stream's bytes are whole wherever they begin in the outbox", () => {
  for (const empties of [true, false]) {
    for (const before of ["", "HEAD\r\n\r\n"]) {
      const where = `${before === "" ? "empty" : "behind a head"}, ${empties ? "sent at each step" : "sent at the end"}`;
      test(`chunked: ${where}`, () => {
        expect(sent(streamOf(pieces), true, before, empties) === before + chunks(pieces)).toBe(true);
      });
      test(`until close: ${where}`, () => {
        expect(sent(streamOf(pieces), false, before, empties) === before + pieces.join("")).toBe(true);
      });
      test(`of a known length: ${where}`, () => {
        expect(sent(streamOf(["abcdef", "ghi"], 9), false, before, empties)).toBe(`${before}abcdefghi`);
      });
    }
  }
});

test("a stream that ends before its length stays broken, however often it is asked", () => {
  const body = bodyOf(streamOf(["abc"], 9), false);
  const to = target();
  expect(body.step(to, 100)).toBe(3);
  expect([body.step(to, 100), body.step(to, 100)]).toEqual([-ERRNO.EIO, -ERRNO.EIO]);
  expect(to.outbox.length).toBe(3);
});

test("one that has nothing adds nothing", () => {
  const body = bodyOf(streamOf([-ERRNO.EAGAIN, "abc"]), true);
  const to = target();
  to.outbox.appendText("HEAD");
  expect(body.step(to, 100)).toBe(-ERRNO.EAGAIN);
  expect(to.outbox.length).toBe(4);
  expect(body.step(to, 100)).toBe("3\r\nabc\r\n".length);
});
