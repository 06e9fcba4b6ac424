/**
 * An SSL between two memory BIOs: one connection's TLS, without a descriptor. Ciphertext goes in by `feed` and comes out by
 * `outgoing`; plaintext is moved by `read` and `write`.
 */
import { type Pointer, toArrayBuffer } from "bun:ffi";
import { Block } from "../memory.ts";
import type { TlsContext } from "./context.ts";
import type { OpenSsl } from "./library.ts";
import { addressOf, cText, printed, takeError, textAt } from "./memory.ts";
import { negotiatedGroup, offeredCiphers, offeredGroups } from "./offers.ts";

/** Results of `read` besides a count. More ciphertext is needed. */
export const TLS_WANT = -1;
/** The peer has ended its side with close_notify. */
export const TLS_ENDED = 0;
/** The connection has failed: `error` says why. */
export const TLS_FAILED = -2;

const SSL_ERROR_WANT_READ = 2;
const SSL_ERROR_WANT_WRITE = 3;
const SSL_ERROR_ZERO_RETURN = 6;
const BIO_CTRL_PENDING = 10;
/** Bytes that have passed a BIO since it was made, after which it is replaced when empty: it never gives memory back. */
const LARGE_BIO = 16 * 1024;

const X509_V_OK = 0;
/** XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB, as nginx prints names. */
const XN_FLAG_RFC2253 = 0x1110317 & ~4;

/** A server that is connected to. */
interface TlsServer {
  /** The name that it is asked for (SNI); "": none. */
  readonly asks: string;
  /** The name that its certificate must have; "": any. */
  readonly verifies: string;
}

const SSL_CTRL_SET_TLSEXT_HOSTNAME = 55;

export class TlsSession {
  /** OpenSSL's words for the failure; "": it gave none. */
  error = "";
  private readonly ssl: OpenSsl;
  private readonly handle: Pointer;
  private input: Pointer;
  private output: Pointer;
  /** The most bytes that a BIO has held. */
  private held = 0;

  /** @param server the server that is connected to; null: this is the server's side */
  constructor(
    private readonly context: TlsContext,
    server: TlsServer | null = null,
  ) {
    const { ssl } = context;
    this.ssl = ssl;
    context.retain();
    this.handle = ssl.SSL_new(context.handle)!;
    this.input = ssl.BIO_new(ssl.BIO_s_mem()!)!;
    this.output = ssl.BIO_new(ssl.BIO_s_mem()!)!;
    ssl.SSL_set_bio(this.handle, this.input, this.output);
    if (server === null) ssl.SSL_set_accept_state(this.handle);
    else this.connect(server);
  }

  private connect({ asks, verifies }: TlsServer): void {
    const { ssl, handle } = this;
    ssl.SSL_set_connect_state(handle);
    const asked = cText(asks);
    if (asks !== "") ssl.SSL_ctrl(handle, SSL_CTRL_SET_TLSEXT_HOSTNAME, 0, addressOf(asked));
    const verified = cText(verifies);
    if (verifies !== "") ssl.SSL_set1_host(handle, addressOf(verified));
  }

  /** Goes on with the handshake. 1: it is complete; TLS_WANT, TLS_FAILED. */
  handshake(): number {
    this.ssl.ERR_clear_error();
    const n = this.ssl.SSL_do_handshake(this.handle);
    return n === 1 ? 1 : this.failure(n) === TLS_WANT ? TLS_WANT : TLS_FAILED;
  }

  /** Whether the handshake is complete. */
  get isEstablished(): boolean {
    return this.ssl.SSL_is_init_finished(this.handle) === 1;
  }

  /** Whether `read` may give something without more ciphertext. */
  get hasInput(): boolean {
    return (
      Number(this.ssl.BIO_ctrl(this.input, BIO_CTRL_PENDING, 0, null)) > 0 || this.ssl.SSL_pending(this.handle) > 0
    );
  }

  /** Ciphertext that waits to be sent, in bytes. */
  get waiting(): number {
    return Number(this.ssl.BIO_ctrl(this.output, BIO_CTRL_PENDING, 0, null));
  }

  /** Takes ciphertext of the peer: block[offset, offset + length). */
  feed(block: Block, offset: number, length: number): void {
    if (length > this.held) this.held = length;
    this.ssl.BIO_write(this.input, addressOf(block, offset), length);
  }

  /** Goes on with the handshake, then decrypts into `block`. Gives the count of bytes, or TLS_WANT, TLS_ENDED, TLS_FAILED. */
  read(block: Block, offset: number, length: number): number {
    this.ssl.ERR_clear_error();
    const n = this.ssl.SSL_read(this.handle, addressOf(block, offset), length);
    return n > 0 ? n : this.failure(n);
  }

  /** Encrypts block[offset, offset + length). Gives `length`, or TLS_FAILED. */
  write(block: Block, offset: number, length: number): number {
    if (length > this.held) this.held = length;
    this.ssl.ERR_clear_error();
    const n = this.ssl.SSL_write(this.handle, addressOf(block, offset), length);
    if (n > 0) return n;
    const failure = this.failure(n);
    return failure === TLS_WANT ? TLS_FAILED : failure;
  }

  private failure(n: number): number {
    const error = this.ssl.SSL_get_error(this.handle, n);
    if (error === SSL_ERROR_WANT_READ || error === SSL_ERROR_WANT_WRITE) return TLS_WANT;
    if (error === SSL_ERROR_ZERO_RETURN) return TLS_ENDED;
    this.error = takeError(this.ssl);
    return TLS_FAILED;
  }

  /** Moves at most `length` bytes of ciphertext to block[0, ...). Gives their count; 0: there are none. */
  outgoing(block: Block, length: number): number {
    return Math.max(0, this.ssl.BIO_read(this.output, addressOf(block), length));
  }

  /** Puts back ciphertext that could not be sent; `outgoing` must have moved all there was. */
  unsent(block: Block, offset: number, length: number): void {
    this.ssl.BIO_write(this.output, addressOf(block, offset), length);
  }

  /** Writes close_notify. */
  shut(): void {
    this.ssl.ERR_clear_error();
    this.ssl.SSL_shutdown(this.handle);
  }

  /** Gives the memory of large BIOs back, while both are empty. */
  shrink(): void {
    if (this.held <= LARGE_BIO || this.waiting > 0) return;
    const { ssl } = this;
    this.held = 0;
    this.input = ssl.BIO_new(ssl.BIO_s_mem()!)!;
    this.output = ssl.BIO_new(ssl.BIO_s_mem()!)!;
    ssl.SSL_set_bio(this.handle, this.input, this.output);
  }

  /** Frees it; called once. */
  free(): void {
    this.ssl.SSL_free(this.handle);
    this.context.release();
  }

  // What variables and logs ask

  /** `TLSv1.3`. */
  get protocol(): string {
    return textAt(this.ssl.SSL_get_version(this.handle));
  }

  /** OpenSSL's name of the cipher suite. */
  get cipher(): string {
    const cipher = this.ssl.SSL_get_current_cipher(this.handle);
    return cipher === null ? "" : textAt(this.ssl.SSL_CIPHER_get_name(cipher));
  }

  /** The cipher suites that the client offered, in a handshake that was not resumed. */
  get offeredCiphers(): string[] {
    return offeredCiphers(this.ssl, this.handle);
  }

  /** The group of the key exchange; "": none, or the library is too old to tell. */
  get group(): string {
    return negotiatedGroup(this.ssl, this.handle);
  }

  /** The groups that the client offered. */
  get offeredGroups(): string[] {
    return offeredGroups(this.ssl, this.handle);
  }

  /** The protocol that was agreed on by ALPN; "": none. */
  get alpn(): string {
    const [data, length] = [new Block(8), new Block(4)];
    this.ssl.SSL_get0_alpn_selected(this.handle, addressOf(data), addressOf(length));
    const bytes = length.bytes.readUInt32LE(0);
    const address = Number(data.bytes.readBigUInt64LE(0)) as Pointer;
    return bytes === 0 ? "" : Buffer.from(toArrayBuffer(address, 0, bytes)).latin1Slice();
  }

  get isReused(): boolean {
    return this.ssl.SSL_session_reused(this.handle) === 1;
  }

  /** The session's id in hexadecimal digits; "": none. */
  get sessionId(): string {
    const session = this.ssl.SSL_get_session(this.handle);
    if (session === null) return "";
    const length = new Block(4);
    const id = this.ssl.SSL_SESSION_get_id(session, addressOf(length));
    return id === null ? "" : hexAt(id, length.bytes.readUInt32LE(0));
  }

  /** Whether the client's certificate is valid: null, or OpenSSL's words for what is wrong with it. */
  get verifyError(): string | null {
    const result = Number(this.ssl.SSL_get_verify_result(this.handle));
    return result === X509_V_OK ? null : textAt(this.ssl.X509_verify_cert_error_string(result));
  }

  /** Calls `use` with the peer's certificate; null: it has sent none. */
  private withCertificate<T>(use: (certificate: Pointer) => T): T | null {
    const certificate = this.ssl.peerCertificate(this.handle);
    if (certificate === null) return null;
    try {
      return use(certificate);
    } finally {
      this.ssl.X509_free(certificate);
    }
  }

  get subject(): string {
    return this.nameOf(this.ssl.X509_get_subject_name);
  }

  get issuer(): string {
    return this.nameOf(this.ssl.X509_get_issuer_name);
  }

  private nameOf(get: (certificate: Pointer) => Pointer | null): string {
    const { ssl } = this;
    const name = (one: Pointer): string =>
      printed(ssl, (bio) => void ssl.X509_NAME_print_ex(bio, get(one)!, 0, XN_FLAG_RFC2253));
    return this.withCertificate(name) ?? "";
  }

  /** The names as `/C=DE/CN=x`. */
  get legacySubject(): string {
    return this.legacyNameOf(this.ssl.X509_get_subject_name);
  }

  get legacyIssuer(): string {
    return this.legacyNameOf(this.ssl.X509_get_issuer_name);
  }

  private legacyNameOf(get: (certificate: Pointer) => Pointer | null): string {
    const text = new Block(4096);
    const name = (one: Pointer): string =>
      textAt(this.ssl.X509_NAME_oneline(get(one)!, addressOf(text), text.bytes.length));
    return this.withCertificate(name) ?? "";
  }

  get serial(): string {
    const { ssl } = this;
    const digits = (one: Pointer): string =>
      printed(ssl, (bio) => void ssl.i2a_ASN1_INTEGER(bio, ssl.X509_get_serialNumber(one)!));
    return this.withCertificate(digits) ?? "";
  }

  get validFrom(): string {
    return this.timeOf(this.ssl.X509_get0_notBefore);
  }

  get validUntil(): string {
    return this.timeOf(this.ssl.X509_get0_notAfter);
  }

  private timeOf(get: (certificate: Pointer) => Pointer | null): string {
    const { ssl } = this;
    return this.withCertificate((one) => printed(ssl, (bio) => void ssl.ASN1_TIME_print(bio, get(one)!))) ?? "";
  }

  /** SHA-1 of the peer's certificate in hexadecimal digits. */
  get fingerprint(): string {
    const { ssl } = this;
    const digest = new Block(64);
    const length = new Block(4);
    const made = this.withCertificate((one) =>
      ssl.X509_digest(one, ssl.EVP_sha1()!, addressOf(digest), addressOf(length)),
    );
    return made === 1 ? digest.bytes.toString("hex", 0, length.bytes.readUInt32LE(0)) : "";
  }

  get hasCertificate(): boolean {
    return this.withCertificate(() => true) ?? false;
  }

  /** The peer's certificate as PEM. */
  get certificatePem(): string {
    const { ssl } = this;
    return this.withCertificate((one) => printed(ssl, (bio) => void ssl.PEM_write_bio_X509(bio, one))) ?? "";
  }
}

const hexAt = (address: Pointer, length: number): string =>
  length === 0 ? "" : Buffer.from(toArrayBuffer(address, 0, length)).toString("hex");
