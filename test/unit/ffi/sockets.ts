/** Connected sockets on the loopback, for tests on a real kernel. */
import { readFileSync } from "node:fs";
import { AF_INET, SOCK_STREAM, SOCKADDR_IN, SOCKADDR_STORAGE } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import { errnoName } from "../../errno-name.ts";

export interface Pair {
  /** The accepted socket. */
  readonly near: number;
  /** The one that connected. */
  readonly far: number;
  readonly listener: number;
}

/** Two ends of a TCP connection over 127.0.0.1, established when this returns. The caller closes all three; they are added to `opened`. */
export function pair(kernel: Kernel, opened: number[] = []): Pair {
  const address = new Block(SOCKADDR_STORAGE);
  address.bytes.writeUInt16LE(AF_INET, 0);
  address.bytes.set([127, 0, 0, 1], 4);
  const listener = kernel.socket(AF_INET, SOCK_STREAM);
  const far = kernel.socket(AF_INET, SOCK_STREAM);
  if (kernel.bind(listener, address, SOCKADDR_IN) < 0 || kernel.listen(listener, 4) < 0) throw new Error("no listener");
  kernel.connect(far, address, kernel.getsockname(listener, address));
  const near = eventually(() => kernel.accept(listener, new Block(SOCKADDR_STORAGE)));
  if (near < 0) throw new Error(`nobody to accept: ${near}`);
  opened.push(near, far, listener);
  return { near, far, listener };
}

/** A descriptor that must be there. */
export function good(fd: number): number {
  if (fd < 0) throw new Error(errnoName(fd));
  return fd;
}

/** The result of a call that is made again while it gives -EAGAIN: the loopback delivers soon, but on a busy machine not at once. */
export function eventually(call: () => number): number {
  for (const end = Date.now() + 30_000; Date.now() < end; Bun.sleepSync(1)) {
    const n = call();
    if (n !== -ERRNO.EAGAIN) return n;
  }
  return -ERRNO.EAGAIN;
}

/** Reads until there are `length` bytes at the start of `block`; gives them as text. */
export function receive(kernel: Kernel, fd: number, block: Block, length: number): string {
  let got = 0;
  for (let n = 1; n > 0 && got < length; got += Math.max(n, 0)) {
    n = eventually(() => kernel.recv(fd, block, got, length - got));
  }
  return block.bytes.latin1Slice(0, got);
}

/** The flags that a descriptor was opened with, from /proc: what fcntl(2) would say. */
export const flagsOf = (fd: number): number =>
  Number.parseInt(/flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))![1]!, 8);
