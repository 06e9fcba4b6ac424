/** Relations between addresses: wildcards that cover others, and how addresses are shown. */
import type { SocketAddress } from "../../../ffi/inet.ts";
import type { ListenAddress, VirtualServer } from "../../config/model.ts";

/** An address the server listens on, with the default server there. */
export interface Site {
  readonly url: string;
  readonly server: VirtualServer;
}

/** The wildcard address that is bound instead of `listen`, as in nginx; undefined when `listen` itself is bound. */
export function coveringWildcard(listen: ListenAddress, all: readonly ListenAddress[]): ListenAddress | undefined {
  const { address } = listen;
  if (address.family === "unix" || isWildcard(address) || address.port === 0) return undefined;
  return all.find(
    (other) =>
      other.address.family === address.family && other.address.port === address.port && isWildcard(other.address),
  );
}

/** Whether the kernel may refuse to bind both: they have the same port, and one is a wildcard. */
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

/** The address as a URL. A wildcard is shown as the loopback address, which a browser can open. */
export function urlOf({ address, tls }: Pick<ListenAddress, "address" | "tls">, port: number): string {
  const scheme = tls ? "https" : "http";
  if (address.family === "unix") return `${scheme}://unix:${address.path}:/`;
  const host = address.host === "0.0.0.0" ? "127.0.0.1" : address.host === "::" ? "::1" : address.host;
  return `${scheme}://${address.family === "ipv6" ? `[${host}]` : host}${port === (tls ? 443 : 80) ? "" : `:${port}`}/`;
}
