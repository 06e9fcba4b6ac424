/** access_log, error_log and their like: what each form says, and where nginx is installed, whether it takes and refuses the same. */
import { describe, expect, test } from "bun:test";
import { config, load, settings } from "./fake-files.ts";
import { hasNginx, inHttp, inServer, nginxTakes } from "./nginx.ts";

const SYSLOG = { kind: "syslog", facility: 23, severity: 6, tag: "nginx", hostname: true };
const buffer = (size: number, flush: number | null = null, gzip = 0) => ({ size, flush, gzip });

describe("access_log", () => {
  test.each([
    ["a.log", { kind: "file", file: "/work/a.log", buffer: null }],
    ["/dev/stdout", { kind: "file", file: "stdout", buffer: null }],
    ["a.log combined buffer=32k", { buffer: buffer(32_768) }],
    ["a.log combined buffer=32k flush=5m", { buffer: buffer(32_768, 300_000) }],
    ["a.log combined gzip", { buffer: buffer(65_536, null, 1) }],
    ["a.log combined flush=500ms gzip=9 buffer=1m", { buffer: buffer(1_048_576, 500, 9) }],
    ["a.log buffer=1k", { buffer: buffer(1024) }],
    ["/spool/$host/a.log", { kind: "path", path: { parts: ["/spool/", { variable: "host" }, "/a.log"] } }],
    ["logs/$host", { kind: "path", path: { parts: ["/work/logs/", { variable: "host" }] } }],
    ["$host.log", { kind: "path", path: { parts: ["/work/", { variable: "host" }, ".log"] } }],
    ["syslog:server=127.0.0.1", { ...SYSLOG, address: { family: "ipv4", host: "127.0.0.1", port: 514 } }],
    [
      "syslog:server=[2001:db8::1]:12345,facility=local7,tag=nginx,severity=info combined",
      { ...SYSLOG, address: { family: "ipv6", host: "2001:db8::1", port: 12_345 } },
    ],
    [
      "syslog:server=unix:/var/log/nginx.sock,nohostname,facility=cron,severity=emerg,tag=a_1",
      {
        kind: "syslog",
        address: { family: "unix", path: "/var/log/nginx.sock" },
        facility: 15,
        severity: 0,
        tag: "a_1",
        hostname: false,
      },
    ],
    ["syslog:server=localhost", { address: { family: "ipv4", host: "127.0.0.1", port: 514 } }],
  ])("%s", (text, target) => {
    expect(settings(`access_log ${text};`).accessLogs).toMatchObject([{ target, condition: null }]);
  });

  test("if=", () => {
    const [log] = settings("access_log a combined if=$arg_a$arg_b;").accessLogs;
    expect(log!.condition!.parts).toEqual([{ variable: "arg_a" }, { variable: "arg_b" }]);
  });

  test.each(["access_log a; access_log off;", "access_log off; access_log a;"])("%s: off wins, as in nginx", (text) => {
    expect(settings(text).accessLogs).toEqual([]);
  });

  test("the format json is built in, and may be defined", () => {
    const formats = ["", "log_format json escape=json '$uri';"].map(
      (text) =>
        config(`http { ${text} server { access_log a json; } }`).servers[0]!.scope.settings.accessLogs[0]!.format,
    );
    expect(formats.map((format) => [format.template?.text, format.escape])).toEqual([
      [undefined, "json"],
      ["$uri", "json"],
    ]);
  });
});

describe("error_log", () => {
  test("several, each with its level; the lowest is that of the block", () => {
    const { errorLog } = settings("error_log a.log warn; error_log syslog:server=unix:/s debug; error_log stderr;");
    expect(errorLog).toMatchObject({
      level: "debug",
      outputs: [
        { target: { file: "/work/a.log" }, level: "warn" },
        { target: { kind: "syslog" }, level: "debug" },
        { target: { file: "stderr" }, level: "error" },
      ],
    });
  });

  test("those of a block replace those around it", () => {
    const given = config("error_log a; http { error_log b; error_log c; server { error_log d info; } }");
    expect(given.errorLog.outputs).toMatchObject([{ target: { file: "/work/a" } }]);
    expect(given.servers[0]!.scope.settings.errorLog.outputs).toMatchObject([{ target: { file: "/work/d" } }]);
  });

  test("memory: keeps nothing, and says so", () => {
    const loaded = load("error_log memory:32m debug; server { root /; }");
    expect(loaded.config!.errorLog.outputs).toEqual([]);
    expect(loaded.diagnostics.map(({ message }) => message)).toContain(
      '"memory:" has no effect: such a log could only be read with a debugger; nothing is kept',
    );
  });
});

test("open_log_file_cache", () => {
  const given = [
    "",
    "open_log_file_cache max=5;",
    "open_log_file_cache max=1000 inactive=20s valid=1m min_uses=2;",
  ].map((text) => settings(text).openLogFileCache);
  expect(given).toEqual([
    null,
    { max: 5, inactive: 10_000, minUses: 1, valid: 60_000 },
    { max: 1000, inactive: 20_000, minUses: 2, valid: 60_000 },
  ]);
});

/** What nginx takes: the examples of its documentation, and corner cases. */
const TAKEN: readonly string[] = [
  inHttp(
    `log_format compression '$remote_addr - $remote_user [$time_local] '
                            '"$request" $status $bytes_sent '
                            '"$http_referer" "$http_user_agent" "$gzip_ratio"';
     server { listen 8080; access_log logs-nginx-access.log compression buffer=32k; }`,
  ),
  inHttp(
    "log_format combined2 '$remote_addr - $remote_user [$time_local] ' '\"$request\" $status $body_bytes_sent ' '\"$http_referer\" \"$http_user_agent\"'; server { listen 8080; access_log a combined2; }",
  ),
  inHttp("map $status $loggable { ~^[23] 0; default 1; } server { listen 8080; access_log a combined if=$loggable; }"),
  inServer("access_log log.gz combined gzip flush=5m;"),
  inServer("root /spool/vhost/data/$host; access_log logs-$host;"),
  inServer("open_log_file_cache max=1000 inactive=20s valid=1m min_uses=2;"),
  inServer("open_log_file_cache off;"),
  inServer("error_log syslog:server=127.0.0.1 debug;"),
  inServer("access_log syslog:server=unix:/var/log/nginx.sock,nohostname;"),
  inServer("access_log syslog:server=[::1]:12345,facility=local7,tag=nginx,severity=info combined;"),
  inServer("access_log syslog:server=127.0.0.1,tag=;"),
  inServer("error_log syslog:server=127.0.0.1,severity=crit info; error_log b;"),
  inServer("access_log a; access_log a combined; access_log a combined;"),
  inServer("access_log a combined buffer=4k; access_log a combined buffer=4k;"),
  inServer("access_log off; access_log a;"),
  inServer("location / { limit_except GET { deny all; access_log a; } if ($uri) { access_log b; } }"),
];

/** What both refuse. */
const REFUSED: readonly string[] = [
  inServer("access_log a combined buffer=0;"),
  inServer("access_log a combined flush=1m;"),
  inServer("access_log a combined buffer=4k flush=0;"),
  inServer("access_log a combined gzip=0;"),
  inServer("access_log a combined gzip=10;"),
  inServer("access_log a combined zip;"),
  inServer("access_log a combined if=$nosuch;"),
  inServer("access_log a combined buffer=4k; access_log a combined buffer=8k;"),
  inServer("access_log a combined buffer=4k; location / { access_log a combined buffer=4k gzip; }"),
  inServer("access_log $host.log combined buffer=4k;"),
  inServer("access_log syslog:server=127.0.0.1 combined buffer=4k;"),
  inServer("access_log syslog:server=127.0.0.1:0;"),
  inServer("access_log syslog:tag=a;"),
  inServer("access_log syslog:server=127.0.0.1,server=127.0.0.2;"),
  inServer("access_log syslog:server=127.0.0.1,facility=local8;"),
  inServer("access_log syslog:server=127.0.0.1,severity=err;"),
  inServer("access_log syslog:server=127.0.0.1,tag=a-b;"),
  inServer("access_log syslog:server=127.0.0.1,tag=a23456789012345678901234567890123;"),
  inServer("access_log syslog:server=127.0.0.1,port=3;"),
  inServer("access_log off combined;"),
  inServer("error_log a loud;"),
  inServer("open_log_file_cache inactive=1m;"),
  inServer("open_log_file_cache max=0;"),
  inServer("open_log_file_cache max=5 valid=x;"),
  inHttp("log_format a escape=html x; server { }"),
];

describe("taken", () => {
  test.each(TAKEN)("%s", (text) => {
    expect(load(text).diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  });
});

describe("refused, with one error at its place", () => {
  test.each(REFUSED)("%s", (text) => {
    expect(load(text).diagnostics.filter(({ severity }) => severity === "error")).toHaveLength(1);
  });
});

describe.skipIf(!hasNginx)(`nginx says the same${hasNginx ? "" : " (skipped: nginx is not installed)"}`, () => {
  test.each(TAKEN)("%s", (text) => expect(nginxTakes(text)).toBe(true));
  test.each(REFUSED)("%s", (text) => expect(nginxTakes(text)).not.toBe(true));
});

test.each([
  ["access_log a combined gzip=0;", '"access_log" expects a level from 1 to 9 behind gzip=, not "gzip=0"'],
  [
    "access_log syslog:server=127.0.0.1,facility=local8;",
    '"syslog:server=127.0.0.1,facility=local8" has the unknown facility "local8" (did you mean "local0"?)',
  ],
  ["error_log $host;", '"error_log" expects a path (without variables), stdout, stderr or syslog:, not "$host"'],
  ["error_log a erorr;", 'unknown log level "erorr" (did you mean "error"?)'],
  [
    "access_log syslog:server=no.such.host;",
    '"syslog:server=no.such.host" has the server "no.such.host", which was not found',
  ],
])("%s", (text, message) => {
  const messages = load(inServer(text)).diagnostics.map((diagnostic) => diagnostic.message);
  expect(messages.some((each) => each.startsWith(message))).toBe(true);
});
