/** Settings of HTTPS (ngx_http_ssl_module). */
import type { TlsClientRules } from "../../../ffi/openssl/rules.ts";
import type { Position, Template } from "../parts.ts";

/** A file, as the configuration names it. */
export interface TlsFile {
  /** Absolute. */
  readonly path: string;
  readonly position: Position;
}

/** An OpenSSL command of `ssl_conf_command`. */
interface TlsCommand {
  readonly name: string;
  readonly value: string;
  readonly position: Position;
}

export interface TlsSettings {
  readonly sslCertificate: readonly TlsFile[];
  /** One for each certificate, in the same order. */
  readonly sslCertificateKey: readonly TlsFile[];
  readonly sslPasswordFile: TlsFile | null;
  /** nginx's names: `TLSv1.2`, ... */
  readonly sslProtocols: readonly string[];
  readonly sslCiphers: string;
  /** `auto`, or names with colons between. */
  readonly sslEcdhCurve: string;
  readonly sslPreferServerCiphers: boolean;
  /** Sessions that are remembered; 0: none. null: clients may not resume at all. */
  readonly sslSessionCache: number | null;
  readonly sslSessionTickets: boolean;
  readonly sslSessionTicketKey: readonly TlsFile[];
  readonly sslSessionTimeout: number;
  readonly sslBufferSize: number;
  readonly sslVerifyClient: "off" | "on" | "optional" | "optional_no_ca";
  readonly sslVerifyDepth: number;
  readonly sslClientCertificate: TlsFile | null;
  readonly sslTrustedCertificate: TlsFile | null;
  readonly sslCrl: TlsFile | null;
  readonly sslConfCommand: readonly TlsCommand[];
  readonly sslRejectHandshake: boolean;
}

/** `proxy_ssl_*`: TLS to the servers of `proxy_pass https://`. */
export interface UpstreamTlsSettings extends TlsClientRules {
  readonly verify: boolean;
  /** Whether the server is told the name (SNI). */
  readonly serverName: boolean;
  /** null: `$proxy_host`. */
  readonly name: Template | null;
}
