/** docs/behaviour.md, Requests, row by row, over the wire. Where a row closes, what follows is never read as a request. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { answers } from "./cases.ts";
import { Client, get } from "./client.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

const server = useServer({
  configuration: `
    large_client_header_buffers 4 8k;
    server {
      listen 127.0.0.1:0;
      location /       { return 200 "$uri\\n"; }
      location /args   { return 200 "$args\\n"; }
      location /host   { return 200 "$host\\n"; }
      location /post   { allowed_methods POST; client_max_body_size 100; return 200 "posted\\n"; }
      location /denied { allowed_methods POST; deny all; }
    }`,
});

const HOST = "Host: a\r\n";
const line = (text: string): string => `${text}\r\n${HOST}\r\n`;
const field = (text: string): string => `GET / HTTP/1.1\r\n${HOST}${text}\r\n\r\n`;
const post = (fields: string, body = ""): string => `POST /post HTTP/1.1\r\n${HOST}${fields}\r\n\r\n${body}`;
const chunked = (body: string): string => post("Transfer-Encoding: chunked", body);

type Row = readonly [name: string, request: string, status: number, body?: string];

function closing(title: string, rows: readonly Row[]): void {
  describe(title, () => {
    for (const [name, request, status] of rows) {
      answers(server, `${name}: ${status}`, request, { status, closes: true, fields: { Connection: "close" } });
    }
  });
}

function served(title: string, rows: readonly Row[]): void {
  describe(title, () => {
    for (const [name, request, status, body] of rows) {
      answers(server, `${name}: ${status}`, request, body === undefined ? { status } : { status, body });
    }
  });
}

closing("lines", [
  ["bare LF after the request line", `GET / HTTP/1.1\n${HOST}\r\n`, 400],
  ["bare LF after a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400],
  ["bare LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400],
  ["bare CR in a value", field("X: a\rb"), 400],
  ["bare CR in the request line", line("GET /\r HTTP/1.1"), 400],
  ["NUL in a value", field("X: a\0b"), 400],
  ["a control character in a value", field("X: a\x01b"), 400],
  ["DEL in a value", field("X: a\x7fb"), 400],
  ["NUL in a name", field("X\0Y: a"), 400],
  ["obs-fold with a space", field("X: a\r\n b"), 400],
  ["obs-fold with a tab", field("X: a\r\n\tb"), 400],
  ["a space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400],
  ["a space before the colon", field("X : a"), 400],
  ["a tab before the colon", field("X\t: a"), 400],
  ["an empty field name", field(": a"), 400],
  ["a field without a colon", field("Nonsense"), 400],
  ["a bracket in a field name", field("X(): a"), 400],
  ["a byte above 0x7F in a field name", field("X\xff: a"), 400],
  ["three empty lines before the request", `\r\n\r\n\r\n${get("/")}`, 400],
]);

closing("request line", [
  ["a space in the target", line("GET /a b HTTP/1.1"), 400],
  ["two spaces after the method", line("GET  / HTTP/1.1"), 400],
  ["two spaces before the version", line("GET /  HTTP/1.1"), 400],
  ["a space at the end", line("GET / HTTP/1.1 "), 400],
  ["a tab instead of a space", line("GET\t/ HTTP/1.1"), 400],
  ["a space at the start", line(" GET / HTTP/1.1"), 400],
  ["no version", line("GET /"), 400],
  ["HTTP/0.9", "GET /\r\n\r\n", 400],
  ["no target", line("GET HTTP/1.1"), 400],
  ["a bracket in the method", line("G(T / HTTP/1.1"), 400],
  ["a control character in the target", line("GET /\x01 HTTP/1.1"), 400],
  ["NUL in the target", line("GET /\0 HTTP/1.1"), 400],
  ["a byte above 0x7F in the method", line("G\xcbT / HTTP/1.1"), 400],
  ["a target that is neither path nor URL", line("GET index.html HTTP/1.1"), 400],
  ["a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400],
  ["SSH", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 400],
  ["HTTP/2.0", line("GET / HTTP/2.0"), 505],
  ["HTTP/0.1", line("GET / HTTP/0.1"), 400],
  ["HTTP/3.1", line("GET / HTTP/3.1"), 505],
  ["HTTP/1", line("GET / HTTP/1"), 400],
  ["HTTP/1.", line("GET / HTTP/1."), 400],
  ["HTTP/11.1", line("GET / HTTP/11.1"), 400],
  ["HTTP/1.10", line("GET / HTTP/1.10"), 400],
  ["http/1.1", line("GET / http/1.1"), 400],
  ["HTTQ/1.1", line("GET / HTTQ/1.1"), 400],
  ["a comma for the dot", line("GET / HTTP/1,1"), 400],
]);

describe("host", () => {
  const hosts: Row[] = [
    ["none in 1.1", "GET / HTTP/1.1\r\n\r\n", 400],
    ["two", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
    ["two, identical", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400],
    ["a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400],
    ["a space inside", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400],
    ["userinfo", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400],
    ["a port that is no number", "GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", 400],
    ["an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400],
    ["a list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400],
    ["none in 1.1 with an absolute target", "GET http://a/ HTTP/1.1\r\n\r\n", 400],
  ];
  for (const [name, request, status] of hosts) answers(server, `${name}: ${status}`, request, { status });
});

served("host that is one", [
  ["none in 1.0", "GET / HTTP/1.0\r\n\r\n", 200, "/\n"],
  ["with a port", "GET /host HTTP/1.1\r\nHost: a.test:80\r\n\r\n", 200, "a.test\n"],
  ["in capitals", "GET /host HTTP/1.1\r\nHost: A.TEST\r\n\r\n", 200, "a.test\n"],
  ["IPv6", "GET /host HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200, "[::1]\n"],
  ["absolute target wins", "GET http://b.test/host HTTP/1.1\r\nHost: a.test\r\n\r\n", 200, "b.test\n"],
  ["absolute target without a path", "GET http://b.test HTTP/1.1\r\nHost: a.test\r\n\r\n", 200, "/\n"],
]);

closing("framing", [
  ["Content-Length and Transfer-Encoding", post("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400],
  ["Transfer-Encoding and Content-Length", post("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"), 400],
  ["two lengths", post("Content-Length: 3\r\nContent-Length: 4", "abcd"), 400],
  ["two lengths, identical", post("Content-Length: 3\r\nContent-Length: 3", "abc"), 400],
  ["a list of lengths", post("Content-Length: 3, 3", "abc"), 400],
  ["a plus sign", post("Content-Length: +3", "abc"), 400],
  ["a minus sign", post("Content-Length: -3", "abc"), 400],
  ["a space inside", post("Content-Length: 1 0", "abc"), 400],
  ["hexadecimal", post("Content-Length: 0x3", "abc"), 400],
  ["an empty length", post("Content-Length: ", ""), 400],
  ["beyond 2^53-1", post("Content-Length: 9007199254740992", ""), 400],
  ["beyond 2^64", post("Content-Length: 18446744073709551617", "a"), 400],
  ["an empty Transfer-Encoding", post("Transfer-Encoding: ", ""), 400],
  ["chunked twice", post("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"), 400],
  ["chunked in two fields", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400],
  ["chunked not last", post("Transfer-Encoding: chunked, gzip", "0\r\n\r\n"), 400],
  ["no chunked at all", post("Transfer-Encoding: gzip", "abc"), 400],
  ["xchunked", post("Transfer-Encoding: xchunked", "0\r\n\r\n"), 400],
  ["chunked in quotes", post('Transfer-Encoding: "chunked"', "0\r\n\r\n"), 400],
  ["chunked with a control character", post("Transfer-Encoding: \x0bchunked", "0\r\n\r\n"), 400],
  ["chunked in 1.0", `POST /post HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ["a coding nobody knows, then chunked", post("Transfer-Encoding: frob, chunked", "0\r\n\r\n"), 501],
]);

closing("chunks", [
  ["a size that is no number", chunked("xyz\r\n"), 400],
  ["a negative size", chunked("-1\r\n"), 400],
  ["0x before the size", chunked("0x3\r\nabc\r\n0\r\n\r\n"), 400],
  ["an empty size", chunked("\r\n"), 400],
  ["a space before the size", chunked(" 3\r\nabc\r\n0\r\n\r\n"), 400],
  ["no CRLF after the data", chunked("3\r\nabcd\r\n0\r\n\r\n"), 400],
  ["bare LF after the size", chunked("3\nabc\r\n0\r\n\r\n"), 400],
  ["bare LF after the data", chunked("3\r\nabc\n0\r\n\r\n"), 400],
  ["bare CR in an extension", chunked("3;a\rb\r\nabc\r\n0\r\n\r\n"), 400],
  ["an extension without a name", chunked("3;=b\r\nabc\r\n0\r\n\r\n"), 400],
  ["an extension that never ends", chunked(`3;${"a".repeat(20_000)}\r\n`), 400],
  ["a size beyond 2^53-1", chunked("20000000000000\r\n"), 400],
  ["a size of very many digits", chunked(`${"0".repeat(5000)}3\r\n`), 400],
  ["a forbidden trailer", chunked("0\r\nContent-Length: 3\r\n\r\n"), 400],
  ["a trailer that is no field", chunked("0\r\nnonsense\r\n\r\n"), 400],
]);

served("chunks that are good", [
  ["several", chunked("3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"), 200, "posted\n"],
  ["leading zeros", chunked("003\r\nabc\r\n000\r\n\r\n"), 200, "posted\n"],
  ["capitals", chunked("A\r\n0123456789\r\n0\r\n\r\n"), 200, "posted\n"],
  ["extensions", chunked('3;a=b;c="d e"\r\nabc\r\n0;x\r\n\r\n'), 200, "posted\n"],
  ["a trailer", chunked("3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"), 200, "posted\n"],
  ["Chunked in capitals", post("Transfer-Encoding: Chunked", "0\r\n\r\n"), 200, "posted\n"],
]);

closing("size", [
  ["a request line too long", `GET /${"a".repeat(9000)} HTTP/1.1\r\n${HOST}\r\n`, 414],
  ["a request line that never ends", `GET /${"a".repeat(40_000)}`, 414],
  ["a field too long", field(`X: ${"a".repeat(9000)}`), 431],
  ["fields too many", field(Array.from({ length: 2000 }, (_, i) => `X${i}: ${"y".repeat(30)}`).join("\r\n")), 431],
  ["a body too long by its length", post("Content-Length: 101", "a".repeat(101)), 413],
  ["a body too long that is not sent", post("Content-Length: 1000000000000"), 413],
  ["a body too long by its chunks", chunked(`40\r\n${"a".repeat(64)}\r\n40\r\n${"a".repeat(64)}\r\n0\r\n\r\n`), 413],
]);

describe("field lines, whatever the buffers hold", () => {
  const roomy = useServer({
    configuration: `large_client_header_buffers 16 8k; server { listen 127.0.0.1:0; return 200 "in\\n"; }`,
  });
  const lines = (count: number): string =>
    `GET / HTTP/1.1\r\n${HOST}${Array.from({ length: count - 1 }, (_, i) => `X${i}: y\r\n`).join("")}\r\n`;
  answers(roomy, "1,000: 200", lines(1000), { status: 200, body: "in\n", closes: false });
  answers(roomy, "1,001: 431", lines(1001), { status: 431, closes: true });
});

served("size that is just right", [
  ["a body of exactly the limit", post("Content-Length: 100", "a".repeat(100)), 200, "posted\n"],
  ["a line of 8,000 bytes", `GET /args?${"a".repeat(8000)} HTTP/1.1\r\n${HOST}\r\n`, 200, `${"a".repeat(8000)}\n`],
]);

served("path", [
  ["a bad percent pair", get("/%zz"), 400],
  ["half a percent pair", get("/a%2"), 400],
  ["a decoded NUL", get("/a%00b"), 400],
  ["a fragment", line("GET /a#b HTTP/1.1"), 400],
  ["above the root", get("/../etc/passwd"), 400],
  ["above the root, encoded", get("/%2e%2e/etc/passwd"), 400],
  ["above the root by an encoded slash", get("/..%2fetc/passwd"), 400],
  ["above the root after going down", get("/a/../../b"), 400],
  ["up and down inside", get("/a/./b/../c"), 200, "/a/c\n"],
  ["slashes merged", get("//a///b"), 200, "/a/b\n"],
  ["a percent pair decoded", get("/%61%20b"), 200, "/a b\n"],
  ["decoded once, not twice", get("/%2561"), 200, "/%61\n"],
  ["an encoded slash", get("/a%2Fb"), 200, "/a/b\n"],
  ["characters that need no encoding here", get('/"<>\\^{}|'), 200, '/"<>\\^{}|\n'],
  ["raw UTF-8", get("/\xc3\xbc"), 200, "/ü\n"],
  ["raw bytes that are not UTF-8", get("/\xff"), 200, "/\ufffd\n"],
  ["Host as a trailer is dropped", chunked("0\r\nHost: b\r\n\r\n"), 200],
  ["the query as it is", get("/args?%zz&a=%00&b[]={}"), 200, "%zz&a=%00&b[]={}\n"],
]);

served("methods", [
  ["get in small letters", line("get / HTTP/1.1"), 501],
  ["a method nobody knows", line("BREW /post HTTP/1.1"), 501],
  ["a method nobody knows, where any is answered", line("BREW / HTTP/1.1"), 200],
  ["TRACE", line("TRACE / HTTP/1.1"), 405],
  ["CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405],
  ["OPTIONS of everything", line("OPTIONS * HTTP/1.1"), 204],
]);

describe("Expect", () => {
  test("100-continue: 100, then the reply", async () => {
    const client = await Client.connect(server.port);
    expect((await client.ask(post("Content-Length: 3\r\nExpect: 100-continue"))).statusLine).toBe(
      "HTTP/1.1 100 Continue",
    );
    expect((await client.ask("abc", "POST")).status).toBe(200);
    client.destroy();
  });

  test("no 100 for a refusal", async () => {
    const client = await Client.connect(server.port);
    expect((await client.ask(post("Content-Length: 1000\r\nExpect: 100-continue"))).status).toBe(413);
    client.destroy();
  });

  test("no 100 for what access rules refuse", async () => {
    const client = await Client.connect(server.port);
    const request = post("Content-Length: 3\r\nExpect: 100-continue").replace("/post", "/denied");
    expect((await client.ask(request)).statusLine).toBe("HTTP/1.1 403 Forbidden");
    client.destroy();
  });

  test("no 100 when the body is already there", async () => {
    const client = await Client.connect(server.port);
    const reply = await client.ask(post("Content-Length: 3\r\nExpect: 100-continue", "abc"));
    expect(reply.status === 100 ? (await client.reply("POST")).status : reply.status).toBe(200);
    client.destroy();
  });

  answers(server, "another expectation: 417", post("Content-Length: 3\r\nExpect: 200-ok", "abc"), { status: 417 });
});

test("a server that was sent all this still serves", async () => {
  const client = await Client.connect(server.port);
  expect((await client.ask(get("/still"))).text).toBe("/still\n");
  client.destroy();
});
