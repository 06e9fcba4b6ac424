/** The demonstration site for tests: conf/ and www/ in a folder of their own, on ports that are free. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { makeFolder, PROJECT } from "./server.ts";

/** A port nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** False for what somebody has uploaded to the demonstration. */
const isOurs = (path: string): boolean =>
  !/\/www\/(uploads|tester\/put_test)\/(?!\.gitignore$)/.test(path.slice(PROJECT.length));

/** A copy of conf/ and www/ in which the ports 8080 to 8082 are free ones. */
export async function copyOfTheSite(): Promise<{ folder: string; ports: Map<number, number> }> {
  const folder = makeFolder();
  for (const name of ["conf", "www"]) {
    cpSync(join(PROJECT, name), join(folder, name), { recursive: true, verbatimSymlinks: true, filter: isOurs });
  }
  const ports = new Map<number, number>();
  for (const port of [8080, 8081, 8082]) ports.set(port, await freePort());
  for (const name of readdirSync(join(folder, "conf"), { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".conf")) continue;
    const path = join(folder, "conf", name);
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace(/\b808[012]\b/g, (port) => String(ports.get(Number(port)))),
    );
  }
  return { folder, ports };
}
