/** When a connection stays open, and when it closes (RFC 9112 §9; docs/behaviour.md, Connections). */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { answers, check } from "./cases.ts";
import { Client, get } from "./client.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      root www;
      location /five/  { keepalive_requests 5; return 200 "five\\n"; }
      location /never/ { keepalive_timeout 0; return 200 "once\\n"; }
      location /told/  { keepalive_timeout 20s 15s; return 200 "told\\n"; }
      location /post   { allowed_methods POST; return 200 "posted\\n"; }
    }`,
  files: { "www/index.html": "home\n", "www/big.bin": { size: 1_000_000 } },
});

describe("stays open or closes", () => {
  const rows: [name: string, request: string, closes: boolean][] = [
    ["1.1 stays open", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", false],
    ["1.1 with close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true],
    ["1.1 with Close in capitals", "GET / HTTP/1.1\r\nHost: a\r\nConnection: CLOSE\r\n\r\n", true],
    ["1.1 with close among other options", "GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, close ,bar\r\n\r\n", true],
    ["1.1 with a name that only contains close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", false],
    [
      "1.1 with close in a second Connection field",
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n",
      true,
    ],
    ["close wins over keep-alive", "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n", true],
    ["1.0 closes", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", true],
    ["1.0 with keep-alive", "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", false],
    ["1.0 without Host", "GET / HTTP/1.0\r\n\r\n", true],
    ["after 404", "GET /none HTTP/1.1\r\nHost: a\r\n\r\n", false],
    ["after 405", "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", false],
    ["after HEAD", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", false],
    ["after 501 for an unknown method", "FROBNICATE / HTTP/1.1\r\nHost: a\r\n\r\n", false],
  ];
  for (const [name, request, closes] of rows) {
    // In 1.1 silence means that it stays open; 1.0 has to be told (RFC 9112 §9.3).
    const said = request.includes("HTTP/1.0") ? "keep-alive" : null;
    const status = name.includes("404") ? 404 : name.includes("405") ? 405 : name.includes("501") ? 501 : 200;
    answers(server, name, request, { status, closes, fields: { Connection: closes ? "close" : said } });
  }
});

test("a hundred requests on one connection", async () => {
  const client = await Client.connect(server.port);
  for (let i = 0; i < 100; i++) check(await client.ask(get("/")), { status: 200, body: "home\n" });
  client.destroy();
});

test("keepalive_requests: the fifth reply says close, and closes", async () => {
  const client = await Client.connect(server.port);
  for (let i = 0; i < 4; i++) expect((await client.ask(get("/five/"))).field("connection")).not.toBe("close");
  expect((await client.ask(get("/five/"))).field("connection")).toBe("close");
  expect((await client.rest()).length).toBe(0);
});

test("keepalive_timeout 0 closes after the reply", async () => {
  const client = await Client.connect(server.port);
  check(await client.ask(get("/never/")), { status: 200, fields: { Connection: "close" } });
  await client.rest();
});

describe("keepalive_timeout's second value is told with Connection: keep-alive (RFC 9110 §7.6.1)", () => {
  const head = (line: string, option?: string) =>
    `${line}\r\nHost: a\r\n${option === undefined ? "" : `Connection: ${option}\r\n`}\r\n`;
  const goesOn = { closes: false, fields: { Connection: "keep-alive", "Keep-Alive": "timeout=15" } };
  const ends = { closes: true, fields: { Connection: "close", "Keep-Alive": null } };
  answers(server, "a file", head("GET /told/ HTTP/1.1"), { status: 200, ...goesOn });
  answers(server, "a file once more, kept by now", head("GET /told/ HTTP/1.1"), { status: 200, ...goesOn });
  answers(server, "what is missing", head("GET /told/none HTTP/1.1"), { status: 200, ...goesOn });
  answers(server, "HEAD", head("HEAD /told/ HTTP/1.1"), { status: 200, ...goesOn });
  answers(server, "HTTP/1.0 that asks for it", head("GET /told/ HTTP/1.0", "keep-alive"), { status: 200, ...goesOn });
  answers(server, "HTTP/1.0 that does not", head("GET /told/ HTTP/1.0"), { status: 200, ...ends });
  answers(server, "a client that ends it", head("GET /told/ HTTP/1.1", "close"), { status: 200, ...ends });
});

test("a body nobody wants is read before the next request, or the connection ends with the refusal", async () => {
  const client = await Client.connect(server.port);
  const body = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
  const post = `POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  check(await client.ask(post), { status: 200, body: "posted\n" });
  check(await client.ask(get("/")), { status: 200, body: "home\n" });
  const refused = `DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  check(await client.ask(refused), { status: 405, fields: { Connection: "close" } });
  expect((await client.rest()).toString("latin1")).toBe("");
});

test("an idle connection is closed in silence", async () => {
  const client = await Client.connect(server.port);
  await client.ask(get("/told/"));
  client.finish();
  expect((await client.rest()).length).toBe(0);
});

test("two empty lines between requests are skipped", async () => {
  const client = await Client.connect(server.port);
  await client.ask(get("/"));
  check(await client.ask(`\r\n\r\n${get("/")}`, "GET"), { status: 200, body: "home\n" });
  client.destroy();
});

test("HEAD of a large file leaves the connection in step", async () => {
  const client = await Client.connect(server.port);
  check(await client.ask(get("/big.bin", {}, "HEAD")), { status: 200, fields: { "Content-Length": "1000000" } });
  check(await client.ask(get("/")), { status: 200, body: "home\n" });
  client.destroy();
});
