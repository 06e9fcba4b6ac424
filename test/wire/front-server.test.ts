/** Behind a front server: who the client is, by which scheme it came, and what redirects name. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ask, get } from "./client.ts";
import { until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const server = useServer({
  configuration: `
    log_format who '$remote_addr $realip_remote_addr $scheme';
    server {
      listen 127.0.0.1:0;
      server_name first.example second.example;
      root www;
      access_log who.log who;
      location / { return 200 "$remote_addr:$remote_port $realip_remote_addr $scheme $https"; }
      location /one/       { set_real_ip_from 127.0.0.1; return 200 "$remote_addr:$remote_port $scheme $https"; }
      location /list/      { set_real_ip_from 127.0.0.0/8; set_real_ip_from 10.0.0.0/8; real_ip_header X-Forwarded-For; return 200 $remote_addr; }
      location /recursive/ { set_real_ip_from 127.0.0.0/8; set_real_ip_from 10.0.0.0/8; set_real_ip_from ::1; real_ip_header X-Forwarded-For; real_ip_recursive on; return 200 $remote_addr; }
      location /denied/    { set_real_ip_from 127.0.0.1; deny 192.0.2.1; allow all; }
      location /cgi/       { set_real_ip_from 127.0.0.1; cgi .sh /bin/sh; }
      location /session/   { set_real_ip_from 127.0.0.1; session on; }
      location /relative/  { return 301 /x?a=b; }
      location /copied/    { return 301 $arg_to; }
      location /moved/     { rewrite ^/moved/ $arg_to? redirect; }
      location /written/   { return 301 //other.test$uri; }
      location /absolute/  { absolute_redirect on; location /absolute/go { return 302 /x; } location /absolute/far { return 302 http://other/; } }
      location /named/     { absolute_redirect on; server_name_in_redirect on; port_in_redirect off; return 301 /x; }
      location /secure/    { absolute_redirect on; port_in_redirect off; set_real_ip_from 127.0.0.1; return 301 /x; }
    }`,
  files: {
    "www/denied/a.txt": "a",
    "www/session/a.txt": "a",
    "www/absolute/folder/index.html": "i",
    "www/cgi/env.sh": `printf 'Content-Type: text/plain\\n\\n%s %s %s' "$REMOTE_ADDR" "$REQUEST_SCHEME" "$HTTPS"`,
  },
});

const from = (target: string, fields: Record<string, string> = {}) => ask(server.port, get(target, fields));

describe("the client's address", () => {
  test("is the connection's where no front server is named", async () => {
    const reply = await from("/", { "X-Real-IP": "192.0.2.1", "X-Forwarded-Proto": "https" });
    expect(reply.text).toMatch(/^127\.0\.0\.1:\d+ 127\.0\.0\.1 http $/);
  });
  test.each([
    ["192.0.2.1", "192.0.2.1:"],
    ["192.0.2.1:81", "192.0.2.1:81"],
    ["2001:db8::1", "2001:db8::1:"],
    ["[2001:db8::1]:82", "2001:db8::1:82"],
  ])("X-Real-IP: %s", async (value, expected) => {
    expect((await from("/one/", { "X-Real-IP": value })).text).toBe(`${expected} http `);
  });
  test.each(["", "nonsense", "1.2.3", "1.2.3.4.5", "a, b"])("is the connection's for X-Real-IP: %s", async (value) => {
    expect((await from("/one/", { "X-Real-IP": value })).text).toStartWith("127.0.0.1:");
  });
  test.each([
    ["/list/", "192.0.2.1, 10.0.0.1", "10.0.0.1"],
    ["/recursive/", "192.0.2.1, 10.0.0.1", "192.0.2.1"],
    ["/recursive/", "6.6.6.6, 192.0.2.1, 10.0.0.1, 10.0.0.2", "192.0.2.1"],
    ["/recursive/", "10.0.0.3, 10.0.0.1", "10.0.0.3"],
    ["/recursive/", "nonsense, 10.0.0.1", "10.0.0.1"],
    ["/recursive/", "192.0.2.1, ::1", "192.0.2.1"],
  ])("%s X-Forwarded-For: %s", async (target, value, expected) => {
    expect((await from(target, { "X-Forwarded-For": value })).text).toBe(expected);
  });
  test("is what allow and deny go by", async () => {
    const status = async (address: string) => (await from("/denied/a.txt", { "X-Real-IP": address })).status;
    expect([await status("192.0.2.1"), await status("192.0.2.2")]).toEqual([403, 200]);
  });
  test("is what scripts get, and HTTPS", async () => {
    const fields = { "X-Real-IP": "192.0.2.1", "X-Forwarded-Proto": "https" };
    expect((await from("/cgi/env.sh", fields)).text).toBe("192.0.2.1 https on");
    expect((await from("/cgi/env.sh", { "X-Real-IP": "192.0.2.1" })).text).toBe("192.0.2.1 http ");
  });
  test("is what logs have", async () => {
    await from("/one/", { "X-Real-IP": "192.0.2.9", "X-Forwarded-Proto": "HTTPS" });
    const log = (): string => readFileSync(join(server.folder, "who.log"), "utf8");
    await until(() => log().includes("192.0.2.9 127.0.0.1 https\n"), log);
  });
  test("of one request is not that of the next on the connection", async () => {
    const two = await ask(server.port, get("/one/", { "X-Real-IP": "192.0.2.1" }));
    expect(two.text).toStartWith("192.0.2.1");
    expect((await from("/one/")).text).toStartWith("127.0.0.1");
  });
});

test("the session's cookie is Secure where the client came by HTTPS", async () => {
  expect((await from("/session/a.txt", { "X-Forwarded-Proto": "https" })).field("Set-Cookie")).toContain("; Secure");
  expect((await from("/session/a.txt")).field("Set-Cookie")).not.toContain("Secure");
});

describe("redirects", () => {
  const location = async (target: string, fields: Record<string, string> = {}) =>
    (await from(target, fields)).field("Location");
  test("are a path alone by default", async () => {
    expect(await location("/relative/")).toBe("/x?a=b");
  });
  test("a path with two slashes from the client leads to no other host; one that the configuration begins so does", async () => {
    const here = `http://second.example:${server.port}`;
    expect(await location("/copied/?to=//evil.test/x", { Host: "second.example" })).toBe(`${here}//evil.test/x`);
    expect(await location("/moved/?to=//evil.test/x", { Host: "second.example" })).toBe(`${here}//evil.test/x`);
    expect(await location("/copied/?to=/x")).toBe("/x");
    expect(await location("/written/a")).toBe("//other.test/written/a");
  });
  test("absolute_redirect: the client's host and the port", async () => {
    expect(await location("/absolute/go", { Host: "second.example:99" })).toBe(
      `http://second.example:${server.port}/x`,
    );
    expect(await location("/absolute/folder", { Host: "b" })).toBe(`http://b:${server.port}/absolute/folder/`);
    expect(await location("/absolute/folder", { Host: "c" })).toBe(`http://c:${server.port}/absolute/folder/`);
    expect(await location("/absolute/far")).toBe("http://other/");
    const old = await ask(server.port, "GET /absolute/go HTTP/1.0\r\n\r\n");
    expect(old.field("Location")).toBe(`http://127.0.0.1:${server.port}/x`);
  });
  test("server_name_in_redirect, port_in_redirect", async () => {
    expect(await location("/named/", { Host: "second.example" })).toBe("http://first.example/x");
  });
  test("the scheme that the front server tells", async () => {
    expect(await location("/secure/", { Host: "b", "X-Forwarded-Proto": "https" })).toBe("https://b/x");
  });
});
