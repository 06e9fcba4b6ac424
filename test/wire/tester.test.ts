/**
 * conf/tester.conf, asked what the well-known tester of the school project "webserv" asks for, in its order. Its own
 * program `cgi_test` answers with the body in capitals, and so does the script that stands in for it.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { check, type Expected } from "./cases.ts";
import { ask, get } from "./client.ts";
import { ServerProcess } from "./server.ts";
import { copyOfTheSite } from "./site.ts";

setDefaultTimeout(60_000);

let site: Awaited<ReturnType<typeof copyOfTheSite>>;
let server: ServerProcess;
beforeAll(async () => {
  site = await copyOfTheSite();
  server = new ServerProcess({ file: join(site.folder, "conf", "tester.conf"), prefix: site.folder, cwd: site.folder });
  await server.start();
});
afterAll(async () => {
  await server.stop();
  rmSync(site.folder, { recursive: true, force: true });
});

const sized = (method: string, path: string, body: string, fields: Record<string, string> = {}): string =>
  get(path, { ...fields, "Content-Length": `${body.length}` }, method) + body;

/** As the tester sends: in chunks of at most 32,768 bytes. */
function chunked(method: string, path: string, body: string): string {
  const pieces = body.match(/.{1,32768}/gs) ?? [];
  const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`);
  return `${get(path, { "Transfer-Encoding": "chunked" }, method)}${chunks.join("")}0\r\n\r\n`;
}

function answers(request: string, expected: Expected): void {
  const title = request.split("\r\n", 1)[0]!.replace(" HTTP/1.1", "");
  const length = request.length - request.indexOf("\r\n\r\n") - 4;
  test(`${title} with ${length} bytes behind the head: ${expected.status}`, async () => {
    check(await ask(server.port, request), expected);
  });
}

const ok = (body: RegExp): Expected => ({ status: 200, body });
const missing: Expected = { status: 404 };

describe("/ answers GET only", () => {
  answers(get("/"), ok(/<title>Tester/));
  answers(sized("POST", "/", ""), { status: 405, fields: { Allow: /GET\b.*/ } });
  answers(get("/", {}, "HEAD"), { status: 405, fields: { Allow: "GET, OPTIONS" } });
});

describe("a folder is answered without its slash, and one without its index is 404", () => {
  answers(get("/directory"), ok(/^youpi\.bad_extension of YoupiBanane\n$/));
  answers(get("/directory/"), ok(/^youpi\.bad_extension of YoupiBanane\n$/));
  answers(get("/directory/youpi.bad_extension"), ok(/^youpi\.bad_extension of YoupiBanane\n$/));
  answers(get("/directory/youpi.bla"), ok(/^youpi\.bla of YoupiBanane/));
  answers(get("/directory/oulalala"), missing);
  answers(get("/directory/nop"), ok(/^youpi\.bad_extension of YoupiBanane\/nop\n$/));
  answers(get("/directory/nop/"), ok(/^youpi\.bad_extension of YoupiBanane\/nop\n$/));
  answers(get("/directory/nop/other.pouic"), ok(/^other\.pouic/));
  answers(get("/directory/nop/other.pouac"), missing);
  answers(get("/directory/Yeah"), missing);
  answers(get("/directory/Yeah/"), missing);
  answers(get("/directory/Yeah/not_happy.bad_extension"), ok(/^not_happy/));
  answers(get("/directory/", {}, "HEAD"), { status: 405 });
  answers(sized("POST", "/directory/nop", "x"), { status: 405 });
});

describe("files that end in .bla are a program's on POST, whether they exist or not", () => {
  for (const path of ["/directory/youpi.bla", "/directory/youpla.bla", "/directory/a/b.bla", "/any.bla"]) {
    answers(chunked("POST", path, "some bytes"), { status: 200, body: "SOME BYTES" });
    answers(sized("POST", path, "", { "X-Secret-Header-For-Test": "1" }), { status: 200, body: "" });
  }
  answers(chunked("POST", "/directory/youpi.bla", "y".repeat(100_000)), { status: 200, body: "Y".repeat(100_000) });
  answers(get("/directory/youpla.bla"), missing);
  answers(get("/any.bla"), missing);
});

/** `count` bytes in pieces, each the alphabet again and again. */
function* letters(count: number): Generator<Uint8Array> {
  const piece = new TextEncoder().encode("abcdefghijklmnopqrstuvwxyz".repeat(2500));
  for (let sent = 0; sent < count; sent += piece.length) yield piece.subarray(0, Math.min(piece.length, count - sent));
}

/** Sends a body of letters in chunks; gives the number of bytes that came back, each of which must be its capital. */
async function capitals(path: string, count: number): Promise<number> {
  const pieces = letters(count);
  const body = new ReadableStream<Uint8Array>({
    pull(controller): void {
      const { value, done } = pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  });
  const reply = await fetch(`http://127.0.0.1:${server.port}${path}`, { method: "POST", body, timeout: false });
  expect(reply.status).toBe(200);
  let got = 0;
  let wrong = 0;
  for await (const piece of reply.body!) {
    for (let i = 0; i < piece.length; i++) if (piece[i] !== 65 + ((got + i) % 26)) wrong++;
    got += piece.length;
  }
  expect(wrong).toBe(0);
  return got;
}

describe("bodies", () => {
  test("100 MB in chunks through a program", async () => {
    expect(await capitals("/directory/youpi.bla", 100_000_000)).toBe(100_000_000);
  });

  test("many at once through programs", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => capitals("/directory/youpla.bla", 500_000)));
    expect(all).toEqual(Array.from({ length: 20 }, () => 500_000));
  });

  const accepted: Expected = { status: 200, body: "anything\n" };
  for (const [size, expected] of [
    [0, accepted],
    [100, accepted],
    [200, { status: 413 }],
    [101, { status: 413 }],
  ] as const) {
    answers(sized("POST", "/post_body", "x".repeat(size)), expected);
    answers(chunked("POST", "/post_body", "x".repeat(size)), expected);
  }
  answers(get("/post_body"), { status: 405 });
});

describe("/put_test/ takes files by PUT", () => {
  const saved = (name: string): string => join(site.folder, "www/tester/put_test", name);

  test("a file that should exist after", async () => {
    check(await ask(server.port, chunked("PUT", "/put_test/file_should_exist_after", "first")), { status: 201 });
    check(await ask(server.port, sized("PUT", "/put_test/file_should_exist_after", "second")), { status: 204 });
    expect(readFileSync(saved("file_should_exist_after"), "latin1")).toBe("second");
    expect(existsSync(saved("other"))).toBe(false);
  });

  test("the same name many times at once: the file is one of them, whole", async () => {
    const bodies = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i).repeat(200_000));
    const replies = await Promise.all(
      bodies.map((body) => ask(server.port, chunked("PUT", "/put_test/multiple_same", body))),
    );
    for (const reply of replies) expect([201, 204]).toContain(reply.status);
    expect(bodies).toContain(readFileSync(saved("multiple_same"), "latin1"));
  });

  answers(get("/put_test/file_should_exist_after"), { status: 405 });
});

test.each([
  [20, 50, "/", /<title>Tester/],
  [128, 5, "/directory/nop", /^youpi\.bad_extension/],
] as const)("%d clients at once, each %d times GET %s", async (clients, times, path, body) => {
  const client = async (): Promise<void> => {
    for (let i = 0; i < times; i++) check(await ask(server.port, get(path)), ok(body));
  };
  await Promise.all(Array.from({ length: clients }, client));
});
