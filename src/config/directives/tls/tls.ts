/** HTTPS: certificates, protocols, sessions and the certificates of clients (ngx_http_ssl_module). */
import type { Context, Scope } from "../../scope.ts";
import { append } from "../../scope.ts";
import type { TlsFile, TlsSettings } from "../../settings/tls.ts";
import { directive, type Row, store } from "../../table.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { flag, kind, many, number, oneOf, parseSize, sizeBetween, time, words } from "../../values/arguments.ts";
import { fileOf, fileRow, PROTOCOLS } from "./files.ts";

const anywhere: readonly Context[] = ["http", "server"];
/** As nginx counts: 1 MB holds some 4000 sessions. */
const BYTES_OF_A_SESSION = 256;

/** Text that only OpenSSL understands. */
const text = (syntax: string) => kind(syntax, "text", (word) => (word === "" ? undefined : word));

/** The settings that are one file. */
type FileKey = { [K in keyof TlsSettings]: TlsSettings[K] extends TlsFile | null ? K : never }[keyof TlsSettings];
/** Those that are several. */
type FilesKey = { [K in keyof TlsSettings]: TlsSettings[K] extends readonly TlsFile[] ? K : never }[keyof TlsSettings];

export const TLS: readonly Row[] = [
  directive("ssl", {
    in: anywhere,
    takes: [flag],
    default: null,
    shownDefault: "off",
    help: "`ssl on` makes every `listen` of the server one with `ssl`, as in nginx before 1.25.",
    set: (scope, [on], { position }) => {
      if (on) scope.warning(position, 'write "ssl" behind the address in "listen": the directive "ssl" is old');
      if (on && scope.server !== null) scope.server.overTls = true;
      else if (on) scope.draft.later(() => everywhere(scope));
    },
  }),
  files(
    "ssl_certificate",
    "sslCertificate",
    "A file with the certificate and those between it and the authority (PEM). Several directives: one for each kind of key.",
  ),
  files(
    "ssl_certificate_key",
    "sslCertificateKey",
    "The file with the key of the certificate (PEM), which only the server's user should be able to read.",
  ),
  file("ssl_password_file", "sslPasswordFile", "Passwords for encrypted keys, one per line; each is tried."),
  directive("ssl_protocols", {
    in: anywhere,
    takes: [many(oneOf(...PROTOCOLS))],
    default: "TLSv1.2 TLSv1.3",
    help: "The versions of TLS that are allowed. Versions before 1.2 are insecure; OpenSSL allows them only with `@SECLEVEL=0` in `ssl_ciphers`.",
    set: store("sslProtocols"),
  }),
  directive("ssl_ciphers", {
    in: anywhere,
    takes: [text("CIPHERS")],
    default: "HIGH:!aNULL:!MD5",
    help: "The cipher suites before TLS 1.3, in OpenSSL's language (openssl-ciphers(1)).",
    set: store("sslCiphers"),
  }),
  directive("ssl_prefer_server_ciphers", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Whether the server's order of ciphers counts, not the client's.",
    set: store("sslPreferServerCiphers"),
  }),
  directive("ssl_ecdh_curve", {
    in: anywhere,
    takes: [text("CURVES")],
    default: "auto",
    help: "Groups for the exchange of keys, such as `X25519:prime256v1`; `auto`: OpenSSL's own.",
    set: store("sslEcdhCurve"),
  }),
  directive("ssl_session_cache", {
    in: anywhere,
    takes: [words("off | none | [builtin[:SIZE]] [shared:NAME:SIZE]", 1, 2)],
    default: "none",
    help: "How many sessions the server remembers, so that clients resume them without a full handshake: 1 MB of `shared` are 4096. Tickets (`ssl_session_tickets`) need no memory.",
    set: (scope, [given]) => setSessionCache(scope, given),
  }),
  directive("ssl_session_tickets", {
    in: anywhere,
    takes: [flag],
    default: "on",
    help: "Whether clients keep their sessions themselves, encrypted (RFC 5077, RFC 8446 §4.6.1).",
    set: store("sslSessionTickets"),
  }),
  files(
    "ssl_session_ticket_key",
    "sslSessionTicketKey",
    "A file of 80 (or 48) random bytes: the keys of tickets, for several servers that know each other's. Without it they are random, and outlive a reload.",
  ),
  directive("ssl_session_timeout", {
    in: anywhere,
    takes: [time],
    default: "5m",
    help: "How long a session can be resumed.",
    set: store("sslSessionTimeout"),
  }),
  directive("ssl_buffer_size", {
    in: anywhere,
    takes: [sizeBetween(512, 1024 * 1024)],
    default: "16k",
    help: "Most bytes in a record; above 16k as 16k. Smaller ones arrive a little earlier, and cost more.",
    set: store("sslBufferSize"),
  }),
  directive("ssl_verify_client", {
    in: anywhere,
    takes: [oneOf("on", "off", "optional", "optional_no_ca")],
    default: "off",
    help: "Whether clients must have a certificate (`on`: else 400), may have one that must be valid (`optional`), or may have any (`optional_no_ca`); `$ssl_client_verify` says which.",
    set: store("sslVerifyClient"),
  }),
  directive("ssl_verify_depth", {
    in: anywhere,
    takes: [number("N", 0, 100)],
    default: "1",
    help: "The longest chain between a client's certificate and an authority.",
    set: store("sslVerifyDepth"),
  }),
  file(
    "ssl_client_certificate",
    "sslClientCertificate",
    "Authorities for certificates of clients (PEM); their names are sent to the clients.",
  ),
  file("ssl_trusted_certificate", "sslTrustedCertificate", "Authorities whose names are not sent."),
  file("ssl_crl", "sslCrl", "Revoked certificates of clients (PEM)."),
  directive("ssl_conf_command", {
    in: anywhere,
    takes: [words("NAME VALUE", 2, 2)],
    default: null,
    repeats: true,
    help: "A command of OpenSSL (SSL_CONF_cmd(3)), such as `Ciphersuites TLS_AES_128_GCM_SHA256`.",
    set: (scope, [[name, value]]) =>
      append(scope, "sslConfCommand", { name: name!.text, value: value!.text, position: name!.position }),
  }),
  directive("ssl_reject_handshake", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Refuses the handshake of clients that ask for this server: for a default server that should answer no other name.",
    set: store("sslRejectHandshake"),
  }),
];

function file(name: string, key: FileKey, help: string): Row {
  return fileRow(name, anywhere, help, (scope, word) => {
    scope.own[key] = fileOf(scope, word);
  });
}

function files(name: string, key: FilesKey, help: string): Row {
  const add = (scope: Scope, word: Word): void => {
    if (/\$|^data:/.test(word.text)) {
      const instead = "write a server with a server_name and a file for each certificate";
      return scope.error(word.position, `"${name}" with variables is not supported: ${instead}`);
    }
    append(scope, key, fileOf(scope, word));
  };
  return fileRow(name, anywhere, help, add, true);
}

function everywhere({ draft }: Scope): void {
  for (const server of draft.servers) server.overTls = true;
}

function setSessionCache(scope: Scope, given: readonly Word[]): void {
  let sessions: number | null = 0;
  for (const { text: one, position } of given) {
    const [kind, ...rest] = one.split(":");
    const size = rest.length === 0 ? undefined : kind === "builtin" ? Number(rest[0]) : parseSize(rest[1] ?? "");
    if (one === "off") sessions = null;
    else if (one === "none") sessions = 0;
    else if (one === "builtin") sessions = 20_480;
    else if (kind === "builtin" && rest.length === 1 && Number.isInteger(size)) sessions = size!;
    else if (kind === "shared" && rest.length === 2 && rest[0] !== "" && size)
      sessions = Math.ceil(size / BYTES_OF_A_SESSION);
    else
      return scope.error(
        position,
        `"ssl_session_cache" expects off, none, builtin[:N] or shared:NAME:SIZE, not ${quote(one)}`,
      );
  }
  scope.own.sslSessionCache = sessions;
}
