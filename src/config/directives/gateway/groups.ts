/** Which group of servers a `*_pass` means: an `upstream` block, or the address itself, which becomes a group of one server. */
import type { UpstreamConfig } from "../../gateway.ts";
import type { Scope } from "../../scope.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { suggestion } from "../../text/suggest.ts";
import { internetAddress, type PeerAddress } from "../../values/peer.ts";
import { NO_RESOLVER } from "./draft.ts";

/** The parameters of a server that says nothing else. */
export const PLAIN_SERVER = {
  weight: 1,
  maxFails: 1,
  failTimeout: 10_000,
  backup: false,
  down: false,
  maxConns: 0,
  slowStart: 0,
} as const;

/** The options of an upstream that says nothing else. */
export const PLAIN_UPSTREAM = {
  balancing: { kind: "round_robin" },
  keepalive: 0,
  keepaliveRequests: 1000,
  keepaliveTime: 3_600_000,
  keepaliveTimeout: 60_000,
  sticky: null,
  queue: null,
  ...NO_RESOLVER,
} as const;

/** The key of the group in the Config; makes the group of an address. For checks that run when everything has been read. */
export function findGroup(scope: Scope, peer: PeerAddress, word: Word, directive: string): string {
  const { upstreams, groups } = scope.draft.gateway;
  const block = upstreams.get(peer.host.toLowerCase());
  if (block !== undefined) {
    if (peer.hasPort)
      scope.error(word.position, `"${directive}" cannot name a port of the upstream ${quote(block.name)}`);
    return block.name;
  }
  if (peer.port === null && peer.address === null) {
    const near = suggestion(peer.host, upstreams.keys());
    scope.error(
      word.position,
      `"${directive}" expects an upstream or an address with a port: there is no upstream ${quote(peer.host)}${near}`,
    );
  } else if (!groups.has(peer.text)) {
    const { position } = word;
    const addresses = addressesOf(scope, peer, word);
    const server = { ...PLAIN_SERVER, name: peer.text, addresses, resolve: null, position };
    groups.set(peer.text, {
      ...PLAIN_UPSTREAM,
      name: peer.text,
      servers: [server],
      health: null,
      position,
    });
  }
  return peer.text;
}

/** The addresses of a server; reports a name that has none, as nginx does. */
export function addressesOf(
  scope: Scope,
  { address, host, port }: PeerAddress,
  { position }: Word,
): UpstreamConfig["servers"][number]["addresses"] {
  if (address !== null) return [address];
  const found = scope.draft.gateway.lookUp(host);
  if (!("error" in found)) return found.map((one) => internetAddress(one, port!));
  scope.error(position, `host not found in upstream ${quote(host)} (${found.error})`);
  return [];
}
