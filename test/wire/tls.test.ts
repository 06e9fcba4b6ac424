/** HTTPS: who may connect how, which certificate is shown, what is said to those who do not speak TLS. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { ask, Client, get, readReply } from "./client.ts";
import { HAS_OPENSSL, PROJECT, until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const at = (name: string): string => join(PROJECT, "test/vectors/tls", name);
const pem = (name: string): string => readFileSync(at(name), "utf8");
const BIG = Buffer.alloc(3_000_000).map((_, i) => i * 31);
const pair = (name: string): string =>
  `ssl_certificate "${at(`${name}.pem`)}"; ssl_certificate_key "${at(`${name}.key`)}";`;

const FACTS = "$ssl_protocol|$ssl_server_name|$ssl_session_reused|$scheme|$https|$ssl_client_verify|$ssl_client_s_dn";

describe.skipIf(!HAS_OPENSSL)("HTTPS (needs OpenSSL)", () => {
  const server = useServer({
    configuration: `
    error_log error.log info;
    log_format copies "$ssl_protocol|$ssl_server_name|$https";
    server {
      listen 127.0.0.1:0 ssl;
      server_name one.test;
      ${pair("one")}
      root www;
      location = /facts { return 200 "${FACTS}"; }
      location /mirrored/ { alias www/; mirror /copy; }
      location = /copy { internal; log_subrequest on; access_log copies.log copies; return 204; }
      location /up/ { upload_store www/up; client_max_body_size 10m; }
    }
    server {
      listen 127.0.0.1:0 ssl;
      server_name two.test *.two.test;
      ${pair("two")}
      ssl_protocols TLSv1.2;
      return 200 "two $ssl_cipher";
    }
    server {
      listen 127.0.0.1:0 ssl;
      server_name bare.test;
      ssl_verify_client optional_no_ca;
      ssl_client_certificate "${at("stranger.pem")}";
      return 200 $ssl_client_verify;
    }
    server {
      listen 127.0.0.1:0 ssl;
      server_name refused.test;
      ssl_reject_handshake on;
    }
    server {
      listen 127.0.0.2:0 ssl;
      ${pair("one")}
      ssl_verify_client on;
      ssl_client_certificate "${at("ca.pem")}";
      error_page 495 496 = @stranger;
      location / { return 200 "${FACTS}"; }
      location @stranger { return 403 "$ssl_client_verify"; }
    }
    server {
      listen 127.0.0.2:0 ssl;
      server_name two.test *.two.test;
      ${pair("two")}
      ssl_verify_client optional;
      ssl_client_certificate "${at("stranger.pem")}";
      return 200 "two $ssl_client_verify";
    }
    server {
      listen 127.0.0.3:0 ssl;
      ${pair("one")}
      error_page 497 =308 https://$host$request_uri;
    }`,
    files: { "www/index.html": "hello", "www/big.bin": BIG, "www/up/": "" },
  });

  const [FIRST, CLIENTS, REDIRECTING] = [0, 1, 2];

  /** A connection after its handshake. */
  function open(options: ConnectionOptions = {}, which = FIRST): Promise<TLSSocket> {
    const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
    const socket = connect({
      host: `127.0.0.${which + 1}`,
      port: server.ports[which]!,
      servername: "one.test",
      ca: pem("ca.pem"),
      ...options,
    });
    socket.once("secureConnect", () => resolve(socket)).once("error", reject);
    return promise;
  }

  /** Sends a request and gives its reply. */
  async function over(
    socket: TLSSocket,
    request: string | Buffer,
  ): Promise<{ status: number; body: Buffer; head: string }> {
    let bytes = Buffer.alloc(0);
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: Buffer; head: string }>();
    const look = (isClosed: boolean): void => {
      const found = readReply(bytes, "GET", isClosed);
      if (found !== null) resolve(found.reply);
    };
    socket.on("data", (more: Buffer) => {
      bytes = Buffer.concat([bytes, more]);
      look(false);
    });
    socket.once("end", () => look(true)).once("error", reject);
    socket.write(request);
    const reply = await promise;
    socket.removeAllListeners("data");
    return reply;
  }

  const once = async (path: string, options: ConnectionOptions = {}, which = FIRST): Promise<string> => {
    const socket = await open(options, which);
    const { body } = await over(socket, get(path));
    socket.destroy();
    return body.toString();
  };

  describe("a connection", () => {
    test.each(["TLSv1.2", "TLSv1.3"] as const)("by %s; two requests on it", async (version) => {
      const socket = await open({ minVersion: version, maxVersion: version });
      for (let i = 0; i < 2; i++) {
        expect((await over(socket, get("/facts"))).body.toString()).toBe(`${version}|one.test|.|https|on|NONE|`);
      }
      socket.destroy();
    });

    test("a large file, an upload, pipelined requests", async () => {
      const socket = await open();
      expect(Buffer.compare((await over(socket, get("/big.bin"))).body, BIG)).toBe(0);
      const head = `PUT /up/a.bin HTTP/1.1\r\nHost: one.test\r\nContent-Length: ${BIG.length}\r\n\r\n`;
      expect((await over(socket, Buffer.concat([Buffer.from(head), BIG]))).status).toBe(201);
      expect(Buffer.compare(readFileSync(join(server.folder, "www/up/a.bin")), BIG)).toBe(0);
      expect((await over(socket, get("/").repeat(50) + get("/facts"))).body.toString()).toBe("hello");
      socket.destroy();
    });

    test("a client that reads slowly gets every byte", async () => {
      const socket = await open();
      socket.pause();
      socket.write(get("/big.bin"));
      let bytes = Buffer.alloc(0);
      for (let chunk: Buffer | null; bytes.length < BIG.length; ) {
        await new Promise((resolve) => setImmediate(resolve));
        chunk = socket.read(10_000) as Buffer | null;
        if (chunk !== null) bytes = Buffer.concat([bytes, chunk]);
      }
      await until(
        () => {
          const chunk = socket.read() as Buffer | null;
          if (chunk !== null) bytes = Buffer.concat([bytes, chunk]);
          return readReply(bytes, "GET", false) !== null;
        },
        () => `${bytes.length} bytes`,
      );
      expect(Buffer.compare(readReply(bytes, "GET", false)!.reply.body, BIG)).toBe(0);
      socket.destroy();
    });

    test("ends with close_notify", async () => {
      const socket = await open();
      const ended = new Promise((resolve) => socket.once("end", () => resolve("ended")));
      await over(socket, get("/", { Connection: "close" }));
      expect(await ended).toBe("ended");
    });

    test("a session is resumed", async () => {
      const socket = await open();
      const session = new Promise<Buffer>((resolve) => socket.once("session", resolve));
      await over(socket, get("/facts"));
      expect(await once("/facts", { session: await session })).toContain("|r|");
      socket.destroy();
    });
  });

  test("a copy made by mirror has the variables of TLS", async () => {
    expect(await once("/mirrored/index.html")).toBe("hello");
    const log = join(server.folder, "copies.log");
    const copies = () => (existsSync(log) ? readFileSync(log, "utf8") : "");
    await until(() => copies().endsWith("\n"), copies);
    expect(copies()).toBe("TLSv1.3|one.test|on\n");
  });

  describe("the name that a client asks for", () => {
    test("chooses certificate and rules", async () => {
      const two = await open({ servername: "two.test" });
      expect(two.getPeerCertificate().subject.CN).toBe("two.test");
      expect(two.getProtocol()).toBe("TLSv1.2");
      expect((await over(two, get("/", { Host: "two.test" }))).body.toString()).toMatch(/^two ECDHE-RSA/);
      two.destroy();
    });

    test("unknown, or none: the default server's", async () => {
      for (const servername of ["other.test", ""]) {
        const socket = await open({ servername, rejectUnauthorized: false });
        expect(socket.getPeerCertificate().subject.CN).toBe("one.test");
        socket.destroy();
      }
    });

    test("ssl_reject_handshake: no certificate at all", async () => {
      expect(
        await open({ servername: "refused.test" }).then(
          () => "connected",
          () => "refused",
        ),
      ).toBe("refused");
    });
  });

  describe("a client's certificate", () => {
    const client = { cert: pem("client.pem"), key: pem("client.key") };
    const stranger = { cert: pem("stranger.pem"), key: pem("stranger.key") };

    test("signed by the authority", async () => {
      expect(await once("/", client, CLIENTS)).toEndWith("|SUCCESS|CN=client.test");
    });

    test("a server without a certificate of its own shows the default server's, and trusts its own authorities", async () => {
      const of = async (certificate: object): Promise<string> => {
        const socket = await open({ servername: "bare.test", rejectUnauthorized: false, ...certificate });
        const { body } = await over(socket, get("/", { Host: "bare.test" }));
        socket.destroy();
        return body.toString();
      };
      expect(await of(stranger)).toBe("SUCCESS");
      expect(await of(client)).toStartWith("FAILED:");
      expect(await of({})).toBe("NONE");
    });

    test("none, or a stranger's: an error page of the status 496 or 495", async () => {
      expect(await once("/", {}, CLIENTS)).toBe("NONE");
      expect(await once("/", stranger, CLIENTS)).toMatch(/^FAILED:self.signed certificate/);
    });
  });

  test("a certificate that another server of the address has asked for opens no server but that: 421", async () => {
    const ask = async (servername: string, host: string, certificate: ConnectionOptions): Promise<number> => {
      const socket = await open({ servername, rejectUnauthorized: false, ...certificate }, CLIENTS);
      const { status } = await over(socket, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      socket.destroy();
      return status;
    };
    const client = { cert: pem("client.pem"), key: pem("client.key") };
    const two = { cert: pem("stranger.pem"), key: pem("stranger.key") };
    expect(await ask("two.test", "two.test", two)).toBe(200);
    expect(await ask("two.test", "A.Two.test:443", {})).toBe(200);
    expect(await ask("two.test", "one.test", two)).toBe(421);
    expect(await ask("one.test", "two.test", client)).toBe(421);
    expect(await ask("", "one.test", client)).toBe(200);
  });

  describe("what is no TLS", () => {
    test("plain HTTP is told so with 400; error_page 497 redirects", async () => {
      const { status, text } = await ask(server.ports[FIRST]!, get("/"));
      expect([status, text.includes("plain HTTP request was sent to HTTPS port")]).toEqual([400, true]);
      const moved = await ask(`127.0.0.3:${server.ports[REDIRECTING]}`, get("/a?b"));
      expect([moved.status, moved.field("location")]).toEqual([308, "https://localhost/a?b"]);
    });

    test("random bytes, half a ClientHello, a record that is too long: closed or waited for; others are served", async () => {
      const port = server.ports[FIRST]!;
      for (const bytes of [
        "\x16\x03\x01\x00\x05hello",
        "\x16\x03\x01\xff\xff",
        "\x16\x03\x01\x00\x04\x01\xff\xff\xff",
        "\x16",
      ]) {
        const client = await Client.connect(port);
        await client.send(bytes);
        client.finish();
        await client.rest();
        client.destroy();
      }
      expect(await once("/")).toBe("hello");
    });

    test("a handshake that arrives byte by byte", async () => {
      const inner = connectPlain({ host: "127.0.0.1", port: server.ports[FIRST]! });
      await new Promise((resolve) => inner.once("connect", resolve));
      inner.setNoDelay(true);
      const { write } = inner;
      const slow = (chunk: Buffer, ...rest: unknown[]): boolean => {
        for (const byte of Buffer.from(chunk)) write.call(inner, Buffer.of(byte));
        for (const callback of rest) if (typeof callback === "function") callback();
        return true;
      };
      inner.write = slow as typeof inner.write;
      const socket = await open({ socket: inner });
      expect((await over(socket, get("/"))).body.toString()).toBe("hello");
      socket.destroy();
    });
  });
});
