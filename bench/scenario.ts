/** Shared by the scenarios: the options of the command line, and the available peers. */

import { bunServe } from "./servers/bun-serve.ts";
import { floor } from "./servers/floor.ts";
import { lighttpd } from "./servers/lighttpd.ts";
import { nginx } from "./servers/nginx.ts";
import type { Peer } from "./servers/server.ts";
import { webserv } from "./servers/webserv.ts";
import type { Site } from "./site.ts";
import type { Report } from "./table.ts";

export interface Options {
  readonly site: Site;
  /** Number of measured rounds, after one to warm up. */
  readonly rounds: number;
  /** null: the scenario's default. */
  readonly requests: number | null;
  readonly clients: number | null;
  /** Families of servers to measure; empty: all. */
  readonly only: readonly string[];
}

/** Measures something and reports it. */
export type Scenario = (options: Options) => Promise<Report[]>;

/** The order of the tables. */
const PEERS: readonly Peer[] = [webserv, ...nginx, lighttpd, bunServe, floor];

/** The servers of all scenarios. */
export const FAMILIES: readonly string[] = [...new Set(PEERS.map((peer) => peer.family)), "apache"];

/** The selected peers of `families` that are installed, and a note for each one that is not. */
export function choosePeers(families: readonly string[], options: Options): { peers: Peer[]; notes: string[] } {
  const wanted = PEERS.filter((peer) => families.includes(peer.family) && allowed(peer.family, options));
  const missing = new Set(wanted.filter((peer) => Bun.which(peer.program) === null).map((peer) => peer.family));
  return {
    peers: wanted.filter((peer) => !missing.has(peer.family)),
    notes: [...missing].map((family) => `note: ${family} is not installed: left out`),
  };
}

/** Whether a peer is selected and its program is installed. */
export function isAvailable({ family, program }: Peer, options: Options): boolean {
  return allowed(family, options) && Bun.which(program) !== null;
}

function allowed(family: string, options: Options): boolean {
  return options.only.length === 0 || options.only.includes(family);
}
