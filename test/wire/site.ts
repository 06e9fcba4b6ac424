/** The demonstration site for tests: conf/ and www/ in a folder of their own, on ports that are free. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { makeFolder, PROJECT } from "./server.ts";

/** `count` different ports nobody listens on just now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once("listening", resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  // Closed only now: the kernel may give a port that was just closed again.
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A port nobody listens on just now. */
export const freePort = async (): Promise<number> => (await freePorts(1))[0]!;

/** The ports of conf/. */
const PORTS = [8080, 8081, 8082, 8090];

/** False for what somebody has uploaded to the demonstration. */
const isOurs = (path: string): boolean =>
  !/\/www\/(uploads|tester\/put_test)\/(?!\.gitignore$)/.test(path.slice(PROJECT.length));

/** A copy of conf/ and www/ in which the ports 8080 to 8082, and 8090 of the application behind, are free ones. */
export async function copyOfTheSite(): Promise<{ folder: string; ports: Map<number, number> }> {
  const folder = makeFolder();
  for (const name of ["conf", "www"]) {
    cpSync(join(PROJECT, name), join(folder, name), { recursive: true, verbatimSymlinks: true, filter: isOurs });
  }
  const free = await freePorts(PORTS.length);
  const ports = new Map(PORTS.map((port, i) => [port, free[i]!]));
  for (const name of readdirSync(join(folder, "conf"), { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".conf")) continue;
    const path = join(folder, "conf", name);
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace(/\b80(?:8[012]|90)\b/g, (port) => String(ports.get(Number(port)))),
    );
  }
  return { folder, ports };
}
