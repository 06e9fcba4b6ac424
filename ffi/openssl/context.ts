/** An SSL_CTX: the certificates and rules of the connections that it makes. */
import type { Pointer } from "bun:ffi";
import { Block } from "../memory.ts";
import { acceptAll, chooseProtocol } from "./callbacks.ts";
import type { OpenSsl } from "./library.ts";
import { addressOf, cText, printed, takeError, withBio } from "./memory.ts";
import type { TlsCertificate, TlsClientRules, TlsProblem, TlsRules } from "./rules.ts";

/** SSL_CTX_ctrl(3) commands (ssl.h). */
const SSL_CTRL_SET_MODE = 33;
const SSL_CTRL_SET_SESS_CACHE_SIZE = 42;
const SSL_CTRL_SET_SESS_CACHE_MODE = 44;
const SSL_CTRL_SET_MAX_SEND_FRAGMENT = 52;
const SSL_CTRL_GET_TLSEXT_TICKET_KEYS = 58;
const SSL_CTRL_SET_TLSEXT_TICKET_KEYS = 59;
const SSL_CTRL_CHAIN_CERT = 89;
const SSL_CTRL_SET_GROUPS_LIST = 92;
const SSL_CTRL_SET_MIN_PROTO_VERSION = 123;
const SSL_CTRL_SET_MAX_PROTO_VERSION = 124;

const SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 2;
const SSL_MODE_RELEASE_BUFFERS = 16;
const SSL_SESS_CACHE_OFF = 0;
const SSL_SESS_CACHE_SERVER = 2;

const SSL_OP_IGNORE_UNEXPECTED_EOF = 0x80;
const SSL_OP_NO_TICKET = 0x4000;
const SSL_OP_NO_COMPRESSION = 0x20000;
const SSL_OP_CIPHER_SERVER_PREFERENCE = 0x400000;
const SSL_OP_NO_RENEGOTIATION = 0x40000000;

/** The options that forbid a version, by nginx's names. */
const FORBIDDING: ReadonlyMap<string, number> = new Map([
  ["SSLv3", 0x02000000],
  ["TLSv1", 0x04000000],
  ["TLSv1.1", 0x10000000],
  ["TLSv1.2", 0x08000000],
  ["TLSv1.3", 0x20000000],
]);

const LARGEST_RECORD = 16384;

const SSL_VERIFY_NONE = 0;
const SSL_VERIFY_PEER = 1;
const X509_V_FLAG_CRL_CHECK_ALL = 0x4 | 0x8;

/** SSL_CONF_FLAG_FILE | CERTIFICATE | SERVER: names as in a file (SSL_CONF_cmd(3)). */
const SSL_CONF_FLAGS = 0x2 | 0x20 | 0x8;

export class TlsContext {
  private users = 1;
  private readonly ends: (string | null)[] = [];

  private constructor(
    readonly ssl: OpenSsl,
    readonly handle: Pointer,
    /** Contexts of the same identity may resume each other's sessions. */
    readonly identity: string,
  ) {}

  /** Makes the context of a server; what is wrong with its rules otherwise. @param ticketKeys those of earlier contexts, by their identity */
  static server(
    ssl: OpenSsl,
    rules: TlsRules,
    ticketKeys: ReadonlyMap<string, Uint8Array> = new Map(),
  ): TlsContext | TlsProblem {
    const context = new TlsContext(ssl, ssl.SSL_CTX_new(ssl.TLS_server_method()!)!, identityOf(rules));
    ssl.ERR_clear_error();
    const problem = context.configure(rules, ticketKeys.get(context.identity) ?? null);
    if (problem === null) return context;
    context.release();
    ssl.ERR_clear_error();
    return problem;
  }

  /** Makes the context of connections to other servers; what is wrong with its rules otherwise. */
  static client(ssl: OpenSsl, rules: TlsClientRules): TlsContext | TlsProblem {
    const context = new TlsContext(ssl, ssl.SSL_CTX_new(ssl.TLS_client_method()!)!, "");
    ssl.ERR_clear_error();
    const problem = context.configureClient(rules);
    if (problem === null) return context;
    context.release();
    ssl.ERR_clear_error();
    return problem;
  }

  private configureClient(rules: TlsClientRules): TlsProblem | null {
    const { protocols, ciphers, certificate, verifyDepth } = rules;
    this.limit({ protocols, preferServerCiphers: false, tickets: true, bufferSize: LARGEST_RECORD });
    const store = this.ssl.SSL_CTX_get_cert_store(this.handle)!;
    const trust = (one: Pointer): unknown => this.ssl.X509_STORE_add_cert(store, one);
    this.ssl.SSL_CTX_set_verify_depth(this.handle, verifyDepth);
    const { authorities, revocations } = rules;
    if (authorities !== null && !withBio(this.ssl, authorities, (bio) => this.readAll(bio, trust)))
      return this.problem("authorities");
    return (
      this.useCiphers({ ciphers, curves: null }) ??
      (isWhole(certificate) ? this.useCertificate(certificate, 0) : null) ??
      (revocations === null ? null : this.revoke(store, revocations)) ??
      first(rules.commands, (command, i) => this.command(command, i))
    );
  }

  retain(): void {
    this.users++;
  }

  release(): void {
    if (--this.users === 0) this.ssl.SSL_CTX_free(this.handle);
  }

  /** For each certificate: null, or since when it has not been valid any more, or from when it is. */
  expiries(): (string | null)[] {
    return this.ends;
  }

  /** The keys of session tickets, for the context that follows this one. */
  ticketKeys(): Uint8Array {
    const keys = new Block(80);
    this.control(SSL_CTRL_GET_TLSEXT_TICKET_KEYS, 80, keys);
    return keys.bytes;
  }

  private configure(rules: TlsRules, earlierKeys: Uint8Array | null): TlsProblem | null {
    this.limit(rules);
    this.ssl.SSL_CTX_set_alpn_select_cb(this.handle, chooseProtocol(), null);
    return (
      this.useCiphers(rules) ??
      first(rules.certificates, (certificate, i) => this.useCertificate(certificate, i)) ??
      this.verify(rules) ??
      first(rules.commands, (command, i) => this.command(command, i)) ??
      this.useSessions(rules, rules.ticketKeys ?? earlierKeys)
    );
  }

  private limit({
    protocols,
    preferServerCiphers,
    tickets,
    bufferSize,
  }: Pick<TlsRules, "protocols" | "preferServerCiphers" | "tickets" | "bufferSize">): void {
    const { ssl, handle } = this;
    let options = SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF;
    if (preferServerCiphers) options |= SSL_OP_CIPHER_SERVER_PREFERENCE;
    if (!tickets) options |= SSL_OP_NO_TICKET;
    for (const [name, bit] of FORBIDDING) if (!protocols.includes(name)) options |= bit;
    ssl.SSL_CTX_set_options(handle, options);
    // Instead of the system's own limits, as in nginx: the file says what is allowed.
    this.control(SSL_CTRL_SET_MIN_PROTO_VERSION, 0);
    this.control(SSL_CTRL_SET_MAX_PROTO_VERSION, 0);
    this.control(SSL_CTRL_SET_MODE, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    this.control(SSL_CTRL_SET_MAX_SEND_FRAGMENT, Math.min(LARGEST_RECORD, Math.max(512, bufferSize)));
  }

  private useCiphers({ ciphers, curves }: Pick<TlsRules, "ciphers" | "curves">): TlsProblem | null {
    const list = cText(ciphers);
    if (this.ssl.SSL_CTX_set_cipher_list(this.handle, addressOf(list)) !== 1) return this.problem("ciphers");
    if (curves === null) return null;
    return this.control(SSL_CTRL_SET_GROUPS_LIST, 0, cText(curves)) === 1 ? null : this.problem("curves");
  }

  /** Uses the first certificate, the rest as its chain, and the key. */
  private useCertificate({ chain, key, passwords }: TlsCertificate, index: number): TlsProblem | null {
    const { ssl, handle } = this;
    const used = withBio(ssl, chain, (bio) => {
      const leaf = ssl.PEM_read_bio_X509_AUX(bio, null, null, null);
      if (leaf === null) return false;
      const isUsed = ssl.SSL_CTX_use_certificate(handle, leaf) === 1;
      this.ends.push(this.invalidity(leaf));
      ssl.X509_free(leaf);
      return (
        isUsed && this.readAll(bio, (certificate) => ssl.SSL_CTX_ctrl(handle, SSL_CTRL_CHAIN_CERT, 1, certificate))
      );
    });
    if (!used) return this.problem("certificate", index);
    for (const password of passwords.length === 0 ? [""] : passwords) {
      const handleOfKey = this.readKey(key, password);
      if (handleOfKey === null) continue;
      const isUsed = ssl.SSL_CTX_use_PrivateKey(handle, handleOfKey) === 1;
      ssl.EVP_PKEY_free(handleOfKey);
      const matches = isUsed && ssl.SSL_CTX_check_private_key(handle) === 1;
      return matches ? null : this.problem("match", index);
    }
    return this.problem("key", index);
  }

  /** Null: the certificate is valid today. */
  private invalidity(certificate: Pointer): string | null {
    const { ssl } = this;
    const time = (at: Pointer): string => printed(ssl, (bio) => void ssl.ASN1_TIME_print(bio, at));
    const [from, until] = [ssl.X509_get0_notBefore(certificate)!, ssl.X509_get0_notAfter(certificate)!];
    if (ssl.X509_cmp_current_time(until) < 0) return `until ${time(until)}`;
    return ssl.X509_cmp_current_time(from) > 0 ? `from ${time(from)}` : null;
  }

  private readKey(key: Uint8Array, password: string): Pointer | null {
    const { ssl } = this;
    ssl.ERR_clear_error();
    const text = cText(password);
    return withBio(ssl, key, (bio) => ssl.PEM_read_bio_PrivateKey(bio, null, null, addressOf(text))) as Pointer | null;
  }

  /** Passes every certificate that is left in `bio` to `use`; the queue's error "no start line" is the end. */
  private readAll(bio: Pointer, use: (certificate: Pointer) => unknown): boolean {
    for (;;) {
      const certificate = this.ssl.PEM_read_bio_X509(bio, null, null, null) as Pointer | null;
      if (certificate === null) break;
      use(certificate);
      this.ssl.X509_free(certificate);
    }
    return /no start line|:0909006C:|:0480006C:/.test(takeError(this.ssl));
  }

  private verify(rules: TlsRules): TlsProblem | null {
    const { ssl, handle } = this;
    if (!rules.asksClient) {
      ssl.SSL_CTX_set_verify(handle, SSL_VERIFY_NONE, null);
      return null;
    }
    ssl.SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, acceptAll());
    ssl.SSL_CTX_set_verify_depth(handle, rules.verifyDepth);
    const store = ssl.SSL_CTX_get_cert_store(handle)!;
    const trust = (certificate: Pointer): unknown => ssl.X509_STORE_add_cert(store, certificate);
    const named = (certificate: Pointer): unknown => {
      ssl.SSL_CTX_add_client_CA(handle, certificate);
      return trust(certificate);
    };
    const read = (pem: Uint8Array | null, use: (certificate: Pointer) => unknown): boolean =>
      pem === null || withBio(ssl, pem, (bio) => this.readAll(bio, use));
    if (!read(rules.clientAuthorities, named) || !read(rules.trustedAuthorities, trust))
      return this.problem("authorities");
    return rules.revocations === null ? null : this.revoke(store, rules.revocations);
  }

  private revoke(store: Pointer, pem: Uint8Array): TlsProblem | null {
    const { ssl } = this;
    const count = withBio(ssl, pem, (bio) => {
      for (let n = 0; ; n++) {
        const list = ssl.PEM_read_bio_X509_CRL(bio, null, null, null) as Pointer | null;
        if (list === null) return n;
        ssl.X509_STORE_add_crl(store, list);
        ssl.X509_CRL_free(list);
      }
    });
    if (count === 0) return this.problem("crl");
    ssl.ERR_clear_error();
    ssl.X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK_ALL);
    return null;
  }

  private command([name, value]: readonly [string, string], index: number): TlsProblem | null {
    const { ssl } = this;
    const context = ssl.SSL_CONF_CTX_new()!;
    ssl.SSL_CONF_CTX_set_flags(context, SSL_CONF_FLAGS);
    ssl.SSL_CONF_CTX_set_ssl_ctx(context, this.handle);
    const [command, argument] = [cText(name), cText(value)];
    const isDone =
      ssl.SSL_CONF_cmd(context, addressOf(command), addressOf(argument)) > 0 && ssl.SSL_CONF_CTX_finish(context) === 1;
    ssl.SSL_CONF_CTX_free(context);
    return isDone ? null : this.problem("command", index);
  }

  private useSessions(
    { sessionCacheSize, sessionTimeout }: TlsRules,
    ticketKeys: Uint8Array | null,
  ): TlsProblem | null {
    this.control(SSL_CTRL_SET_SESS_CACHE_MODE, sessionCacheSize ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_OFF);
    if (sessionCacheSize) this.control(SSL_CTRL_SET_SESS_CACHE_SIZE, sessionCacheSize);
    this.ssl.SSL_CTX_set_num_tickets(this.handle, 1); // by default two: each costs some microseconds of every handshake
    this.ssl.SSL_CTX_set_timeout(this.handle, sessionTimeout);
    const name = cText(this.identity);
    this.ssl.SSL_CTX_set_session_id_context(this.handle, addressOf(name), this.identity.length);
    if (ticketKeys === null) return null;
    const keys = new Block(80);
    keys.bytes.set(ticketKeys.subarray(0, 80));
    return this.control(SSL_CTRL_SET_TLSEXT_TICKET_KEYS, 80, keys) === 1 ? null : this.problem("ticketKeys");
  }

  private control(command: number, value: number, block: Block | null = null): number {
    return Number(this.ssl.SSL_CTX_ctrl(this.handle, command, value, block === null ? null : addressOf(block)));
  }

  private problem(part: TlsProblem["part"], index = 0): TlsProblem {
    return { part, index, text: takeError(this.ssl) };
  }
}

const isWhole = (pair: TlsCertificate | null): pair is TlsCertificate =>
  pair !== null && pair.chain.length > 0 && pair.key.length > 0;

/** What identifies the sessions of a server, at most 32 characters: one with another certificate or other clients must not resume them. */
function identityOf({ certificates, asksClient, clientAuthorities, trustedAuthorities }: TlsRules): string {
  const hash = new Bun.CryptoHasher("sha256");
  for (const { chain } of certificates) hash.update(chain);
  if (asksClient) for (const authorities of [clientAuthorities, trustedAuthorities]) hash.update(authorities ?? "none");
  return hash.digest("hex").slice(0, 32);
}

/** The first problem of the items. */
function first<T>(items: readonly T[], use: (item: T, index: number) => TlsProblem | null): TlsProblem | null {
  for (const [i, item] of items.entries()) {
    const problem = use(item, i);
    if (problem !== null) return problem;
  }
  return null;
}
