/** What addresses have to do with each other: wildcards that stand for others, and how they are shown. */
import type { SocketAddress } from "../../../ffi/inet.ts";
import type { ListenAddress, VirtualServer } from "../../config/model.ts";

/** An address that is listened on, and who answers there when the Host is no other's. */
export interface Site {
  readonly url: string;
  readonly server: VirtualServer;
}

/** The wildcard address that is bound in place of `listen`, as nginx does; undefined when it is bound itself. */
export function coveringWildcard(listen: ListenAddress, all: readonly ListenAddress[]): ListenAddress | undefined {
  const { address } = listen;
  if (address.family === "unix" || isWildcard(address) || address.port === 0) return undefined;
  return all.find(
    (other) =>
      other.address.family === address.family && other.address.port === address.port && isWildcard(other.address),
  );
}

/** Whether the system may refuse to bind one while the other listens: they share a port, and one of them is a wildcard. */
export const overlap = (one: SocketAddress, other: SocketAddress): boolean =>
  one.family !== "unix" &&
  other.family !== "unix" &&
  one.port !== 0 &&
  one.port === other.port &&
  (isWildcard(one) || isWildcard(other));

const isWildcard = (address: SocketAddress): boolean =>
  address.family !== "unix" && (address.host === "0.0.0.0" || address.host === "::");

export const portOf = (address: SocketAddress): number => (address.family === "unix" ? 0 : address.port);

export const hostOf = (address: SocketAddress): string => (address.family === "unix" ? "" : address.host);

/** A wildcard is shown as the loopback address: one can open it. */
export function urlOf(address: SocketAddress, port: number): string {
  if (address.family === "unix") return `http://unix:${address.path}:/`;
  const host = address.host === "0.0.0.0" ? "127.0.0.1" : address.host === "::" ? "::1" : address.host;
  return `http://${address.family === "ipv6" ? `[${host}]` : host}${port === 80 ? "" : `:${port}`}/`;
}
