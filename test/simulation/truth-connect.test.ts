/** Outgoing connections on Linux and in the simulation: the same calls give the same results. */
import { expect, test } from "bun:test";
import * as abi from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { linux } from "../../ffi/linux.ts";
import { Block } from "../../ffi/memory.ts";
import { decodeAddress, encodeAddress } from "../../src/network/address.ts";
import { openListener } from "../../src/network/listener.ts";
import { errnoName } from "../errno-name.ts";
import { SimulatedKernel } from "./kernel.ts";

const HERE = { family: "ipv4", host: "127.0.0.1", port: 0 } as const;
const LISTEN = { backlog: 8, reuseport: false, ipv6only: true, deferred: false };
const EDGES = abi.EPOLLIN | abi.EPOLLOUT | abi.EPOLLRDHUP | abi.EPOLLET;
const block = new Block(512);
const data = new Block(64);

/** A kernel, and whether somebody listens at the address. */
interface Place {
  readonly kernel: Kernel;
  readonly port: number;
  close(): void;
}

function onLinux(listens: boolean): Place {
  const listener = openListener(linux, HERE, LISTEN);
  linux.getsockname(listener, block);
  const { port } = decodeAddress(block) as { port: number };
  if (!listens) linux.close(listener);
  return { kernel: linux, port, close: () => listens && linux.close(listener) };
}

function inSimulation(listens: boolean): Place {
  const kernel = new SimulatedKernel(1);
  const outcome = listens ? "accepts" : "refuses";
  const options = { receiveBuffer: 1000, sendBuffer: 1000, latency: 1 };
  const peer = { connection: null, connected() {}, notified() {} };
  const length = encodeAddress({ ...HERE, port: 8080 }, block);
  kernel.network.place(Buffer.from(block.bytes.subarray(0, length)), { connect: () => ({ outcome, options, peer }) });
  return { kernel, port: 8080, close() {} };
}

/** What each step gives: connect, the events, SO_ERROR twice, send. */
function steps({ kernel, port, close }: Place): unknown[] {
  const epoll = kernel.epollCreate();
  const fd = kernel.socket(abi.AF_INET, abi.SOCK_STREAM);
  const told: unknown[] = [
    errnoName(kernel.connect(fd, block, encodeAddress({ ...HERE, port }, block))),
    kernel.epollAdd(epoll, fd, EDGES, 1),
    kernel.epollWait(epoll, block, 4, 1000),
    block.bytes.readInt32LE(abi.EPOLL_EVENT.events * 4),
  ];
  for (let i = 0; i < 2; i++) told.push(kernel.getsockopt(fd, abi.SOL_SOCKET, abi.SO_ERROR));
  told.push(Math.min(0, kernel.send(fd, data, 0, 5)));
  kernel.close(fd);
  kernel.close(epoll);
  close();
  return told;
}

const { EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR } = abi;
const CONNECTED = ["EINPROGRESS", 0, 1, EPOLLOUT, 0, 0, 0];
const REFUSED = [
  "EINPROGRESS",
  0,
  1,
  EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP | EPOLLERR,
  ERRNO.ECONNREFUSED,
  0,
  -ERRNO.EPIPE,
];

test("a connection is there when the socket is writable, on Linux", () => {
  expect(steps(onLinux(true))).toEqual(CONNECTED);
});

test("a connection is there when the socket is writable, simulated", () => {
  expect(steps(inSimulation(true))).toEqual(CONNECTED);
});

test("a refused connection tells everything, and its error once, on Linux", () => {
  expect(steps(onLinux(false))).toEqual(REFUSED);
});

test("a refused connection tells everything, and its error once, simulated", () => {
  expect(steps(inSimulation(false))).toEqual(REFUSED);
});
