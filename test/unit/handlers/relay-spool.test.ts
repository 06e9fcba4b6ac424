/** Bodies of unknown length, collected: in memory, in a file without a name, or not at all. */
import { afterAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, unlinkSync } from "node:fs";
import { S_IFREG } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import { linux } from "../../../ffi/linux.ts";
import { Block } from "../../../ffi/memory.ts";
import type { Settings } from "../../../src/config/model.ts";
import { CompleteBody } from "../../../src/handlers/relay/complete-body.ts";
import { Spool } from "../../../src/handlers/relay/spool.ts";
import { FakeExchange, FakeServices, location, Site } from "./world.ts";

const site = new Site({ tmp: null });
afterAll(() => site.remove());

const ROOM = 10_000;

/** A spool in the site's folder, with calls of the kernel replaced. */
function world(
  calls: Partial<Kernel> = {},
  changes: Partial<Settings> = {},
  inFile = false,
  framing = "Transfer-Encoding: chunked",
) {
  const services = new FakeServices();
  const { watched } = services;
  const here = location({ clientBodyBufferSize: ROOM, clientBodyTempPath: site.path("tmp"), ...changes });
  const exchange = new FakeExchange(services, here, { method: "POST", fields: [framing] });
  Object.assign(services.kernel, calls);
  const completed: Spool[] = [];
  const spool = new Spool(exchange, services.buffers, (complete) => completed.push(complete), inFile);
  const block = new Block(4096);
  /** Feeds it as the server does: from one block that is used again. */
  const feed = (body: Buffer, piece = 4000): void => {
    for (let at = 0; at < body.length; at += piece) {
      const length = Math.min(piece, body.length - at);
      block.bytes.fill("?");
      body.copy(block.bytes, 7, at, at + length);
      expect(spool.accept(block, 7, 7 + length)).toBe(length);
    }
    block.bytes.fill("?");
  };
  return { services, exchange, spool, completed, feed, open: watched.open };
}

const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => i * 31 + (i >> 8)));

/** All of a file from where its descriptor stands. */
function readAll(fd: number): Buffer {
  const pieces: Buffer[] = [];
  const block = new Block(5000);
  for (;;) {
    const n = linux.read(fd, block, 0, 5000, -1);
    if (n <= 0) return Buffer.concat(pieces);
    pieces.push(Buffer.from(block.bytes.subarray(0, n)));
  }
}

/** What it holds in memory. */
function drained({ memory }: Spool): Buffer {
  const pieces: Buffer[] = [];
  memory.drain(
    (block, offset, length) => pieces.push(Buffer.from(block.bytes.subarray(offset, offset + length))) && length,
  );
  return Buffer.concat(pieces);
}

describe("what is collected", () => {
  const table: [why: string, length: number, piece: number, where: "memory" | "file"][] = [
    ["nothing", 0, 1, "memory"],
    ["a byte", 1, 1, "memory"],
    ["small pieces", 5000, 7, "memory"],
    ["as much as memory is given", ROOM, 4000, "memory"],
    ["the same in small pieces", ROOM, 97, "memory"],
    ["a byte more", ROOM + 1, 4000, "file"],
    ["the byte more alone", ROOM + 1, 1000, "file"],
    ["much more", 20 * ROOM, 4000, "file"],
    ["much more in odd pieces", 3 * ROOM + 5, 1111, "file"],
  ];
  test.each(table)("%s", (_, length, piece, where) => {
    const { spool, completed, feed, open } = world();
    const body = bytes(length);
    feed(body, piece);
    expect(completed).toEqual([]);
    spool.end();
    expect(completed).toEqual([spool]);
    expect(spool.length).toBe(length);
    if (where === "memory") {
      expect([spool.fd, open.size]).toEqual([-1, 0]);
      expect(drained(spool).equals(body)).toBe(true);
    } else {
      expect(spool.memory.length).toBe(0);
      expect([...open]).toEqual([spool.fd]);
      expect(readAll(spool.fd).equals(body)).toBe(true);
      linux.close(spool.fd);
    }
  });
  describe("in a file with a name (client_body_in_file_only)", () => {
    const named = (): string[] => readdirSync(site.path("tmp")).filter((name) => !name.startsWith("."));
    test("even a byte; it goes with the body, if it is to", () => {
      const { spool, feed, services } = world({}, {}, true);
      feed(Buffer.from("a"));
      spool.end();
      expect(named()).toEqual([spool.fileName.slice(site.path("tmp").length + 1)]);
      expect(readFileSync(spool.fileName, "utf8")).toBe("a");
      const body = new CompleteBody(services as never, spool.memory, spool.fd, 1, spool.fileName);
      body.release();
      body.release();
      expect(named()).toEqual([]);
    });
    test("or stays", () => {
      const { spool, feed, services } = world({}, {}, true);
      feed(bytes(3 * ROOM));
      spool.end();
      new CompleteBody(services as never, spool.memory, spool.fd, 1).release();
      expect(readFileSync(spool.fileName).equals(bytes(3 * ROOM))).toBe(true);
      unlinkSync(spool.fileName);
    });
    test("a body that is broken off leaves none", () => {
      const { spool, feed } = world({}, {}, true);
      feed(Buffer.from("a"));
      spool.abort();
      expect(named()).toEqual([]);
    });
  });
  test("a first piece that is too large for memory", () => {
    const { spool, feed } = world({}, { clientBodyBufferSize: 100 });
    const body = bytes(4000);
    feed(body);
    spool.end();
    expect(readAll(spool.fd).equals(body)).toBe(true);
    linux.close(spool.fd);
  });
  test("where memory is given nothing", () => {
    const { spool, feed } = world({}, { clientBodyBufferSize: 0 });
    feed(bytes(1));
    spool.end();
    expect(readAll(spool.fd).equals(bytes(1))).toBe(true);
    linux.close(spool.fd);
  });
  test("short writes", () => {
    const { spool, feed } = world({
      write: (fd, block, offset, length) => linux.write(fd, block, offset, Math.min(length, 777)),
    });
    const body = bytes(2 * ROOM);
    feed(body);
    spool.end();
    expect(readAll(spool.fd).equals(body)).toBe(true);
    linux.close(spool.fd);
  });
});

describe("the file", () => {
  test("is the server's alone, and nobody sees it", () => {
    const { spool, feed } = world();
    feed(bytes(2 * ROOM));
    expect(readdirSync(site.path("tmp"))).toEqual([]);
    const status = new FileStatus();
    linux.fstat(spool.fd, status);
    expect(status.mode).toBe(S_IFREG | 0o600);
    spool.abort();
  });
  test("cannot be written by who reads it", () => {
    const { spool, feed } = world();
    feed(bytes(2 * ROOM));
    spool.end();
    expect(linux.write(spool.fd, new Block(1), 0, 1)).toBe(-ERRNO.EBADF);
    linux.close(spool.fd);
  });
  test("lies in /tmp where no folder is named", () => {
    const { services, spool, feed } = world({}, { clientBodyTempPath: null });
    const opened: string[] = [];
    const { open } = services.kernel;
    const watching: Kernel["open"] = (path, flags, mode) => {
      opened.push(path);
      return open(path, flags, mode);
    };
    Object.assign(services.kernel, { open: watching });
    feed(bytes(2 * ROOM));
    spool.abort();
    expect(opened.length).toBe(2);
    for (const path of opened) expect(path).toMatch(/^\/tmp\/\.webserv-[0-9a-f]{32}$/);
  });
});

describe("a body that breaks off", () => {
  test.each([0, 100, ROOM, ROOM + 1, 3 * ROOM])("after %d bytes leaves nothing", (length) => {
    const { exchange, spool, completed, feed, open } = world();
    feed(bytes(length));
    spool.abort();
    expect([open.size, completed.length, exchange.how]).toEqual([0, 0, ""]);
    spool.abort();
    expect(open.size).toBe(0);
  });
  test("is no more the spool's once it is complete", () => {
    const { spool, feed, open } = world();
    feed(bytes(2 * ROOM));
    spool.end();
    spool.abort();
    expect([...open]).toEqual([spool.fd]);
    linux.close(spool.fd);
  });
});

describe("what fails", () => {
  const table: [error: keyof typeof ERRNO, status: number][] = [
    ["ENOSPC", 507],
    ["EDQUOT", 507],
    ["EMFILE", 503],
    ["ENFILE", 503],
    ["ENOMEM", 503],
    ["EIO", 500],
    ["EFBIG", 500],
    ["EACCES", 500],
    ["EROFS", 500],
    ["ENOENT", 500],
  ];
  const failing = (error: keyof typeof ERRNO): Record<string, () => Partial<Kernel>> => {
    let calls = 0;
    const { kernel } = new FakeServices();
    return {
      "the file cannot be made": () => ({ open: () => -ERRNO[error] }),
      "it cannot be opened again": () => ({
        open: (...args) => (++calls === 2 ? -ERRNO[error] : kernel.open(...args)),
        close: kernel.close,
      }),
      "nothing can be written": () => ({ write: () => -ERRNO[error] }),
      "not all can be written": () => ({
        write: (fd, block, at, length) =>
          ++calls > 2 ? -ERRNO[error] : linux.write(fd, block, at, Math.min(500, length)),
      }),
    };
  };
  for (const [error, status] of table) {
    for (const [what, calls] of Object.entries(failing(error))) {
      test(`${what} (${error}): ${status}, once, and the rest is taken and thrown away`, () => {
        const { exchange, spool, completed, feed, open } = world(calls());
        feed(bytes(3 * ROOM)); // would throw "answered twice"
        spool.end();
        spool.abort();
        expect([exchange.how, exchange.status, completed.length, open.size]).toEqual(["fail", status, 0, 0]);
        expect(exchange.logged.length).toBe(1);
        expect(exchange.logged[0]).toStartWith(`crit: a body could not be kept in "${site.path("tmp")}"`);
        expect(readdirSync(site.path("tmp"))).toEqual([]);
      });
    }
  }
});

test.each([
  [1.25 * ROOM - 1, "memory"],
  [1.25 * ROOM, "file"],
])("an announced body of %d bytes, where the buffer has 10,000: in %s, as in nginx", (length, where) => {
  const { spool, completed, feed } = world({}, {}, false, `Content-Length: ${length}`);
  feed(bytes(length));
  spool.end();
  expect([completed.length, spool.length, spool.fd < 0 ? "memory" : "file"]).toEqual([1, length, where]);
  if (spool.fd >= 0) linux.close(spool.fd);
  spool.memory.release();
});
