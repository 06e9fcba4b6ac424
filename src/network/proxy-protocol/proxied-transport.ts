/** The transport of a connection that begins with a header of the PROXY protocol: it takes the header off, and passes on everything else. */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { TcpInfo, Transport, TransportOwner } from "../transport.ts";
import { LONGEST_PROXY_HEADER, type ProxyAddresses, readProxyHeader } from "./header.ts";

export class ProxiedTransport implements Transport {
  proxied: ProxyAddresses | null = null;
  /** The part of the header that has come; null: the header is complete. */
  private header: Buffer | null = Buffer.alloc(0);
  private refusedIt = false;

  /** @param refused called with what is wrong with the header, in nginx's words; then the connection is lost */
  constructor(
    private readonly inner: Transport,
    private readonly refused: (problem: string) => void,
  ) {}

  get owner(): TransportOwner {
    return this.inner.owner;
  }

  set owner(owner: TransportOwner) {
    this.inner.owner = owner;
  }

  get fd(): number {
    return this.inner.fd;
  }

  get readable(): boolean {
    return this.inner.readable;
  }

  get writable(): boolean {
    return this.inner.writable;
  }

  get ended(): boolean {
    return this.inner.ended;
  }

  get broken(): boolean {
    return this.inner.broken;
  }

  get lost(): boolean {
    return this.refusedIt || this.inner.lost;
  }

  tcpInfo(): TcpInfo | null {
    return this.inner.tcpInfo?.() ?? null;
  }

  watch(): number {
    return this.inner.watch();
  }

  receive(block: Block, offset: number, length: number): number {
    while (this.header !== null) {
      // No more than fits behind the header, so that what follows it always finds room in `block`.
      const n = this.inner.receive(block, offset, Math.min(length, LONGEST_PROXY_HEADER));
      if (n <= 0) return n;
      const rest = this.take(this.header, block.bytes, offset, offset + n);
      if (rest !== 0) return rest;
      if (!this.inner.readable) return -ERRNO.EAGAIN;
    }
    return this.inner.receive(block, offset, length);
  }

  /** Reads the header out of `before` and bytes[start, end); moves what follows it to `start`. Bytes of that; 0: none; -errno. */
  private take(before: Buffer, bytes: Buffer, start: number, end: number): number {
    const all = Buffer.concat([before, bytes.subarray(start, end)]);
    const header = readProxyHeader(all);
    if (header === null) {
      this.header = all;
      return 0;
    }
    this.header = null;
    if (typeof header === "string") return this.refuse(header);
    this.proxied = header.addresses;
    return all.copy(bytes, start, header.length);
  }

  private refuse(problem: string): number {
    this.refusedIt = true;
    this.refused(problem);
    return -ERRNO.EPROTO;
  }

  send(block: Block, offset: number, length: number): number {
    return this.inner.send(block, offset, length);
  }

  sendFile(file: number, position: number, length: number): number {
    return this.inner.sendFile(file, position, length);
  }

  shut(): void {
    this.inner.shut();
  }

  close(reset?: boolean): void {
    this.inner.close(reset);
  }
}
