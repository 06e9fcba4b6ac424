/** How a server under measurement is started, found ready, and stopped. */
import { closeSync, openSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import type { Site } from "../site.ts";

/** The server runs on one CPU and the load on another, where there are two. */
export const SERVER_CPU = 0;
export const LOAD_CPU = availableParallelism() > 1 ? 1 : 0;

/** What a server is asked to be. */
export interface Setup {
  readonly site: Site;
  readonly port: number;
  /** Keep an access log in the site's folder. */
  readonly log: boolean;
}

/** A kind of server. Two of the same family are variants: only the cheaper one stays in a table. */
export interface Peer {
  readonly name: string;
  readonly family: string;
  /** The program that must be installed. */
  readonly program: string;
  /** Writes the configuration and gives the command that serves in the foreground. */
  command(setup: Setup): string[];
}

export interface RunningServer {
  readonly peer: Peer;
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** Raises the soft limit of descriptors to the hard one, then becomes the command on the given CPU. */
const ON_CPU = 'ulimit -Sn "$(ulimit -Hn)"; exec taskset -c "$0" "$@"';

/** `command` on one CPU with as many descriptors as allowed. */
export function onCpu(cpu: number, command: readonly string[]): string[] {
  return ["sh", "-c", ON_CPU, String(cpu), ...command];
}

const running = new Set<RunningServer>();

/** Starts `peer` and waits until it answers. Throws with the end of its output when it does not. */
export async function start(peer: Peer, site: Site, log: boolean): Promise<RunningServer> {
  const port = freePort();
  const outputFile = join(site.folder, `${peer.family}-${port}.out`);
  const output = openSync(outputFile, "w");
  const command = onCpu(SERVER_CPU, peer.command({ site, port, log }));
  const process = Bun.spawn(command, { stdin: "ignore", stdout: output, stderr: output });
  closeSync(output);
  const server: RunningServer = { peer, pid: process.pid, port, stop: () => stop(server, process) };
  running.add(server);
  if (await answers(port, process)) return server;
  const said = (await Bun.file(outputFile).text()).slice(-2000);
  await server.stop();
  throw new Error(`${peer.name} did not start: ${said}`);
}

/** Stops whatever still runs. */
export async function stopAll(): Promise<void> {
  for (const server of [...running]) await server.stop();
}

/** A port of 127.0.0.1 that nobody uses now. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  listener.stop(true);
  return listener.port;
}

async function stop(server: RunningServer, process: Subprocess): Promise<void> {
  running.delete(server);
  process.kill("SIGTERM");
  const impatience = setTimeout(() => process.kill("SIGKILL"), 3000);
  await process.exited;
  clearTimeout(impatience);
}

async function answers(port: number, process: Subprocess): Promise<boolean> {
  const patience = Date.now() + 10_000;
  while (Date.now() < patience && process.exitCode === null && process.signalCode === null) {
    try {
      const reply = await fetch(`http://127.0.0.1:${port}/1k.html`, { keepalive: false });
      await reply.bytes();
      return true;
    } catch {
      await Bun.sleep(20);
    }
  }
  return false;
}
