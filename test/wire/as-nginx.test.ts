/** What nginx does, asked of nginx 1.22 first: pages of errors that are missing, `add_header` and its variables, fields that come twice. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ask, get } from "./client.ts";
import { until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const STATUSES = [200, 201, 202, 203, 204, 205, 206, 207, 300, 301, 302, 303, 304, 307, 308, 400, 404, 416, 500];
/** Those whose replies get the fields that are not marked `always` (ngx_http_headers_module). */
const PLAIN = [200, 201, 204, 206, 301, 302, 303, 304, 307, 308];

const server = useServer({
  configuration: `
    error_log error.log info;
    server {
      listen 127.0.0.1:0;
      root www;
      location /status/ {
        add_header X-Plain a;
        add_header X-Always b always;
        ${STATUSES.map((status) => `location = /status/${status} { return ${status} ${status > 300 && status < 309 && status !== 304 ? "/" : status === 304 || status >= 400 ? "" : "x"}; }`).join("\n")}
      }
      location /e502 { error_page 502 /50x.html; return 502; }
      location /e502as200 { error_page 502 =200 /50x.html; return 502; }
      location /e502as { error_page 502 = /50x.html; return 502; }
      location /e403 { error_page 403 /denied/403.html; deny all; }
      location /denied/ { deny all; }
      location /post { error_page 405 /50x.html; }
      location /handed { error_page 404 = @other; }
      location @other { return 410; }
      location /modified { add_header Last-Modified "Mon, 01 Jan 2024 00:00:00 GMT"; alias www/page.html; }
      location /tagged { add_header ETag '"mine"'; alias www/page.html; }
      location /sent/ {
        alias www/;
        expires 1h;
        add_header X-Sent "$sent_http_content_type|$sent_http_content_length|$sent_http_cache_control";
        add_header X-Tag $sent_http_etag;
        add_header X-Modified $sent_http_last_modified;
      }
      location /sentto { return 301 /q; add_header X-Sent $sent_http_location; }
      location /user { return 200 "$remote_user"; }
      set $once "$request_method";
      location /set/ { set $here "$once $uri"; set $here "<$here>"; return 200 "$here $once"; }
      location /set/none { return 200 "[$here] $once"; }
      location ~ ^/set/group/(?<word>.+)$ { set $moved $word$1; try_files /none /set/moved; }
      location = /set/moved { return 200 "$moved"; }
      location /passed/ { proxy_pass http://unix:app.sock:/x/; }
      location /limited { limit_except GET { proxy_pass http://unix:app.sock; } return 200 direct; }
    }
    server { listen unix:app.sock; return 200 "$request_method $request_uri"; }
    server { listen 127.0.0.1:0; server_name twice.test; return 200 first; }
    server { listen 127.0.0.1:0; server_name twice.test; return 200 second; }`,
  files: { "www/page.html": "page" },
});

const fetch = (path: string, fields: Record<string, string> = {}) => ask(server.port, get(path, fields));

describe("set", () => {
  test.each([
    ["/set/a", "<GET /set/a> GET"],
    ["/set/none", "[] GET"],
    ["/set/group/b", "bb"],
  ])("%s: %s", async (path, text) => expect((await fetch(path)).text).toBe(text));
});

describe("proxy_pass", () => {
  test.each([
    ["/passed/a?b", "GET /x/a?b"],
    ["/limited", "direct"],
  ])("%s: %s", async (path, text) => expect((await fetch(path)).text).toBe(text));
  test("in limit_except for other methods", async () => {
    expect((await ask(server.port, get("/limited", {}, "PUT"))).text).toBe("PUT /limited");
  });
  test("a path without its slash", async () => {
    const reply = await fetch("/passed?b");
    expect([reply.status, reply.field("Location")]).toEqual([301, "/passed/?b"]);
  });
});

describe("the page of an error that is missing", () => {
  test.each([
    ["/e502", 502],
    ["/e502as200", 502],
    ["/e502as", 502],
    ["/e403", 403],
    ["/handed", 410],
  ])("%s stays %d, with the built-in page", async (path, status) => {
    const reply = await fetch(path);
    expect(reply.status).toBe(status);
    if (status !== 410) expect(reply.text).toContain(`<h1>${status} `);
  });
  test("keeps the error's own fields", async () => {
    const reply = await ask(server.port, "POST /post HTTP/1.1\r\nHost: a\r\n\r\n");
    expect([reply.status, reply.field("allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
  });
  test("is told in the error log", async () => {
    await fetch("/e502");
    const log = join(server.folder, "error.log");
    const text = () => readFileSync(log, "utf8");
    await until(() => /www\/50x\.html" .*No such file/.test(text()), text);
  });
});

describe("add_header", () => {
  test.each(STATUSES)("with %d", async (status) => {
    const reply = await fetch(`/status/${status}`);
    expect([reply.status, reply.field("x-plain"), reply.field("x-always")]).toEqual([
      status,
      PLAIN.includes(status) ? "a" : undefined,
      "b",
    ]);
  });
  test("`always` with the 405 to TRACE", async () => {
    const reply = await ask(server.port, "TRACE /status/200 HTTP/1.1\r\nHost: a\r\n\r\n");
    expect([reply.status, reply.field("x-plain"), reply.field("x-always")]).toEqual([405, undefined, "b"]);
  });
  test("knows the reply's own fields", async () => {
    const reply = await fetch("/sent/page.html");
    expect(reply.field("x-sent")).toBe("text/html|4|max-age=3600");
    expect(reply.field("x-tag")).toBe(reply.field("etag")!);
    expect(reply.field("x-modified")).toBe(reply.field("last-modified")!);
    expect((await fetch("/sentto")).field("x-sent")).toBe("/q");
    expect((await fetch("/sent/page.html")).field("x-sent")).toBe("text/html|4|max-age=3600");
  });
  test.each([
    ["/modified", "Mon, 01 Jan 2024 00:00:00 GMT", 206],
    ["/modified", "Tue, 02 Jan 2024 00:00:00 GMT", 200],
    ["/tagged", '"mine"', 206],
    ["/tagged", '"other"', 200],
  ])("of a validator counts for If-Range: %s, %s: %d", async (path, value, status) => {
    expect((await fetch(path, { "If-Range": value, Range: "bytes=0-1" })).status).toBe(status);
  });
  test("but for no other condition", async () => {
    expect((await fetch("/modified", { "If-Modified-Since": "Mon, 01 Jan 2024 00:00:00 GMT" })).status).toBe(200);
  });
});

describe("$remote_user", () => {
  test.each([
    ["bob:x", "bob"],
    ["bob:", "bob"],
    ["a b:c:d", "a b"],
    ["nocolon", ""],
    [":x", ""],
  ])("of %s is %s", async (credentials, user) => {
    const reply = await fetch("/user", { Authorization: `Basic ${Buffer.from(credentials).toString("base64")}` });
    expect(reply.text).toBe(user);
  });
});

test.each([
  "If-Match",
  "If-None-Match",
  "If-Modified-Since",
  "If-Unmodified-Since",
  "If-Range",
  "Authorization",
  "Content-Range",
])("%s twice is 400, as in newer nginx", async (name) => {
  const reply = await ask(
    server.port,
    `GET /user HTTP/1.1\r\nHost: a\r\n${name}: x\r\n${name.toLowerCase()}: x\r\n\r\n`,
  );
  expect(reply.status).toBe(400);
  expect((await ask(server.port, `GET /user HTTP/1.1\r\nHost: a\r\n${name}: x\r\n\r\n`)).status).toBe(200);
});

test("of two servers of one name the first answers, with a warning", async () => {
  expect(server.stderr).toMatch(/warning: .*twice\.test/);
  const twice = "GET / HTTP/1.1\r\nHost: twice.test\r\n\r\n";
  expect((await ask(server.port, twice)).text).toBe("first");
});
