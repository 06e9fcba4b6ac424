/** This server, from its sources. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Peer, Setup } from "./server.ts";

export const SOURCE = join(import.meta.dir, "../../src/main.ts");
export const BINARY = join(import.meta.dir, "../../dist/webserv");

export const webserv: Peer = webservFrom("webserv", SOURCE);

/** The server whose main file is `source`, under a name of its own. */
export function webservFrom(name: string, source: string): Peer {
  const command = (setup: Setup): string[] => [process.execPath, "run", source, writeConfiguration(setup)];
  return { name, family: name, program: process.execPath, command };
}

/** Writes a configuration with every default but the limits of a connection and, as for its peers, no log of missing files; gives its path. */
export function writeConfiguration(setup: Setup): string {
  const file = join(setup.site.folder, `webserv-${setup.port}.conf`);
  const log = setup.log ? join(setup.site.folder, `webserv-${setup.port}.log`) + " combined" : "off";
  writeFileSync(
    file,
    `access_log ${log};
error_log stderr crit;
keepalive_requests 1000000000;
keepalive_timeout 1h;
server {
  listen 127.0.0.1:${setup.port};
  root ${setup.site.root};
}
`,
  );
  return file;
}
