/** Sockets, epoll and the process on the real kernel: every call of these made to succeed. */
import { afterAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as abi from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { linux } from "../../../ffi/linux.ts";
import { Block } from "../../../ffi/memory.ts";
import { eventually, flagsOf, good, pair, receive } from "./sockets.ts";

const folder = fs.mkdtempSync(join(tmpdir(), "webserv-linux-"));
afterAll(() => fs.rmSync(folder, { recursive: true }));

const block = new Block(65_536);
const text = (length: number, offset = 0): string => block.bytes.latin1Slice(offset, offset + length);

const ends: number[] = [];
afterAll(() => ends.forEach((fd) => void linux.close(fd)));

const connected = () => pair(linux, ends);

describe("sockets", () => {
  test("bytes go from an offset to an offset, both ways", () => {
    const { near, far } = connected();
    block.bytes.write("..ping", 0);
    expect(linux.send(far, block, 2, 4)).toBe(4);
    expect(eventually(() => linux.recv(near, block, 100, 50))).toBe(4);
    expect(text(4, 100)).toBe("ping");
    expect(linux.send(near, block, 100, 4)).toBe(4);
    expect(linux.send(near, block, 100, 4)).toBe(4);
    expect(receive(linux, far, block, 8)).toBe("pingping");
  });

  test("the end of a stream is 0", () => {
    const { near, far } = connected();
    expect(linux.shutdownWrite(far)).toBe(0);
    expect(eventually(() => linux.recv(near, block, 0, 10))).toBe(0);
  });

  test("every socket is non-blocking and not inherited by other programs", () => {
    const { near, far, listener } = connected();
    for (const fd of [near, far, listener]) {
      expect(flagsOf(fd) & abi.O_NONBLOCK).toBe(abi.O_NONBLOCK);
      expect(flagsOf(fd) & abi.O_CLOEXEC).toBe(abi.O_CLOEXEC);
    }
  });

  test("accept writes the peer's address, getsockname one's own", () => {
    const { far, listener } = connected();
    const peer = new Block(abi.SOCKADDR_STORAGE);
    expect(linux.getsockname(listener, peer)).toBe(abi.SOCKADDR_IN);
    const another = good(linux.socket(abi.AF_INET, abi.SOCK_STREAM));
    linux.connect(another, peer, abi.SOCKADDR_IN);
    const accepted = good(eventually(() => linux.accept(listener, peer)));
    const own = new Block(abi.SOCKADDR_STORAGE);
    expect(linux.getsockname(another, own)).toBe(abi.SOCKADDR_IN);
    expect(peer.bytes.subarray(0, 16)).toEqual(own.bytes.subarray(0, 16));
    expect(linux.getsockname(far, own)).toBe(abi.SOCKADDR_IN);
    expect(peer.bytes.subarray(0, 16)).not.toEqual(own.bytes.subarray(0, 16));
    ends.push(another, accepted);
  });

  test.each([
    [1, 0],
    [0, -ERRNO.EADDRINUSE],
  ])("an option has an effect: with SO_REUSEPORT %d, binding an address twice gives %d", (value, expected) => {
    const [first, second] = [0, 0].map(() => good(linux.socket(abi.AF_INET, abi.SOCK_STREAM))) as [number, number];
    ends.push(first, second);
    for (const fd of [first, second]) expect(linux.setsockopt(fd, abi.SOL_SOCKET, abi.SO_REUSEPORT, value)).toBe(0);
    const address = new Block(abi.SOCKADDR_STORAGE);
    address.bytes.writeUInt16LE(abi.AF_INET, 0);
    address.bytes.set([127, 0, 0, 1], 4);
    expect(linux.bind(first, address, abi.SOCKADDR_IN)).toBe(0);
    expect(linux.bind(second, address, linux.getsockname(first, address))).toBe(expected);
  });

  test("a unix socket by its path", () => {
    const path = join(folder, "socket");
    const address = new Block(abi.SOCKADDR_STORAGE);
    address.bytes.writeUInt16LE(abi.AF_UNIX, 0);
    const length = abi.SUN_PATH + address.bytes.write(path, abi.SUN_PATH) + 1;
    const [listener, far] = [0, 0].map(() => good(linux.socket(abi.AF_UNIX, abi.SOCK_STREAM))) as [number, number];
    expect(linux.bind(listener, address, length)).toBe(0);
    expect(linux.listen(listener, 1)).toBe(0);
    expect(linux.connect(far, address, length)).toBe(0);
    const near = good(eventually(() => linux.accept(listener, block)));
    expect(linux.send(far, address, abi.SUN_PATH, 4)).toBe(4);
    expect(receive(linux, near, block, 4)).toBe(path.slice(0, 4));
    ends.push(listener, far, near);
  });
});

describe("epoll", () => {
  const epoll = good(linux.epollCreate());
  afterAll(() => linux.close(epoll));
  const event = (word: "events" | "fd" | "generation", i = 0): number =>
    block.bytes.readInt32LE(4 * (i * abi.EPOLL_EVENT.words + abi.EPOLL_EVENT[word]));

  test.each([[1], [0x7fffffff], [-0x80000000], [-1], [0]])(
    "an event brings its descriptor and generation %d",
    (generation) => {
      const { near, far } = connected();
      expect(linux.epollAdd(epoll, near, abi.EPOLLIN | abi.EPOLLET, generation)).toBe(0);
      expect(linux.epollWait(epoll, block, 8, 0)).toBe(0);
      linux.send(far, block, 0, 1);
      expect(linux.epollWait(epoll, block, 8, 5000)).toBe(1);
      expect([event("events"), event("fd"), event("generation")]).toEqual([abi.EPOLLIN, near, generation]);
      expect(linux.epollRemove(epoll, near)).toBe(0);
      linux.send(far, block, 0, 1);
      expect(linux.epollWait(epoll, block, 8, 0)).toBe(0);
    },
  );

  test("what is watched can be changed, and what is ready already is reported", () => {
    const { near } = connected();
    linux.epollAdd(epoll, near, abi.EPOLLIN | abi.EPOLLET, 1);
    expect(linux.epollWait(epoll, block, 8, 0)).toBe(0);
    expect(linux.epollModify(epoll, near, abi.EPOLLOUT | abi.EPOLLET, 2)).toBe(0);
    expect(linux.epollWait(epoll, block, 8, 5000)).toBe(1);
    expect([event("events"), event("fd"), event("generation")]).toEqual([abi.EPOLLOUT, near, 2]);
    linux.epollRemove(epoll, near);
  });

  test("several events lie side by side, no more than asked for", () => {
    const near = [1, 2, 3].map((generation) => {
      const made = connected();
      linux.epollAdd(epoll, made.near, abi.EPOLLOUT, generation);
      return made.near;
    });
    expect(linux.epollWait(epoll, block, 2, 5000)).toBe(2);
    expect(linux.epollWait(epoll, block, 8, 5000)).toBe(3);
    const events = [0, 1, 2].map((i) => `${event("fd", i)} ${event("generation", i)} ${event("events", i)}`);
    expect(events.sort()).toEqual(near.map((fd, i) => `${fd} ${i + 1} ${abi.EPOLLOUT}`).sort());
    for (const fd of near) linux.epollRemove(epoll, fd);
  });

  test("a signal ends a wait with EINTR, and its handler runs when the runtime gets a turn", async () => {
    let handled = 0;
    process.on("SIGUSR2", () => void handled++);
    // Again and again, because one that arrives between two waits interrupts nothing.
    const sender = Bun.spawn(["sh", "-c", `while kill -USR2 ${process.pid}; do sleep 0.02; done`]);
    let n = 0;
    for (let i = 0; i < 20 && n !== -ERRNO.EINTR; i++) n = linux.epollWait(epoll, block, 8, 500);
    sender.kill("SIGKILL");
    await sender.exited;
    while (handled === 0) await new Promise(setImmediate);
    expect(n).toBe(-ERRNO.EINTR);
  }, 60_000);
});

describe("the process", () => {
  test("getrandom fills just what it is asked to", () => {
    const random = new Block(64);
    expect(linux.getrandom(random, 16, 32)).toBe(32);
    expect(random.bytes.subarray(0, 16).every((byte) => byte === 0)).toBe(true);
    expect(random.bytes.subarray(48).every((byte) => byte === 0)).toBe(true);
    expect(new Set(random.bytes.subarray(16, 48)).size).toBeGreaterThan(8);
  });

  test("clocks: monotonic never goes back, realtime is the time of day", () => {
    let before = linux.monotonic();
    for (let i = 0; i < 1000; i++) {
      const now = linux.monotonic();
      expect(now).toBeGreaterThanOrEqual(before);
      before = now;
    }
    expect(Math.abs(linux.realtime() - Date.now())).toBeLessThan(60_000);
  });

  test("its number, and a signal to itself that is none", () => {
    expect(linux.getpid()).toBe(process.pid);
    expect(linux.kill(process.pid, 0)).toBe(0);
  });

  test("the limit of descriptors is /proc's, and can be lowered and raised again", () => {
    const limit = (): number => {
      const soft = /^Max open files\s+(\S+)/m.exec(fs.readFileSync("/proc/self/limits", "utf8"))![1]!;
      return soft === "unlimited" ? 1_000_000_000 : Number(soft);
    };
    const before = linux.descriptorLimit();
    expect(before).toBe(limit());
    expect(linux.setDescriptorLimit(before - 1)).toBe(0);
    expect(limit()).toBe(before - 1);
    expect(linux.setDescriptorLimit(before)).toBe(0);
    expect(linux.descriptorLimit()).toBe(before);
  });
});
