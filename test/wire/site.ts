/** The demonstration site for tests: conf/ and www/ in a folder of their own, on ports that are free. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "./free-ports.ts";
import { makeFolder, PROJECT } from "./server.ts";

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
