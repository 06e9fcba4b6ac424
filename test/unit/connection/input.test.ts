/** What a connection has received and not used: where it lies, and that nobody else's bytes get into it. */
import { expect, test } from "bun:test";
import { Block } from "../../../ffi/memory.ts";
import { Input } from "../../../src/connection/input.ts";
import { BufferPool } from "../../../src/network/buffers.ts";
import { TestTransport } from "./transport.ts";

/** An input with a small inbox, which the next connection would overwrite. */
function inputOf(arriving: string[]) {
  const transport = new TestTransport(arriving);
  const inbox = new Block(16);
  const pool = new BufferPool();
  const input = new Input(transport, pool, inbox);
  const text = (): string => input.block.bytes.latin1Slice(input.start, input.end);
  return { transport, inbox, pool, input, text };
}

test("receives behind what is there, until there is nothing", () => {
  const { input, text } = inputOf(["abc", "def"]);
  expect([input.isEmpty, input.fill(), text(), input.isEmpty]).toEqual([true, true, "abc", false]);
  expect([input.fill(), text(), input.bytesReceived]).toEqual([true, "abcdef", 6]);
  expect([input.fill(), text()]).toEqual([false, "abcdef"]);
});

test("starts anew once everything is used", () => {
  const { input, text } = inputOf(["abc", "def"]);
  input.fill();
  input.start = input.end;
  expect([input.fill(), input.start, text()]).toEqual([true, 0, "def"]);
});

test("asks for no more than it is told to", () => {
  const { input, text } = inputOf(["abcdef"]);
  expect([input.fill(4), text()]).toEqual([true, "abcd"]);
});

test("what is left when the turn ends is its own", () => {
  const { input, inbox, text } = inputOf(["abcdef", "ghi"]);
  input.fill();
  input.start += 2;
  input.leaveInbox();
  inbox.bytes.fill("x");
  expect(text()).toBe("cdef");
  input.fill();
  expect(text()).toBe("cdefghi");
});

test("grows where more comes than the inbox holds, after the room in front is used", () => {
  const { input, inbox, text } = inputOf(["0123456789abcdef", "ghijkl", "mnop"]);
  input.fill();
  input.start = 4;
  expect([input.fill(), text(), input.block === inbox]).toEqual([true, "456789abcdefghij", true]);
  expect([input.fill(), text(), input.block === inbox]).toEqual([true, "456789abcdefghijkl", false]);
});

test("gives its block back, once", () => {
  const { input, pool, text } = inputOf(["abc"]);
  const given: Block[] = [];
  pool.release = (block) => given.push(block);
  input.fill();
  input.leaveInbox();
  const own = input.block;
  input.drop();
  input.drop();
  expect([given, text()]).toEqual([[own], ""]);
});

test("the end and a lost connection are nothing received", () => {
  const { input, transport } = inputOf(["a", ""]);
  expect([input.fill(), input.fill(), transport.ended, input.fill()]).toEqual([true, false, true, false]);
});
