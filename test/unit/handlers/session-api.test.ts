/** `session_api`: what scripts read and change, and what is no patch. */
import { heapStats } from "bun:jsc";
import { beforeEach, describe, expect, test } from "bun:test";
import { Block } from "../../../ffi/memory.ts";
import { FakeExchange, FakeServices, handlerFor, location, type RequestLike } from "./world.ts";

const here = location({
  sessionApi: true,
  sessionCookie: "sid",
  sessionLifetime: 1_800_000,
  sessionMax: 100,
  sessionStore: null,
});

let services: FakeServices;
beforeEach(() => {
  services = new FakeServices();
});

/** Asks with a body, which comes in pieces of `size` bytes. */
function ask(request: RequestLike, body: string | Buffer = "", size = 7): FakeExchange {
  const bytes = Buffer.from(body);
  const fields = [...(request.fields ?? []), ...(bytes.length > 0 ? [`Content-Length: ${bytes.length}`] : [])];
  const exchange = new FakeExchange(services, here, { ...request, fields });
  const handler = handlerFor(here, services);
  const sink = bytes.length > 0 ? handler.sink!(exchange) : undefined;
  const block = new Block(size);
  for (let at = 0; at < bytes.length && exchange.how === ""; at += size) {
    const n = bytes.copy(block.bytes, 0, at, at + size);
    if (sink !== undefined) expect(sink.accept(block, 0, n)).toBe(n);
  }
  if (exchange.how === "") sink?.end();
  else sink?.abort();
  if (exchange.how === "") handler.handle(exchange);
  return exchange;
}

const added = (exchange: FakeExchange, name: string): string[] =>
  exchange.added.filter((field) => field[0] === name).map((field) => field[1]);

const cookieOf = (exchange: FakeExchange): string => `Cookie: ${added(exchange, "Set-Cookie")[0]!.split(";")[0]}`;
const JSON_TYPE = "Content-Type: application/json";
const post = (body: string | Buffer, cookie: string, type = JSON_TYPE): FakeExchange =>
  ask({ method: "POST", fields: [type, cookie] }, body);

describe("GET", () => {
  test("shows a new visitor an empty object, which no cache keeps, and gives the cookie", () => {
    const exchange = ask({});
    expect([exchange.status, exchange.text()]).toEqual([200, "{}"]);
    expect([exchange.field("Content-Type"), exchange.field("Cache-Control")]).toEqual(["application/json", "no-store"]);
    expect(exchange.added.map(([name]) => name)).toEqual(["Set-Cookie"]);
  });
  test("HEAD is the same", () => {
    expect(ask({ method: "HEAD" }).status).toBe(200);
  });
});

describe("POST", () => {
  const patches: [what: string, type: string, body: string | Buffer, status: number, data: string][] = [
    ["a merge patch", "application/merge-patch+json", '{"n":2}', 200, '{"kept":"ü","n":2}'],
    ["JSON", "application/json", '{"n":2}', 200, '{"kept":"ü","n":2}'],
    ["JSON with a charset", "Application/JSON; charset=utf-8", '{"n":2}', 200, '{"kept":"ü","n":2}'],
    ["a deletion", "application/json", '{"n":null}', 200, '{"kept":"ü"}'],
    ["no object", "application/json", "[]", 400, ""],
    ["no JSON", "application/json", '{"n":', 400, ""],
    ["no UTF-8", "application/json", Buffer.from('{"n":"\xff"}', "latin1"), 400, ""],
    ["too much", "application/json", `{"n":"${"x".repeat(4096)}"}`, 413, ""],
    ["a form", "application/x-www-form-urlencoded", "n=2", 415, ""],
    ["text, as a form may be", "text/plain", '{"n":2}', 415, ""],
    ["JSON of another kind", "application/json-patch+json", "[]", 415, ""],
    ["a malformed type", "application/json; charset", '{"n":2}', 415, ""],
  ];
  test.each(patches)("%s", (_, type, body, status, data) => {
    const cookie = cookieOf(ask({}));
    expect(post('{"kept":"ü","n":1}', cookie).status).toBe(200);
    const exchange = post(body, cookie, `Content-Type: ${type}`);
    expect(exchange.status).toBe(status);
    if (status === 200) expect(exchange.text()).toBe(data);
    else expect(ask({ fields: [cookie] }).text()).toBe('{"kept":"ü","n":1}');
  });
  test("without a type is 415, which says what would do", () => {
    const exchange = ask({ method: "POST" }, "{}");
    expect([exchange.status, exchange.field("Accept")]).toEqual([
      415,
      "application/merge-patch+json, application/json",
    ]);
  });
  test("without a body is 400", () => {
    expect(ask({ method: "POST", fields: [JSON_TYPE] }).status).toBe(400);
    expect(ask({ method: "POST" }).status).toBe(415);
  });
  test("gives a new visitor the cookie", () => {
    const exchange = ask({ method: "POST", fields: [JSON_TYPE] }, '{"n":1}');
    expect(ask({ fields: [cookieOf(exchange)] }).text()).toBe('{"n":1}');
  });
  test("64 KB are read, more are refused: at once where the length is known", () => {
    const spaces = (length: number): string => `{"n":1${" ".repeat(length - 7)}}`;
    expect(ask({ method: "POST", fields: [JSON_TYPE] }, spaces(65_536), 4096).status).toBe(200);
    const exchange = new FakeExchange(services, here, { method: "POST", fields: [JSON_TYPE, "Content-Length: 65537"] });
    expect(handlerFor(here, services).sink!(exchange)).toBeUndefined();
    expect(exchange.status).toBe(413);
  });
  test("64 KB are read, more are refused: when they come where it is not", () => {
    const fields = [JSON_TYPE, "Transfer-Encoding: chunked"];
    const exchange = new FakeExchange(services, here, { method: "POST", fields });
    const sink = handlerFor(here, services).sink!(exchange)!;
    const block = new Block(65_536);
    sink.accept(block, 0, 65_536);
    expect(exchange.how).toBe("");
    sink.accept(block, 0, 1);
    expect(exchange.status).toBe(413);
    sink.abort();
  });
});

/** Pieces of memory that someone holds on to. */
function heldBuffers(): number {
  Bun.gc(true);
  return heapStats().objectTypeCounts.Uint8Array ?? 0;
}

test("a patch that comes byte by byte is kept in one piece", () => {
  const fields = [JSON_TYPE, "Transfer-Encoding: chunked"];
  const exchange = new FakeExchange(services, here, { method: "POST", fields });
  const sink = handlerFor(here, services).sink!(exchange)!;
  const patch = Buffer.from(`{"n":"${"x".repeat(4000)}"}`);
  const block = new Block(1);
  const before = heldBuffers();
  for (const byte of patch) {
    block.bytes[0] = byte;
    sink.accept(block, 0, 1);
  }
  expect(heldBuffers() - before).toBeLessThan(100);
  sink.end();
  expect(exchange.text()).toBe(patch.toString());
});

describe("DELETE", () => {
  test("ends the session and takes the cookie back", () => {
    const cookie = cookieOf(ask({}));
    post('{"n":1}', cookie);
    const exchange = ask({ method: "DELETE", fields: [cookie] });
    expect(exchange.status).toBe(204);
    expect(exchange.added).toEqual([["Set-Cookie", "sid=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"]]);
    const after = ask({ fields: [cookie] });
    expect(after.text()).toBe("{}");
    expect(cookieOf(after).slice(0, 44)).not.toBe(cookie.slice(0, 44));
  });
  test("sets no second cookie, be the first as old as it may", () => {
    const cookie = cookieOf(ask({}));
    services.pass(1000);
    expect(ask({ method: "DELETE", fields: [cookie] }).added.length).toBe(1);
  });
  test("of someone unknown stores nothing", () => {
    expect(ask({ method: "DELETE" }).status).toBe(204);
    expect(services.sessions.store("", here.settings).sessions.size).toBe(0);
  });
});

test("any other method is 405, be it allowed or not", () => {
  const exchange = ask({ method: "PUT" });
  expect([exchange.status, exchange.field("Allow")]).toEqual([405, "GET, HEAD, POST, DELETE, OPTIONS"]);
});
