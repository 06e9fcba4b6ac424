/** Which methods are answered, and where that is decided: in the location in which the request ends. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Client } from "./client.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

const METHOD_SCRIPT = `printf 'Content-Type: text/plain\\n\\n%s %s ' "$REQUEST_METHOD" "$SCRIPT_NAME"; cat`;

const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      root www;
      index index.sh index.html;
      location / { }
      location ~ \\.sh$ { cgi .sh /bin/sh; }
      location /front/ { try_files $uri /index.sh; }
      location /named/ { root www/sub; try_files $uri @app; }
      location @app { root www; cgi * /bin/sh; try_files /all.sh =404; allowed_methods GET HEAD POST PUT DELETE; }
      location /code/ { try_files $uri =404; }
      location ^~ /listed/ { alias www/all/; cgi .sh /bin/sh; allowed_methods GET OPTIONS PROPFIND BREW; }
      location ^~ /any/ { alias www/all/; cgi .sh /bin/sh; allowed_methods any; }
      location ^~ /default/ { alias www/all/; cgi .sh /bin/sh; }
      location ^~ /few/ { alias www/all/; cgi .sh /bin/sh; allowed_methods GET; }
      location /moved { return 301 /new; }
      location /fixed { return 200 "fixed"; }
      location /fixed/get { return 200 "fixed"; allowed_methods GET; }
      location /denied { deny all; }
      location /limited { limit_except GET { deny all; } }
      location /dav/ { allowed_methods GET PROPFIND; }
      location /d { alias www/sub/; index x.html; try_files $uri $uri/x.html =404; }
      location ~ ^/r/ { alias www/deep; try_files $uri =404; }
      location /gone/ { index /page.html; }
      location /self/ { index /self/; }
    }`,
  files: {
    "www/index.sh": METHOD_SCRIPT,
    "www/all.sh": METHOD_SCRIPT,
    "www/all/a.sh": METHOD_SCRIPT,
    "www/all/a.txt": "text",
    "www/page.html": "page",
    "www/front/a.txt": "text",
    "www/code/a.txt": "text",
    "www/sub/x.html": "x",
    "www/sub/named/x.html": "x",
    "www/deep/r/f.txt": "deep",
    "www/self/a": "",
    "www/dav/a": "",
  },
});

const BODY = "body";

/** Sends a request, with a body unless it is one of those that have none. */
async function ask(method: string, path: string) {
  const body = ["GET", "HEAD", "OPTIONS"].includes(method) ? "" : BODY;
  const length = body === "" ? "" : `Content-Length: ${body.length}\r\n`;
  const client = await Client.connect(server.port);
  const reply = await client.ask(`${method} ${path} HTTP/1.1\r\nHost: a\r\n${length}\r\n${body}`);
  client.destroy();
  return reply;
}

describe("a method is judged where the request ends", () => {
  const table: [method: string, path: string, status: number, text: string | null][] = [
    ["POST", "/", 200, "POST /index.sh body"],
    ["POST", "/index.sh", 200, "POST /index.sh body"],
    ["OPTIONS", "/", 200, "OPTIONS /index.sh "],
    ["DELETE", "/", 405, null],
    ["POST", "/front/none", 200, "POST /index.sh body"],
    ["PUT", "/front/none", 405, null],
    ["POST", "/front/a.txt", 405, null],
    ["GET", "/front/a.txt", 200, "text"],
    ["PUT", "/named/none", 200, "PUT /all.sh body"],
    ["DELETE", "/named/none", 200, "DELETE /all.sh body"],
    ["PATCH", "/named/none", 405, null],
    ["PUT", "/named/x.html", 405, null],
    ["POST", "/code/none", 404, null],
    ["POST", "/code/a.txt", 405, null],
    ["OPTIONS", "/code/none", 404, null],
  ];
  test.each(table)("%s %s: %d", async (method, path, status, text) => {
    const reply = await ask(method, path);
    expect(reply.status).toBe(status);
    if (text !== null) expect(reply.text).toBe(text);
    if (status === 405) expect(reply.field("allow")).toContain("GET");
  });

  test("a refusal names what the file answers", async () => {
    expect((await ask("POST", "/front/a.txt")).field("allow")).toBe("GET, HEAD, OPTIONS");
    expect((await ask("DELETE", "/")).field("allow")).toBe("GET, HEAD, POST, OPTIONS");
  });

  test.each(["/front/a.txt", "/denied", "/"])("%s refuses before the body is asked for", async (path) => {
    const client = await Client.connect(server.port);
    await client.send(`PUT ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`);
    expect((await client.reply("PUT")).status).toBe(path === "/denied" ? 403 : 405);
    client.destroy();
  });
});

describe("programs get what is listed", () => {
  const table: [method: string, path: string, status: number][] = [
    ["OPTIONS", "/listed/a.sh", 200],
    ["PROPFIND", "/listed/a.sh", 200],
    ["BREW", "/listed/a.sh", 200],
    ["REPORT", "/listed/a.sh", 405],
    ["XYZ", "/listed/a.sh", 501],
    ["REPORT", "/any/a.sh", 200],
    ["XYZ", "/any/a.sh", 200],
    ["TRACE", "/any/a.sh", 405],
    ["OPTIONS", "/any/a.txt", 204],
    ["REPORT", "/any/a.txt", 405],
    ["XYZ", "/any/a.txt", 501],
    ["OPTIONS", "/default/a.sh", 200],
    ["OPTIONS", "/default/a.txt", 204],
    ["POST", "/default/a.txt", 405],
    ["OPTIONS", "/few/a.sh", 204],
    ["POST", "/few/a.sh", 405],
    ["PROPFIND", "/dav/a", 405],
    ["get", "/any/a.sh", 501],
  ];
  test.each(table)("%s %s: %d", async (method, path, status) => {
    const reply = await ask(method, path);
    expect(reply.status).toBe(status);
    if (status === 200) expect(reply.text).toStartWith(`${method} /`);
  });
});

describe("a return answers every method, as in nginx", () => {
  const table: [method: string, path: string, status: number][] = [
    ["OPTIONS", "/moved", 301],
    ["PROPFIND", "/moved", 301],
    ["XYZ", "/moved", 301],
    ["OPTIONS", "/fixed", 200],
    ["XYZ", "/fixed", 200],
    ["TRACE", "/fixed", 405],
    ["OPTIONS", "/fixed/get", 204],
    ["POST", "/fixed/get", 405],
    ["OPTIONS", "/denied", 403],
    ["POST", "/limited", 403],
  ];
  test.each(table)("%s %s: %d", async (method, path, status) => {
    expect((await ask(method, path)).status).toBe(status);
  });
});

describe("as in nginx", () => {
  const table: [path: string, status: number, text: string | null][] = [
    ["/d/", 200, "x"],
    ["/d/x.html", 200, "x"],
    ["/d/none", 404, null],
    ["/r/f.txt", 200, "deep"],
    ["/r/none", 404, null],
    ["/gone/", 200, "page"],
    ["/self/", 500, null],
  ];
  test.each(table)("%s is %d", async (path, status, text) => {
    const reply = await ask("GET", path);
    expect(reply.status).toBe(status);
    if (text !== null) expect(reply.text).toBe(text);
  });
});
