/** getaddrinfo(3): names as the machine knows them (/etc/hosts, DNS, whatever nsswitch.conf says). It waits for the answer, so only a start or a reload may ask. */
import { type Pointer, toArrayBuffer } from "bun:ffi";
import { AF_INET, AF_INET6, SOCK_STREAM } from "./abi.ts";
import { formatAddress } from "./inet.ts";
import { libc } from "./libc.ts";
import { Block, CString } from "./memory.ts";

/** Offsets in struct addrinfo: the same on all 64-bit Linux, glibc and musl. */
const ADDRINFO = { size: 48, family: 4, socktype: 8, address: 24, next: 40 } as const;
/** Offsets of the address in struct sockaddr_in and sockaddr_in6. */
const IN_ADDRESS = 4;
const IN6_ADDRESS = 8;

/** What gai_strerror(3) says of the errors that are not the caller's. */
const TEXTS: Readonly<Record<number, string>> = {
  [-2]: "Name or service not known",
  [-3]: "Temporary failure in name resolution",
  [-4]: "Non-recoverable failure in name resolution",
  [-5]: "No address associated with hostname",
};

const name = new CString();
const hints = new Block(ADDRINFO.size);
const result = new Block(8);

const at = ({ bytes }: { readonly bytes: Buffer }, offset: number): Pointer =>
  Number(bytes.readBigUInt64LE(offset)) as Pointer;

/** The numeric addresses of a host, each once, IPv4 first; or why there are none. */
export function lookUp(host: string): readonly string[] | { readonly error: string } {
  hints.bytes.fill(0);
  hints.bytes.writeInt32LE(SOCK_STREAM, ADDRINFO.socktype);
  const n = libc.getaddrinfo(name.of(host) as Pointer, null, hints.address as Pointer, result.address as Pointer);
  if (n !== 0) return { error: TEXTS[n] ?? `getaddrinfo() gave ${n}` };
  const first = at(result, 0);
  const addresses = [...addressesOf(first)];
  libc.freeaddrinfo(first);
  const isV6 = (address: string) => Number(address.includes(":"));
  return [...new Set(addresses)].sort((a, b) => isV6(a) - isV6(b));
}

/** The addresses of a list of struct addrinfo. */
function* addressesOf(first: Pointer): Iterable<string> {
  for (let next = first; next !== 0; ) {
    const bytes = Buffer.from(toArrayBuffer(next, 0, ADDRINFO.size));
    const family = bytes.readInt32LE(ADDRINFO.family);
    const address = at({ bytes }, ADDRINFO.address);
    if (family === AF_INET) yield formatAddress(Buffer.from(toArrayBuffer(address, IN_ADDRESS, 4)), 0, 4);
    if (family === AF_INET6) yield formatAddress(Buffer.from(toArrayBuffer(address, IN6_ADDRESS, 16)), 0, 16);
    next = at({ bytes }, ADDRINFO.next);
  }
}
