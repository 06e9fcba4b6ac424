/**
 * TLS over another transport. Ciphertext passes through two Blocks that all connections of a server share; what a connection keeps
 * for itself is inside of its TlsSession. Bytes count as sent when their ciphertext has gone: a record that the inner transport has
 * taken only in part is `owed`, and the caller sends the same bytes again, which then cost nothing.
 */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { TlsContext } from "../../../ffi/openssl/context.ts";
import { TLS_ENDED, TLS_FAILED, TLS_WANT, TlsSession } from "../../../ffi/openssl/session.ts";
import type { ProxyAddresses } from "../proxy-protocol/header.ts";
import type { TcpInfo, TlsFacts, Transport, TransportOwner } from "../transport.ts";
import { HelloReader } from "./hello-reader.ts";
import { PIECE, ROOM, type TlsShared } from "./shared.ts";

/** Decides how a client is served. */
interface TlsChooser {
  /** The context for a server name, "" for none; null: its handshake is refused. */
  contextFor(serverName: string): TlsContext | null;
  /** Called with OpenSSL's words for what has failed, before the connection is lost. */
  failed(words: string): void;
}

export class TlsTransport implements Transport, TlsFacts {
  serverName = "";
  session: TlsSession | null = null;
  /** The client began without TLS: its bytes are passed on as they are, so that it can be told. */
  isPlain = false;
  private established = false;
  private readonly hello: HelloReader;
  private readonly chooser: TlsChooser | null;
  /** What has failed, in OpenSSL's words. */
  error = "";
  /** `read` may give something although nothing has come. */
  private more = false;
  private blocked = false;
  /** Plaintext at the start of the next send that is encrypted already. */
  private owed = 0;
  private isOver = false;
  private hasFailed = false;
  private isShut = false;
  private ownerOfBytes: TransportOwner = { onReady() {} };

  /** @param chooser for the server's side of a connection; for the client's, a session that has not begun its handshake */
  constructor(
    private readonly inner: Transport,
    private readonly shared: TlsShared,
    chooser: TlsChooser | TlsSession,
  ) {
    this.chooser = chooser instanceof TlsSession ? null : chooser;
    this.session = chooser instanceof TlsSession ? chooser : null;
    inner.owner = this;
    this.hello = new HelloReader(shared.received);
  }

  get owner(): TransportOwner {
    return this.ownerOfBytes;
  }

  set owner(owner: TransportOwner) {
    this.ownerOfBytes = owner;
  }

  get tls(): TlsFacts {
    return this;
  }

  tcpInfo(): TcpInfo | null {
    return this.inner.tcpInfo?.() ?? null;
  }

  get fd(): number {
    return this.inner.fd;
  }

  get readable(): boolean {
    return this.more || this.inner.readable;
  }

  get writable(): boolean {
    return !this.blocked && this.inner.writable;
  }

  get ended(): boolean {
    return this.isOver || this.inner.ended;
  }

  get halfClosed(): boolean {
    return this.isOver || this.inner.halfClosed === true;
  }

  get broken(): boolean {
    return this.inner.broken;
  }

  get lost(): boolean {
    return this.hasFailed || this.inner.lost;
  }

  get proxied(): ProxyAddresses | null {
    return this.inner.proxied ?? null;
  }

  watch(): number {
    return this.inner.watch();
  }

  onReady(): void {
    if (this.blocked && this.inner.writable) this.flush();
    this.ownerOfBytes.onReady();
  }

  /** Its handshake may begin now. */
  onTurn(): void {
    this.ownerOfBytes.onReady();
  }

  /** Goes on with the handshake of a client. 1: it is complete; -EAGAIN: `owner.onReady` is called when it can go on; else it has failed. */
  handshake(): number {
    for (;;) {
      const n = this.session!.handshake();
      this.flush();
      if (n === 1) {
        this.established = this.more = true;
        return 1;
      }
      if (n !== TLS_WANT) return this.fail(this.session!.error);
      const got = this.fill();
      if (got === 0) return this.fail("peer closed connection in SSL handshake");
      if (got < 0) return got;
    }
  }

  receive(block: Block, offset: number, length: number): number {
    if (this.isPlain) return this.receivePlain(block, offset, length);
    if (this.session === null) {
      const n = this.begin();
      if (n <= 0) return n;
      if (this.isPlain) return this.receivePlain(block, offset, length);
    }
    return this.decrypt(block, offset, length);
  }

  /** What a client without TLS sends: first what was taken for a ClientHello. */
  private receivePlain(block: Block, offset: number, length: number): number {
    if (!this.more) return this.inner.receive(block, offset, length);
    const n = this.hello.take(block.bytes, offset, length);
    this.more = !this.hello.isEmpty;
    return n;
  }

  /** Waits for the ClientHello, then chooses the context. 1, 0 at the end of the stream, or -errno. */
  private begin(): number {
    const n = this.hello.fill(this.inner);
    if (n <= 0) return n;
    if (this.hello.isPlain) {
      this.isPlain = this.more = true;
      return 1;
    }
    if (!this.shared.handshakes.mayBegin(this)) {
      this.more = true;
      return -ERRNO.EAGAIN;
    }
    this.serverName = this.hello.serverName;
    const context = this.chooser!.contextFor(this.serverName);
    if (context === null) return this.fail("the handshake is refused (ssl_reject_handshake)");
    this.session = new TlsSession(context);
    const { received } = this.shared;
    while (!this.hello.isEmpty) this.session.feed(received, 0, this.hello.take(received.bytes, 0, PIECE));
    return 1;
  }

  private decrypt(block: Block, offset: number, length: number): number {
    const session = this.session!;
    for (;;) {
      const n = session.read(block, offset, length);
      if (n > 0) {
        this.established = true;
        this.more = session.hasInput;
        return n;
      }
      if (n !== TLS_WANT) return this.over(n);
      this.more = false;
      if (!this.established) this.established = session.isEstablished;
      if (session.waiting > 0) this.flush();
      const got = this.fill();
      if (got <= 0) return got;
    }
  }

  /** Passes what has come to the session. The count of bytes, 0 at the end of the stream, or -errno. */
  private fill(): number {
    if (!this.inner.readable) {
      if (this.established) this.session!.shrink();
      return this.inner.ended ? 0 : -ERRNO.EAGAIN;
    }
    const n = this.inner.receive(this.shared.received, 0, PIECE);
    if (n > 0) this.session!.feed(this.shared.received, 0, n);
    return n;
  }

  /** The peer has ended its side, or the connection has failed. */
  private over(result: number): number {
    this.more = false;
    this.isOver = true;
    if (result === TLS_ENDED) return 0;
    this.flush(); // the alert
    this.fail(this.session!.error);
    return -ERRNO.EPROTO;
  }

  private fail(words: string): number {
    this.hasFailed = true;
    this.error = words;
    this.chooser?.failed(words);
    return -ERRNO.EPROTO;
  }

  send(block: Block, offset: number, length: number): number {
    if (this.isPlain) return this.inner.send(block, offset, length);
    const settled = this.settle(length);
    if (settled < 0 || this.blocked) return settled;
    let sent = settled;
    while (sent < length) {
      const piece = Math.min(PIECE, length - sent);
      if (this.session!.write(block, offset + sent, piece) === TLS_FAILED) return this.fail(this.session!.error);
      const taken = this.flushed(piece);
      if (taken < 0) return taken;
      sent += taken;
      if (taken < piece) break;
    }
    return sent;
  }

  sendFile(file: number, position: number, length: number): number {
    if (this.isPlain) return this.inner.sendFile(file, position, length);
    const settled = this.settle(length);
    if (settled !== 0 || this.blocked) return settled;
    const { kernel, fromFile } = this.shared;
    const wanted = Math.min(PIECE, length);
    let n = kernel.read(file, fromFile, 0, wanted, position);
    while (n === -ERRNO.EINTR) n = kernel.read(file, fromFile, 0, wanted, position);
    if (n <= 0) return n;
    if (this.session!.write(fromFile, 0, n) === TLS_FAILED) return this.fail(this.session!.error);
    const taken = this.flushed(n);
    return taken === 0 ? -ERRNO.EAGAIN : taken;
  }

  /** Sends the ciphertext that is left; gives how many of the next `length` bytes were owed and are sent now, or -errno. */
  private settle(length: number): number {
    if (this.session === null || !this.established) {
      this.hasFailed = true; // nothing may be said before the handshake
      return -ERRNO.EPROTO;
    }
    if (this.blocked && !this.flush()) return this.lost ? -ERRNO.EPIPE : -ERRNO.EAGAIN;
    const paid = Math.min(this.owed, length);
    this.owed -= paid;
    return paid;
  }

  /** Sends what was just made of `piece` bytes: `piece`, 0 and they are owed, or -errno. */
  private flushed(piece: number): number {
    if (this.flush()) return piece;
    if (this.lost) return -ERRNO.EPIPE;
    this.owed = piece;
    return 0;
  }

  /** Sends the ciphertext that waits. True: the inner transport has taken all of it. */
  private flush(): boolean {
    const { sending } = this.shared;
    const session = this.session!;
    const length = session.outgoing(sending, ROOM); // all there is: no more than a piece is encrypted before it is sent
    const sent = length === 0 ? 0 : this.inner.writable ? this.inner.send(sending, 0, length) : -ERRNO.EAGAIN;
    if (this.inner.lost) return false;
    const taken = Math.max(0, sent);
    this.blocked = taken < length;
    if (this.blocked) session.unsent(sending, taken, length - taken);
    return !this.blocked;
  }

  /** Sends close_notify, and closes the sending side. */
  shut(): void {
    this.notify();
    this.inner.shut();
  }

  private notify(): void {
    if (this.isShut || this.session === null || !this.established || this.lost) return;
    this.isShut = true;
    this.session.shut();
    this.flush();
  }

  close(reset?: boolean): void {
    this.shared.handshakes.leave(this);
    this.notify();
    this.session?.free();
    this.session = null;
    this.inner.close(reset);
  }
}
