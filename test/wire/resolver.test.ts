/** Names in `proxy_pass`: in variables, by `resolver`, from a DNS server of the test's own; and fixed ones that do not exist. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ask, get } from "./client.ts";
import { a, aaaa, cname, dnsServer } from "./dns-server.ts";
import { makeFolder, run, until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const backend = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request) => new Response(`${new URL(request.url).pathname} at ${request.headers.get("host")}`),
});
const dns = await dnsServer({
  "app.test": { records: [a("app.test", "127.0.0.1", 300)] },
  "alias.test": { records: [cname("alias.test", "app.test")] },
  "many.test": { records: Array.from({ length: 60 }, () => a("many.test", "127.0.0.1")), cut: true },
  "six.test": { records: [aaaa("six.test", "::1")] },
});
afterAll(async () => {
  await backend.stop(true);
  dns.stop();
});

const server = useServer({
  configuration: `
    error_log error.log info;
    server {
      listen 127.0.0.1:0;
      location /to/ { resolver 127.0.0.1:${dns.port} ipv6=off; proxy_pass http://$arg_name:${backend.port}/$arg_name; }
      location /none/ { proxy_pass http://$arg_name:${backend.port}; }
    }`,
});

const log = () => readFileSync(join(server.folder, "error.log"), "utf8");
const via = (name: string) => ask(server.port, get(`/to/?name=${name}`));

describe("a name in a variable", () => {
  test.each(["app.test", "alias.test", "many.test", "APP.test."])("%s", async (name) => {
    expect((await via(name)).text).toBe(`/${name} at ${name}:${backend.port}`);
  });

  test("is remembered for its TTL", async () => {
    await via("app.test");
    const count = dns.asked.length;
    for (let i = 0; i < 5; i++) await via("app.test");
    expect(dns.asked.length).toBe(count);
    expect(dns.asked).not.toContain("app.test AAAA"); // ipv6=off
    expect(dns.asked).toContain("many.test A tcp");
  });

  test.each(["missing.test", "six.test"])("%s has no address: 502, and nginx's line", async (name) => {
    expect((await via(name)).status).toBe(502);
    const line = `${name} could not be resolved (3: Host not found), client: 127.0.0.1, server: , request: "GET /to/?name=${name} HTTP/1.1"`;
    await until(() => log().includes(line), log);
  });

  test("of /etc/hosts is not asked for", async () => {
    expect((await via("localhost")).status).toBe(200);
    expect(dns.asked.filter((one) => one.startsWith("localhost"))).toEqual([]);
  });
});

test("without a resolver: 502, and nginx's line", async () => {
  expect((await ask(server.port, get("/none/?name=app.test"))).status).toBe(502);
  await until(() => log().includes("no resolver defined to resolve app.test, client: 127.0.0.1"), log);
});

test("a fixed name that does not exist: the start says so, with file, line and column", async () => {
  const name = `${"a".repeat(64)}.invalid`; // libc knows without asking anyone
  const folder = makeFolder({ "bad.conf": `server {\n  location / {\n    proxy_pass http://${name};\n  }\n}\n` });
  const { status, stderr } = await run([join(folder, "bad.conf")]);
  rmSync(folder, { recursive: true });
  expect(status).toBe(1);
  expect(stderr).toContain(`bad.conf:3:16: error: host not found in upstream "${name}"`);
});
