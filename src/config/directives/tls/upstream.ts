/** TLS to the servers of `proxy_pass https://`. */
import { TlsContext } from "../../../../ffi/openssl/context.ts";
import { openSsl } from "../../../../ffi/openssl/library.ts";
import type { TlsCertificate } from "../../../../ffi/openssl/rules.ts";
import type { Context, Scope } from "../../scope.ts";
import type { UpstreamTlsSettings } from "../../settings/tls.ts";
import { directive, type Row } from "../../table.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { flag, kind, many, number, oneOf, template, words } from "../../values/arguments.ts";
import { fileOf, fileRow, PROTOCOLS } from "./files.ts";

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
  return fileRow(name, anywhere, help, (scope, word) => {
    const bytes = contentOf(scope, word);
    if (bytes !== null) change(scope, part(bytes), word);
  });
}

/** The certificate or its key; a block may inherit one of them. */
function pairRow(name: string, help: string): Row {
  const half = name.endsWith("_key") ? "key" : "chain";
  return fileRow(name, anywhere, help, (scope, word) => {
    const bytes = contentOf(scope, word);
    if (bytes === null) return;
    change(scope, { certificate: { ...(scope.own.proxyOnly?.tls?.certificate ?? NO_PAIR), [half]: bytes } });
    scope.draft.later(() => completePair(scope, word));
  });
}

const NO_PAIR: TlsCertificate = { chain: new Uint8Array(0), key: new Uint8Array(0), passwords: [] };

/** What of a pair a block says or inherits; empty: nothing. */
function halfOf(scope: Scope | null, half: "chain" | "key"): Uint8Array {
  if (scope === null) return NO_PAIR[half];
  const own = scope.own.proxyOnly?.tls?.certificate?.[half];
  return own !== undefined && own.length > 0 ? own : halfOf(scope.parent, half);
}

/** Adds the half that the block inherits, and tries the pair. As in nginx a key alone has no effect, and a certificate needs a key where it is shown. */
function completePair(scope: Scope, { text, position }: Word): void {
  const [chain, key] = [halfOf(scope, "chain"), halfOf(scope, "key")];
  if (chain.length > 0 && key.length > 0) {
    change(scope, { certificate: { ...NO_PAIR, chain, key } }, { text, position });
  } else if (scope.draft.scopes().some((each) => each.isWithin(scope) && lacksKey(each))) {
    scope.error(position, `no "proxy_ssl_certificate_key" for the certificate ${quote(text)}`);
  }
}

function lacksKey(scope: Scope): boolean {
  const { pass } = scope.own;
  const isTls = pass != null && pass.family === "proxy" && pass.scheme === "https";
  return isTls && halfOf(scope, "chain").length > 0 && halfOf(scope, "key").length === 0;
}
