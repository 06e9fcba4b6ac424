/**
 * The header of the PROXY protocol, versions 1 and 2: what a balancer sends before the first byte of a connection (its
 * specification is haproxy's doc/proxy-protocol.txt). Pure.
 */
import { formatAddress, parseAddress } from "../../../ffi/inet.ts";

/** The addresses that the balancer tells. Ports of 0 mean none. */
export interface ProxyAddresses {
  readonly sourceBytes: Uint8Array;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly serverAddress: string;
  readonly serverPort: number;
  /** The octets behind the addresses of version 2, as TLVs; "": none. */
  readonly extra: string;
}

/** A complete header. */
interface ProxyHeader {
  /** Its bytes. */
  readonly length: number;
  /** null: the balancer tells none (UNKNOWN, LOCAL, a unix socket): those of the connection count. */
  readonly addresses: ProxyAddresses | null;
}

const V1_START = Buffer.from("PROXY ", "latin1");
const V2_SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
/** The longest header of version 1 with its CRLF, as specified. */
const V1_LONGEST = 107;
/** Bytes of a version 2 header before its addresses. */
const V2_FIXED = 16;
/** The longest header that is read, as in nginx: TLVs may take the rest. */
export const LONGEST_PROXY_HEADER = 4096;

const [VERSION_AT, FAMILY_AT, LENGTH_AT] = [12, 13, 14];
const COMMAND_PROXY = 1;
/** Family and transport: TCP over IPv4, TCP over IPv6. */
const TCP4 = 0x11;
const TCP6 = 0x21;

/** Reads the header at the start of `bytes`. null: more bytes are needed; a text: what is wrong, in nginx's words. */
export function readProxyHeader(bytes: Buffer): ProxyHeader | string | null {
  if (startsLike(bytes, V2_SIGNATURE)) return bytes.length < V2_FIXED ? null : readV2(bytes);
  if (startsLike(bytes, V1_START)) return readV1(bytes);
  return broken(bytes);
}

/** Whether `bytes` begin with `start`, as far as they go. */
function startsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

function broken(bytes: Buffer): string {
  const [line] = bytes.latin1Slice(0, Math.min(bytes.length, V1_LONGEST)).split(/[\r\n]/);
  return `broken header: "${line}"`;
}

const V1_LINE = /^PROXY (?:(UNKNOWN)(?: .*)?|TCP([46]) (\S+) (\S+) (\d{1,5}) (\d{1,5}))$/s;

function readV1(bytes: Buffer): ProxyHeader | string | null {
  const end = bytes.subarray(0, V1_LONGEST).indexOf("\r\n", 0, "latin1");
  const line = bytes.latin1Slice(0, end < 0 ? Math.min(bytes.length, V1_LONGEST) : end);
  // A bare LF ends nothing. To wait for more would keep the connection until its time-out.
  if (end < 0) return bytes.length < V1_LONGEST && !line.includes("\n") ? null : broken(bytes);
  const match = V1_LINE.exec(line);
  if (match === null) return broken(bytes);
  const length = end + 2;
  if (match[1] !== undefined) return { length, addresses: null };
  const addresses = addressesOf(match.slice(2));
  return addresses === null ? broken(bytes) : { length, addresses };
}

/** The addresses of a line; null: they are none of the family that it names. */
function addressesOf([family, source, server, sourcePort, serverPort]: readonly string[]): ProxyAddresses | null {
  const size = family === "4" ? 4 : 16;
  const [from, to] = [parseAddress(source!), parseAddress(server!)];
  if (from?.length !== size || to?.length !== size) return null;
  if (Number(sourcePort) > 0xffff || Number(serverPort) > 0xffff) return null;
  return addresses(Uint8Array.from(from), Number(sourcePort), Uint8Array.from(to), Number(serverPort));
}

function readV2(bytes: Buffer): ProxyHeader | string | null {
  const version = bytes[VERSION_AT]! >> 4;
  if (version !== 2) return `unknown PROXY protocol version: ${version}`;
  const length = V2_FIXED + bytes.readUInt16BE(LENGTH_AT);
  if (length > LONGEST_PROXY_HEADER) return "header is too large";
  if (bytes.length < length) return null;
  const command = bytes[VERSION_AT]! & 15;
  const family = bytes[FAMILY_AT]!;
  const size = family === TCP4 ? 4 : family === TCP6 ? 16 : 0;
  if (command !== COMMAND_PROXY || size === 0) return { length, addresses: null };
  const ports = V2_FIXED + 2 * size;
  if (length < ports + 4) return "header is too short for its addresses";
  const source = Uint8Array.from(bytes.subarray(V2_FIXED, V2_FIXED + size));
  const server = Uint8Array.from(bytes.subarray(V2_FIXED + size, ports));
  const extra = bytes.latin1Slice(ports + 4, length);
  const [from, to] = [bytes.readUInt16BE(ports), bytes.readUInt16BE(ports + 2)];
  return { length, addresses: addresses(source, from, server, to, extra) };
}

function addresses(
  source: Uint8Array,
  sourcePort: number,
  server: Uint8Array,
  serverPort: number,
  extra = "",
): ProxyAddresses {
  const text = (bytes: Uint8Array) => formatAddress(bytes, 0, bytes.length as 4 | 16);
  return {
    sourceBytes: source,
    sourceAddress: text(source),
    sourcePort,
    serverAddress: text(server),
    serverPort,
    extra,
  };
}
