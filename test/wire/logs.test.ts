/** Access logs in every form, and the error log. A log is read after the server has ended, when all of it is written. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { ask, get } from "./client.ts";
import { PROGRAM, run, ServerProcess, until } from "./server.ts";

setDefaultTimeout(60_000);

const server = new ServerProcess({
  configuration: `
    error_log error.log info;
    log_format mine '$remote_addr $request_method $uri $status $body_bytes_sent $sent_http_content_type';
    log_format quoted escape=json '{"agent":"$http_user_agent"}';
    server {
      listen 127.0.0.1:0;
      server_name log.test;
      root www;
      access_log combined.log combined;
      location /mine/   { access_log mine.log mine; access_log second.log mine; }
      location /json/   { access_log json.log json; }
      location /quoted/ { access_log quoted.log quoted; }
      location /off/    { access_log off; }
      location /stdout/ { access_log stdout mine; return 200 "x"; }
    }`,
  files: {
    "www/a.txt": "12345\n",
    "www/mine/a.txt": "1\n",
    "www/json/a.txt": "1\n",
    "www/quoted/a.txt": "1\n",
    "www/off/a.txt": "1\n",
  },
});

const requests: string[] = [
  get("/a.txt", { "User-Agent": "test/1", Referer: "http://from.test/" }),
  get("/none?q=1"),
  get("/a.txt", {}, "HEAD"),
  get("/a.txt", { "User-Agent": 'a"b\\c' }),
  "GET /bad\x01path HTTP/1.1\r\nHost: a\r\n\r\n",
  get("/mine/a.txt"),
  get("/json/a.txt", { "User-Agent": 'quo"te' }),
  get("/quoted/a.txt", { "User-Agent": 'quo"te\\\t' }),
  get("/off/a.txt"),
  get("/stdout/x"),
  get("/off/n\xc3\xb6ne"),
  get("/off/n%C2%9B%0A"),
];

let lines: (name: string) => string[] = () => [];

beforeAll(async () => {
  await server.start();
  for (const request of requests) await ask(server.port, request);
  await server.end("SIGTERM");
  lines = (name) => readFileSync(join(server.folder, name), "utf8").split("\n").slice(0, -1);
});
afterAll(() => rmSync(server.folder, { recursive: true, force: true }));

const TIME = String.raw`\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]`;

describe("combined", () => {
  const rows: [name: string, index: number, pattern: string][] = [
    ["a file", 0, String.raw`^127\.0\.0\.1 - - ${TIME} "GET /a\.txt HTTP/1\.1" 200 6 "http://from\.test/" "test/1"$`],
    ["an error", 1, String.raw`^127\.0\.0\.1 - - ${TIME} "GET /none\?q=1 HTTP/1\.1" 404 \d+ "-" "-"$`],
    ["HEAD sends no body", 2, String.raw`"HEAD /a\.txt HTTP/1\.1" 200 0 "-" "-"$`],
    ["quotes are escaped", 3, String.raw`"a\\x22b\\x5Cc"$`],
    [
      "a bad request line is logged as far as it is one",
      4,
      String.raw`^127\.0\.0\.1 - - ${TIME} "GET /bad\\x01path HTTP/1\.1" 400 \d+ "-" "-"$`,
    ],
  ];
  test.each(rows)("%s", (_name, index, pattern) => {
    expect(lines("combined.log")[index]).toMatch(new RegExp(pattern));
  });

  test("one line per request, none of other locations", () => {
    expect(lines("combined.log").length).toBe(5);
  });
});

test("a format of one's own, in two files", () => {
  expect(lines("mine.log")).toEqual([expect.stringMatching(/^127\.0\.0\.1 GET \/mine\/a\.txt 200 2 text\/plain/)]);
  expect(lines("second.log")).toEqual(lines("mine.log"));
});

test("the built-in JSON line", () => {
  const entry = JSON.parse(lines("json.log")[0]!) as Record<string, unknown>;
  expect(entry).toMatchObject({
    method: "GET",
    uri: "/json/a.txt",
    status: 200,
    body_bytes_sent: 2,
    user_agent: 'quo"te',
  });
});

test("what is refused is logged as it came: no method or protocol is invented", async () => {
  const strict = new ServerProcess({
    configuration: `
      log_format short '$request_method $server_protocol $status';
      server {
        listen 127.0.0.1:0;
        root www;
        access_log short.log short;
        access_log json.log json;
        error_page 405 /page;
      }`,
    files: { "www/page": "" },
  });
  await strict.start();
  const rows: [request: string, short: string, method: string, protocol: string][] = [
    ["garbage\r\n\r\n", "- - 400", "", ""],
    ["\x16\x03\x01\x02\x00\x01\r\n\r\n", "- - 400", "", ""],
    ["POST /x HTTP/9.9\r\n\r\n", "POST - 505", "POST", ""],
    ["DELETE /x HTTP/1.0\r\n : a\r\n\r\n", "DELETE HTTP/1.0 400", "DELETE", "HTTP/1.0"],
    [get("/page", {}, "POST"), "GET HTTP/1.1 405", "POST", "HTTP/1.1"], // as in nginx, the page of an error is got
  ];
  for (const [request] of rows) await ask(strict.port, request);
  await strict.end("SIGTERM");
  const read = (name: string) => readFileSync(join(strict.folder, name), "utf8").trimEnd().split("\n");
  expect(read("short.log")).toEqual(rows.map(([, short]) => short));
  expect(read("json.log").map((line) => JSON.parse(line))).toMatchObject(
    rows.map(([, , method, protocol]) => ({ method, protocol })),
  );
  rmSync(strict.folder, { recursive: true });
});

test("escape=json", () => {
  expect(JSON.parse(lines("quoted.log")[0]!)).toEqual({ agent: 'quo"te\\\t'.trim() });
});

test("stdout", () => {
  expect(server.stdout).toContain("127.0.0.1 GET /stdout/x 200 1");
});

test("the error log names what was missing, and whose request it was", () => {
  const found = lines("error.log").filter((line) => line.includes("No such file"));
  expect(found[0]).toMatch(
    /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[error\] .*www\/none.* \(2: No such file or directory\).*client: 127\.0\.0\.1/,
  );
});

test("the error log is UTF-8, without control characters", () => {
  const [encoded, steering] = ["nöne", "/n%C2%9B%0A"].map((part) =>
    lines("error.log").filter((line) => line.includes(part)),
  );
  expect(encoded).toEqual([
    expect.stringMatching(/open\(\) "[^"]*www\/off\/nöne".*, request: "GET \/off\/nöne HTTP\/1\.1"/),
  ]);
  expect(steering).toEqual([expect.stringContaining(String.raw`www/off/n\x9b\x0a" failed`)]);
});

test.each([
  ["SIGUSR1", (moved: ServerProcess) => void process.kill(moved.pid, "SIGUSR1")],
  [
    "-s reopen",
    async (moved: ServerProcess) => {
      const sent = await run(["-p", moved.folder, "-s", "reopen", join(moved.folder, "test.conf")]);
      expect([sent.status, sent.stderr]).toEqual([0, ""]);
    },
  ],
])("%s: logs that were moved away are opened anew", async (_name, signal) => {
  const moved = new ServerProcess({
    configuration: `
      pid run.pid;
      error_log error.log;
      log_format path '$uri';
      server { listen 127.0.0.1:0; root www; access_log access.log path; }`,
    files: { "www/a": "", "www/b": "" },
  });
  const at = (name: string): string => join(moved.folder, name);
  const names = ["access.log", "error.log"];
  await moved.start();
  for (const path of ["/a", "/before"]) await ask(moved.port, get(path));
  for (const name of names) renameSync(at(name), at(`${name}.1`));
  await signal(moved);
  await until(
    () => names.every((name) => existsSync(at(name))),
    () => readdirSync(moved.folder).join(),
  );
  for (const path of ["/b", "/after"]) await ask(moved.port, get(path));
  expect(await moved.end()).toBe(0);
  const [access, access1, error, error1] = ["access.log", "access.log.1", "error.log", "error.log.1"].map((name) =>
    readFileSync(at(name), "utf8"),
  );
  expect([access1, access]).toEqual(["/a\n/before\n", "/b\n/after\n"]);
  expect(error1!.trimEnd()).toMatch(/^[^\n]*www\/before[^\n]*$/);
  expect(error!.trimEnd()).toMatch(/^[^\n]*www\/after[^\n]*$/);
  rmSync(moved.folder, { recursive: true });
});

test.skipIf(Bun.which("mkfifo") === null)(
  "a reader of the log that does not read stops nobody (skipped without mkfifo)",
  async () => {
    const stuck = new ServerProcess({
      configuration: "server { listen 127.0.0.1:0; root www; }",
      files: { "www/": "" },
      program: ["sh", "-c", 'exec "$@" 2> log.pipe', "sh", ...PROGRAM],
    });
    const pipe = join(stuck.folder, "log.pipe");
    expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
    const reader = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      await stuck.start();
      // Some 700 KB of lines, where a pipe holds 64 KB.
      const paths = Array.from({ length: 200 }, (_, i) => `/${`${i}-`.padEnd(240, "x").repeat(7)}`);
      for (const path of paths) expect((await ask(stuck.port, get(path))).status).toBe(404);
      let text = "";
      const block = Buffer.alloc(64 * 1024);
      const log = () => {
        try {
          text += block.latin1Slice(0, readSync(reader, block));
        } catch {} // EAGAIN
        return text;
      };
      const last = paths.at(-1)!;
      await until(
        () => log().includes(`GET ${last} `) && text.endsWith("\n"),
        () => `${text.length} bytes`,
      );
      const lines = text.trimEnd().split("\n");
      expect(lines.length).toBe(paths.length);
      for (const [i, line] of lines.entries()) expect(line).toContain(`"GET ${paths[i]} HTTP/1.1"`);
      for (const path of paths) await ask(stuck.port, get(path));
      expect(await stuck.end()).toBe(0);
    } finally {
      closeSync(reader);
      rmSync(stuck.folder, { recursive: true });
    }
  },
);
