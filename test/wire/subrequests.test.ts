/** `auth_request`, `auth_request_set` and `mirror`, as nginx 1.22 answers: over files, fixed answers, programs, and other servers. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ask, Client, get } from "./client.ts";
import { until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

/** A server that decides by the field Authorization, and notes what it was asked. */
const asked: { line: string; body: string; fields: Record<string, string> }[] = [];
const waiting: (() => void)[] = [];
const backend = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const { pathname, search } = new URL(request.url);
    const fields = Object.fromEntries(request.headers);
    asked.push({ line: `${request.method} ${pathname}${search}`, body: await request.text(), fields });
    if (pathname === "/slow") await new Promise<void>((resolve) => waiting.push(resolve));
    const user = request.headers.get("authorization");
    const challenge = { "WWW-Authenticate": 'Bearer realm="api"' };
    if (user === null) return new Response("who are you?", { status: 401, headers: challenge });
    return new Response("welcome", { status: 200, headers: { "X-User": user.replace("Bearer ", "") } });
  },
});
afterAll(() => backend.stop(true));

const server = useServer({
  configuration: `
    error_log error.log info;
    log_format line '$remote_addr $request_uri $status $user';
    server {
      listen 127.0.0.1:0;
      root www;
      client_max_body_size 10m;
      access_log access.log line;
      error_page 401 /401.html;
      location /open/ { }
      location /ok/ { auth_request /decide/204; }
      location /created/ { auth_request /decide/201; }
      location /forbidden/ { auth_request /decide/403; }
      location /strange/ { auth_request /decide/302; }
      location /missing/ { auth_request /nothing; error_page 404 /page404.html; }
      location /file/ { auth_request /open/a.txt; }
      location /loop/ { auth_request /loop/a.txt; }
      location /rules/ { auth_request /decide/denied; }
      location /any/ { satisfy any; allow 127.0.0.1; deny all; auth_request /decide/403; }
      location /both/ { deny all; auth_request /decide/204; }
      location /password/ { satisfy any; auth_basic x; auth_basic_user_file users; auth_request /decide/403; }
      location /handed/ { auth_request /decide/204; error_page 404 = @other; }
      location @other { return 200 other; }
      location /decide/204 { internal; return 204; }
      location /decide/201 { return 201 yes; }
      location /decide/403 { return 403; }
      location /decide/302 { return 302 /x; }
      location /decide/denied { deny all; return 204; }
      location /script/ { auth_request /cgi/auth.sh; auth_request_set $user $sent_http_x_user; add_header X-User "$user" always; }
      location /cgi/ { cgi .sh /bin/sh; allowed_methods GET POST; }
      location /api/ {
        auth_request /ask;
        auth_request_set $user $upstream_http_x_user;
        auth_request_set $code $upstream_status;
        add_header X-User "$user/$code" always;
      }
      location /slow/ { auth_request /asleep; }
      location = /asleep { proxy_pass http://127.0.0.1:${backend.port}/slow; }
      location = /ask {
        internal;
        proxy_pass http://127.0.0.1:${backend.port}/auth;
        proxy_set_header X-Original-URI $request_uri;
        proxy_set_header X-Original-Method $request_method;
      }
      location /copied/ { mirror /copy; mirror /second; allowed_methods GET POST; }
      location /headonly/ { mirror /copy; mirror_request_body off; allowed_methods GET POST; }
      location /badcopy/ { mirror /decide/403; mirror /nothing; }
      location /copy { internal; proxy_pass http://127.0.0.1:${backend.port}/copy; proxy_set_header X-Of $request_uri; }
      location /second { internal; proxy_pass http://127.0.0.1:${backend.port}/second; }
      location /gather { cgi .sh /bin/sh; }
    }`,
  files: {
    "www/401.html": "please log in",
    "www/open/a.txt": "open",
    ...Object.fromEntries(
      [
        ..."ok created forbidden strange missing file loop rules any both password handed script api slow copied headonly badcopy".split(
          " ",
        ),
      ].map((name) => [`www/${name}/a.txt`, name]),
    ),
    "www/cgi/auth.sh": `[ "$HTTP_X_KEY" = open ] && printf 'Status: 200\\r\\nX-User: ann\\r\\n\\r\\nfine' || printf 'Status: 401\\r\\nWWW-Authenticate: Key\\r\\n\\r\\nno'\n`,
    users: "ann:{PLAIN}secret\n",
  },
});

const fetch = (path: string, fields: Record<string, string> = {}, method = "GET") =>
  ask(server.port, get(path, fields, method));
const log = () => readFileSync(join(server.folder, "error.log"), "utf8");
const untilLogged = (text: string) =>
  until(
    () => log().includes(text),
    () => `not in the log: ${text}\n${log()}`,
  );

describe("auth_request decides by the status", () => {
  test.each([
    ["/open/a.txt", 200],
    ["/ok/a.txt", 200],
    ["/created/a.txt", 200],
    ["/file/a.txt", 200],
    ["/forbidden/a.txt", 403],
    ["/strange/a.txt", 500],
    ["/missing/a.txt", 500],
    ["/loop/a.txt", 200], // a subrequest is not asked itself
    ["/rules/a.txt", 200], // nor are its addresses: nginx skips the phase of access in subrequests
    ["/any/a.txt", 200],
    ["/both/a.txt", 403],
    ["/handed/none", 200],
    ["/decide/204", 404], // internal
  ])("%s: %d", async (path, status) => expect((await fetch(path)).status).toBe(status));

  test("and what is strange is logged as nginx does", async () => {
    const end = `client: 127.0.0.1, server: , request: "GET /strange/a.txt HTTP/1.1", host: "localhost"`;
    await untilLogged(`auth request unexpected status: 302, ${end}`);
    await untilLogged('request: "GET /missing/a.txt HTTP/1.1", subrequest: "/nothing"');
  });

  test("a file that is not there after all is a 404; HEAD and conditions are the request's own", async () => {
    expect((await fetch("/ok/none")).status).toBe(404);
    expect((await fetch("/file/a.txt", {}, "HEAD")).status).toBe(200);
    const tag = (await fetch("/file/a.txt")).field("etag")!;
    expect((await fetch("/file/a.txt", { "If-None-Match": tag })).status).toBe(304);
    expect((await fetch("/file/a.txt", { Range: "bytes=0-0" })).status).toBe(206);
  });

  test("satisfy any: the subrequest or a password", async () => {
    expect((await fetch("/password/a.txt")).status).toBe(401);
    const basic = `Basic ${btoa("ann:secret")}`;
    expect((await fetch("/password/a.txt", { Authorization: basic })).status).toBe(200);
  });
});

describe("over a program and another server", () => {
  test("a program's 401 and its field; the error's page is the request's", async () => {
    const refused = await fetch("/script/a.txt");
    expect([refused.status, refused.field("www-authenticate"), refused.text]).toEqual([401, "Key", "please log in"]);
    const entered = await fetch("/script/a.txt", { "X-Key": "open" });
    expect([entered.status, entered.text, entered.field("x-user")]).toEqual([200, "script", "ann"]);
  });

  test("a server's 401, and variables of its reply", async () => {
    const refused = await fetch("/api/a.txt?q=1");
    expect([refused.status, refused.field("www-authenticate")]).toEqual([401, 'Bearer realm="api"']);
    const entered = await fetch("/api/a.txt", { Authorization: "Bearer bob" });
    expect([entered.status, entered.text, entered.field("x-user")]).toEqual([200, "api", "bob/200"]);
    const [first] = asked.filter(({ line }) => line === "GET /auth");
    expect(first!.fields["x-original-uri"]).toBe("/api/a.txt?q=1");
    expect(first!.fields["x-original-method"]).toBe("GET");
  });

  test("a request with a body: the subrequest has none, and the body still arrives", async () => {
    const before = asked.length;
    const client = await Client.connect(server.port);
    const post = `POST /api/a.txt HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer bob\r\nContent-Length: 4\r\n\r\nbody`;
    const reply = await client.ask(post, "POST");
    expect(reply.status).toBe(405);
    expect(asked[before]!.line).toBe("GET /auth");
    expect(asked[before]!.fields["x-original-method"]).toBe("POST");
    expect(asked[before]!.body).toBe("");
    client.destroy();
  });

  test("requests in a row on one connection, each asked anew", async () => {
    const client = await Client.connect(server.port);
    const good = get("/api/a.txt", { Authorization: "Bearer bob" });
    await client.send(good + get("/api/a.txt") + good + get("/open/a.txt"));
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await client.reply()).status);
    expect(statuses).toEqual([200, 401, 200, 200]);
    client.destroy();
  });

  test("a client that leaves while it is decided: 499, and the server goes on", async () => {
    const client = await Client.connect(server.port);
    await client.send(get("/slow/a.txt"));
    await until(
      () => waiting.length > 0,
      () => "the backend was not asked",
    );
    client.reset();
    await until(
      () => readFileSync(join(server.folder, "access.log"), "utf8").includes("/slow/a.txt 499"),
      () => "no line with 499",
    );
    for (const go of waiting.splice(0)) go();
    expect((await fetch("/ok/a.txt")).status).toBe(200);
  });

  test("the access log has a line for each request of a client, none for a subrequest", async () => {
    const lines = () => readFileSync(join(server.folder, "access.log"), "utf8");
    await until(() => lines().includes("127.0.0.1 /api/a.txt 200 bob"), lines);
    expect(lines()).not.toContain("/ask");
    expect(lines()).not.toContain("/decide/201");
  });
});

describe("mirror", () => {
  /** The copies of a target that the first mirror got. */
  const copies = (target: string) =>
    asked.filter(({ line, fields }) => line.includes(" /copy") && fields["x-of"] === target);

  test("without a body: both copies, the request does not wait", async () => {
    expect((await fetch("/copied/a.txt?n=1")).text).toBe("copied");
    await until(
      () => copies("/copied/a.txt?n=1").length === 1 && asked.some(({ line }) => line === "GET /second?n=1"),
      () => JSON.stringify(asked),
    );
  });

  test.each([10, 100_000, 3_000_000])("a body of %d bytes", async (size) => {
    const body = "0123456789".repeat(size / 10);
    for (const [path, expected] of [
      ["/copied/a.txt", body],
      ["/headonly/a.txt", ""],
    ] as const) {
      const target = `${path}?size=${size}`;
      const client = await Client.connect(server.port);
      await client.ask(`POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n${body}`, "POST");
      client.destroy();
      await until(
        () => copies(target).length === 1,
        () => `no copy of ${target}`,
      );
      const [copy] = copies(target);
      expect(copy!.line).toBe(`POST /copy?size=${size}`);
      expect(copy!.body === expected).toBe(true);
    }
  });

  test("a chunked body", async () => {
    const client = await Client.connect(server.port);
    const chunks = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    await client.ask(
      `POST /copied/a.txt?chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
      "POST",
    );
    await until(
      () => copies("/copied/a.txt?chunks").length === 1,
      () => "no copy",
    );
    expect(copies("/copied/a.txt?chunks")[0]!.body).toBe("abcde");
    client.destroy();
  });

  test("a body that is broken off has no copy", async () => {
    const client = await Client.connect(server.port);
    await client.send(`POST /copied/a.txt?broken HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc`);
    client.destroy();
    await fetch("/copied/a.txt?after");
    await until(
      () => copies("/copied/a.txt?after").length === 1,
      () => "no copy",
    );
    expect(copies("/copied/a.txt?broken")).toEqual([]);
  });

  test("copies that fail harm nobody", async () => {
    expect((await fetch("/badcopy/a.txt")).text).toBe("badcopy");
  });
});
