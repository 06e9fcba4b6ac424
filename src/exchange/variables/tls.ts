/** Variables of TLS (ngx_http_ssl_module); all are empty on a connection without it. */
import type { TlsSession } from "../../../ffi/openssl/session.ts";
import type { Exchange } from "../exchange.ts";
import { type Row, row } from "./row.ts";

/** Evaluates with the session of the client's connection; "" without one. */
const of =
  (value: (session: TlsSession, serverName: string) => string) =>
  ({ connection }: Exchange): string => {
    const tls = connection.tls ?? connection.direct?.tls;
    return tls?.session ? value(tls.session, tls.serverName) : "";
  };

/** nginx's words for the verification of the client's certificate. */
export function clientVerify(session: TlsSession): string {
  if (!session.hasCertificate) return "NONE";
  const error = session.verifyError;
  return error === null ? "SUCCESS" : `FAILED:${error}`;
}

const pem = (session: TlsSession): string => session.certificatePem.trimEnd();

function remainingDays(exchange: Exchange): string {
  const end = Date.parse(of((session) => session.validUntil)(exchange)) / 1000;
  return Number.isNaN(end) ? "" : String(Math.max(0, Math.floor((end - exchange.services.clock.second) / 86_400)));
}

export const TLS: readonly Row[] = [
  row(
    "ssl_alpn_protocol",
    "change",
    "the protocol that ALPN chose",
    of((session) => session.alpn),
  ),
  row(
    "ssl_ciphers",
    "change",
    "the cipher suites that the client offered",
    of((session) => session.offeredCiphers.join(":")),
  ),
  row(
    "ssl_client_i_dn_legacy",
    "change",
    "the issuer of the client's certificate, as `/C=DE/CN=x`",
    of((session) => session.legacyIssuer),
  ),
  row(
    "ssl_client_s_dn_legacy",
    "change",
    "the subject of the client's certificate, likewise",
    of((session) => session.legacySubject),
  ),
  row("ssl_client_v_remain", "change", "days until the client's certificate ends", remainingDays),
  row(
    "ssl_curve",
    "change",
    "the group of the key exchange",
    of((session) => session.group),
  ),
  row(
    "ssl_curves",
    "change",
    "the groups that the client offered",
    of((session) => session.offeredGroups.join(":")),
  ),
  row(
    "ssl_cipher",
    "change",
    "the cipher suite",
    of((session) => session.cipher),
  ),
  row(
    "ssl_client_cert",
    "change",
    "the client's certificate (PEM), its lines indented",
    of((session) => pem(session).replaceAll("\n", "\n\t")),
  ),
  row(
    "ssl_client_escaped_cert",
    "change",
    "the same, percent-encoded",
    of((session) => encodeURIComponent(session.certificatePem)),
  ),
  row(
    "ssl_client_fingerprint",
    "change",
    "the SHA-1 of the client's certificate",
    of((session) => session.fingerprint),
  ),
  row(
    "ssl_client_i_dn",
    "change",
    "the issuer of the client's certificate (RFC 2253)",
    of((session) => session.issuer),
  ),
  row(
    "ssl_client_raw_cert",
    "change",
    "the client's certificate (PEM)",
    of((session) => session.certificatePem),
  ),
  row(
    "ssl_client_s_dn",
    "change",
    "the subject of the client's certificate (RFC 2253)",
    of((session) => session.subject),
  ),
  row(
    "ssl_client_serial",
    "change",
    "the serial number of the client's certificate",
    of((session) => session.serial),
  ),
  row(
    "ssl_client_v_end",
    "change",
    "until when the client's certificate is valid",
    of((session) => session.validUntil),
  ),
  row(
    "ssl_client_v_start",
    "change",
    "from when the client's certificate is valid",
    of((session) => session.validFrom),
  ),
  row("ssl_client_verify", "change", "`SUCCESS`, `FAILED:` and why, or `NONE`", of(clientVerify)),
  row("ssl_early_data", "change", "nothing: early data is not accepted", () => ""),
  row(
    "ssl_protocol",
    "change",
    "the version: `TLSv1.3`",
    of((session) => session.protocol),
  ),
  row(
    "ssl_server_name",
    "change",
    "the name that the client asked for in its handshake",
    of((_, name) => name),
  ),
  row(
    "ssl_session_id",
    "change",
    "the session's id",
    of((session) => session.sessionId),
  ),
  row(
    "ssl_session_reused",
    "change",
    "`r` for a resumed session, else `.`",
    of((session) => (session.isReused ? "r" : ".")),
  ),
];
