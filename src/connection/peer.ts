/** The address of the client. An IPv4 address is kept as a number, so that idle connections cost little. */
import { AF_INET, AF_INET6 } from "../../ffi/abi.ts";
import { formatAddress } from "../../ffi/inet.ts";
import type { Block } from "../../ffi/memory.ts";

const NO_BYTES = new Uint8Array(0);

export class Peer {
  readonly port: number;
  /** An IPv4 address as a number, the bytes of an IPv6 one, null for a unix socket. */
  private readonly host: number | Uint8Array | null;
  private text = "";

  /** @param sockaddr holds the peer's struct sockaddr at its start; copied */
  constructor(sockaddr: Block) {
    const { bytes } = sockaddr;
    const family = bytes[0]! | (bytes[1]! << 8);
    this.port = family === AF_INET || family === AF_INET6 ? (bytes[2]! << 8) | bytes[3]! : 0;
    if (family === AF_INET) this.host = (bytes[4]! << 24) | (bytes[5]! << 16) | (bytes[6]! << 8) | bytes[7]!;
    else this.host = family === AF_INET6 ? Uint8Array.from(bytes.subarray(8, 24)) : null;
  }

  /** The 4 or 16 bytes of the address; none for a unix socket. */
  get bytes(): Uint8Array {
    const { host } = this;
    if (typeof host !== "number") return host ?? NO_BYTES;
    return Uint8Array.of(host >>> 24, host >>> 16, host >>> 8, host);
  }

  /** The numeric address; `unix:` for a unix socket. */
  get address(): string {
    if (this.text === "") this.text = this.host === null ? "unix:" : this.format();
    return this.text;
  }

  private format(): string {
    const { bytes } = this;
    return formatAddress(bytes, 0, bytes.length === 4 ? 4 : 16);
  }
}
