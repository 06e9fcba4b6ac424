/** Ports for servers that can't choose one themselves: nginx, and those that begin again where they were. */
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";

/**
 * Where the kernel's own range begins. It takes from there what it gives to servers that listen on port 0 and to connections, of tests that
 * run at the same time too: a port of that range which was free just now may be theirs a moment later.
 */
const KERNELS = Number(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").split(/\s/, 1)[0]);
const LEAST = 10_000;
/** Where that range begins low, nothing is left below it. */
const END = KERNELS >= 2 * LEAST ? KERNELS : 32_768;
const START = Math.max(LEAST, END - 20_000);

/** `count` different ports of 127.0.0.1 that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(START, END);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

/** A port of 127.0.0.1 that nobody listens on. */
export const freePort = async (): Promise<number> => (await freePorts(1))[0]!;

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server: Server = createServer()
    .once("error", () => resolve(false))
    .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  return promise;
}
