/** The directives of WebDAV: what they store, and what is said of a careless use of them. */
import { describe, expect, test } from "bun:test";
import type { Settings } from "../../../src/config/model.ts";
import { answerersOf } from "../../../src/routing/answering.ts";
import { config, location, messages, settings } from "./fake-files.ts";
import { hasNginx, inHttp, nginxTakes } from "./nginx.ts";

const ZONE = "dav_ext_lock_zone zone=foo:10m;";

test("the defaults", () => {
  expect(settings("")).toMatchObject({
    davMethods: [],
    davExtMethods: [],
    davLock: null,
    davAccess: 0o600,
    createFullPutPath: false,
    minDeleteDepth: 0,
  });
});

describe("what they store", () => {
  const table: readonly [directives: string, expected: Partial<Settings>][] = [
    ["dav_methods PUT DELETE MKCOL COPY MOVE;", { davMethods: ["PUT", "DELETE", "MKCOL", "COPY", "MOVE"] }],
    ["dav_methods put Delete;", { davMethods: ["PUT", "DELETE"] }],
    ["dav_methods off;", { davMethods: [] }],
    ["dav_methods PUT; create_full_put_path on;", { createFullPutPath: true }],
    ["dav_methods PUT; dav_access user:rw group:rw all:r;", { davAccess: 0o664 }],
    ["dav_methods PUT; dav_access group:rw all:r;", { davAccess: 0o664 }],
    ["dav_methods PUT; min_delete_depth 4;", { minDeleteDepth: 4 }],
    ["dav_ext_methods PROPFIND OPTIONS;", { davExtMethods: ["PROPFIND", "OPTIONS"] }],
    ["dav_ext_methods LOCK; dav_ext_lock zone=foo;", { davLock: { name: "foo", size: 10_485_760, timeout: 60_000 } }],
  ];
  test.each(table)("%s", (directives, expected) => {
    const text = `${ZONE} server { root /srv; location /up/ { ${directives} } }`;
    expect(location(config(text), "/up/").settings).toMatchObject(expected);
  });
  test("inner blocks inherit them, and a zone may be defined behind its use", () => {
    const text = `dav_methods PUT; dav_ext_lock zone=z; server { root /srv; location /a/ { } location /b/ { dav_methods off; } }
      dav_ext_lock_zone zone=z:1m timeout=10m;`;
    const found = (path: string) => location(config(text), path).settings;
    expect(found("/a/")).toMatchObject({
      davMethods: ["PUT"],
      davLock: { name: "z", size: 1_048_576, timeout: 600_000 },
    });
    expect(found("/b/").davMethods).toEqual([]);
  });
});

describe("what is said", () => {
  const inUp = (directives: string): string => `${ZONE} server { root /srv; location /up/ { ${directives} } }`;
  test.each([
    [
      inUp("dav_methods PUT FOO;"),
      'error: "dav_methods" expects "off" alone, or some of PUT, DELETE, MKCOL, COPY and MOVE, not "FOO"',
    ],
    [inUp("dav_methods off PUT;"), 'error: "dav_methods" expects "off" alone'],
    [inUp("dav_methods PUT PUT;"), 'warning: "PUT" is repeated'],
    [inUp("dav_methods PUT; dav_access other:r;"), 'error: "dav_access" expects user:, group: or all:'],
    [inUp("dav_access all:r;"), 'warning: "dav_access" has no effect: "dav_methods" is off here'],
    [
      inUp("dav_ext_lock zone=foo;"),
      'warning: "dav_ext_lock" has no effect: "dav_methods" and "dav_ext_methods" are off here',
    ],
    [inUp("dav_ext_methods LOCK;"), 'warning: "LOCK" has no effect: "dav_ext_lock" names no zone for locks here'],
    [
      inUp("dav_methods PUT; dav_ext_lock zone=fo;"),
      'error: no "dav_ext_lock_zone" defines the zone "fo" (did you mean "foo"?)',
    ],
    [inUp("dav_methods PUT; dav_ext_lock foo;"), 'error: "dav_ext_lock" expects zone=NAME, not "foo"'],
    [
      inUp("dav_methods PUT; proxy_pass http://127.0.0.1;"),
      'warning: "dav_methods" has no effect: "proxy_pass" answers here',
    ],
    [
      inUp("dav_methods PUT; allowed_methods GET DELETE;"),
      'warning: "dav_methods" has no effect: "allowed_methods" (line 1) leaves out PUT',
    ],
    [inUp("dav_methods PUT; return 204;"), 'warning: "dav_methods" has no effect: "return" answers here'],
    ["dav_ext_lock_zone foo;", 'error: unknown option "foo" of "dav_ext_lock_zone"'],
    ["dav_ext_lock_zone timeout=1m;", 'error: "dav_ext_lock_zone" needs zone=NAME:SIZE'],
    ["dav_ext_lock_zone zone=a;", 'error: "dav_ext_lock_zone" expects zone=NAME:SIZE, not "zone=a"'],
    ["dav_ext_lock_zone zone=a:1k;", 'error: the zone "a" is too small (at least 32k)'],
    [
      "dav_ext_lock_zone zone=a:1m timeout=0;",
      'error: "dav_ext_lock_zone" expects a time of at least 1s, not "timeout=0"',
    ],
    [`${ZONE}\n${ZONE}`, 'error: duplicate zone "foo" (first on line 1)'],
    [
      "server { location /up/ { dav_methods PUT; } }",
      'warning: "dav_methods" without "root" or "alias": clients change the default root "/work/html"',
    ],
    ["server { root /srv; location / { dav_methods PUT; cgi .py; } }", "error: clients could run what they upload"],
    ["server { root .; location / { dav_methods DELETE; } }", "warning: clients could change the configuration"],
  ])("%s: %s", (text, message) => expect(messages(text).join("\n")).toContain(message));
  test("nothing, of an error's consequences", () => {
    const all = messages(inUp("dav_methods FOO; dav_access all:r; min_delete_depth 2;"));
    expect(all.filter((message) => message.includes("no effect"))).toEqual([]);
  });
});

describe("the examples of the documentation", () => {
  const NGINX = `server { location / {
    root                  /data/www;
    client_body_temp_path /data/client_temp;
    dav_methods PUT DELETE MKCOL COPY MOVE;
    create_full_put_path  on;
    dav_access            group:rw  all:r;
    limit_except GET { allow 192.168.1.0/32; deny all; } } }`;
  const within = (directives: string): string => `server { location / { root /data/www; ${directives} } }`;
  const LOCKLESS = within("dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS;");
  const LOCKS =
    "dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK; dav_ext_lock zone=foo;";
  const FOR_MAC = "set $x $uri$request_method; if ($x ~ [^/]MKCOL$) { rewrite ^(.*)$ $1/; }";
  test.each([
    ["ngx_http_dav_module", NGINX],
    ["dav-ext: lockless", LOCKLESS],
    ["dav-ext: locking", `${ZONE} ${within(LOCKS)}`],
    ["dav-ext: locking which works with MacOS client", `${ZONE} ${within(`${FOR_MAC} ${LOCKS}`)}`],
  ])("%s", (_, text) => {
    expect(messages(text).filter((message) => message.includes("error"))).toEqual([]);
  });
  test.skipIf(!hasNginx)("nginx takes its own (needs nginx)", () => expect(nginxTakes(inHttp(NGINX))).toBe(true));
});

test("what is passed on is the other server's, as in nginx", () => {
  const text = `dav_methods PUT; dav_ext_methods PROPFIND OPTIONS; server { root /srv; location /a/ { } location /b/ { proxy_pass http://127.0.0.1; } }`;
  const names = (path: string) => answerersOf(location(config(text), path).settings).map(({ name }) => name);
  expect(names("/a/")).toEqual(["dav_methods", "dav_ext_methods", "files"]);
  expect(names("/b/")).toEqual(["pass", "files"]);
});

describe.skipIf(!hasNginx)("nginx itself (needs nginx)", () => {
  test.each([
    ["dav_methods PUT DELETE MKCOL COPY MOVE; create_full_put_path on; dav_access group:rw all:r;", true],
    ["dav_methods put;", true],
    ["dav_methods PUT FOO;", false],
    ["dav_access other:r;", false],
    ["min_delete_depth x;", false],
  ])("%s", (directives, takes) => {
    const text = inHttp(`server { location /data/www/ { root /srv; ${directives} } }`);
    expect(nginxTakes(text) === true).toBe(takes);
  });
});
