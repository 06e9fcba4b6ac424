/** What a block takes over from those around it, and what every directive stores. */
import { describe, expect, test } from "bun:test";
import type { Settings } from "../../../src/config/model.ts";
import type { Position } from "../../../src/config/parts.ts";
import type { ErrorLog, FileTarget, LogLevel } from "../../../src/config/settings/logs.ts";
import { config, FILE, location, settings } from "./fake-files.ts";

/** A place in the first line. */
const at = (column: number): Position => ({ file: FILE, line: 1, column });

/** An error log of one file. */
const errorLog = (file: string, level: LogLevel, position: Position): ErrorLog => ({
  outputs: [{ target: { kind: "file", file, buffer: null }, level, position }],
  level,
});

/** The settings of a server, of a location in it, and of one nested in that. */
function levels(http: string, server: string, outer: string, inner: string): Settings[] {
  const given = config(`http { ${http} server { ${server} location /a { ${outer} location /a/b { ${inner} } } } }`);
  return [given.servers[0]!.scope, location(given, "/a"), location(given, "/a/b")].map((one) => one.settings);
}

describe("one value: the innermost that says it", () => {
  test.each([
    ["", "", "", "", [60_000, 60_000, 60_000]],
    ["1s", "", "", "", [1000, 1000, 1000]],
    ["1s", "2s", "", "", [2000, 2000, 2000]],
    ["1s", "", "3s", "", [1000, 3000, 3000]],
    ["1s", "2s", "3s", "4s", [2000, 3000, 4000]],
  ] as const)("%p %p %p %p", (http, server, outer, inner, expected) => {
    const directive = (value: string): string => (value === "" ? "" : `send_timeout ${value};`);
    const got = levels(directive(http), directive(server), directive(outer), directive(inner));
    expect(got.map((one) => one.sendTimeout)).toEqual([...expected]);
  });
});

test("what is in an internal location is internal, as in nginx: no client passes it by a longer path", () => {
  expect(levels("", "", "internal;", "").map((one) => one.internal)).toEqual([false, true, true]);
  expect(levels("", "", "", "internal;").map((one) => one.internal)).toEqual([false, false, true]);
});

describe("lists are replaced, not merged; repeated directives of one block add up", () => {
  test("add_header", () => {
    const got = levels("add_header a 1; add_header b 2;", "", "add_header c 3;", "");
    expect(got.map((one) => one.addHeaders.map(({ name }) => name))).toEqual([["a", "b"], ["c"], ["c"]]);
  });
  test("error_page", () => {
    const got = levels("error_page 404 /a;", "error_page 500 502 =200 /b;", "", "error_page 403 = /c;");
    expect(got.map((one) => one.errorPages.map(({ statuses, status }) => [statuses, status]))).toEqual([
      [[[500, 502], 200]],
      [[[500, 502], 200]],
      [[[403], 0]],
    ]);
  });
  test("access_log, and off", () => {
    const got = levels("access_log a; access_log /b json;", "", "access_log off;", "");
    expect(
      got.map((one) => one.accessLogs.map(({ target, format }) => `${(target as FileTarget).file} ${format.name}`)),
    ).toEqual([["/work/a combined", "/b json"], [], []]);
  });
  test("allow and deny", () => {
    const got = levels("deny all;", "allow 10.1.2.3; deny all;", "allow all;", "");
    expect(got.map((one) => one.access.length)).toEqual([2, 1, 1]);
    expect(got[0]!.access[0]).toEqual({ allow: true, match: { address: [10, 1, 2, 3], bits: 32 } });
  });
  test("index", () => {
    const got = levels("index a b; index c;", "", "index $host.html;", "");
    expect(got.map((one) => one.index.map(({ text }) => text))).toEqual([
      ["a", "b", "c"],
      ["$host.html"],
      ["$host.html"],
    ]);
  });
  test("types, whole", () => {
    const got = levels("types { text/html html; } types { text/css css; }", "", "types { a/b html; }", "");
    expect(got.map((one) => [...one.types])).toEqual([
      [
        ["html", "text/html"],
        ["css", "text/css"],
      ],
      [["html", "a/b"]],
      [["html", "a/b"]],
    ]);
  });
  test("types, none at all", () => {
    const got = levels("types { text/html html; }", "", "types { }", "");
    expect(got.map((one) => one.types.size)).toEqual([1, 0, 0]);
  });
});

describe("what is not handed down", () => {
  test("return, try_files, limit_except", () => {
    const got = levels("", "return 204; try_files a =404;", "return 403; limit_except GET { deny all; }", "");
    expect(got.map((one) => one.return?.status)).toEqual([204, 403, undefined]);
    expect(got.map((one) => one.tryFiles !== null)).toEqual([true, false, false]);
    expect(got.map((one) => one.limitExcept?.methods)).toEqual([undefined, ["GET", "HEAD"], undefined]);
  });
});

describe("root and alias", () => {
  test("an alias keeps its prefix for nested locations, a root ends it", () => {
    const given = config(
      `server { location /a/ { alias www/; location ~ x { } location /a/c/ { root www; } location /a/d/ { alias www/; } } }`,
    );
    const seen = ["/a/", "x", "/a/c/", "/a/d/"].map((pattern) => {
      const { alias, aliasPrefix } = location(given, pattern).settings;
      return [alias?.constant ?? null, aliasPrefix];
    });
    expect(seen).toEqual([
      ["/work/www/", "/a/"],
      ["/work/www/", "/a/"],
      [null, null],
      ["/work/www/", "/a/d/"],
    ]);
  });
  test("of an expression's location, the alias is the whole path", () => {
    const { alias, aliasPrefix } = location(
      config("server { location ~ ^/u/(.+)$ { alias www/$1; } }"),
      "^/u/(.+)$",
    ).settings;
    expect(aliasPrefix).toBeNull();
    expect(alias?.parts).toEqual(["/work/www/", { variable: "1" }]);
  });
  test.each([
    ["root www;", "/work/www"],
    ["root www/;", "/work/www"],
    ["root www///;", "/work/www"],
    ["root /;", "/"],
    ["", "/work/html"],
  ])("%p is %p", (directive, path) => expect(settings(directive).root.constant).toBe(path));
  test("with variables", () => {
    expect(settings("root sites/$host;").root.parts).toEqual(["/work/sites/", { variable: "host" }]);
    expect(settings("root $host/a/;").root.parts).toEqual([{ variable: "host" }, "/a"]);
  });
});

describe("each directive stores what it says", () => {
  const table: readonly [directive: string, expected: Partial<Settings>][] = [
    ["autoindex on; autoindex_format json;", { autoindex: true, autoindexFormat: "json" }],
    ["allowed_methods GET POST GET;", { allowedMethods: ["GET", "POST"] }],
    ["client_max_body_size 0;", { clientMaxBodySize: 0 }],
    [
      "client_body_buffer_size 8k; client_body_temp_path tmp 1 2;",
      { clientBodyBufferSize: 8192, clientBodyTempPath: "/work/tmp" },
    ],
    ["client_header_buffer_size 2k;", { clientHeaderBufferSize: 2048 }],
    ["large_client_header_buffers 2 4k;", { largeClientHeaderBuffers: { count: 2, size: 4096 } }],
    [
      "client_header_timeout 1s; client_body_timeout 2s; send_timeout 500ms;",
      { clientHeaderTimeout: 1000, clientBodyTimeout: 2000, sendTimeout: 500 },
    ],
    ["keepalive_timeout 0;", { keepaliveTimeout: 0, keepaliveHeader: null }],
    ["keepalive_timeout 75s 60s;", { keepaliveTimeout: 75_000, keepaliveHeader: 60 }],
    ["keepalive_requests 3;", { keepaliveRequests: 3 }],
    ["client_min_rate 1k; send_min_rate 0;", { clientMinRate: 1024, sendMinRate: 0 }],
    ["lingering_time 1m; lingering_timeout 1s;", { lingeringTime: 60_000, lingeringTimeout: 1000 }],
    [
      "default_type application/x-y; charset utf-8;",
      { defaultType: "application/x-y", charset: { text: "utf-8", parts: ["utf-8"], constant: "utf-8" } },
    ],
    ["charset off;", { charset: null }],
    [
      "server_tokens off; etag off; if_modified_since before;",
      { serverTokens: false, etag: false, ifModifiedSince: "before" },
    ],
    ["symlinks deny; dotfiles allow;", { symlinks: "deny", dotfiles: "allow" }],
    ["open_file_cache off;", { openFileCache: null }],
    [
      "open_file_cache inactive=1m max=5; open_file_cache_valid 2s;",
      { openFileCache: { max: 5, inactive: 60_000 }, openFileCacheValid: 2000 },
    ],
    ["error_log stderr debug;", { errorLog: errorLog("stderr", "debug", at(20)) }],
    ["error_log logs/e;", { errorLog: errorLog("/work/logs/e", "error", at(20)) }],
    ["expires off;", { expires: null }],
    ["expires epoch;", { expires: { kind: "epoch" } }],
    ["expires max;", { expires: { kind: "max" } }],
    ["expires -1;", { expires: { kind: "in", seconds: -1 } }],
    ["expires +24h;", { expires: { kind: "in", seconds: 86_400 } }],
    ["expires 0;", { expires: { kind: "in", seconds: 0 } }],
    ["expires modified +24h;", { expires: { kind: "modified", seconds: 86_400 } }],
    ["expires modified -1h;", { expires: { kind: "modified", seconds: -3600 } }],
    ["expires @15h30m;", { expires: { kind: "at", seconds: 55_800 } }],
    ["deny unix:;", { access: [{ allow: false, match: "unix" }] }],
    ["allow all;", { access: [{ allow: true, match: "all" }] }],
    ["allow 10.0.0.0/9;", { access: [{ allow: true, match: { address: [10, 0, 0, 0], bits: 9 } }] }],
    [
      "allow 2001:db8::/32;",
      { access: [{ allow: true, match: { address: [0x20, 1, 0xd, 0xb8, ...Array(12).fill(0)], bits: 32 } }] },
    ],
  ];
  test.each(table)("%s", (directives, expected) => expect(settings(directives)).toMatchObject(expected));

  test.each([
    ["return 404;", 404, null],
    ["return 200 'a $uri';", 200, "a $uri"],
    ["return 301 /x;", 301, "/x"],
    ["return https://x.org$request_uri;", 302, "https://x.org$request_uri"],
    ["return $scheme://x.org;", 302, "$scheme://x.org"],
    ["return 444;", 444, null],
  ])("%s", (directive, status, text) => {
    const given = settings(directive).return!;
    expect([given.status, given.text?.text ?? null]).toEqual([status, text]);
  });

  test("try_files", () => {
    const given = config(
      "server { location /a { try_files $uri $uri/ =404; } location /b { try_files a /x?$args; } location /c { try_files a @d; } location @d { } }",
    );
    const last = (pattern: string): unknown => {
      const { tryFiles } = location(given, pattern).settings;
      return "status" in tryFiles!.last ? tryFiles!.last.status : tryFiles!.last.uri.text;
    };
    expect(location(given, "/a").settings.tryFiles!.files.map(({ text }) => text)).toEqual(["$uri", "$uri/"]);
    expect(["/a", "/b", "/c"].map(last)).toEqual([404, "/x?$args", "@d"]);
  });
});

describe("servers and addresses", () => {
  test("a server without listen has port 8000 where 80 is not for everyone", () => {
    expect(config("server { }").addresses).toMatchObject([
      {
        text: "0.0.0.0:8000",
        address: { family: "ipv4", host: "0.0.0.0", port: 8000 },
        backlog: 511,
        reuseport: false,
        proxyProtocol: false,
        ipv6only: true,
      },
    ]);
  });
  test("servers share an address; the first, or the default_server, is its default", () => {
    const given = config(`
      server { listen 80; server_name a; }
      server { listen *:80 default_server; listen [::]:80 ipv6only=off; server_name b; }
      server { listen 80 backlog=9 reuseport; listen [::]:80; server_name c; }`);
    const seen = given.addresses.map((one) => [
      one.text,
      one.defaultServer.name,
      one.servers.map(({ name }) => name).join(),
      one.backlog,
      one.reuseport,
      one.ipv6only,
    ]);
    expect(seen).toEqual([
      ["0.0.0.0:80", "b", "a,b,c", 9, true, true],
      ["[::]:80", "b", "b,c", 511, false, false],
    ]);
    expect(given.addresses[0]!.servers[1]).toBe(given.servers[1]!);
  });
  test("the first name is $server_name, all are names", () => {
    const [server] = config("server { server_name .X.org y.*; server_name ~^z$; }").servers;
    expect(server!.name).toBe("x.org");
    expect(server!.names.map(({ kind, text }) => `${kind} ${text}`)).toEqual([
      "exact x.org",
      "leading .x.org",
      "trailing y.",
      "regex ^z$",
    ]);
  });
  test("locations keep their order and have ids of their own", () => {
    const given = config(
      "server { location /b { } location = /a { location_ignored off; } location ~* X { } location @n { } location ^~ /c/ { } }".replace(
        "location_ignored off;",
        "",
      ),
    );
    const [server] = given.servers;
    expect(server!.locations.map(({ modifier, pattern }) => `${modifier}${pattern}`)).toEqual([
      "/b",
      "=/a",
      "~*X",
      "@@n",
      "^~/c/",
    ]);
    expect(server!.locations[2]!.regex!.test("/x")).toBe(true);
    const ids = [server!.scope, ...server!.locations].map(({ id }) => id);
    expect([...ids].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });
  test("modifier and path in one word", () => {
    const given = config("server { location =/a { } location ^~/b { } location ~\\.c$ { } location ~*\\.d$ { } }");
    expect(given.servers[0]!.locations.map(({ modifier, pattern }) => [modifier, pattern])).toEqual([
      ["=", "/a"],
      ["^~", "/b"],
      ["~", "\\.c$"],
      ["~*", "\\.d$"],
    ]);
  });
});

describe("the top level", () => {
  test("without http { }, its directives stand beside the servers and count for all of them", () => {
    const given = config("server { server_name a; } etag off; server { server_name b; etag on; }");
    expect(given.servers.map(({ scope }) => scope.settings.etag)).toEqual([false, true]);
  });
  test("what the process needs", () => {
    const given = config(
      "pid run/a.pid; error_log logs/e warn; worker_rlimit_nofile 4096; events { worker_connections 100; eager off; } daemon off; http { server { } }",
    );
    expect(given).toMatchObject({
      pidFile: "/work/run/a.pid",
      errorLog: { level: "warn", outputs: [{ target: { file: "/work/logs/e" }, level: "warn" }] },
      workerConnections: 100,
      eager: false,
      workerRlimitNofile: 4096,
    });
  });
  test("-e is the log until the configuration names one; -g stands before the file", () => {
    const given = errorLog("/work/e.log", "error", { file: "-e", line: 0, column: 0 });
    expect(config("server { }", {}, { errorLog: "e.log" }).errorLog).toEqual(given);
    expect(config("error_log a; server { }", {}, { errorLog: "e.log" }).errorLog.outputs).toMatchObject([
      { target: { file: "/work/a" } },
    ]);
    expect(config("server { }", {}, { globalText: "pid x; etag off;" })).toMatchObject({ pidFile: "/work/x" });
  });
  test("the prefix: the folder above the configuration's, or the one given", () => {
    expect(config("server { }").prefix).toBe("/work");
    expect(config("server { }", {}, { prefix: "/srv/../srv/x" }).prefix).toBe("/srv/x");
    expect(config("server { }", {}, { prefix: "site" }).prefix).toBe("/work/site");
  });
});

test("formats of logs, also defined further down", () => {
  const given = settings(
    "access_log a late; access_log b json; access_log c mine buffer=32k flush=5m; access_log stdout; } log_format late escape=json '$uri ' $status; log_format mine json; server { listen 1;",
  );
  expect(
    given.accessLogs.map(({ target, format }) => [
      (target as FileTarget).file,
      format.name,
      format.template?.text ?? null,
      format.escape,
    ]),
  ).toEqual([
    ["/work/a", "late", "$uri $status", "json"],
    ["/work/b", "json", null, "json"],
    ["/work/c", "mine", null, "json"],
    ["stdout", "combined", expect.stringContaining("$remote_addr - "), "default"],
  ]);
});

test("named groups of any expression are variables", () => {
  config(
    "add_header X $sub; server { server_name ~^(?<sub>.+)\\.x$; location ~ ^/(?P<id>\\d+)$ { return 200 $id$sub$1; } }",
  );
});
