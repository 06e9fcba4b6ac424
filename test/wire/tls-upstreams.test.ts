/** `proxy_pass https://`: TLS to other servers. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { ask, get } from "./client.ts";
import { HAS_OPENSSL, PROJECT, run, ServerProcess, until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const at = (name: string): string => join(PROJECT, "test/vectors/tls", name);
const BIG = Buffer.alloc(2_000_000, "0123456789");

const behind = new ServerProcess({
  configuration: `
    error_log error.log;
    server {
      listen 127.0.0.1:0 ssl;
      ssl_certificate "${at("one.pem")}"; ssl_certificate_key "${at("one.key")}";
      ssl_verify_client optional; ssl_client_certificate "${at("ca.pem")}";
      client_max_body_size 0;
      root www;
      location / { return 200 "$request_uri $http_host ($ssl_server_name) ($ssl_client_s_dn) $content_length"; }
      location = /big { }
    }`,
  files: { "www/big": BIG },
});
if (HAS_OPENSSL) await behind.start();
afterAll(() => behind.stop());
/** Answers no handshake. */
const silent = createServer((socket) => void socket.on("error", () => {}));
const silentPort = await new Promise<number>((resolve) =>
  silent.listen(0, "127.0.0.1", () => resolve((silent.address() as { port: number }).port)),
);
afterAll(() => void silent.close());

const HERE = `https://127.0.0.1:${behind.port}`;
describe.skipIf(!HAS_OPENSSL)("proxy_pass https:// (needs OpenSSL)", () => {
  const server = useServer({
    configuration: `
    error_log stderr info;
    upstream kept { server 127.0.0.1:${behind.port}; keepalive 4; }
    server {
      listen 127.0.0.1:0;
      client_max_body_size 0;
      location /plain/ { proxy_pass ${HERE}/; }
      location /named/ { proxy_pass ${HERE}; proxy_ssl_server_name on; proxy_ssl_name one.test; }
      location /kept/ { proxy_pass https://kept; proxy_http_version 1.1; proxy_set_header Connection ""; }
      location /variable/ { proxy_pass https://127.0.0.1:$arg_port/seen; }
      location /scheme/ { set $to ${HERE}; proxy_pass $to/chosen; }
      location /verified/ {
        proxy_pass ${HERE};
        proxy_ssl_verify on; proxy_ssl_trusted_certificate "${at("ca.pem")}"; proxy_ssl_name one.test;
      }
      location /strange/ {
        proxy_pass ${HERE};
        proxy_ssl_verify on; proxy_ssl_trusted_certificate "${at("stranger.pem")}"; proxy_ssl_name one.test;
      }
      location /misnamed/ {
        proxy_pass ${HERE};
        proxy_ssl_verify on; proxy_ssl_trusted_certificate "${at("ca.pem")}"; proxy_ssl_name other.test;
      }
      location /client/ {
        proxy_pass ${HERE};
        proxy_ssl_certificate "${at("client.pem")}"; proxy_ssl_certificate_key "${at("client.key")}";
      }
      location /inherited/ {
        location /inherited/key/ { proxy_pass ${HERE}; proxy_ssl_certificate_key "${at("client.key")}"; }
        location /inherited/alone/ { proxy_pass http://127.0.0.1:1; }
        proxy_ssl_certificate "${at("client.pem")}";
      }
      location /keyed/ { proxy_pass ${HERE}; proxy_ssl_certificate_key "${at("client.key")}"; }
      location /old/ { proxy_pass ${HERE}; proxy_ssl_protocols TLSv1.1; }
      location /silent/ { proxy_pass https://127.0.0.1:${silentPort}; proxy_connect_timeout 300ms; }
    }`,
  });

  test("a certificate without a key is refused where it would be shown", async () => {
    const file = join(server.folder, "keyless.conf");
    const pass = (scheme: string) =>
      `server { listen 127.0.0.1:0; location / { proxy_pass ${scheme}://127.0.0.1:1; } proxy_ssl_certificate "${at("client.pem")}"; }`;
    writeFileSync(file, pass("https"));
    expect(await run(["-t", file])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('no "proxy_ssl_certificate_key" for the certificate'),
    });
    writeFileSync(file, pass("http"));
    expect((await run(["-t", file])).status).toBe(0);
  });

  const body = async (path: string): Promise<string> => (await ask(server.port, get(path))).text;
  const host = `127.0.0.1:${behind.port}`;

  test("a request goes by TLS, without a name by default", async () => {
    expect(await body("/plain/x")).toBe(`/x ${host} () () `);
  });

  test("the name that is asked for", async () => {
    expect(await body("/named/x")).toBe(`/named/x ${host} (one.test) () `);
  });

  test("kept connections, large replies and bodies", async () => {
    for (let i = 0; i < 3; i++) expect(await body("/kept/x")).toBe("/kept/x kept () () ");
    expect(Buffer.compare((await ask(server.port, get("/plain/big"))).body, BIG)).toBe(0);
    const head = `POST /kept/up HTTP/1.1\r\nHost: a\r\nContent-Length: ${BIG.length}\r\n\r\n`;
    expect((await ask(server.port, Buffer.concat([Buffer.from(head), BIG]))).text).toBe(
      `/kept/up kept () () ${BIG.length}`,
    );
  });

  test("the URL may be in variables", async () => {
    expect(await body(`/variable/?port=${behind.port}`)).toBe(`/seen ${host} () () `);
    expect(await body("/scheme/")).toBe(`/chosen ${host} () () `);
  });

  test("certificates are verified if it is asked for", async () => {
    expect(await body("/verified/x")).toStartWith("/verified/x");
    for (const path of ["/strange/", "/misnamed/"]) expect((await ask(server.port, get(path))).status).toBe(502);
    await until(
      () =>
        (server.stderr.match(/upstream SSL certificate verify error: \(.*\) while SSL handshaking to upstream/g) ?? [])
          .length === 2,
      () => server.stderr,
    );
  });

  test("a certificate of our own", async () => {
    expect(await body("/client/x")).toBe(`/client/x ${host} () (CN=client.test) `);
    expect(await body("/inherited/key/x")).toBe(`/inherited/key/x ${host} () (CN=client.test) `);
    expect(await body("/keyed/x")).toBe(`/keyed/x ${host} () () `);
  });

  test("a handshake that fails, or is not answered", async () => {
    expect((await ask(server.port, get("/old/"))).status).toBe(502);
    expect((await ask(server.port, get("/silent/"))).status).toBe(504);
    await until(
      () => /SSL_do_handshake\(\) failed \(SSL: .*\) while SSL handshaking to upstream/.test(server.stderr),
      () => server.stderr,
    );
  });
});
