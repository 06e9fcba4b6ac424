/** Conversion of socket addresses to and from struct sockaddr_in, sockaddr_in6 and sockaddr_un (ip(7), ipv6(7), unix(7)). */
import { AF_INET, AF_INET6, AF_UNIX, SOCKADDR_IN, SOCKADDR_IN6, SOCKADDR_UN, SUN_PATH } from "../../ffi/abi.ts";
import { formatAddress, parseAddress, type SocketAddress } from "../../ffi/inet.ts";
import type { Block } from "../../ffi/memory.ts";

/** The longest path of a unix socket, in bytes, without its NUL. */
const LONGEST_UNIX_PATH = SOCKADDR_UN - SUN_PATH - 1;

export const familyNumber = { ipv4: AF_INET, ipv6: AF_INET6, unix: AF_UNIX } as const;

/** Writes the struct sockaddr of `address` at the start of `block` and gives its length. The host is numeric (the configuration checked it). */
export function encodeAddress(address: SocketAddress, block: Block): number {
  const { bytes } = block;
  bytes.fill(0, 0, SOCKADDR_UN);
  bytes.writeUInt16LE(familyNumber[address.family], 0);
  if (address.family === "unix") return SUN_PATH + bytes.write(address.path, SUN_PATH, LONGEST_UNIX_PATH, "utf8") + 1;
  bytes.writeUInt16BE(address.port, 2);
  const numeric = parseAddress(address.host);
  if (numeric === null) throw new TypeError(`not a numeric address: ${address.host}`);
  bytes.set(numeric, address.family === "ipv4" ? 4 : 8);
  return address.family === "ipv4" ? SOCKADDR_IN : SOCKADDR_IN6;
}

/** Reads the struct sockaddr at the start of `block`. The address of a unix socket's peer has an empty path. */
export function decodeAddress(block: Block): SocketAddress {
  const { bytes } = block;
  const port = bytes.readUInt16BE(2);
  switch (bytes.readUInt16LE(0)) {
    case AF_INET:
      return { family: "ipv4", host: formatAddress(bytes, 4, 4), port };
    case AF_INET6:
      return { family: "ipv6", host: formatAddress(bytes, 8, 16), port };
    default:
      return { family: "unix", path: "" };
  }
}
