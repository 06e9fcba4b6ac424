/** Checks simulated pipes: the events of both ends, and the numbers of bytes read and written. */
import { describe, expect, test } from "bun:test";
import * as abi from "../../ffi/abi.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { linux } from "../../ffi/linux.ts";
import { Block } from "../../ffi/memory.ts";
import { errnoName } from "../errno-name.ts";
import { SimulatedKernel } from "./kernel.ts";
import type { PipeEnd } from "./pipes.ts";
import { Random } from "./random.ts";

/** Capacity of a new pipe on Linux, in pages (pipe(7)). */
const PAGES = 16;
const block = new Block(1 << 20);
const small = new Block(512);

/** The child's end. If a child would have to wait, its calls do nothing and give 0. */
interface Peer {
  /** At most a page. */
  gives(count: number): number;
  takes(count: number): number;
  closes(): void;
}

interface Subject {
  readonly kernel: Kernel;
  /** The server's end. */
  readonly fd: number;
  readonly epoll: number;
  readonly peer: Peer;
  close(): void;
}

type Direction = "reading" | "writing";

const result = (n: number): string => (n < 0 ? errnoName(n) : String(n));

function eventNames(events: number): string {
  const names = Object.entries({ IN: abi.EPOLLIN, OUT: abi.EPOLLOUT, HUP: abi.EPOLLHUP, ERR: abi.EPOLLERR });
  return names.flatMap(([name, bit]) => (events & bit ? [name] : [])).join("|");
}

/** `give` and `take` are the child's write(2) and read(2). */
function opened(
  kernel: Kernel,
  direction: Direction,
  give: (fd: number, count: number) => number,
  take: (fd: number, count: number) => number,
): Subject {
  const pair: number[] = [];
  const ours = direction === "reading" ? 0 : 1;
  expect(kernel.pipe(pair, ours)).toBe(0);
  const [fd, other] = [pair[ours]!, pair[1 - ours]!];
  const epoll = kernel.epollCreate();
  const theirs = kernel.epollCreate();
  kernel.epollAdd(theirs, other, direction === "reading" ? abi.EPOLLOUT : abi.EPOLLIN, 1);
  const isReady = () => kernel.epollWait(theirs, small, 1, 0) > 0;
  let open = [other];
  const closes = () => {
    for (const end of open) kernel.close(end);
    open = [];
  };
  const peer = {
    gives: (count: number) => (isReady() ? give(other, count) : 0),
    takes: (count: number) => (isReady() ? take(other, count) : 0),
    closes,
  };
  const close = () => {
    closes();
    for (const each of [fd, epoll, theirs]) kernel.close(each);
  };
  return { kernel, fd, epoll, peer, close };
}

function onLinux(direction: Direction): Subject {
  const give = (fd: number, count: number) => linux.write(fd, block, 0, count);
  return opened(linux, direction, give, (fd, count) => linux.read(fd, block, 0, count, -1));
}

function inSimulation(direction: Direction): Subject {
  const kernel = new SimulatedKernel(1);
  kernel.processes.pages = () => PAGES;
  const pipe = (fd: number) => (kernel.descriptors.get(fd) as PipeEnd).pipe;
  const give = (fd: number, count: number) => pipe(fd).put(Buffer.alloc(count), 0);
  return opened(kernel, direction, give, (fd, count) => pipe(fd).take(count).length);
}

/** Makes one call of a script; gives its result. */
function perform({ kernel, fd, epoll, peer }: Subject, call: string): string {
  const [verb = "", count = "0"] = call.split(" ");
  const length = Number(count);
  switch (verb) {
    case "add-in":
      return result(kernel.epollAdd(epoll, fd, abi.EPOLLIN | abi.EPOLLET, 7));
    case "add-out":
      return result(kernel.epollAdd(epoll, fd, abi.EPOLLOUT | abi.EPOLLET, 7));
    case "wait":
      return kernel.epollWait(epoll, small, 8, 0) === 0
        ? "none"
        : eventNames(small.bytes.readInt32LE(abi.EPOLL_EVENT.events * 4));
    case "read":
      return result(kernel.read(fd, block, 0, length, -1));
    case "write":
      return result(kernel.write(fd, block, 0, length));
    case "gives":
      return result(peer.gives(length));
    case "takes":
      return result(peer.takes(length));
    case "closes":
      return String(peer.closes());
    default:
      throw new Error(`no such call: ${call}`);
  }
}

/** Runs the calls on both kernels, whose results must agree. */
function outcome(direction: Direction, calls: readonly string[]): string[] {
  const [real, simulated] = [onLinux, inSimulation].map((subject) => {
    const made = subject(direction);
    try {
      return calls.map((call) => `${call} = ${perform(made, call)}`);
    } finally {
      made.close();
    }
  });
  expect(simulated).toEqual(real!);
  return real!;
}

/** Lines of a script: `call = result`. Calls without a result may omit it. */
function tells(name: string, direction: Direction, script: readonly string[]): void {
  const calls = script.map((line) => line.replace(/ = .*/, ""));
  const complete = script.map((line) => (line.includes(" = ") ? line : `${line} = undefined`));
  test(name, () => expect(outcome(direction, calls)).toEqual(complete));
}

describe("the reading end", () => {
  const START = ["add-in = 0", "wait = none"];
  tells("is ready once for what was written", "reading", [
    ...START,
    "gives 5 = 5",
    "wait = IN",
    "wait = none",
    "read 3 = 3",
    "wait = none",
    "read 10 = 2",
    "read 10 = EAGAIN",
  ]);
  tells("is ready again for more, unread bytes or not", "reading", [
    ...START,
    "gives 5 = 5",
    "wait = IN",
    "gives 5 = 5",
    "wait = IN",
    "read 100 = 10",
  ]);
  tells("is reported when it is registered late", "reading", ["gives 5 = 5", "add-in = 0", "wait = IN", "wait = none"]);
  tells("ends with HUP alone when it is empty", "reading", [
    ...START,
    "closes",
    "wait = HUP",
    "wait = none",
    "read 10 = 0",
  ]);
  tells("ends with IN and HUP in one event when bytes are left", "reading", [
    ...START,
    "gives 5 = 5",
    "closes",
    "wait = IN|HUP",
    "wait = none",
    "read 2 = 2",
    "read 10 = 3",
    "read 10 = 0",
    "read 10 = 0",
  ]);
  tells("ends with an event of its own after the bytes were reported", "reading", [
    ...START,
    "gives 5 = 5",
    "wait = IN",
    "closes",
    "wait = IN|HUP",
    "read 5 = 5",
    "wait = none",
    "read 5 = 0",
  ]);
  tells("that is registered after its end is reported at once", "reading", ["closes", "add-in = 0", "wait = HUP"]);
});

describe("the writing end", () => {
  const START = ["add-out = 0", "wait = OUT"];
  tells("has room once", "writing", [...START, "wait = none", "write 5 = 5", "takes 5 = 5", "wait = none"]);
  tells("takes a part of what is longer than PIPE_BUF", "writing", [
    ...START,
    "write 70000 = 65536",
    "write 1 = EAGAIN",
    "takes 5000 = 5000",
    "wait = OUT",
    "write 5000 = 4096",
  ]);
  tells("has room again when a page has been read up", "writing", [
    ...START,
    "write 65536 = 65536",
    "write 1 = EAGAIN",
    "takes 4095 = 4095",
    "wait = none",
    "write 1 = EAGAIN",
    "takes 1 = 1",
    "wait = OUT",
    "wait = none",
    "write 4096 = 4096",
  ]);
  tells("takes what fits behind the last bytes although it is full", "writing", [
    ...START,
    "write 61440 = 61440",
    "write 4000 = 4000",
    "write 97 = EAGAIN",
    "write 96 = 96",
    "write 1 = EAGAIN",
  ]);
  tells("that is registered full is reported when it has room", "writing", [
    "write 65536 = 65536",
    "add-out = 0",
    "wait = none",
    "takes 65536 = 65536",
    "wait = OUT",
  ]);
  tells("whose readers are gone is an error, and EPIPE", "writing", [
    ...START,
    "write 5 = 5",
    "closes",
    "wait = OUT|ERR",
    "wait = none",
    "write 5 = EPIPE",
    "write 5 = EPIPE",
  ]);
  tells("whose readers go while it is full is an error alone", "writing", [
    ...START,
    "write 65536 = 65536",
    "closes",
    "wait = ERR",
    "write 5 = EPIPE",
  ]);
});

test("writes and reads of any size give the same on both kernels", () => {
  const random = new Random(4);
  for (let script = 0; script < 100; script++) {
    const direction = random.pick(["reading", "writing"] as const);
    const [add, write, read] = direction === "reading" ? ["add-in", "gives", "read"] : ["add-out", "write", "takes"];
    const longest = direction === "reading" ? 4096 : 80_000;
    const calls = [add];
    for (let i = 0; i < 100; i++) {
      calls.push(
        random.chance(0.6) ? `${write} ${random.magnitude(1, longest)}` : `${read} ${random.magnitude(1, longest)}`,
      );
      if (random.chance(0.5)) calls.push("wait");
    }
    outcome(direction, [...calls, "closes", "wait", `${direction === "reading" ? read : write} 100`]);
  }
});
