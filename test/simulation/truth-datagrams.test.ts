/** UDP sockets on Linux and in the simulation: the same calls give the same results. */
import { expect, test } from "bun:test";
import * as abi from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { linux } from "../../ffi/linux.ts";
import { Block } from "../../ffi/memory.ts";
import { encodeAddress } from "../../src/network/address.ts";
import { SimulatedKernel } from "./kernel.ts";

const EDGES = abi.EPOLLIN | abi.EPOLLET;
const block = new Block(512);
const data = new Block(64);

/** A kernel, and a port with a peer that sends each datagram back twice, or with nobody. */
interface Place {
  readonly kernel: Kernel;
  readonly port: number;
  close(): void;
}

const addressAt = (port: number): number => encodeAddress({ family: "ipv4", host: "127.0.0.1", port }, block);

async function onLinux(answers: boolean): Promise<Place> {
  const peer = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data(socket, bytes, port, address) {
        for (let i = 0; i < 2; i++) socket.send(bytes, port, address);
      },
    },
  });
  if (!answers) peer.close();
  return { kernel: linux, port: peer.port, close: () => answers && peer.close() };
}

async function inSimulation(answers: boolean): Promise<Place> {
  const kernel = new SimulatedKernel(1);
  const server = (bytes: Buffer, reply: (answer: Buffer) => void) => {
    for (let i = 0; i < 2; i++) reply(bytes);
  };
  const length = addressAt(5353);
  if (answers) kernel.network.answerDatagrams(Buffer.from(block.bytes.subarray(0, length)), server);
  return { kernel, port: 5353, close() {} };
}

/** What each step gives: connect, send, the events, and what is received until nothing waits. */
async function steps({ kernel, port, close }: Place, most: number): Promise<unknown[]> {
  const epoll = kernel.epollCreate();
  const fd = kernel.socket(abi.AF_INET, abi.SOCK_DGRAM);
  const told: unknown[] = [kernel.connect(fd, block, addressAt(port)), kernel.epollAdd(epoll, fd, EDGES, 1)];
  data.bytes.write("0123456789");
  told.push(kernel.send(fd, data, 0, 10));
  const received: unknown[] = [];
  for (const deadline = Date.now() + 20_000; received.length < 2 && Date.now() < deadline; ) {
    if (kernel.epollWait(epoll, block, 4, 1) <= 0) {
      await Bun.sleep(1); // the peer on Linux is in this process
      continue;
    }
    const events = block.bytes.readInt32LE(abi.EPOLL_EVENT.events * 4);
    if (events & abi.EPOLLERR) told.push("EPOLLERR");
    for (let n = 0; n >= 0; ) {
      n = kernel.recv(fd, data, 0, most);
      if (n !== -ERRNO.EAGAIN) received.push(n);
    }
    if (events & abi.EPOLLERR) break;
  }
  kernel.close(fd);
  kernel.close(epoll);
  close();
  return [...told, ...received];
}

for (const [where, place] of [
  ["on Linux", onLinux],
  ["simulated", inSimulation],
] as const) {
  test(`datagrams keep their boundaries, ${where}`, async () => {
    expect(await steps(await place(true), 64)).toEqual([0, 0, 10, 10, 10]);
  });

  test(`a datagram that is too long for its memory loses its rest, ${where}`, async () => {
    expect(await steps(await place(true), 4)).toEqual([0, 0, 10, 4, 4]);
  });

  test(`where nobody listens the next call says so, once, ${where}`, async () => {
    expect(await steps(await place(false), 64)).toEqual([0, 0, 10, "EPOLLERR", -ERRNO.ECONNREFUSED]);
  });
}
