/** What becomes of the fields of a server's reply, compared with nginx for the same configuration and reply. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ask, get } from "./client.ts";
import { NGINX, useNginx } from "./nginx.ts";
import { ServerProcess } from "./server.ts";

setDefaultTimeout(60_000);

/** What the backend says next, as a whole. */
let says = "";
const backend = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: { data: (socket) => void socket.end(Buffer.from(says, "latin1")) },
});
afterAll(() => backend.stop(true));

const B = `127.0.0.1:${backend.port}`;
const server = (port: number | string): string => `
  server {
    listen 127.0.0.1:${port};
    absolute_redirect off;
    location / { proxy_pass http://${B}; }
    location /in/ { proxy_pass http://${B}/app/; }
    location /off/ { proxy_pass http://${B}; proxy_redirect off; }
    location /rules/ {
      proxy_pass http://${B};
      proxy_redirect http://old.test/ /new/;
      proxy_redirect http://$host:8000/ /mine/;
      proxy_redirect ~^http://[^/]+/re/(\\d+)/(.*)$ /number/$1?$2;
      proxy_redirect ~*^HTTPS://(?<name>[a-z]+)\\.test /by/$name;
      proxy_redirect / /rooted/;
    }
    location /cookies/ {
      proxy_pass http://${B};
      proxy_cookie_domain one.test two.test;
      proxy_cookie_domain ~^(?:.+\\.)?(\\w+)\\.org$ $1.net;
      proxy_cookie_path /app/ /;
      proxy_cookie_path ~^/x/(.*) /y/$1;
    }
    location /flags/ { proxy_pass http://${B}; proxy_cookie_flags one httponly samesite=strict; proxy_cookie_flags ~^t nosecure nosamesite; }
    location /pass/ { proxy_pass http://${B}; proxy_pass_header Server; proxy_pass_header Date; proxy_hide_header X-Secret; }
  }`;

const nginx = useNginx(server);
const ours = new ServerProcess({ configuration: server(0), addresses: 1 });
beforeAll(() => ours.start());
afterAll(() => ours.stop());

/** Fields whose values are each server's own. */
const OWN = ["connection", "keep-alive", "transfer-encoding"];

async function replyOf(port: number, path: string, passed: boolean) {
  const reply = await ask(port, get(path, { Host: "site.test" }));
  const hidden = passed ? OWN : [...OWN, "server", "date"];
  const fields = reply.fields.filter(([name]) => !hidden.includes(name.toLowerCase()));
  return { status: reply.status, fields: fields.map(([name, value]) => `${name}: ${value}`).sort(), body: reply.text };
}

describe.skipIf(NGINX === null)("as nginx (needs nginx)", () => {
  const same = async (path: string, ...lines: string[]): Promise<void> => {
    const [status = "200 OK"] = lines.filter((line) => /^\d{3} /.test(line));
    const fields = lines.filter((line) => !/^\d{3} /.test(line));
    says = [`HTTP/1.1 ${status}`, ...fields, "Content-Length: 2", "", "ok"].join("\r\n");
    const wanted = await replyOf(nginx.port, path, path.startsWith("/pass"));
    expect(await replyOf(ours.port, path, path.startsWith("/pass"))).toEqual(wanted);
  };
  const moved = (path: string, location: string) => same(path, "302 Found", `Location: ${location}`);

  test.each(["/", "/in/", "/off/"])("proxy_redirect default and off: %s", async (path) => {
    for (const to of [
      `http://${B}/x`,
      `http://${B}/app/x?y`,
      `http://${B}`,
      "http://other.test/app/",
      "/app/x",
      "relative",
      "",
    ])
      await moved(path, to);
  });
  test.each([
    "http://old.test/a",
    "http://site.test:8000/a",
    "http://any/re/42/x/y",
    "HTTPS://abc.test/z",
    "/a/b",
    "x",
  ])("proxy_redirect: %s", (to) => moved("/rules/", to));
  test("Refresh", async () => {
    await same("/rules/", "Refresh: 5; url=http://old.test/a");
    await same("/rules/", "Refresh: 5; URL=/a");
    await same("/rules/", "Refresh: 5");
  });
  test.each([
    "a=b",
    "a=b; Domain=one.test; Path=/app/x",
    "a=b;domain=.ONE.test;path=/x/1",
    "a=b; Domain=sub.three.org; Secure",
    "a=b; Path=/other; HttpOnly",
    "a; Domain=one.test",
    "a=b=c;  Domain = one.test ; X",
  ])("cookies: %s", (cookie) => same("/cookies/", `Set-Cookie: ${cookie}`, "Set-Cookie: second=2; Path=/app/"));
  test.each([
    "one=1",
    "One=1; samesite=lax; HTTPONLY",
    "two=1; Secure; SameSite=Lax; Path=/",
    "three=3; Path=/",
    "x=1; secure",
  ])("flags: %s", (cookie) => same("/flags/", `Set-Cookie: ${cookie}`));
  test("fields that are hidden, and those that are not", async () => {
    const fields = [
      "Server: theirs",
      "Date: Thu, 01 Jan 1970 00:00:00 GMT",
      "X-Pad: 1",
      "X-Secret: 1",
      "X-Accel-Expires: 0",
      "X-Is: 2",
      "Content-Type: text/x",
      'ETag: "e"',
      "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT",
      "Cache-Control: no-store",
      "Cache-Control: private",
      "Vary: a",
      "X-Is: 3",
    ];
    await same("/", ...fields);
    await same("/pass/", ...fields);
  });
});
