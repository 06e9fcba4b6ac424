/** What a TLS context is made of, and what can be wrong with it. */

/** A certificate chain and its key, as PEM. */
export interface TlsCertificate {
  readonly chain: Uint8Array;
  readonly key: Uint8Array;
  /** The passwords to try on an encrypted key. */
  readonly passwords: readonly string[];
}

/** The rules of a context. */
export interface TlsRules {
  readonly certificates: readonly TlsCertificate[];
  /** Allowed versions: `TLSv1.2`, ... */
  readonly protocols: readonly string[];
  readonly ciphers: string;
  /** Groups for key exchange; null: the library's. */
  readonly curves: string | null;
  readonly preferServerCiphers: boolean;
  /** Sessions that the server remembers; 0: none. null: clients may not even resume by ticket. */
  readonly sessionCacheSize: number | null;
  /** Seconds. */
  readonly sessionTimeout: number;
  readonly tickets: boolean;
  /** 80 bytes; null: the library's own. */
  readonly ticketKeys: Uint8Array | null;
  /** Most bytes of a record. */
  readonly bufferSize: number;
  /** Whether clients are asked for a certificate. The answer is judged by HTTP: the handshake succeeds with any. */
  readonly asksClient: boolean;
  readonly verifyDepth: number;
  /** Authorities, as PEM: named to clients, and trusted. */
  readonly clientAuthorities: Uint8Array | null;
  /** Authorities that are trusted, but not named. */
  readonly trustedAuthorities: Uint8Array | null;
  readonly revocations: Uint8Array | null;
  /** OpenSSL's own commands (SSL_CONF_cmd(3)), each with its value. */
  readonly commands: readonly (readonly [string, string])[];
}

/** The rules of connections to other servers. */
export interface TlsClientRules {
  /** The certificate that is shown; null, or a half alone: none. */
  readonly certificate: TlsCertificate | null;
  readonly protocols: readonly string[];
  readonly ciphers: string;
  readonly verifyDepth: number;
  /** Authorities of the servers' certificates, as PEM. */
  readonly authorities: Uint8Array | null;
  readonly revocations: Uint8Array | null;
  readonly commands: readonly (readonly [string, string])[];
}

/** What is wrong with the rules: which part of them, and OpenSSL's words. */
export interface TlsProblem {
  readonly part:
    | "certificate"
    | "key"
    | "match"
    | "ciphers"
    | "curves"
    | "authorities"
    | "crl"
    | "command"
    | "ticketKeys";
  /** Index of the certificate or command. */
  readonly index: number;
  readonly text: string;
}
