/**
 * Logs with variables in their path, conditions, gzip and escapes, and syslog servers of the test's own over UDP and a unix socket.
 * Where nginx is installed it writes the same logs of the same requests.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AF_INET, AF_UNIX, SOCK_DGRAM } from "../../ffi/abi.ts";
import { linux } from "../../ffi/linux.ts";
import { Block } from "../../ffi/memory.ts";
import { decodeAddress, encodeAddress } from "../../src/network/address.ts";
import { ask, get } from "./client.ts";
import { NGINX, useNginx } from "./nginx.ts";
import { makeFolder, ServerProcess, until } from "./server.ts";

setDefaultTimeout(60_000);

/** A socket that gets datagrams. */
class Receiver {
  readonly address: string;
  private readonly fd: number;
  private readonly block = new Block(65_536);
  private readonly got: string[] = [];

  /** @param path of a unix socket; without it, a port of 127.0.0.1 */
  constructor(path?: string) {
    this.fd = linux.socket(path === undefined ? AF_INET : AF_UNIX, SOCK_DGRAM);
    const address =
      path === undefined
        ? ({ family: "ipv4", host: "127.0.0.1", port: 0 } as const)
        : ({ family: "unix", path } as const);
    expect(linux.bind(this.fd, this.block, encodeAddress(address, this.block))).toBe(0);
    linux.getsockname(this.fd, this.block);
    const own = decodeAddress(this.block);
    this.address = path === undefined && own.family === "ipv4" ? `127.0.0.1:${own.port}` : `unix:${path}`;
  }

  /** What has come so far. */
  get messages(): readonly string[] {
    for (let n = 0; (n = linux.recv(this.fd, this.block, 0, 65_536)) >= 0; )
      this.got.push(this.block.bytes.latin1Slice(0, n));
    return this.got;
  }

  close(): void {
    linux.close(this.fd);
  }
}

/** Whom requests are passed to. */
const backend = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: ({ url }) =>
    new Response("from behind", {
      status: url.endsWith("/404") ? 404 : 200,
      headers: { "X-B": 'a"b', "Set-Cookie": "c=crumb; Path=/" },
    }),
});

const folder = makeFolder({ "www/a/x": "x", "www/b/x": "x" });
const udp = new Receiver();
const unix = new Receiver(join(folder, "log.sock"));
const theirs = new Receiver();
afterAll(() => {
  for (const receiver of [udp, unix, theirs]) receiver.close();
  void backend.stop(true);
  rmSync(folder, { recursive: true });
});

const EMPTY = [
  "arg_e",
  "arg_none",
  "cookie_e",
  "cookie_none",
  "http_x_e",
  "http_none",
  "sent_http_x_e",
  "is_args",
  "https",
  "server_name",
  "upstream_addr",

  "named",
  "mapped",
  "content_type",
  "elsewhere",
  "remote_user",
];

/** The http block; the logs lie in `logs`. */
const http = (port: number | string, logs: string, syslog: string): string => `
  log_format usual '$request_method $uri [$http_x_v] [$arg_v] $status';
  log_format json escape=json '{"v":"$http_x_v","a":"$arg_v","n":"$http_none"}';
  log_format none escape=none '$http_x_v|$http_none|$uri';
  log_format module '$pipe|$request_completion|$connection_requests|$request_length|$status|$body_bytes_sent|$content_length|$uri|$request|$request_uri';
  log_format up '$request_body|$upstream_status|$upstream_addr|$upstream_response_length|$upstream_http_x_b|$upstream_cookie_c|$proxy_host|$proxy_port|$upstream_cache_status|$upstream_http_none|$sent_http_x_b|$status';
  log_format empty '${EMPTY.map((name) => `$${name}`).join("|")}';
  map $status $loggable { ~^[23] 0; default 1; }
  map $http_x_v $mapped { default ""; }
  upstream gone { server 127.0.0.1:1; server 127.0.0.1:2; }
  server {
    listen 127.0.0.1:${port};
    server_name a;
    root ${folder}/www/$host;
    access_log ${logs}/host-$host.log usual;
    access_log ${logs}/usual.log usual;
    access_log ${logs}/json.log json;
    access_log ${logs}/none.log none;
    access_log ${logs}/failed.log usual if=$loggable;
    access_log ${logs}/arg.log usual if=$arg_v;
    access_log ${logs}/zip.gz usual gzip=9 buffer=8k flush=1h;
    ${syslog}
    open_log_file_cache max=10 valid=1m;
    add_header X-E "" always;
    location /off/ { access_log off; access_log ${logs}/never.log; }
    location ~ ^/(e)mpty(?<named>)$ { access_log ${logs}/empty.log empty; return 204; }
    location = /module { access_log ${logs}/module.log module; return 200 "ok"; }
    location = /module/page { access_log ${logs}/module.log module; error_page 404 /ok2; }
    location = /ok2 { internal; access_log ${logs}/module.log module; return 200 "ok"; }
    location /up/ { access_log ${logs}/up.log up; proxy_pass http://127.0.0.1:${backend.port}/; }
    location /down/ { access_log ${logs}/up.log up; proxy_pass http://gone; }
    location /limited { limit_except GET { deny 127.0.0.9; access_log ${logs}/limited.log usual; } proxy_pass http://127.0.0.1:${backend.port}; }
    location /limited/off { limit_except GET { allow all; access_log off; } return 204; }
    location /never { set $elsewhere 1; }
    location /ok { return 200 "ok"; }
    location = /inner { error_page 404 /ok; access_log ${logs}/inner.log usual; }
  }
  server { listen 127.0.0.1:${port}; server_name ""; access_log ${logs}/nameless.log empty; }`;

const ourLogs = join(folder, "ours");
const nginxLogs = join(folder, "nginx");
for (const path of [ourLogs, nginxLogs]) mkdirSync(path);

const SYSLOG = `
  access_log syslog:server=${udp.address},facility=local1,severity=notice,tag=web usual;
  access_log syslog:server=${unix.address},nohostname json;
  error_log syslog:server=${udp.address},tag=e error;
  error_log error.log;`;
const ours = new ServerProcess({ configuration: `http { ${http(0, ourLogs, SYSLOG)} }` });
const nginx = useNginx((port) =>
  http(port, nginxLogs, `access_log syslog:server=${theirs.address},facility=local1,severity=notice,tag=web usual;`),
);

const HARD = 'q"b\\t\tä';
const REQUESTS: readonly string[] = [
  get("/x", { Host: "a" }),
  get("/x?v=1", { Host: "b", "X-V": HARD }),
  get("/x?v=0", { Host: "c" }),
  get(`/ok?v=${"%22"}`, { Host: "a", "X-V": '"' }),
  get("/off/x", { Host: "a" }),
  get("/empty?e=&none", { Host: "a", Cookie: "e=; f=g", "X-E": "", "Content-Type": "" }),
  get("/empty", { Host: "a" }),
  get("/inner", { Host: "a" }),
  get("/empty%0a%22", { Host: "a" }),
  get("/module?a%20b", { Host: "a" }),
  get("/module", { Host: "a", "Content-Length": "0" }, "POST"),
  get("/module", { Host: "a" }, "HEAD"),
  get("/limited", { Host: "a" }),
  get("/limited", { Host: "a" }, "POST"),
  get("/limited/off", { Host: "a" }),
  get("/limited/off", { Host: "a" }, "POST"),
  get("/module/page", { Host: "a" }),
  get("/up/a", { Host: "a" }),
  get("/up/404", { Host: "a" }),
  `${get("/up/b", { Host: "a", "Content-Length": "5" }, "POST")}a"b\xe4\n`,
  `${get("/up/c", { Host: "a", "Content-Length": "0" }, "POST")}`,
  get("/up/404", { Host: "a" }, "HEAD"),
  get("/down/x", { Host: "a" }),
  "GET /x HTTP/1.0\r\n\r\n",
];

beforeAll(async () => {
  await ours.start();
  for (const request of REQUESTS) {
    await ask(ours.port, request);
    if (NGINX !== null) await ask(nginx.port, request);
  }
  const port = ours.port;
  expect(port).toBeGreaterThan(0);
  await ours.end("SIGQUIT");
});
afterAll(() => rmSync(ours.folder, { recursive: true, force: true }));

const read = (logs: string, name: string): string => readFileSync(join(logs, name), "latin1");

describe("ours", () => {
  test("a file for each host whose folder is there, and for no other", () => {
    expect(
      readdirSync(ourLogs)
        .filter((name) => name.startsWith("host-"))
        .sort(),
    ).toEqual(["host-a.log", "host-b.log"]);
    expect(readFileSync(join(ours.folder, "error.log"), "utf8")).toContain(
      `testing "${folder}/www/c" existence failed (2`,
    );
  });

  test("if= leaves out what is empty or 0", () => {
    expect(read(ourLogs, "arg.log")).toBe("GET /x [q\\x22b\\x5Ct\\x09\\xE4] [1] 200\nGET /ok [\\x22] [%22] 200\n");
    expect(read(ourLogs, "failed.log")).not.toMatch(/ 2\d\d$/m);
  });

  test("escape=json is JSON, escape=none is what came", () => {
    const values = read(ourLogs, "json.log")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(values[1]).toEqual({ v: 'q"b\\t\tä', a: "1", n: "" });
    expect(read(ourLogs, "none.log").split("\n")[1]).toBe('q"b\\t\tä||/x');
  });

  test.skipIf(Bun.which("zcat") === null)("zcat reads a gzip'd log (skipped without zcat)", () => {
    const { stdout, exitCode } = Bun.spawnSync(["zcat", join(ourLogs, "zip.gz")]);
    expect([exitCode, stdout.toString("latin1")]).toEqual([0, read(ourLogs, "usual.log")]);
  });

  test("off wins over a log of the same block", () => expect(existsSync(join(ourLogs, "never.log"))).toBe(false));
});

const DATE = String.raw`[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d`;

describe("syslog", () => {
  test("UDP: facility, severity, host, tag", async () => {
    const lines = read(ourLogs, "usual.log").trimEnd().split("\n");
    const mine = () => udp.messages.filter((text) => text.startsWith("<141>"));
    await until(
      () => mine().length >= lines.length,
      () => String(mine().length),
    );
    for (const [i, text] of mine().entries()) {
      expect(text).toMatch(new RegExp(`^<141>${DATE} [^ ]+ web: `));
      expect(text.slice(text.indexOf("web: ") + 5)).toBe(lines[i]!);
    }
  });

  test("unix, without a host's name", () => {
    const lines = read(ourLogs, "json.log").trimEnd().split("\n");
    const mine = unix.messages.map((text) => text.replace(new RegExp(`^<190>${DATE} nginx: `), ""));
    expect(mine).toEqual(lines);
  });

  test("the error log: the severity is that of the level, and the line is nginx's", () => {
    const [first] = udp.messages.filter((text) => text.startsWith("<187>"));
    expect(first).toMatch(
      new RegExp(String.raw`^<187>${DATE} [^ ]+ e: \d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[error\] \d+: \*\d+ open`),
    );
  });

  test.skipIf(NGINX === null)("nginx sends the same (skipped: nginx is not installed)", () => {
    const plain = (text: string) => text.replace(new RegExp(DATE), "DATE");
    const own = udp.messages.filter((text) => text.startsWith("<141>")).map(plain);
    expect(theirs.messages.map(plain)).toEqual(own);
  });
});

describe.skipIf(NGINX === null)(
  `nginx writes the same${NGINX === null ? " (skipped: nginx is not installed)" : ""}`,
  () => {
    const names = [
      "usual",
      "json",
      "none",
      "failed",
      "arg",
      "empty",
      "inner",
      "nameless",
      "module",
      "limited",
      "up",
      "host-a",
      "host-b",
    ];
    test.each(names)("%s.log", (name) => {
      expect(read(ourLogs, `${name}.log`)).toBe(read(nginxLogs, `${name}.log`));
    });
  },
);
