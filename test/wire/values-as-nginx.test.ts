/** The values of variables beside nginx's own, for odd requests: in the body, in fields of the reply, behind a proxy, and in the access log. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { Client, get, ask as httpAsk } from "./client.ts";
import { NGINX, useNginx } from "./nginx.ts";
import { makeFolder, until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

/** Of the request, in every place. What differs from one server or run to the next is not among them. */
const REQUEST =
  "args arg_a arg_empty arg_none binary_remote_addr connection_requests content_length content_type cookie_a cookie_b cookie_c document_root document_uri host hostname http_host http_cookie http_x_forwarded_for http_x_one http_user_agent http_referer http_via https is_args limit_rate pipe proxy_add_x_forwarded_for proxy_protocol_addr proxy_protocol_port query_string realip_remote_addr realpath_root remote_addr remote_user request request_body request_body_file request_filename request_method request_uri scheme server_addr server_name server_protocol uri";
/** Without octets that are not sent in fields: here they become blanks. */
const TEXT = REQUEST.replace("binary_remote_addr ", "");
/** Of the reply. */
const REPLY =
  "body_bytes_sent request_completion request_length sent_http_content_type sent_http_content_length sent_http_location sent_http_transfer_encoding sent_http_x_own sent_http_none sent_trailer_x_t sent_trailer_none status gzip_ratio upstream_status upstream_http_x upstream_response_length upstream_cookie_id proxy_port";
/** Of nginx after 1.22. */
const NEWER = "trailer_x_sum trailer_none is_request_port request_port http2 proxy_protocol_tlv_alpn";
/** As `name=<value>`. */
const list = (names: string): string =>
  names
    .split(" ")
    .map((name) => `${name}=<$${name}>`)
    .join(" ");

const backend = Bun.listen<{ text: string }>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open: (socket) => void (socket.data = { text: "" }),
    data(socket, bytes) {
      socket.data.text += bytes.toString("latin1");
      const [head, body] = socket.data.text.split("\r\n\r\n", 2);
      const length = Number(/^content-length: (\d+)/im.exec(head!)?.[1] ?? 0);
      if (body === undefined || body.length < length) return;
      const told = /^x-all: (.*)$/im.exec(head!)?.[1] ?? "";
      socket.end(`HTTP/1.0 200 OK\r\nX: y\r\nSet-Cookie: id=7\r\nContent-Length: ${told.length}\r\n\r\n${told}`);
    },
  },
});
const files = makeFolder({
  "www/a b.txt": "text",
  "www/50x.html": "page",
  "www/big": { size: 50_000_000 },
  "www/sub/index.html": "index",
});
afterAll(() => {
  backend.stop(true);
  rmSync(files, { recursive: true, force: true });
});

const http = (port: number | string): string => {
  const log = join(files, `${port}.log`);
  return `
  log_format all '${list(REQUEST)} ${list(REPLY)}';
  keepalive_timeout 75s 20s;
  lingering_timeout 200ms;
  server {
    access_log ${log} all;
    listen 127.0.0.1:${port} default_server;
    server_name First.example second.example;
    root ${files}/www;
    client_body_buffer_size 1k;
    client_max_body_size 10k;
    error_page 404 /50x.html;
    error_page 410 = @named;
    absolute_redirect off;
    location / { add_header X-Own "$sent_http_content_type,$status,$sent_http_connection,$sent_http_keep_alive"; add_header X-All "${list(TEXT)}" always; }
    location /echo { return 200 "${list(REQUEST)} status=<$status> connection=<$sent_http_connection>"; }
    location = /live { access_log off; return 200 "$tcpinfo_rtt $tcpinfo_rttvar $tcpinfo_snd_cwnd $tcpinfo_rcv_space $connection_time $msec $pid
$date_gmt
$date_local
$time_local
$time_iso8601"; }
    location /gone { return 410; }
    location @named { return 200 "${list(REQUEST)}"; }
    location /again { try_files /none /echo; }
    location /trailer.txt { alias "${files}/www/a b.txt"; add_trailer X-T "t $uri"; }
    location /moved { return 301 /to; }
    location /alias/ { alias ${files}/www/sub/; add_header X-All "${list("document_root realpath_root request_filename uri")}"; }
    location /proxy { proxy_pass http://127.0.0.1:${backend.port}; proxy_set_header X-All "${list(TEXT)}"; }
    location /auth { auth_request /asked; auth_request_set $told $upstream_http_x; return 200 $told; }
    location = /asked { internal; proxy_pass http://127.0.0.1:${backend.port}; proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_set_header X-All "${list(TEXT)}"; }
  }
  server { access_log ${log} all; listen 127.0.0.1:${port}; server_name $hostname; return 200 "machine=<1> ${list(REQUEST)}"; root ${files}/none; }
  server { access_log ${log} all; listen 127.0.0.1:${port}; server_name ~^(?<sub>[a-z]+)\\.example$; root ${files}/none; return 200 "$sub ${list(REQUEST)}"; }`;
};

const BODY = "a=1&b=\xff";
const field = (text: string): string => `GET /echo HTTP/1.1\r\nHost: x\r\n${text}\r\nConnection: close\r\n\r\n`;
const post = (path: string, fields: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Type: text/x\r\n${fields}\r\nConnection: close\r\n\r\n${body}`;

const requests: readonly (readonly [name: string, bytes: string])[] = [
  ["an ordinary one", "GET /echo?a=1&b=2 HTTP/1.1\r\nHost: First.example\r\nConnection: close\r\n\r\n"],
  ["HTTP/1.0 without Host", "GET /echo HTTP/1.0\r\n\r\n"],
  ["HTTP/1.0 with keep-alive", "GET /sub/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /echo HTTP/1.0\r\n\r\n"],
  ["an absolute-form", "GET http://Second.Example:81/echo?a HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n"],
  ["another server, by its expression", "GET /x HTTP/1.1\r\nHost: www.example\r\nConnection: close\r\n\r\n"],
  ["a Host with a port and a dot", "GET /echo HTTP/1.1\r\nHost: WWW.Example.:8080\r\nConnection: close\r\n\r\n"],
  ["an address as Host", "GET /echo HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n"],
  ["an encoded path", "GET /a%20b.txt?x=%41 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["dots and slashes", "GET //sub/.././echo//x?a=/../ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["octets", "GET /echo/%C3%A9%ff?a=\xc3\xa9 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["an empty query", "GET /echo? HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["arguments", "GET /echo?A=1&a=2&&empty=&flag&a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["arguments within others", "GET /echo?ba=1;a=2&xa=3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["cookies", field('Cookie: a=1; B="2"; c=\r\nCookie: c=3;a=4')],
  ["cookies without blanks", field("Cookie: b;a=1;ab=2;b=3 ; c = 4")],
  ["forwarded", field("X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nVia: a\r\nReferer: r\r\nUser-Agent: u")],
  ["credentials", field("Authorization: Basic SmFuZTpzZWNyZXQ=")],
  ["credentials that are none", field("Authorization: Basic !!")],
  ["a field with blanks", field("X-One:   a \t b  ")],
  ["an underscore, which is ignored", field("X_One: a")],
  ["a missing file", "GET /none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["a missing file, HEAD", "HEAD /none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["HEAD", "HEAD /sub/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["an index", "GET /sub/?q HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["a folder without its slash", "GET /sub?q HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["an alias", "GET /alias/index.html HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["a named location", "GET /gone?q HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["try_files", "GET /again?q HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["a redirect", "GET /moved HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["a body that nobody reads", post("/echo", "Content-Length: 9", "a=1&b=2&c")],
  ["a body for another server", post("/proxy", `Content-Length: ${BODY.length}`, BODY)],
  [
    "chunks for another server",
    post("/proxy?a=1", "Transfer-Encoding: chunked", "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"),
  ],
  ["no body for another server", "GET /proxy HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["a body that is too large", post("/proxy", "Content-Length: 20000", "")],
  ["a subrequest", post("/auth?a=1", "Content-Length: 3", "abc")],
  ["pipelined", "GET /echo HTTP/1.1\r\nHost: h\r\n\r\nGET /echo?2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["a trailer", "GET /trailer.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
  ["the machine's name", `GET /echo HTTP/1.1\r\nHost: ${hostname()}\r\nConnection: close\r\n\r\n`],
  ["kept", "GET /sub/ HTTP/1.1\r\nHost: h\r\n\r\nHEAD /sub/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
];

/** Pages of errors and redirects are another server's. */
const PAGE = /(?:body_bytes_sent|sent_http_content_length)=<\d*>/g;
/** The status lines, and all that is written as `name=<value>`. */
const seen = (text: string): string[] =>
  [...text.matchAll(/HTTP\/1\.1 \d+|\w+=<[^>]*>/g)].map(([one]) => one.replace("<->", "<>"));

describe.skipIf(NGINX === null)("as nginx", () => {
  const nginx = useNginx(http);
  const server = useServer({
    configuration: `compat nginx;\n${http(0)}
    server { listen 127.0.0.1:0; server_name newer.test; location / { proxy_pass http://127.0.0.1:${backend.port}; proxy_set_header X-All "${list(NEWER)}"; } }`,
  });
  const ask = async (port: number, bytes: string): Promise<string[]> => {
    const client = await Client.connect(port);
    await client.send(bytes);
    const reply = await client.rest();
    client.destroy();
    return seen(reply.latin1Slice());
  };
  /** Asks for a large file and goes away before its end. */
  const leave = async (port: number): Promise<void> => {
    const client = await Client.connect(port);
    await client.send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    await client.until(() => client.pending.length > 0, "its beginning");
    client.reset();
  };
  const lines = async (port: number, count: number): Promise<string[][]> => {
    const read = () =>
      readFileSync(join(files, `${port}.log`), "latin1")
        .split("\n")
        .slice(0, -1);
    await until(
      () => read().length >= count,
      () => read().join("\n"),
    );
    const isWhole = (line: string): boolean => / status=<200>.*$/.test(line) && !line.includes("uri=</big>");
    return read().map((line) => seen(isWhole(line) ? line : line.replace(PAGE, "")));
  };

  test.each(requests)("%s", async (_, bytes) => {
    const [theirs, ours] = await Promise.all([ask(nginx.port, bytes), ask(server.port, bytes)]);
    expect(theirs.length).toBeGreaterThan(0);
    expect(ours).toEqual(theirs);
  });

  test("what differs each time has the same form", async () => {
    const replies = await Promise.all([nginx, server].map(({ port }) => httpAsk(port, get("/live"))));
    const texts = replies.map((reply) => reply.text);
    const form = (text: string): string => text.replace(/[A-Z][a-z]+day/g, "DAY").replace(/[A-Z][a-z]{2}/g, "MON");
    const [theirs, ours] = texts.map((text) =>
      form(text)
        .replace(/\d/g, "0")
        .replace(/^[0. ]+/, ""),
    );
    expect(ours).toBe(theirs!);
    expect(ours).toStartWith("\nDAY, 00-MON-0000 00:00:00 GMT\nDAY, ");
    const figures = texts.map((text) => text.split("\n")[0]!.split(" ").map(Number));
    for (const all of figures) expect(all.slice(0, 4).every((one) => one > 0)).toBe(true);
    expect(figures[1]![6]).toBe(server.pid);
    expect(Math.abs(figures[0]![5]! - figures[1]![5]!)).toBeLessThan(60);
  });

  test("what newer nginx has", async () => {
    const chunks = "2\r\nab\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n";
    const bytes = post("/", "Transfer-Encoding: chunked", chunks).replace("Host: h", "Host: newer.test:81");
    expect(await ask(server.port, bytes)).toEqual([
      "HTTP/1.1 200",
      "trailer_x_sum=<1, 2>",
      "trailer_none=<>",
      "is_request_port=<:>",
      "request_port=<81>",
      "http2=<>",
      "proxy_protocol_tlv_alpn=<>",
    ]);
  });

  test("the access log", async () => {
    const count = requests.length + 4; // three have two requests each, and one more is left
    for (const { port } of [nginx, server]) await leave(port);
    const [theirs, ours] = await Promise.all([lines(nginx.port, count), lines(0, count)]);
    expect(theirs).toHaveLength(count);
    expect(ours).toEqual(theirs);
  });
});
