/** Bytes above 0x7f that a client sends come out again as they are, in logs, fields and bodies; paths are UTF-8. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ask, get } from "./client.ts";
import { ServerProcess } from "./server.ts";

setDefaultTimeout(60_000);

const server = new ServerProcess({
  configuration: `
    error_log error.log info;
    log_format plain 'é $http_user_agent $uri $args $1';
    log_format object escape=json '{"é":"$http_user_agent","uri":"$uri"}';
    log_format none escape=none '$http_user_agent';
    log_format long '$request $http_a $http_b $http_c';
    server {
      listen 127.0.0.1:0;
      root www;
      access_log combined.log;
      access_log plain.log plain;
      access_log json.log object;
      access_log built-in.log json;
      access_log none.log none;
      add_header Agent $http_user_agent;
      add_header Uri $uri;
      add_header Fixed "é€";
      location /text   { return 200 "ü|$uri|$arg_a|$http_user_agent"; }
      location ~ ^/group/(..)(?<rest>.*) { return 200 $1|$rest; }
      location /away   { return 301 "http://h/ü?$args$http_user_agent"; }
      location /folder/ { root www/$arg_a; }
      location /try/   { try_files /$arg_a.txt /text?a=$arg_a; }
      location /long   { access_log long.log long; return 200 x; }
    }`,
  files: {
    "www/ü.txt": "try\n",
    "www/ü/folder/a.txt": "folder\n",
    "www/é/a.txt": "x\n",
  },
});

/** Sends a request with these octets in target and User-Agent. */
const from = (target: string, agent = "a"): Promise<Awaited<ReturnType<typeof ask>>> =>
  ask(server.port, get(target, { "User-Agent": agent }));

beforeAll(() => server.start());
afterAll(async () => {
  await server.end("SIGTERM");
  rmSync(server.folder, { recursive: true, force: true });
});

describe("fields", () => {
  test.each(["\xe9", "\xc3\xa9", "a\xff\xfe"])("what came as %j", async (agent) => {
    expect((await from("/text", agent)).field("Agent")).toBe(agent);
  });
  test("a path, and text of the configuration", async () => {
    const reply = await from("/text%C3%BC");
    expect([reply.field("Uri"), reply.field("Fixed")]).toEqual(["/text\xc3\xbc", "\xc3\xa9\xe2\x82\xac"]);
  });
  test("Location is percent-encoded byte by byte", async () => {
    expect((await from("/away?\xc3\xbc", "\xff")).field("Location")).toBe("http://h/%C3%BC?%C3%BC%FF");
    expect((await from("/%C3%A9?\xc3\xbc")).field("Location")).toBe("/%C3%A9/?%C3%BC");
  });
});

describe("bodies", () => {
  test.each([
    ["/text", "\xe9", "\xc3\xbc|/text||\xe9"],
    ["/text%C3%BC", "a\xff", "\xc3\xbc|/text\xc3\xbc||a\xff"],
    ["/text?a=\xc3\xbc", "a", "\xc3\xbc|/text|\xc3\xbc|a"],
    ["/group/%C3%BC%E2%82%AC", "a", "\xc3\xbc|\xe2\x82\xac"],
    ["/try/?a=\xc4\x8a", "a", "\xc3\xbc|/text|\xc4\x8a|a"],
  ])("%j %j", async (target, agent, body) => {
    expect((await from(target, agent)).body.toString("latin1")).toBe(body);
  });
});

describe("names of files", () => {
  test.each([
    ["/folder/a.txt?a=\xc3\xbc", "folder\n"],
    ["/try/?a=\xc3\xbc", "try\n"],
    ["/%C3%BC.txt", "try\n"],
  ])("%j", async (target, text) => {
    expect((await from(target)).text).toBe(text);
  });
});

describe("logs", () => {
  const long = "\xff".repeat(8000);
  let lines: (name: string) => string[] = () => [];
  const last = (name: string): string => lines(name).at(-2)!;

  beforeAll(async () => {
    const fields = { a: long, b: long, c: long };
    await ask(server.port, get("/long", fields));
    await ask(server.port, get("/long"));
    await from("/group/%C3%BC?\xc3\xbc", 'a\xff"');
    await from("/group/%C3%BC?\xc3\xbc", "\xc3\xbc\xc4\x8a");
    await server.end("SIGTERM");
    lines = (name) => readFileSync(join(server.folder, name), "latin1").split("\n").slice(0, -1);
  });

  test("combined escapes each byte", () => {
    expect(last("combined.log")).toEndWith(String.raw`"GET /group/%C3%BC?\xC3\xBC HTTP/1.1" 200 3 "-" "a\xFF\x22"`);
    expect(lines("combined.log").at(-1)).toEndWith(String.raw`"\xC3\xBC\xC4\x8A"`);
  });
  test("a format's own text is UTF-8", () => {
    expect(last("plain.log")).toBe(String.raw`${"\xc3\xa9"} a\xFF\x22 /group/\xC3\xBC \xC3\xBC \xC3\xBC`);
  });
  test("escape=none escapes nothing", () => {
    expect(lines("none.log").slice(-2)).toEqual(['a\xff"', "\xc3\xbc\xc4\x8a"]);
  });
  test("escape=json leaves other octets as they are, as nginx; the built-in format json is always UTF-8", () => {
    expect(lines("json.log").slice(-2)).toEqual([
      '{"\xc3\xa9":"a\xff\\"","uri":"/group/\xc3\xbc"}',
      '{"\xc3\xa9":"\xc3\xbc\xc4\x8a","uri":"/group/\xc3\xbc"}',
    ]);
    const utf8 = new TextDecoder("utf-8", { fatal: true });
    const entries = lines("built-in.log")
      .slice(-2)
      .map((line) => JSON.parse(utf8.decode(Buffer.from(line, "latin1"))));
    expect(entries).toMatchObject([{ user_agent: 'aÿ"' }, { user_agent: "üĊ" }]);
  });
  test("a line longer than the buffer is a line", () => {
    const [first, second, ...more] = lines("long.log");
    expect(first!.length).toBeGreaterThan(3 * 4 * long.length);
    expect(first).toMatch(/^GET \/long HTTP\/1\.1 .*\\xFF$/);
    expect(second).toBe("GET /long HTTP/1.1 - - -");
    expect(more).toEqual([]);
  });
});
