/** Certificates and rules of HTTPS: read, tried with OpenSSL, and told with the place of what is wrong. */
import { TlsContext } from "../../../ffi/openssl/context.ts";
import { openSsl } from "../../../ffi/openssl/library.ts";
import type { TlsProblem, TlsRules } from "../../../ffi/openssl/rules.ts";
import type { Sources } from "../files.ts";
import type { ListenAddress, VirtualServer } from "../model.ts";
import type { Position } from "../parts.ts";
import type { TlsFile, TlsSettings } from "../settings/tls.ts";
import type { Diagnostics } from "../text/diagnostics.ts";
import { quote } from "../text/diagnostics.ts";

/** S_IROTH of chmod(2). */
const OTHERS_READ = 0o004;
/** The keys of tickets have 80 bytes; nginx also takes 48, for AES-128. */
const TICKET_KEYS = 80;

/** A file that cannot be used; thrown within this file alone. */
class Unusable extends Error {
  constructor(
    readonly position: Position,
    message: string,
  ) {
    super(message);
  }
}

/**
 * The rules of every server that is reached by TLS and has a certificate. Errors are reported; `isBroken` gets the servers with them.
 */
export function tlsRules(
  addresses: readonly ListenAddress[],
  sources: Sources,
  diagnostics: Diagnostics,
  isBroken: (server: VirtualServer) => void,
): Map<VirtualServer, TlsRules> {
  const found = new Map<VirtualServer, TlsRules>();
  const seen = new Set<VirtualServer>();
  for (const { servers, defaultServer, tls, position } of addresses) {
    if (!tls) continue;
    const { settings } = defaultServer.scope;
    if (settings.sslCertificate.length === 0 && !settings.sslRejectHandshake) {
      diagnostics.error(position, '"listen ... ssl" needs "ssl_certificate" and "ssl_certificate_key"', true);
      isBroken(defaultServer);
      continue;
    }
    for (const server of servers) {
      const own = rulesApartFrom(settings, server.scope.settings);
      if (seen.has(server) || own === null) continue;
      seen.add(server);
      try {
        found.set(server, tried(own, sources, diagnostics, position));
      } catch (error) {
        if (!(error instanceof Unusable)) throw error;
        diagnostics.error(error.position, error.message, true);
        isBroken(server);
      }
    }
  }
  return found;
}

/**
 * What a server says beside the default server at its address; null: nothing that counts. One that judges clients by their
 * certificates without having one itself shows the default server's, but trusts only its own authorities.
 */
function rulesApartFrom(byDefault: TlsSettings, own: TlsSettings): TlsSettings | null {
  if (own.sslCertificate.length > 0) return own;
  if (own.sslVerifyClient === "off" || byDefault.sslCertificate.length === 0) return null;
  const { sslCertificate, sslCertificateKey, sslPasswordFile } = byDefault;
  return { ...own, sslCertificate, sslCertificateKey, sslPasswordFile };
}

/** The rules of a server, which OpenSSL has accepted. */
function tried(settings: TlsSettings, sources: Sources, diagnostics: Diagnostics, listen: Position): TlsRules {
  const ssl = openSsl();
  if (typeof ssl === "string") throw new Unusable(listen, ssl);
  const rules = rulesOf(settings, sources);
  const context = TlsContext.server(ssl, rules);
  if (!(context instanceof TlsContext)) throw refusal(context, settings);
  for (const [i, end] of context.expiries().entries()) {
    const { path, position } = settings.sslCertificate[i]!;
    if (end !== null)
      diagnostics.warning(position, `the certificate ${quote(path)} has expired or is not valid yet (${end})`);
  }
  context.release();
  for (const { path, position } of settings.sslCertificateKey) {
    if (sources.modeOf(path) & OTHERS_READ)
      diagnostics.warning(position, `every user can read the key ${quote(path)}: chmod 600`);
  }
  return rules;
}

function rulesOf(settings: TlsSettings, sources: Sources): TlsRules {
  const { sslCertificate, sslCertificateKey, sslEcdhCurve, sslSessionTicketKey } = settings;
  const passwords = linesOf(settings.sslPasswordFile, sources);
  const certificates = sslCertificate.map((file, i) => {
    const key = sslCertificateKey[i];
    if (key === undefined)
      throw new Unusable(file.position, `no "ssl_certificate_key" for the certificate ${quote(file.path)}`);
    return { chain: contentOf(file, sources), key: contentOf(key, sources), passwords };
  });
  return {
    certificates,
    protocols: settings.sslProtocols,
    ciphers: settings.sslCiphers,
    curves: sslEcdhCurve === "auto" ? null : sslEcdhCurve,
    preferServerCiphers: settings.sslPreferServerCiphers,
    sessionCacheSize: settings.sslSessionCache,
    sessionTimeout: Math.ceil(settings.sslSessionTimeout / 1000),
    tickets: settings.sslSessionTickets,
    ticketKeys: sslSessionTicketKey[0] === undefined ? null : ticketKeys(sslSessionTicketKey[0], sources),
    bufferSize: settings.sslBufferSize,
    asksClient: settings.sslVerifyClient !== "off",
    verifyDepth: settings.sslVerifyDepth,
    clientAuthorities: optional(settings.sslClientCertificate, sources),
    trustedAuthorities: optional(settings.sslTrustedCertificate, sources),
    revocations: optional(settings.sslCrl, sources),
    commands: settings.sslConfCommand.map(({ name, value }) => [name, value] as const),
  };
}

function contentOf({ path, position }: TlsFile, sources: Sources): Buffer {
  const bytes = sources.bytesOf(path);
  if (typeof bytes === "string") throw new Unusable(position, `${quote(path)}: ${bytes}`);
  return bytes;
}

const optional = (file: TlsFile | null, sources: Sources): Buffer | null =>
  file === null ? null : contentOf(file, sources);

function linesOf(file: TlsFile | null, sources: Sources): string[] {
  if (file === null) return [];
  return contentOf(file, sources)
    .toString()
    .split("\n")
    .filter((line) => line !== "");
}

function ticketKeys(file: TlsFile, sources: Sources): Buffer {
  const bytes = contentOf(file, sources);
  if (bytes.length === TICKET_KEYS) return bytes;
  if (bytes.length === 48) return Buffer.concat([bytes.subarray(0, 16), bytes.subarray(16), bytes.subarray(16)]);
  throw new Unusable(file.position, `${quote(file.path)} has ${bytes.length} bytes, not 80 or 48`);
}

/** What OpenSSL has refused, at its place. */
function refusal({ part, index, text }: TlsProblem, settings: TlsSettings): Unusable {
  const certificate = settings.sslCertificate[index] ?? settings.sslCertificate[0]!;
  const key = settings.sslCertificateKey[index] ?? certificate;
  const why = text === "" ? "" : ` (${text})`;
  switch (part) {
    case "certificate":
      return new Unusable(certificate.position, `${quote(certificate.path)} has no certificate that can be used${why}`);
    case "key":
      return new Unusable(key.position, `${quote(key.path)} has no key that can be read${why}`);
    case "match":
      return new Unusable(key.position, `the key ${quote(key.path)} is not that of ${quote(certificate.path)}${why}`);
    case "ciphers":
      return new Unusable(certificate.position, `"ssl_ciphers" ${quote(settings.sslCiphers)} names no cipher${why}`);
    case "curves":
      return new Unusable(certificate.position, `"ssl_ecdh_curve" ${quote(settings.sslEcdhCurve)} is not known${why}`);
    case "command": {
      const { name, value, position } = settings.sslConfCommand[index]!;
      return new Unusable(position, `OpenSSL refuses the command ${quote(`${name} ${value}`)}${why}`);
    }
    case "authorities": {
      const file = settings.sslClientCertificate ?? settings.sslTrustedCertificate ?? certificate;
      return new Unusable(file.position, `${quote(file.path)} is not a list of certificates${why}`);
    }
    case "crl":
      return new Unusable((settings.sslCrl ?? certificate).position, `"ssl_crl" has no list that can be read${why}`);
    default:
      return new Unusable(certificate.position, `OpenSSL refuses the keys of tickets${why}`);
  }
}
