/** The name in a ClientHello, however its records and the network cut it. */
import { expect, test } from "bun:test";
import { INCOMPLETE, serverNameIn } from "../../../../src/network/tls/client-hello.ts";

/** A number in `size` bytes. */
function number(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}

const vector = (size: number, ...parts: readonly Uint8Array[]): Buffer => {
  const bytes = Buffer.concat(parts);
  return Buffer.concat([number(bytes.length, size), bytes]);
};

function helloFor(name: string): Buffer {
  const serverName = vector(2, number(0, 1), vector(2, Buffer.from(name)));
  const extensions = vector(2, number(0, 2), vector(2, serverName));
  const body = [number(0x303, 2), Buffer.alloc(32), vector(1), vector(2, number(0x1301, 2)), vector(1, number(0, 1))];
  return Buffer.concat([number(1, 1), vector(3, ...body, extensions)]);
}

/** The message in this many records, all but the last of one byte. */
function inRecords(message: Buffer, count: number): Buffer {
  const cuts = Array.from({ length: count }, (_, i) => message.subarray(i, i === count - 1 ? message.length : i + 1));
  return Buffer.concat(cuts.map((piece) => Buffer.concat([Buffer.from([22, 3, 1]), vector(2, piece)])));
}

const HELLO = helloFor("Www.One.test");

test.each([1, 2, 5, 64])("in %d records, and not before the last byte", (count) => {
  const bytes = inRecords(HELLO, count);
  expect(serverNameIn(bytes)).toBe("www.one.test");
  for (let end = 0; end < bytes.length; end++) expect(serverNameIn(bytes.subarray(0, end))).toBe(INCOMPLETE);
});

test("a client that cuts it into very many records is not waited for", () => {
  expect(serverNameIn(inRecords(HELLO, 65))).toBeNull();
});

test("what is no ClientHello, or has wrong lengths", () => {
  const changed = (at: number, value: number) => {
    const bytes = inRecords(HELLO, 1);
    bytes[at] = value;
    return serverNameIn(bytes);
  };
  expect(changed(0, 23)).toBeNull();
  expect(changed(5, 2)).toBeNull();
  expect(changed(6, 1)).toBeNull(); // 64 KB
  expect(changed(3, 0x80)).toBeNull(); // a record of 32 KB
  expect(changed(5 + 4 + 2 + 32, 200)).toBeNull(); // the session's id
});
