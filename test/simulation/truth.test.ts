/**
 * Checks the simulated kernel: scripts of calls must give the same results on it and on the Linux that runs the test. They cover
 * each behaviour that the server's edge-triggered loop depends on (epoll(7), tcp(7)).
 */
import { describe, expect, test } from "bun:test";
import * as abi from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { linux } from "../../ffi/linux.ts";
import { Block } from "../../ffi/memory.ts";
import { encodeAddress } from "../../src/network/address.ts";
import { openListener } from "../../src/network/listener.ts";
import { errnoName } from "../errno-name.ts";
import type { Connection } from "./connection.ts";
import { SimulatedKernel } from "./kernel.ts";

const EDGES = abi.EPOLLIN | abi.EPOLLOUT | abi.EPOLLRDHUP | abi.EPOLLET;
const HERE = { family: "ipv4", host: "127.0.0.1", port: 0 } as const;
const OPTIONS = { backlog: 8, reuseport: false, ipv6only: true, deferred: false };
/** Long enough for loopback to deliver; only waits that expect no event last this long. */
const WAIT = 40;
/** Longer than TCP delays an ACK, which frees space in the buffer. */
const DELAYED_ACK = 300;
const LATENCY = 1;
const block = new Block(1 << 20);
const small = new Block(512);

/** The other end of a connection. */
interface Peer {
  sends(count: number): void;
  finishes(): void;
  /** Needs unread bytes from the server: Linux resets the connection if they are discarded. */
  resets(): void;
  /** Reads until no more bytes arrive; -1 as the last count: the end. */
  takes(): void;
}

interface Pair {
  readonly kernel: Kernel;
  readonly fd: number;
  readonly epoll: number;
  readonly peer: Peer;
  close(): void;
}

const result = (n: number): string => (n < 0 ? errnoName(n) : String(n));

function eventNames(events: number): string {
  const names = Object.entries({
    IN: abi.EPOLLIN,
    OUT: abi.EPOLLOUT,
    RDHUP: abi.EPOLLRDHUP,
    HUP: abi.EPOLLHUP,
    ERR: abi.EPOLLERR,
  });
  return names.flatMap(([name, bit]) => (events & bit ? [name] : [])).join("|");
}

/** Waits once; gives the events, `none`, or `-errno`. */
function wait(kernel: Kernel, epoll: number, time = WAIT): string {
  const n = kernel.epollWait(epoll, small, 8, time);
  if (n <= 0) return n === 0 ? "none" : errnoName(n);
  return eventNames(small.bytes.readInt32LE(abi.EPOLL_EVENT.events * 4));
}

function accepted(kernel: Kernel, listener: number): { fd: number; epoll: number } {
  const epoll = kernel.epollCreate();
  kernel.epollAdd(epoll, listener, abi.EPOLLIN, 1);
  expect(wait(kernel, epoll)).toBe("IN");
  const fd = kernel.accept(listener, small);
  kernel.epollRemove(epoll, listener);
  return { fd, epoll };
}

function onLinux(): Pair {
  const listener = openListener(linux, HERE, OPTIONS);
  const address = new Block(128);
  const length = linux.getsockname(listener, address);
  const peer = linux.socket(abi.AF_INET, abi.SOCK_STREAM);
  linux.connect(peer, address, length);
  const pair = accepted(linux, listener);
  linux.setsockopt(pair.fd, abi.SOL_SOCKET, abi.SO_SNDBUF, 100_000);
  let open = true;
  const closePeer = () => {
    if (open) linux.close(peer);
    open = false;
  };
  return {
    kernel: linux,
    ...pair,
    peer: {
      sends: (count) => void linux.send(peer, block, 0, count),
      finishes: () => void linux.shutdownWrite(peer),
      resets: closePeer,
      takes: () => drain(peer),
    },
    close() {
      closePeer();
      for (const fd of [pair.fd, pair.epoll, listener]) linux.close(fd);
    },
  };
}

/** Reads a real socket until no bytes arrive for 20 ms. */
function drain(fd: number): void {
  for (let quiet = 0; quiet < 20; ) {
    const n = linux.recv(fd, block, 0, 1 << 20);
    if (n === 0) return;
    if (n > 0) quiet = 0;
    else if (++quiet) Bun.sleepSync(1);
  }
}

function inSimulation(): Pair {
  const kernel = new SimulatedKernel(1);
  const listener = openListener(kernel, HERE, OPTIONS);
  const settled = (action: () => void) => {
    action();
    kernel.clock.advanceTo(kernel.clock.now + LATENCY);
  };
  const options = { receiveBuffer: 100_000, sendBuffer: 100_000, latency: LATENCY };
  const [socket] = kernel.network.listeners();
  const connection = kernel.connectPeer({ notified() {} }, socket, options) as Connection;
  return {
    kernel,
    ...accepted(kernel, listener),
    peer: {
      sends: (count) => settled(() => connection.peerSend(Buffer.alloc(count))),
      finishes: () => settled(() => connection.peerFinish()),
      resets: () => connection.peerReset(),
      takes: () => void connection.peerTake(Number.POSITIVE_INFINITY),
    },
    close() {},
  };
}

type Script = readonly (readonly [call: string, result?: string])[];

/** Makes one call of a script; gives its result. */
function perform({ kernel, fd, epoll, peer }: Pair, call: string): string | undefined {
  const [verb = "", count = "0"] = call.split(" ");
  const length = Number(count);
  switch (verb) {
    case "add":
      return result(kernel.epollAdd(epoll, fd, EDGES, 7));
    case "wait":
      return wait(kernel, epoll);
    case "recv":
      return result(kernel.recv(fd, block, 0, length));
    case "send":
      return result(kernel.send(fd, block, 0, length));
    case "fill":
      return result(fill(kernel, fd, epoll));
    case "shutdown":
      return result(kernel.shutdownWrite(fd));
    case "peer-sends":
      return void peer.sends(length);
    case "peer-finishes":
      return void peer.finishes();
    case "peer-resets":
      return void peer.resets();
    case "peer-takes":
      return void peer.takes();
    default:
      throw new Error(`no such call: ${call}`);
  }
}

/**
 * Sends until the socket is full. Sizes decide whether a short count or EAGAIN shows that. A busy Linux may still move bytes to
 * the peer and free space; then it continues. Gives -EAGAIN.
 */
function fill(kernel: Kernel, fd: number, epoll: number): number {
  let n = 0;
  do {
    do n = kernel.send(fd, block, 0, 500_000);
    while (n === 500_000);
  } while (wait(kernel, epoll, DELAYED_ACK) !== "none");
  return n < 0 ? n : -ERRNO.EAGAIN;
}

function tells(name: string, script: Script): void {
  const expected = script.map(([call, gives]) => (gives === undefined ? call : `${call} = ${gives}`));
  const run = (pair: Pair): string[] => {
    try {
      return script.map(([call, gives]) => {
        const actual = perform(pair, call);
        return gives === undefined ? call : `${call} = ${actual}`;
      });
    } finally {
      pair.close();
    }
  };
  describe(name, () => {
    test("on Linux", () => expect(run(onLinux())).toEqual(expected));
    test("simulated", () => expect(run(inSimulation())).toEqual(expected));
  });
}

const START = [
  ["add", "0"],
  ["wait", "OUT"],
] as const;

tells("a new connection is writable, once", [
  ["add", "0"],
  ["wait", "OUT"],
  ["wait", "none"],
]);

tells("what has arrived before the registration is reported with it", [
  ["peer-sends 5"],
  ["add", "0"],
  ["wait", "IN|OUT"],
  ["wait", "none"],
  ["recv 10", "5"],
]);

tells("data are one edge, whether they are read or not", [
  ...START,
  ["peer-sends 5"],
  ["wait", "IN|OUT"],
  ["wait", "none"],
  ["recv 3", "3"],
  ["wait", "none"],
  ["recv 10", "2"],
]);

tells("more data are another edge, unread data or not", [
  ...START,
  ["peer-sends 5"],
  ["wait", "IN|OUT"],
  ["peer-sends 5"],
  ["wait", "IN|OUT"],
  ["recv 100", "10"],
]);

tells("edges before a wait are one event", [
  ...START,
  ["peer-sends 5"],
  ["peer-sends 5"],
  ["wait", "IN|OUT"],
  ["wait", "none"],
  ["recv 100", "10"],
]);

tells("an empty socket gives EAGAIN", [
  ...START,
  ["peer-sends 5"],
  ["wait", "IN|OUT"],
  ["recv 5", "5"],
  ["recv 5", "EAGAIN"],
]);

tells("data and FIN together are one edge", [
  ...START,
  ["peer-sends 5"],
  ["peer-finishes"],
  ["wait", "IN|OUT|RDHUP"],
  ["wait", "none"],
  ["recv 100", "5"],
  ["recv 100", "0"],
]);

tells("FIN after the data were read is an edge of its own", [
  ...START,
  ["peer-sends 5"],
  ["wait", "IN|OUT"],
  ["recv 100", "5"],
  ["peer-finishes"],
  ["wait", "IN|OUT|RDHUP"],
  ["recv 100", "0"],
]);

tells("after the peer's FIN the server can still send", [
  ...START,
  ["peer-finishes"],
  ["wait", "IN|OUT|RDHUP"],
  ["recv 9", "0"],
  ["send 5", "5"],
  ["wait", "none"],
]);

tells("both sides finished is HUP", [
  ...START,
  ["peer-finishes"],
  ["wait", "IN|OUT|RDHUP"],
  ["shutdown", "0"],
  ["wait", "IN|OUT|RDHUP|HUP"],
]);

tells("the server's own shutdown is an edge", [...START, ["shutdown", "0"], ["wait", "OUT"]]);

tells("a full socket is writable again, once, when the peer has read", [
  ...START,
  ["fill", "EAGAIN"],
  ["wait", "none"],
  ["peer-takes"],
  ["wait", "OUT"],
  ["wait", "none"],
  ["send 5", "5"],
]);

tells("room that nobody has missed is no edge", [...START, ["send 5", "5"], ["peer-takes"], ["wait", "none"]]);

tells("a reset tells everything, and its error once", [
  ...START,
  ["send 1", "1"],
  ["peer-resets"],
  ["wait", "IN|OUT|RDHUP|HUP|ERR"],
  ["recv 5", "ECONNRESET"],
  ["recv 5", "0"],
  ["send 5", "EPIPE"],
]);

tells("a send learns of a reset first", [
  ...START,
  ["send 1", "1"],
  ["peer-resets"],
  ["wait", "IN|OUT|RDHUP|HUP|ERR"],
  ["send 5", "ECONNRESET"],
  ["send 5", "EPIPE"],
]);

tells("what came before a reset can still be read", [
  ...START,
  ["peer-sends 5"],
  ["wait", "IN|OUT"],
  ["send 1", "1"],
  ["peer-resets"],
  ["wait", "IN|OUT|RDHUP|HUP|ERR"],
  ["recv 9", "5"],
  ["recv 9", "ECONNRESET"],
]);

tells("a reset after FIN leaves recv at the end of the stream, and is EPIPE to send", [
  ...START,
  ["send 1", "1"],
  ["peer-finishes"],
  ["wait", "IN|OUT|RDHUP"],
  ["recv 9", "0"],
  ["peer-resets"],
  ["wait", "IN|OUT|RDHUP|HUP|ERR"],
  ["recv 9", "0"],
  ["send 5", "EPIPE"],
]);

test("a bound address can be in use", () => {
  const address = { family: "ipv4", host: "127.0.0.1", port: 8080 } as const;
  expect(encodeAddress(address, small)).toBe(abi.SOCKADDR_IN);
  const kernel = new SimulatedKernel(1);
  expect(openListener(kernel, address, OPTIONS)).toBe(3);
  expect(openListener(kernel, address, OPTIONS)).toBe(-ERRNO.EADDRINUSE);
  kernel.close(3);
  expect(openListener(kernel, address, OPTIONS)).toBe(3);
});
