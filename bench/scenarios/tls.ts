/** HTTPS beside nginx's: small and large files over kept connections, and a full handshake for each request. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Options } from "../scenario.ts";
import { nginx } from "../servers/nginx.ts";
import type { Peer, Setup } from "../servers/server.ts";
import { webserv } from "../servers/webserv.ts";
import type { Report } from "../table.ts";
import { type Case, compareGateways } from "./proxy.ts";

const CERTIFICATE = join(import.meta.dir, "../../test/vectors/tls/one");

const CASES: readonly Case[] = [
  ["1 KB over kept connections", { tls: true, requests: 30_000 }, 0.92],
  ["10 MB, 16 clients", { tls: true, requests: 200, clients: 16, paths: ["/10m.html"] }, 0.9],
  ["a full handshake and 1 KB", { tls: true, connect: true, requests: 3_000, clients: 8 }, 1.0],
];

/** A peer whose configuration, the last argument of its command, listens with TLS. */
const secure = (peer: Peer): Peer => ({
  ...peer,
  command: (setup: Setup) => {
    const command = peer.command(setup);
    const file = command.at(-1)!;
    const certificate = `ssl_certificate "${CERTIFICATE}.pem"; ssl_certificate_key "${CERTIFICATE}.key"; ssl_protocols TLSv1.2 TLSv1.3;`;
    const listen = (_: string, address: string, rest: string): string => `listen ${address} ssl${rest}; ${certificate}`;
    writeFileSync(file, readFileSync(file, "utf8").replace(/listen (\S+?)((?: [^;]*)?);/, listen));
    return command;
  },
});

/** The scenario `tls`. */
export const tls = (options: Options): Promise<Report[]> =>
  compareGateways("tls", [webserv, nginx[0]!].map(secure), CASES, options);
