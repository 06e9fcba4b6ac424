/** The client of a request that is only thought of: its connection, and the reply that it would get. */
import { parseAddress } from "../../../ffi/inet.ts";
import type { TlsSession } from "../../../ffi/openssl/session.ts";
import type { ConnectionInfo } from "../../exchange/exchange.ts";
import { discard, type Field, type ReplyBody, type StreamBody, type WholeReply } from "../../exchange/reply.ts";
import type { Tunnel } from "../../exchange/tunnel.ts";
import { fieldValue } from "../../http/reply/response.ts";
import type { ReplyTarget } from "../../request/reply-target.ts";
import type { Asked } from "./question.ts";

/** Of a client without a certificate. What the handshake would agree on is not known. */
const SESSION = {
  hasCertificate: false,
  verifyError: null,
  isReused: false,
  validFrom: "",
  validUntil: "",
  ...Object.fromEntries(
    ["certificatePem", "cipher", "protocol", "fingerprint", "issuer", "serial", "sessionId", "subject"].map((name) => [
      name,
      "",
    ]),
  ),
} as unknown as TlsSession;

/** A port as clients have it. */
const CLIENT_PORT = 50_000;

export interface ReplySeen {
  readonly status: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Bytes of the body; -1: unknown before it is sent. */
  readonly length: number;
}

export class Client implements ReplyTarget {
  readonly bytesSent = 0;
  readonly bodyBytesSent = 0;
  readonly info: ConnectionInfo;
  seen: ReplySeen | null = null;
  /** What a handler has thrown. */
  failure: unknown = null;

  constructor(address: string, { address: serverAddress, port: serverPort, isTls, serverName }: Asked) {
    const isUnix = address === "unix:";
    this.info = {
      number: 1,
      requests: 1,
      remoteAddress: address,
      remotePort: isUnix ? 0 : CLIENT_PORT,
      remoteBytes: Uint8Array.from(isUnix ? [] : parseAddress(address)!),
      serverAddress,
      serverPort,
      scheme: isTls ? "https" : "http",
      openedAt: 0,
      tcpInfo: () => null,
      tls: isTls ? { serverName, session: SESSION } : undefined,
    };
  }

  persists(): boolean {
    return true;
  }

  reply(status: number, fields: Field[], body: ReplyBody, length?: number): void {
    this.seen = {
      status,
      fields: fields.map(([name, value]) => [name, fieldValue(value)]),
      length: length ?? lengthOf(body),
    };
    discard(body);
  }

  replyWhole(reply: WholeReply, rest: ReplyBody): void {
    const length = rest === null ? reply.length - reply.headLength : lengthOf(rest);
    this.reply(reply.status, [...reply.fields], rest, length);
  }

  replyRaw(body: StreamBody): void {
    this.reply(200, [], body);
  }

  tunnel(fields: Field[], far: Tunnel): void {
    far.close();
    this.reply(101, fields, null);
  }

  wholeReply(): WholeReply {
    throw new Error("a reply that is only thought of is not kept");
  }

  drop(): void {
    this.seen = { status: 444, fields: [], length: 0 };
  }

  goOn(): void {}

  crash(error: unknown): void {
    this.failure = error;
  }
}

const lengthOf = (body: ReplyBody): number => (body === null ? 0 : body.length);
