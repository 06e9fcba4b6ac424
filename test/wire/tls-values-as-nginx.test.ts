/** The variables of TLS beside nginx's own, for clients of different kinds. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ConnectionOptions, connect } from "node:tls";
import { NGINX, useNginx } from "./nginx.ts";
import { HAS_OPENSSL, PROJECT, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const at = (name: string): string => join(PROJECT, "test/vectors/tls", name);
const pem = (name: string): string => readFileSync(at(name), "utf8");

/** All but the session's id, which each handshake has of its own. */
const NAMES =
  "https scheme ssl_alpn_protocol ssl_cipher ssl_ciphers ssl_client_cert ssl_client_escaped_cert ssl_client_fingerprint ssl_client_i_dn ssl_client_i_dn_legacy ssl_client_raw_cert ssl_client_s_dn ssl_client_s_dn_legacy ssl_client_serial ssl_client_v_end ssl_client_v_remain ssl_client_v_start ssl_client_verify ssl_curve ssl_curves ssl_early_data ssl_protocol ssl_server_name ssl_session_reused";

const http = (port: number | string): string => `
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate "${at("one.pem")}";
    ssl_certificate_key "${at("one.key")}";
    ssl_verify_client optional;
    ssl_client_certificate "${at("ca.pem")}";
    ssl_protocols TLSv1.2 TLSv1.3;
    return 200 "${NAMES.split(" ")
      .map((name) => `${name}=<$${name}>`)
      .join("\n")}";
  }`;

function ask(port: number, options: ConnectionOptions): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  const socket = connect({ host: "127.0.0.1", port, ca: pem("ca.pem"), servername: "one.test", ...options });
  socket.on("data", (data) => (text += data.toString("latin1"))).on("error", reject);
  socket.on("end", () => resolve(text.slice(text.indexOf("\r\n\r\n") + 4)));
  socket.write("GET / HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n");
  return promise;
}

const client = { cert: pem("client.pem"), key: pem("client.key") };
const clients: readonly (readonly [string, ConnectionOptions])[] = [
  ["TLS 1.3", {}],
  ["TLS 1.2", { maxVersion: "TLSv1.2" }],
  ["one with a certificate", client],
  ["one with a certificate, TLS 1.2", { ...client, maxVersion: "TLSv1.2" }],
  ["one with ALPN", { ALPNProtocols: ["http/1.1"] }],
];

describe.skipIf(NGINX === null || !HAS_OPENSSL)("as nginx (needs OpenSSL)", () => {
  const nginx = useNginx(http);
  const server = useServer({ configuration: http(0) });
  test.each(clients)("%s", async (_, options) => {
    const [theirs, ours] = await Promise.all([ask(nginx.port, options), ask(server.port, options)]);
    expect(theirs).toContain("ssl_protocol=<TLSv1.");
    expect(ours.split("\n")).toEqual(theirs.split("\n"));
  });
});
