/**
 * The system's OpenSSL (3, or 1.1.1): a row per function with its ABI types, no logic. It is opened when a configuration needs TLS
 * for the first time; everything else works without it.
 */
import { dlopen, type FFIFunction, FFIType, type Library, type Pointer } from "bun:ffi";

const LONG = FFIType.i64_fast;

/** Functions of libssl. */
const ssl = {
  TLS_server_method: { args: [], returns: "ptr" },
  TLS_client_method: { args: [], returns: "ptr" },
  SSL_CTX_new: { args: ["ptr"], returns: "ptr" },
  SSL_CTX_free: { args: ["ptr"], returns: "void" },
  SSL_CTX_ctrl: { args: ["ptr", "i32", LONG, "ptr"], returns: LONG },
  SSL_CTX_set_options: { args: ["ptr", LONG], returns: LONG },
  SSL_CTX_set_cipher_list: { args: ["ptr", "ptr"], returns: "i32" },
  SSL_CTX_use_certificate: { args: ["ptr", "ptr"], returns: "i32" },
  SSL_CTX_use_PrivateKey: { args: ["ptr", "ptr"], returns: "i32" },
  SSL_CTX_check_private_key: { args: ["ptr"], returns: "i32" },
  SSL_CTX_set_alpn_select_cb: { args: ["ptr", "ptr", "ptr"], returns: "void" },
  SSL_CTX_set_num_tickets: { args: ["ptr", LONG], returns: "i32" },
  SSL_CTX_set_session_id_context: { args: ["ptr", "ptr", "i32"], returns: "i32" },
  SSL_CTX_set_timeout: { args: ["ptr", LONG], returns: LONG },
  SSL_CTX_set_verify: { args: ["ptr", "i32", "ptr"], returns: "void" },
  SSL_CTX_set_verify_depth: { args: ["ptr", "i32"], returns: "void" },
  SSL_CTX_get_cert_store: { args: ["ptr"], returns: "ptr" },
  SSL_CTX_add_client_CA: { args: ["ptr", "ptr"], returns: "i32" },
  SSL_CONF_CTX_new: { args: [], returns: "ptr" },
  SSL_CONF_CTX_free: { args: ["ptr"], returns: "void" },
  SSL_CONF_CTX_set_flags: { args: ["ptr", "i32"], returns: "i32" },
  SSL_CONF_CTX_set_ssl_ctx: { args: ["ptr", "ptr"], returns: "void" },
  SSL_CONF_CTX_finish: { args: ["ptr"], returns: "i32" },
  SSL_CONF_cmd: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  SSL_new: { args: ["ptr"], returns: "ptr" },
  SSL_free: { args: ["ptr"], returns: "void" },
  SSL_set_bio: { args: ["ptr", "ptr", "ptr"], returns: "void" },
  SSL_set_accept_state: { args: ["ptr"], returns: "void" },
  SSL_set_connect_state: { args: ["ptr"], returns: "void" },
  SSL_do_handshake: { args: ["ptr"], returns: "i32" },
  SSL_read: { args: ["ptr", "ptr", "i32"], returns: "i32" },
  SSL_write: { args: ["ptr", "ptr", "i32"], returns: "i32" },
  SSL_pending: { args: ["ptr"], returns: "i32" },
  SSL_is_init_finished: { args: ["ptr"], returns: "i32" },
  SSL_get_error: { args: ["ptr", "i32"], returns: "i32" },
  SSL_shutdown: { args: ["ptr"], returns: "i32" },
  SSL_set_quiet_shutdown: { args: ["ptr", "i32"], returns: "void" },
  SSL_ctrl: { args: ["ptr", "i32", LONG, "ptr"], returns: LONG },
  SSL_set1_host: { args: ["ptr", "ptr"], returns: "i32" },
  SSL_get_version: { args: ["ptr"], returns: "ptr" },
  SSL_get_current_cipher: { args: ["ptr"], returns: "ptr" },
  SSL_CIPHER_get_name: { args: ["ptr"], returns: "ptr" },
  SSL_CIPHER_find: { args: ["ptr", "ptr"], returns: "ptr" },
  SSL_get0_alpn_selected: { args: ["ptr", "ptr", "ptr"], returns: "void" },
  SSL_session_reused: { args: ["ptr"], returns: "i32" },
  SSL_get_verify_result: { args: ["ptr"], returns: LONG },
  SSL_get_session: { args: ["ptr"], returns: "ptr" },
  SSL_SESSION_get_id: { args: ["ptr", "ptr"], returns: "ptr" },
} as const satisfies Record<string, FFIFunction>;

/** Functions of libcrypto. */
const crypto = {
  ERR_clear_error: { args: [], returns: "void" },
  ERR_get_error: { args: [], returns: LONG },
  ERR_error_string_n: { args: [LONG, "ptr", LONG], returns: "void" },
  BIO_new: { args: ["ptr"], returns: "ptr" },
  BIO_s_mem: { args: [], returns: "ptr" },
  BIO_free: { args: ["ptr"], returns: "i32" },
  BIO_write: { args: ["ptr", "ptr", "i32"], returns: "i32" },
  BIO_read: { args: ["ptr", "ptr", "i32"], returns: "i32" },
  BIO_ctrl: { args: ["ptr", "i32", LONG, "ptr"], returns: LONG },
  PEM_read_bio_X509_AUX: { args: ["ptr", "ptr", "ptr", "ptr"], returns: "ptr" },
  PEM_read_bio_X509: { args: ["ptr", "ptr", "ptr", "ptr"], returns: "ptr" },
  PEM_read_bio_X509_CRL: { args: ["ptr", "ptr", "ptr", "ptr"], returns: "ptr" },
  PEM_read_bio_PrivateKey: { args: ["ptr", "ptr", "ptr", "ptr"], returns: "ptr" },
  X509_free: { args: ["ptr"], returns: "void" },
  X509_CRL_free: { args: ["ptr"], returns: "void" },
  X509_get0_notBefore: { args: ["ptr"], returns: "ptr" },
  X509_get0_notAfter: { args: ["ptr"], returns: "ptr" },
  X509_cmp_current_time: { args: ["ptr"], returns: "i32" },
  X509_verify_cert_error_string: { args: [LONG], returns: "ptr" },
  X509_STORE_add_cert: { args: ["ptr", "ptr"], returns: "i32" },
  X509_STORE_add_crl: { args: ["ptr", "ptr"], returns: "i32" },
  X509_STORE_set_flags: { args: ["ptr", LONG], returns: "i32" },
  X509_get_subject_name: { args: ["ptr"], returns: "ptr" },
  X509_get_issuer_name: { args: ["ptr"], returns: "ptr" },
  X509_get_serialNumber: { args: ["ptr"], returns: "ptr" },
  X509_NAME_print_ex: { args: ["ptr", "ptr", "i32", LONG], returns: "i32" },
  OBJ_nid2sn: { args: ["i32"], returns: "ptr" },
  X509_NAME_oneline: { args: ["ptr", "ptr", "i32"], returns: "ptr" },
  i2a_ASN1_INTEGER: { args: ["ptr", "ptr"], returns: "i32" },
  ASN1_TIME_print: { args: ["ptr", "ptr"], returns: "i32" },
  PEM_write_bio_X509: { args: ["ptr", "ptr"], returns: "i32" },
  X509_digest: { args: ["ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  EVP_sha1: { args: [], returns: "ptr" },
  EVP_PKEY_free: { args: ["ptr"], returns: "void" },
} as const satisfies Record<string, FFIFunction>;

/** Functions whose name depends on the version: OpenSSL 3 has them under the first name, 1.1.1 under the second. */
const peerCertificate = ["SSL_get1_peer_certificate", "SSL_get_peer_certificate"] as const;

type Symbols = Library<typeof ssl>["symbols"] & Library<typeof crypto>["symbols"];
/** No result is a bigint: addresses and counts fit a number. */
type Functions = {
  readonly [K in keyof Symbols]: (...args: Parameters<Symbols[K]>) => Exclude<ReturnType<Symbols[K]>, bigint>;
};

/** OpenSSL's functions. `peerCertificate` takes an SSL and gives its peer's X509, which the caller frees, or null. */
export type OpenSsl = Functions & { readonly peerCertificate: (ssl: Pointer) => Pointer | null };

/** The file names of OpenSSL 3 and 1.1.1. */
const VERSIONS = ["3", "1.1"];

let opened: OpenSsl | string | null = null;

/** Opens the library, once; a string says why there is none. */
export function openSsl(): OpenSsl | string {
  return (opened ??= open());
}

function open(): OpenSsl | string {
  const failures: string[] = [];
  for (const version of VERSIONS) {
    try {
      return openVersion(version);
    } catch (error) {
      failures.push((error as Error).message.replaceAll("\n", " "));
    }
  }
  return `TLS needs the system's OpenSSL (libssl.so.3 or libssl.so.1.1): ${failures.join("; ")}`;
}

function openVersion(version: string): OpenSsl {
  const libcrypto = dlopen(`libcrypto.so.${version}`, crypto).symbols;
  const libssl = dlopen(`libssl.so.${version}`, ssl).symbols;
  const name = peerCertificate[version === "3" ? 0 : 1];
  const peer = dlopen(`libssl.so.${version}`, { [name]: { args: ["ptr"], returns: "ptr" } } as const).symbols;
  const functions = { ...libcrypto, ...libssl } as unknown as Functions;
  return { ...functions, peerCertificate: (handle) => peer[name](handle) as Pointer | null };
}
