/** The requests that `proxy_pass` sends, compared byte for byte with those of nginx for the same configuration and client. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ask, Client } from "./client.ts";
import { NGINX, useNginx } from "./nginx.ts";
import { ServerProcess, until } from "./server.ts";

setDefaultTimeout(60_000);

/** What the servers have sent, in order. */
const received: string[] = [];

/** What has come so far of the latest request. */
let coming = "";

/** Keeps each request and answers it. */
const backend = Bun.listen<{ text: string }>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open: (socket) => void (socket.data = { text: "" }),
    data(socket, bytes) {
      coming = socket.data.text += bytes.toString("latin1");
      if (!isComplete(socket.data.text)) return;
      received.push(socket.data.text);
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    },
  },
});
afterAll(() => backend.stop(true));

function isComplete(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  if (/\r\nTransfer-Encoding: chunked/i.test(text)) return text.endsWith("0\r\n\r\n");
  if (text.includes("x-no-body")) return true;
  return text.length >= end + 4 + Number(/\r\nContent-Length: (\d+)/i.exec(text)?.[1] ?? 0);
}

const B = `127.0.0.1:${backend.port}`;
const server = (port: number | string): string => `
  server {
    listen 127.0.0.1:${port};
    error_page 404 /errors/404;
    error_page 405 = @named;
    location / { proxy_pass http://${B}; }
    location /uri/ { proxy_pass http://${B}/other/; }
    location /root/ { proxy_pass http://${B}/; }
    location /part { proxy_pass http://${B}/x; }
    location /query/ { proxy_pass http://${B}/q?a=; }
    location = /exact { proxy_pass http://${B}/only; }
    location ~ ^/regex/(.*)$ { proxy_pass http://${B}; }
    location ~ ^/groups/(.*)$ { proxy_pass http://${B}/g/$1$is_args$args; }
    location /vars/ { proxy_pass http://${B}$request_uri; }
    location /host/ { proxy_pass http://$arg_to; }
    location /askpath { proxy_pass http://${B}?$args; }
    location /missing/ { return 404; }
    location /errors/ { proxy_pass http://${B}; }
    location /moved/ { error_page 403 "/uri/ä b%/\\"x"; return 403; }
    location /tonamed/ { error_page 403 = @named; return 403; }
    location @named { proxy_pass http://${B}; }
    location /keep/ { proxy_pass http://${B}; proxy_http_version 1.1; proxy_set_header Connection ""; }
    location /old/ { proxy_pass http://${B}; proxy_set_header Connection keep-alive; }
    location /ws/ {
      proxy_pass http://${B}; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";
    }
    location /set/ {
      proxy_pass http://${B};
      proxy_set_header Host $host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Empty "";
      proxy_set_header x-none $arg_none;
      proxy_set_header Accept-Encoding "";
      proxy_set_header X-Proxy "$proxy_host|$proxy_port|$request_method|$uri|$args";
      location /set/inner/ { proxy_pass http://${B}/inner/; }
      location /set/other/ { proxy_pass http://${B}; proxy_set_header X-Only "1"; }
    }
    location /length/ { proxy_pass http://${B}; proxy_set_header Content-Length ""; proxy_pass_request_body off; }
    location /method/ { proxy_pass http://${B}; proxy_method POST; }
    location /body/ { proxy_pass http://${B}; proxy_set_body "<$request_uri>"; }
    location /nofields/ { proxy_pass http://${B}; proxy_pass_request_headers off; }
    location /nobody/ { proxy_pass http://${B}; proxy_pass_request_body off; proxy_set_header x-no-body 1; }
    location /stream/ { proxy_pass http://${B}; proxy_request_buffering off; proxy_http_version 1.1; }
    location /stream10/ { proxy_pass http://${B}; proxy_request_buffering off; }
  }`;

const nginx = useNginx(server);
const ours = new ServerProcess({ configuration: server(0), addresses: 1 });
beforeAll(() => ours.start());
afterAll(() => ours.stop());

/** What `port` sends to the backend for a request. */
async function passed(port: number, request: string): Promise<string | undefined> {
  received.length = 0;
  await ask(port, Buffer.from(request, "latin1"));
  return received[0];
}

const get = (target: string, ...fields: string[]): string =>
  [`GET ${target} HTTP/1.1`, "Host: Client.test:81", ...fields, "", ""].join("\r\n");
const post = (target: string, body: string, ...fields: string[]): string =>
  `${["POST", target, "HTTP/1.1"].join(" ")}\r\n${["Host: a", `Content-Length: ${body.length}`, ...fields].join("\r\n")}\r\n\r\n${body}`;
const chunked = (target: string, framed: string): string =>
  `POST ${target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${framed}`;

const TARGETS = [
  "/",
  "/a",
  "/a?b",
  "/a?",
  "/?",
  "/a//b/../c",
  "/%41%2f%20?%20",
  "/a;b=c",
  '/"<>^{}|',
  "/\xe9\xff",
  "/a%C3%A9",
  "http://other.test/abs?x",
  "http://other.test",
  "/uri/",
  "/uri/a",
  "/uri/a?b=%20",
  "/uri/%41%20%23%3f%25",
  "/uri//a/../b",
  "/uri/a%2fb",
  '/uri/"<>',
  "/uri/\xe9",
  "/uri/a;b",
  '/uri/%41\xe9"`{}|',
  "/root/a",
  "/root/",
  "/part",
  "/party",
  "/query/z?b",
  "/exact",
  "/exact?x",
  "/regex/a%20b?c",
  "/missing/x?y",
  "/moved/x?y",
  "/tonamed/%41?y=%20",
];
/** To servers that only the request names. */
const VARIABLE = ["/groups/a?b=c", "/groups/%41", "/vars/%41?b", `/host/x%41?to=${B}`, "/askpath?a=%20"];
const FIELDS = [
  ["Connection: keep-alive", "Keep-Alive: 300", "TE: trailers", "Accept: */*"],
  ["Connection: close, X-Hop", "X-Hop: 1", "Upgrade: h2c"],
  [
    "Accept-Encoding: gzip",
    "Cookie: a=b; c=d",
    "cookie: e=f",
    "X-Forwarded-For: 1.2.3.4, 5.6.7.8",
    "X-Real-IP: 6.6.6.6",
  ],
  ["NoSpace:x", "Spaces:    y   ", "Empty:", "Last: 1"],
  ["X_Under: 1", "X.Dot: 2", "X-\xe9: 3", "X-Ok: 4"],
  ["If-Modified-Since: x", "Range: bytes=0-1", "Proxy-Connection: x", "Transfer: y", "X-None: n", "X-Empty: e"],
];

describe.skipIf(NGINX === null)("as nginx (needs nginx)", () => {
  const same = async (request: string): Promise<void> => {
    const wanted = await passed(nginx.port, request);
    expect(wanted).toBeString();
    expect(await passed(ours.port, request)).toBe(wanted!);
  };
  test.each(TARGETS)("GET %s", (target) => same(get(target)));
  test.each(VARIABLE)("GET %s", (target) => same(get(target)));
  for (const place of [
    "/",
    "/set/?none=",
    "/set/inner/a?none=1",
    "/set/other/",
    "/keep/",
    "/old/",
    "/ws/",
    "/nofields/",
  ])
    test.each(FIELDS)(`${place} %s`, (...fields) => same(get(place, ...fields.filter((field) => !/\xe9/.test(field)))));
  test.each(["HEAD", "OPTIONS", "DELETE", "PATCH"])("%s", (method) => same(get("/m").replace("GET", method)));
  test("HTTP/1.0 without Host", () => same("GET /set/ HTTP/1.0\r\n\r\n"));
  test("WebSocket", () =>
    same(
      get(
        "/ws/",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
      ),
    ));
  test.each(["/", "/uri/a?b", "/set/", "/length/", "/body/%41", "/method/", "/stream/", "/nobody/"])(
    "POST %s",
    (target) => same(post(target, "hello body")),
  );
  test.each(["/", "/body/", "/method/"])("POST %s without a byte", (target) => same(post(target, "")));
  test("proxy_method, proxy_set_body for GET", async () => {
    await same(get("/method/x"));
    await same(get("/body/x"));
  });
  test.each(["/", "/stream10/"])("chunks to %s: the length is told", (target) =>
    same(chunked(target, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")),
  );
  test("no chunk at all", () => same(chunked("/", "0\r\n\r\n")));
  test("chunks to /stream/, of which the last comes later: the same", async () => {
    const sent: (string | undefined)[] = [];
    for (const port of [nginx.port, ours.port]) {
      received.length = 0;
      coming = "";
      const client = await Client.connect(port);
      await client.send(chunked("/stream/", "5\r\nabcde\r\n"));
      await until(
        () => coming.includes("abcde"),
        () => coming,
      );
      await client.send("2\r\nfg\r\n0\r\n\r\n");
      await client.reply();
      client.destroy();
      sent.push(received[0]);
    }
    expect(sent[0]).toContain("\r\nTransfer-Encoding: chunked\r\n");
    expect(sent[1]).toBe(sent[0]!);
  });
});
