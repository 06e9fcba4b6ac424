/** The transport of a connection's bytes: a socket, or a layer over one such as TLS. Tests have their own. */
import type { Block } from "../../ffi/memory.ts";
import type { TlsSession } from "../../ffi/openssl/session.ts";
import type { ProxyAddresses } from "./proxy-protocol/header.ts";

/** TLS on a connection, for variables. */
export interface TlsFacts {
  /** The name that the client has asked for; "": none. */
  readonly serverName: string;
  /** null: the client speaks plain HTTP, or has gone. */
  readonly session: TlsSession | null;
}

/** Figures of the kernel about a connection (tcp(7), TCP_INFO): microseconds, segments, bytes. */
export interface TcpInfo {
  readonly rtt: number;
  readonly rttvar: number;
  readonly congestionWindow: number;
  readonly receiveSpace: number;
}

/** The user of a transport. */
export interface TransportOwner {
  /** Called when something can be received or sent again, or the peer has gone. */
  onReady(): void;
}

/**
 * Five calls and the known state of the connection. Counts are bytes. Errors are -errno; any but -EAGAIN means that the
 * connection is lost.
 */
export interface Transport {
  /** Is told of changes; the user of the transport sets it. */
  owner: TransportOwner;
  readonly fd: number;
  /** Whether a call may move bytes. A call that would block clears the flag; when it is set again, `owner.onReady` is called. */
  readonly readable: boolean;
  readonly writable: boolean;
  /** `receive` has given 0: the peer will send nothing more. */
  readonly ended: boolean;
  /** The peer has closed its sending side at least, behind bytes that may still be unread. Known before `ended`. */
  readonly halfClosed?: boolean;
  /** Both directions are closed, not only the peer's sending side. */
  readonly broken: boolean;
  /** A call has failed: nothing can be received or sent any more. */
  readonly lost: boolean;
  /** What the header of the PROXY protocol told; absent or null: nothing. */
  readonly proxied?: ProxyAddresses | null;
  /** Absent: the address is without TLS. */
  readonly tls?: TlsFacts;

  /** null: the kernel tells nothing. Absent: it is no socket. */
  tcpInfo?(): TcpInfo | null;
  /** Starts calls of `owner.onReady`; called once. 0, or -errno. */
  watch(): number;
  /** Receives at most `length` bytes into `block` at `offset`. Gives their count, 0 at the end of the stream, or -errno. */
  receive(block: Block, offset: number, length: number): number;
  /** Sends block[offset, offset + length). Gives the count taken, perhaps fewer, or -errno. */
  send(block: Block, offset: number, length: number): number;
  /** Sends `length` bytes of an open file from `position`. Gives the count taken, 0 where the file ends before, or -errno (also of reading the file). */
  sendFile(file: number, position: number, length: number): number;
  /** Closes the sending side; the peer can still read everything sent before. */
  shut(): void;
  /** Closes the connection; called once. `reset`: by a reset, which discards what was not sent. */
  close(reset?: boolean): void;
}
