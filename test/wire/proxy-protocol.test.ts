/** Behind a balancer that speaks the PROXY protocol: addresses, cuts, pipelining, unix sockets; and who speaks it wrongly, as nginx 1.22 answers and logs. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ask, Client, get } from "./client.ts";
import { until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const server = useServer({
  configuration: `
    error_log error.log info;
    client_header_timeout 1s;
    log_format who '$remote_addr $status "$request"';
    server {
      listen 127.0.0.1:0 proxy_protocol;
      listen unix:p.sock proxy_protocol;
      access_log who.log who;
      set_real_ip_from 127.0.0.1;
      set_real_ip_from unix:;
      real_ip_header proxy_protocol;
      location / {
        return 200 "$remote_addr|$remote_port|$realip_remote_addr|$proxy_protocol_addr|$proxy_protocol_port|$proxy_protocol_server_addr|$proxy_protocol_server_port";
      }
      location /denied { deny 1.2.3.4; }
      location /direct { set_real_ip_from 10.0.0.0/8; return 200 "$remote_addr|$proxy_protocol_addr"; }
    }`,
});

const LINE = "PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\n";
const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
const log = () => readFileSync(join(server.folder, "error.log"), "latin1");
const bytes = (text: string) => Buffer.from(text, "latin1");

describe("a header", () => {
  test("names the client, for rules and variables, for every request of the connection", async () => {
    const client = await Client.connect(server.port);
    await client.send(`${LINE}${get("/")}${get("/denied")}`);
    expect((await client.reply()).text).toBe("1.2.3.4|1111|127.0.0.1|1.2.3.4|1111|5.6.7.8|2222");
    expect((await client.reply()).status).toBe(403);
    expect((await client.ask(get("/"))).text).toStartWith("1.2.3.4|1111|");
    client.destroy();
  });

  test("may come in pieces, before or with the request", async () => {
    const all = LINE + get("/");
    for (const cut of [1, 6, 20, LINE.length - 1, LINE.length, LINE.length + 5]) {
      const client = await Client.connect(server.port);
      await client.send(all.slice(0, cut));
      await Bun.sleep(5); // a packet of its own, mostly; the unit test has every cut for certain
      expect((await client.ask(all.slice(cut), "GET")).text).toStartWith("1.2.3.4|1111|");
      client.destroy();
    }
  });

  test("that tells no address leaves the connection's", async () => {
    for (const header of ["PROXY UNKNOWN\r\n", `${SIGNATURE}\x20\0\0\0`]) {
      expect((await ask(server.port, bytes(header + get("/")))).text).toMatch(
        /^127\.0\.0\.1\|\d+\|127\.0\.0\.1\|\|\|\|$/,
      );
    }
  });

  test("of version 2, with TLVs and IPv6", async () => {
    const source = "\x20\x01\x0d\xb8" + "\0".repeat(11) + "\x01";
    const header = `${SIGNATURE}\x21\x21\0\x29${source}${source}\0\x01\0\x02\x01\0\x02h2`;
    expect((await ask(server.port, bytes(header + get("/")))).text).toStartWith(
      "2001:db8::1|1|127.0.0.1|2001:db8::1|1|",
    );
  });

  test("on a unix socket", async () => {
    const reply = await ask(join(server.folder, "p.sock"), LINE + get("/"));
    expect(reply.text).toBe("1.2.3.4|1111|unix:|1.2.3.4|1111|5.6.7.8|2222");
  });

  test("is believed only from set_real_ip_from, but its variables are there", async () => {
    const reply = await ask(server.port, LINE + get("/direct"));
    expect(reply.text).toMatch(/1\.2\.3\.4$/);
  });

  test("may be followed by a body", async () => {
    const client = await Client.connect(server.port);
    const post = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345`;
    expect((await client.ask(LINE + post, "POST")).text).toStartWith("1.2.3.4|1111|");
    expect((await client.ask(get("/"))).status).toBe(200);
    client.destroy();
  });
});

describe("without a proper header the connection is closed", () => {
  const problems = () => log().match(/(?<=\*\d+ ).* while reading PROXY protocol.*/g) ?? [];
  const refused = async (text: string): Promise<string> => {
    const client = await Client.connect(server.port);
    const before = problems().length;
    await client.send(bytes(text));
    expect((await client.rest()).toString("latin1")).toBe("");
    await until(
      () => problems().length > before,
      () => `no line: ${log()}`,
    );
    return problems()[before]!;
  };

  test("and the log says so as nginx does", async () => {
    const where = `while reading PROXY protocol, client: 127.0.0.1, server: 127.0.0.1:0`;
    expect(await refused(get("/"))).toBe(`broken header: "GET / HTTP/1.1" ${where}`);
    expect(await refused(`PROXY TCP4 zz 5.6.7.8 1 2\r\n${get("/")}`)).toStartWith(
      'broken header: "PROXY TCP4 zz 5.6.7.8 1 2" ',
    );
    expect(await refused(`${SIGNATURE}\x31\x11\0\0`)).toStartWith("unknown PROXY protocol version: 3 while ");
    expect(await refused(`${SIGNATURE}\x21\x11\xff\xff`)).toStartWith("header is too large while ");
    expect(await refused("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03")).toStartWith("broken header: ");
  });

  test("after client_header_timeout, however slowly it comes", async () => {
    const [client, silent] = await Promise.all([Client.connect(server.port), Client.connect(server.port)]);
    await client.send("PROXY TCP4 1.2");
    expect((await Promise.all([client.rest(), silent.rest()])).map(({ length }) => length)).toEqual([0, 0]);
  });

  test("and the access log has no line of it", () => {
    expect(readFileSync(join(server.folder, "who.log"), "latin1")).not.toMatch(/ 400 | 408 |PROXY/);
  });
});
