/** TLS to the servers of `proxy_pass https://`. */
import { TlsContext } from "../../../../ffi/openssl/context.ts";
import { openSsl } from "../../../../ffi/openssl/library.ts";
import type { Context, Scope } from "../../scope.ts";
import type { UpstreamTlsSettings } from "../../settings/tls.ts";
import { directive, type Row } from "../../table.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { flag, kind, many, number, oneOf, template, words } from "../../values/arguments.ts";
import { fileOf, PROTOCOLS } from "./files.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

/** The settings before any directive. */
export const BARE_UPSTREAM_TLS: UpstreamTlsSettings = {
  certificate: null,
  protocols: ["TLSv1.2", "TLSv1.3"],
  ciphers: "DEFAULT",
  verify: false,
  verifyDepth: 1,
  authorities: null,
  revocations: null,
  commands: [],
  serverName: false,
  name: null,
};

export const UPSTREAM_TLS: readonly Row[] = [
  directive("proxy_ssl_protocols", {
    in: anywhere,
    takes: [many(oneOf(...PROTOCOLS))],
    default: null,
    shownDefault: "TLSv1.2 TLSv1.3",
    help: "The versions of TLS that a server reached by https:// may speak.",
    set: (scope, [protocols]) => change(scope, { protocols }),
  }),
  directive("proxy_ssl_ciphers", {
    in: anywhere,
    takes: [kind("CIPHERS", "text", (word) => (word === "" ? undefined : word))],
    default: null,
    shownDefault: "DEFAULT",
    help: "The cipher suites before TLS 1.3, in OpenSSL's language.",
    set: (scope, [ciphers], { args }) => change(scope, { ciphers }, args[0]),
  }),
  directive("proxy_ssl_server_name", {
    in: anywhere,
    takes: [flag],
    default: null,
    shownDefault: "off",
    help: "Whether the server is told which name it is asked for (SNI). Servers with several names need it.",
    set: (scope, [serverName]) => change(scope, { serverName }),
  }),
  directive("proxy_ssl_name", {
    in: anywhere,
    takes: [template("NAME")],
    default: null,
    shownDefault: "$proxy_host",
    help: "The name for `proxy_ssl_server_name` and `proxy_ssl_verify`.",
    set: (scope, [name]) => change(scope, { name }),
  }),
  directive("proxy_ssl_verify", {
    in: anywhere,
    takes: [flag],
    default: null,
    shownDefault: "off",
    help: "Whether the server's certificate must have its name and be signed by one of `proxy_ssl_trusted_certificate`; else 502.",
    set: (scope, [verify]) => change(scope, { verify }),
  }),
  directive("proxy_ssl_verify_depth", {
    in: anywhere,
    takes: [number("N", 0, 100)],
    default: null,
    shownDefault: "1",
    help: "The longest chain between the server's certificate and an authority.",
    set: (scope, [verifyDepth]) => change(scope, { verifyDepth }),
  }),
  file("proxy_ssl_trusted_certificate", "Authorities for the certificates of servers (PEM).", (authorities) => ({
    authorities,
  })),
  file("proxy_ssl_crl", "Revoked certificates of servers (PEM).", (revocations) => ({ revocations })),
  pairRow(
    "proxy_ssl_certificate",
    "The certificate that is shown to servers (PEM); needs `proxy_ssl_certificate_key`.",
  ),
  pairRow("proxy_ssl_certificate_key", "Its key (PEM)."),
  directive("proxy_ssl_conf_command", {
    in: anywhere,
    takes: [words("NAME VALUE", 2, 2)],
    default: null,
    repeats: true,
    help: "A command of OpenSSL (SSL_CONF_cmd(3)).",
    set: (scope, [[name, value]]) => {
      const earlier = scope.own.proxyOnly?.tls?.commands ?? [];
      change(scope, { commands: [...earlier, [name!.text, value!.text]] }, name);
    },
  }),
];

/** Adds to the block's settings, and tries them where the library may refuse. */
function change(scope: Scope, part: Partial<UpstreamTlsSettings>, at?: Word): void {
  const own = scope.ownGroup("proxyOnly");
  own.tls = { ...own.tls, ...part };
  if (at === undefined) return;
  const ssl = openSsl();
  if (typeof ssl === "string") return scope.error(at.position, ssl);
  const context = TlsContext.client(ssl, { ...BARE_UPSTREAM_TLS, ...part });
  if (context instanceof TlsContext) context.release();
  else
    scope.error(
      at.position,
      `OpenSSL refuses ${quote(at.text)} (${context.part}${context.text && `: ${context.text}`})`,
    );
}

function contentOf(scope: Scope, word: Word): Buffer | null {
  const { path, position } = fileOf(scope, word);
  const bytes = scope.draft.sources.bytesOf(path);
  if (typeof bytes !== "string") return bytes;
  scope.error(position, `${quote(path)}: ${bytes}`);
  return null;
}

function file(name: string, help: string, part: (bytes: Buffer) => Partial<UpstreamTlsSettings>): Row {
  return directive(name, {
    in: anywhere,
    takes: [words("FILE", 1, 1)],
    default: null,
    help,
    set: (scope, [[word]]) => {
      const bytes = contentOf(scope, word!);
      if (bytes !== null) change(scope, part(bytes), word);
    },
  });
}

/** The certificate and its key, in any order. */
function pairRow(name: string, help: string): Row {
  const isKey = name.endsWith("_key");
  return directive(name, {
    in: anywhere,
    takes: [words("FILE", 1, 1)],
    default: null,
    help,
    set: (scope, [[word]]) => {
      const bytes = contentOf(scope, word!);
      if (bytes === null) return;
      const half = scope.own.proxyOnly?.tls?.certificate ?? { chain: NOTHING, key: NOTHING, passwords: [] };
      const certificate = { ...half, [isKey ? "key" : "chain"]: bytes };
      const isWhole = certificate.chain.length > 0 && certificate.key.length > 0;
      change(scope, { certificate }, isWhole ? word : undefined);
    },
  });
}

const NOTHING = new Uint8Array(0);
