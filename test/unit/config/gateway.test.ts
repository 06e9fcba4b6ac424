/** The directives of the gateway: what each takes and refuses, beside nginx where it is installed, and what is made of it. */
import { describe, expect, test } from "bun:test";
import { config, FILE, load, location, messages } from "./fake-files.ts";
import { hasNginx, inHttp, inServer, nginxTakes } from "./nginx.ts";

const inLocation = (text: string): string => inServer(`location / { ${text} }`);
const FAMILIES = ["proxy", "fastcgi", "uwsgi", "scgi"];

/** Directives after the prefix of their family. */
const COMMON_TAKEN = [
  "connect_timeout 5s",
  "send_timeout 1m30s",
  "read_timeout 86400",
  "buffering off",
  "request_buffering off",
  "buffer_size 8k",
  "buffer_size 32k; PREFIX_buffers 4 32k; PREFIX_busy_buffers_size 64k",
  "buffers 4 32k",
  "buffers 16 16k; PREFIX_buffer_size 32k; PREFIX_temp_file_write_size 32k",
  "busy_buffers_size 16k",
  "max_temp_file_size 0",
  "temp_file_write_size 64k",
  "temp_path spool 1 2",
  "hide_header X-Powered-By; PREFIX_hide_header Via",
  "pass_header Server",
  "ignore_headers Expires cache-control Set-Cookie Vary X-Accel-Expires",
  "pass_request_body off",
  "pass_request_headers off",
  "next_upstream error timeout invalid_header http_500 http_503 non_idempotent",
  "next_upstream off",
  "next_upstream http_403 http_404 http_429",
  "next_upstream_tries 3",
  "next_upstream_timeout 10s",
  "intercept_errors on",
  "ignore_client_abort on",
  "force_ranges on",
  "socket_keepalive on",
  "limit_rate 100k",
  "bind 127.0.0.1",
  "bind [::1]:80",
  "bind $remote_addr transparent",
  "bind off",
  "store on",
  "store /data/www$uri; PREFIX_store_access user:rw group:rw all:r",
  "cache_key $host$uri",
  "cache_valid 10m",
  "cache_valid 200 302 10m; PREFIX_cache_valid 404 1m; PREFIX_cache_valid any 5s",
  "cache_methods GET HEAD POST",
  "cache_min_uses 3",
  "cache_bypass $cookie_nocache $arg_nocache; PREFIX_no_cache $http_pragma",
  "cache_use_stale error timeout updating http_500 http_503",
  "cache_lock on; PREFIX_cache_lock_timeout 10s; PREFIX_cache_lock_age 3s",
  "cache_background_update on",
  "cache_revalidate on",
  "cache_max_range_offset 10m",
  "cache off",
];

const COMMON_REFUSED = [
  "connect_timeout fast",
  "read_timeout",
  "buffering yes",
  "buffers 8",
  "buffers 1 4k",
  "buffers 0 4k",
  "buffer_size 4x",
  "max_temp_file_size -1",
  "ignore_headers Date",
  "next_upstream sometimes",
  "next_upstream http_418",
  "next_upstream_tries many",
  "limit_rate fast",
  "bind not/an/address",
  "bind 127.0.0.0.1",
  "bind 127.0.0.1:65536",
  "bind 127.0.0.1 opaque",
  "store_access user:rwx",
  "buffer_size 16k",
  "buffers 2 4k; PREFIX_busy_buffers_size 8k",
  "busy_buffers_size 2k",
  "temp_file_write_size 2k",
  "max_temp_file_size 1k",
  "cache_valid soon",
  "cache_valid 99 10m",
  "cache_methods PUT",
  "cache_min_uses x",
  "cache_use_stale http_418",
  "cache nosuch",
  "cache_lock maybe",
  "nosuch on",
];

const ZONE = "keys_zone=one:10m";

const TAKEN: readonly string[] = [
  ...FAMILIES.flatMap((family) =>
    COMMON_TAKEN.map((text) => inLocation(`${family}_${text.replaceAll("PREFIX", family)};`)),
  ),
  // proxy_pass
  inLocation("proxy_pass http://127.0.0.1;"),
  inLocation("proxy_pass http://127.0.0.1:8000/uri/;"),
  inLocation("proxy_pass HTTP://localhost:8000;"),
  inLocation("proxy_pass http://[::1]:8000/x;"),
  inLocation("proxy_pass http://unix:/tmp/backend.socket:/uri/;"),
  inLocation("proxy_pass http://unix:/tmp/backend.socket;"),
  inLocation("proxy_pass http://$host$uri;"),
  inLocation("proxy_pass $scheme://127.0.0.1:8080;"),
  inLocation("proxy_pass http://127.0.0.1?a=b;"),
  inServer("location ~ ^/x { proxy_pass http://127.0.0.1; }"),
  inServer("location @x { proxy_pass http://127.0.0.1; }"),
  inServer("location ~ ^/x/(.*) { proxy_pass http://127.0.0.1/$1; }"),
  inServer("location / { limit_except GET { proxy_pass http://127.0.0.1:8080; } }"),
  inHttp("upstream b { server 127.0.0.1; } server { location / { proxy_pass http://b; } }"),
  inHttp("upstream b { server 127.0.0.1; } server { location / { proxy_pass http://B/x; } }"),
  inHttp("server { location / { proxy_pass http://later/; } } upstream later { server 127.0.0.1; }"),
  // proxy only
  inLocation('proxy_set_header Host $host; proxy_set_header Connection ""; proxy_set_header X-A "b c";'),
  inLocation("proxy_http_version 1.1;"),
  inLocation("proxy_method POST; proxy_set_body $request_uri;"),
  inLocation("proxy_redirect off;"),
  inLocation("proxy_pass http://127.0.0.1; proxy_redirect default;"),
  inLocation("proxy_redirect http://localhost:8000/two/ http://frontend/one/;"),
  inLocation(
    "proxy_redirect ~^(http://[^:]+):\\d+(/.+)$ $1$2; proxy_redirect ~*/user/([^/]+)/(.+)$ http://$1.example.com/$2;",
  ),
  inLocation("proxy_cookie_domain localhost example.org; proxy_cookie_domain ~\\.([a-z]+\\.[a-z]+)$ $1;"),
  inLocation("proxy_cookie_domain off; proxy_cookie_path off;"),
  inLocation("proxy_cookie_path /two/ /; proxy_cookie_path ~*^/user/([^/]+) /u/$1;"),
  inLocation("proxy_cookie_flags one httponly; proxy_cookie_flags ~ nosecure samesite=strict;"),
  inLocation("proxy_next_upstream http_502 http_504; proxy_cache_use_stale http_502 http_504;"),
  inLocation("proxy_cache_convert_head off;"),
  // fastcgi, uwsgi, scgi
  inLocation(
    "fastcgi_pass localhost:9000; fastcgi_index index.php; fastcgi_param A $uri; fastcgi_param B $https if_not_empty;",
  ),
  inLocation("fastcgi_pass unix:/run/php/php-fpm.sock;"),
  inLocation("fastcgi_pass $host:9000;"),
  inLocation("fastcgi_split_path_info ^(.+\\.php)(/.*)$;"),
  inLocation("fastcgi_keep_conn on; fastcgi_catch_stderr a; fastcgi_catch_stderr b;"),
  inLocation("uwsgi_pass uwsgi://localhost:9000; uwsgi_param A b; uwsgi_modifier1 30; uwsgi_modifier2 1;"),
  inLocation("uwsgi_pass unix:/tmp/uwsgi.sock;"),
  inLocation("uwsgi_pass localhost:9000; uwsgi_param A b if_not_empty;"),
  inLocation("scgi_pass localhost:9000; scgi_param SCGI 1;"),
  inLocation("scgi_pass unix:/tmp/scgi.socket;"),
  inHttp(
    "upstream php { server unix:/run/a.sock; server unix:/run/b.sock backup; } server { location / { fastcgi_pass php; } }",
  ),
  // upstream
  inHttp(
    "upstream b { server 127.0.0.1 weight=5; server 127.0.0.1:8080 max_fails=3 fail_timeout=30s; server unix:/tmp/b3 down; server 127.0.0.2:8080 backup max_conns=10; }",
  ),
  inHttp(
    "upstream b { zone b 64k; least_conn; server 127.0.0.1; keepalive 32; keepalive_requests 100; keepalive_time 2h; keepalive_timeout 30s; }",
  ),
  inHttp("upstream b { ip_hash; server 127.0.0.1; server 127.0.0.2 down; }"),
  inHttp("upstream b { hash $request_uri consistent; server 127.0.0.1; }"),
  inHttp("upstream b { hash $remote_addr; server 127.0.0.1; }"),
  inHttp("upstream b { random; server 127.0.0.1; }"),
  inHttp("upstream b { random two least_conn; server 127.0.0.1; }"),
  // caches
  inHttp(`proxy_cache_path /tmp/c ${ZONE}; server { location / { proxy_cache one; } }`),
  inHttp(
    `proxy_cache_path c levels=1:2 use_temp_path=off ${ZONE} inactive=1h max_size=1g min_free=100m manager_files=1 manager_sleep=1s manager_threshold=1s loader_files=1 loader_sleep=1s loader_threshold=1s;`,
  ),
  inHttp(
    `fastcgi_cache_path /tmp/f levels=2 ${ZONE}; server { fastcgi_cache_key $uri; location / { fastcgi_cache one; } }`,
  ),
  inLocation("proxy_cache $host;"),
  // names and subrequests
  inServer("resolver 127.0.0.1; resolver_timeout 5s;"),
  inServer("resolver 127.0.0.1:5353 [::1]:53 valid=30s ipv6=off;"),
  inServer("location / { auth_request /auth; auth_request_set $user $upstream_http_x_user; add_header X-User $user; }"),
  inServer("location / { auth_request off; }"),
  inServer("location / { mirror /m; mirror /n; mirror_request_body off; }"),
  inServer("location /s { stub_status; } location /t { stub_status on; }"),
  inHttp("server { listen 8080 proxy_protocol; set_real_ip_from 10.0.0.0/8; real_ip_header proxy_protocol; }"),
  inServer("set $a b; set $b $a$uri; location / { set $a c; return 200 $a; }"),
];

const REFUSED: readonly string[] = [
  ...FAMILIES.flatMap((family) =>
    COMMON_REFUSED.map((text) => inLocation(`${family}_${text.replaceAll("PREFIX", family)};`)),
  ),
  ...FAMILIES.map((family) => inServer(`${family}_pass http://127.0.0.1:80;`)),
  ...FAMILIES.map((family) => inServer(`location / { ${family}_buffering on; ${family}_buffering off; }`)),
  ...FAMILIES.map((family) => inLocation(`${family}_cache_path /x ${ZONE};`)),
  ...FAMILIES.map((family) => inHttp(`${family}_cache_path /x;`)),
  inLocation("proxy_pass 127.0.0.1:8000;"),
  inLocation("proxy_pass ftp://127.0.0.1;"),
  inLocation("proxy_pass http://127.0.0.1:99999;"),
  inLocation("proxy_pass http://127.0.0.1:x/;"),
  inLocation("proxy_pass http://;"),
  inLocation("proxy_pass http:///x;"),
  inLocation("proxy_pass http://unix:;"),
  inLocation("proxy_pass http://no.such.host.invalid;"),
  inLocation("proxy_pass http://$nosuch;"),
  inServer("location ~ ^/x { proxy_pass http://127.0.0.1/; }"),
  inServer("location @x { proxy_pass http://127.0.0.1/; }"),
  inServer("location / { limit_except GET { proxy_pass http://127.0.0.1:8080/; } }"),
  inHttp("upstream b { server 127.0.0.1; } server { location / { proxy_pass http://b:80; } }"),
  inLocation("proxy_redirect a;"),
  inLocation("proxy_redirect ~( b;"),
  inLocation("proxy_redirect;"),
  inLocation("proxy_pass http://$host; proxy_redirect default;"),
  inLocation("proxy_cookie_domain a;"),
  inLocation("proxy_http_version 3;"),
  inLocation("proxy_set_header A;"),
  inLocation("fastcgi_next_upstream http_502;"),
  inLocation("fastcgi_pass 127.0.0.1;"),
  inLocation("fastcgi_pass nosuch;"),
  inLocation("fastcgi_param A;"),
  inLocation("fastcgi_param A b sometimes;"),
  inLocation("fastcgi_split_path_info ^(.+);"),
  inLocation("fastcgi_split_path_info (;"),
  inLocation("uwsgi_modifier1 x;"),
  inHttp("upstream b { }"),
  inHttp("upstream b { server no.such.host.invalid; }"),
  inHttp("upstream b { server 127.0.0.1; } upstream b { server 127.0.0.1; }"),
  inHttp("upstream b { server 127.0.0.1 weight=0; }"),
  inHttp("upstream b { server 127.0.0.1 wait=1; }"),
  inHttp("upstream b { server 127.0.0.1 fail_timeout=x; }"),
  inHttp("upstream b { ip_hash; server 127.0.0.1 backup; }"),
  inHttp("upstream b { hash $uri; server 127.0.0.1 backup; }"),
  inHttp("upstream b { server 127.0.0.1:x; }"),
  inHttp("upstream b { server 127.0.0.1; keepalive 0; }"),
  inHttp("upstream b { server 127.0.0.1; hash $uri consistently; }"),
  inHttp("upstream b { server 127.0.0.1; random three; }"),
  inHttp("upstream b { server 127.0.0.1; listen 80; }"),
  inHttp("upstream { server 127.0.0.1; }"),
  inServer("least_conn;"),
  inHttp(`proxy_cache_path /tmp/c levels=3 ${ZONE};`),
  inHttp("proxy_cache_path /tmp/c keys_zone=one;"),
  inHttp("proxy_cache_path /tmp/c keys_zone=one:1k;"),
  inHttp(`proxy_cache_path /tmp/c ${ZONE} max_size=x;`),
  inHttp(`proxy_cache_path /tmp/c ${ZONE} nosuch=1;`),
  inHttp(`proxy_cache_path /tmp/c ${ZONE}; proxy_cache_path /tmp/d ${ZONE};`),
  inHttp(`proxy_cache_path /tmp/c ${ZONE}; fastcgi_cache_path /tmp/c keys_zone=two:1m;`),
  inServer("resolver;"),
  inServer("resolver 127.0.0.1 valid=x;"),
  inServer("resolver 127.0.0.1 ipv6=maybe;"),
  inServer("resolver no.such.host.invalid;"),
  inServer("location / { auth_request; }"),
  inServer("location / { auth_request_set user a; }"),
  inServer("location / { set a b; }"),
  inServer("location / { set $a; }"),
];

describe("nginx's examples and what is like them", () => {
  test.each([...TAKEN])("%s", (text) => {
    expect(load(text).diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  });
});

describe("mistakes to nginx as to us", () => {
  test.each([...REFUSED])("%s", (text) => {
    expect(load(text).config).toBeNull();
  });
});

describe.skipIf(!hasNginx)(`nginx says the same${hasNginx ? "" : " (skipped: nginx is not installed)"}`, () => {
  test.each([...TAKEN])("of %s", (text) => expect(nginxTakes(text)).toBe(true));
  test.each([...REFUSED])("of %s", (text) => expect(nginxTakes(text)).not.toBe(true));
});

const settingsOf = (text: string, pattern = "/") => location(config(text), pattern).settings;

describe("what becomes of a pass", () => {
  const pass = (argument: string, pattern = "/") =>
    settingsOf(`server { location ${pattern} { proxy_pass ${argument}; } }`, pattern).pass!;
  test.each([
    ["http://127.0.0.1", { upstream: "127.0.0.1:80", uri: null, host: "127.0.0.1", port: "80" }],
    ["http://127.0.0.1:80/", { upstream: "127.0.0.1:80", uri: "/", host: "127.0.0.1", port: "80" }],
    ["http://127.0.0.1:81/a?b", { upstream: "127.0.0.1:81", uri: "/a?b", host: "127.0.0.1:81", port: "81" }],
    ["http://[::1]/x", { upstream: "[::1]:80", uri: "/x", host: "[::1]", port: "80" }],
    ["http://unix:/s:/x", { upstream: "unix:/s", uri: "/x", host: "localhost", port: "" }],
    ["http://unix:s", { upstream: "unix:/work/s", uri: null, host: "localhost", port: "" }],
    ["http://$host/x", { upstream: null, uri: null, host: "", port: "" }],
  ])("%s", (argument, expected) => expect(pass(argument)).toMatchObject({ ...expected, text: argument }));

  test("what a URI replaces is the location's prefix", () => {
    expect(pass("http://127.0.0.1/x/", "/a/").replaces).toBe("/a/");
  });
  test("locations within do not inherit it, what goes with it they do", () => {
    const given = config("server { location / { proxy_pass http://127.0.0.1; proxy_buffering off; location /a { } } }");
    expect(location(given, "/").settings.pass).not.toBeNull();
    expect(location(given, "/a").settings.pass).toBeNull();
    expect(location(given, "/a").settings.proxy.buffering).toBe(false);
  });
  test("the last one of a block counts", () => {
    const text = "server { location / { proxy_pass http://127.0.0.1; fastcgi_pass 127.0.0.1:9000; } }";
    expect(settingsOf(text).pass!.family).toBe("fastcgi");
    expect(messages(text)).toEqual([
      `${FILE}:1:65: warning: "fastcgi_pass" replaces the "proxy_pass" of this block (line 1)`,
    ]);
  });
});

test("/path is redirected to /path/ that is passed on, unless it has a location", () => {
  const patterns = (text: string): string[] =>
    config(`server { ${text} }`).servers[0]!.locations.map(({ modifier, pattern }) => modifier + pattern);
  expect(patterns("location /a/ { proxy_pass http://127.0.0.1; } location /b/ { }")).toEqual(["/a/", "/b/", "=/a"]);
  expect(patterns("location /a/ { fastcgi_pass 127.0.0.1:1; } location = /a { }")).toEqual(["/a/", "=/a"]);
  expect(patterns("location / { proxy_pass http://127.0.0.1; }")).toEqual(["/"]);
  expect(settingsOf("server { location /a/ { proxy_pass http://127.0.0.1; } }", "/a").return).toMatchObject({
    status: 301,
    text: { text: "/a/" },
  });
});

test("limit_except may pass what it does not except to somebody else", () => {
  const {
    pass,
    limitedPass,
    return: fixed,
  } = settingsOf("server { location / { limit_except GET { proxy_pass http://127.0.0.1:1; } return 200; } }");
  expect([pass, limitedPass!.upstream, fixed!.status]).toEqual([null, "127.0.0.1:1", 200]);
});

describe("upstreams", () => {
  test("a block with all its parameters", () => {
    const { upstreams } = config(`
      upstream B { least_conn; keepalive 8; server 127.0.0.1 weight=2 max_fails=0; server unix:/s backup down; }
      server { location / { proxy_pass http://b; } }`);
    const { servers, ...group } = upstreams.get("B")!;
    expect(group).toMatchObject({
      name: "B",
      balancing: { kind: "least_conn" },
      keepalive: 8,
      keepaliveRequests: 1000,
    });
    expect(servers).toMatchObject([
      { name: "127.0.0.1:80", weight: 2, maxFails: 0, failTimeout: 10_000, backup: false },
      { name: "unix:/s", addresses: [{ family: "unix", path: "/s" }], backup: true, down: true },
    ]);
    expect([...upstreams.keys()]).toEqual(["B"]);
  });
  test("a name has all addresses that it is looked up to, once", () => {
    const asked: string[] = [];
    const lookUp = (host: string): string[] => {
      asked.push(host);
      return ["10.0.0.1", "::1"];
    };
    const text = "server { location / { proxy_pass http://app:81; } location /b { proxy_pass http://app:81/x; } }";
    const { upstreams } = config(text, {}, { lookUp });
    expect(upstreams.get("app:81")!.servers[0]!.addresses).toEqual([
      { family: "ipv4", host: "10.0.0.1", port: 81 },
      { family: "ipv6", host: "::1", port: 81 },
    ]);
    expect(asked).toEqual(["app"]);
  });
  test("a name that nobody knows", () => {
    const lookUp = () => ({ error: "Name or service not known" });
    expect(messages("server { location / { proxy_pass http://app; } }", {}, { lookUp })).toEqual([
      `${FILE}:1:34: error: host not found in upstream "app" (Name or service not known)`,
    ]);
  });
  test("a misspelt one", () => {
    expect(messages("upstream backend { server 127.0.0.1; } server { location / { fastcgi_pass backnd; } }")).toEqual([
      `${FILE}:1:75: error: "fastcgi_pass" expects an upstream or an address with a port: there is no upstream "backnd" (did you mean "backend"?)`,
    ]);
  });
  test("a server that is looked up again and again needs a resolver", () => {
    const text = (more: string): string =>
      `${more} upstream b { server app:81 resolve; } server { location / { proxy_pass http://b; } }`;
    expect(messages(text(""))).toEqual([
      `${FILE}:1:22: error: "resolve" needs a "resolver" in this block or at the top level`,
    ]);
    const { resolver, servers } = config(text("resolver 127.0.0.1:54 valid=5s ipv6=off;")).upstreams.get("b")!;
    expect(resolver).toEqual({
      servers: [{ family: "ipv4", host: "127.0.0.1", port: 54 }],
      valid: 5000,
      ipv4: true,
      ipv6: false,
    });
    expect(servers[0]).toMatchObject({ addresses: [], resolve: { host: "app", port: 81 } });
  });
  test("sticky, queue, health_check", () => {
    const { sticky, queue, health } = config(`
      upstream b { sticky cookie s expires=1h path=/ httponly; queue 10 timeout=3s; server 127.0.0.1; }
      server { proxy_read_timeout 3s; location / { health_check interval=1s fails=3 uri=/ok; proxy_pass http://b; } }`).upstreams.get(
      "b",
    )!;
    expect(sticky).toMatchObject({ name: "s", expires: 3_600_000, httponly: true, secure: false, domain: null });
    expect(queue).toEqual({ length: 10, timeout: 3000 });
    expect(health).toMatchObject({
      interval: 1000,
      fails: 3,
      passes: 1,
      uri: "/ok",
      family: "proxy",
      readTimeout: 3000,
      connectTimeout: 60_000,
    });
  });
  test("health_check where nothing is passed to an upstream", () => {
    expect(messages("server { location / { health_check; proxy_pass http://127.0.0.1; } }")).toEqual([
      `${FILE}:1:23: error: "health_check" needs a "proxy_pass" (or another) to an upstream in its location`,
    ]);
  });
});

describe("inheritance", () => {
  test("each directive by itself, lists as a whole", () => {
    const given = config(`
      proxy_connect_timeout 1s; proxy_set_header A 1; fastcgi_param P 1; proxy_cache_valid 1m; proxy_hide_header H;
      server { proxy_read_timeout 2s; proxy_set_header B 2; proxy_set_header C 3;
        location / { proxy_cache_min_uses 4; fastcgi_param Q 2 if_not_empty; proxy_pass_header Server; } }`);
    const { proxy, proxyOnly, fastcgiOnly, fastcgi } = location(given, "/").settings;
    expect(proxy).toMatchObject({
      connectTimeout: 1000,
      readTimeout: 2000,
      sendTimeout: 60_000,
      hideHeaders: ["h"],
      passHeaders: ["server"],
    });
    expect(proxyOnly.setHeaders.map(({ name }) => name)).toEqual(["B", "C"]);
    expect(fastcgiOnly.params).toMatchObject([{ name: "Q", ifNotEmpty: true }]);
    expect(proxy.cache).toMatchObject({
      minUses: 4,
      valid: [{ statuses: [200, 301, 302], time: 60_000 }],
      methods: ["GET", "HEAD"],
    });
    expect(fastcgi.connectTimeout).toBe(60_000);
  });
  test("sizes follow the buffers unless they are written", () => {
    const proxy = (text: string) => settingsOf(`proxy_buffers 8 8k; server { ${text} location / { } }`).proxy;
    expect(proxy("")).toMatchObject({ busyBuffersSize: 16384, tempFileWriteSize: 16384 });
    expect(proxy("proxy_buffer_size 16k;")).toMatchObject({ busyBuffersSize: 32768 });
    expect(proxy("proxy_busy_buffers_size 9k;")).toMatchObject({ busyBuffersSize: 9216, tempFileWriteSize: 16384 });
  });
  test("proxy_redirect default is the location's", () => {
    const rules = (text: string, pattern: string) =>
      settingsOf(`server { location ${pattern} { ${text} } }`, pattern).proxyOnly.redirect.map(({ from, to }) =>
        from instanceof RegExp ? [from.source, to.text] : [from.constant, to.constant],
      );
    expect(rules("proxy_pass http://127.0.0.1:8000/two/;", "/one/")).toEqual([["http://127.0.0.1:8000/two/", "/one/"]]);
    expect(rules("proxy_pass http://127.0.0.1:8000;", "/one/")).toEqual([["http://127.0.0.1:8000/", "/"]]);
    expect(rules("proxy_pass http://$host;", "/one/")).toEqual([]);
    expect(rules("proxy_pass http://127.0.0.1; proxy_redirect off;", "/")).toEqual([]);
    expect(rules("proxy_pass http://127.0.0.1; proxy_redirect ~a b; proxy_redirect default;", "/")).toEqual([
      ["a", "b"],
      ["http://127.0.0.1/", "/"],
    ]);
  });
});

test("a cache with its zone, and how it is purged", () => {
  const given = config(`
    proxy_cache_path cache/ levels=1:2 keys_zone=one:1m max_size=10g use_temp_path=off;
    server { location / { proxy_cache one; proxy_cache_purge PURGE from 127.0.0.1 10.0.0.0/8; } }`);
  expect(given.caches.get("one")).toMatchObject({
    path: "/work/cache",
    levels: [1, 2],
    keysSize: 2 ** 20,
    maxSize: 10 * 2 ** 30,
    inactive: 600_000,
  });
  expect(location(given, "/").settings.proxy.cache).toMatchObject({
    purge: { method: "PURGE", from: [{ bits: 32 }, { bits: 8 }], conditions: [] },
  });
});

describe("nginx's stock files", () => {
  test("are built in where there are none", () => {
    const text =
      "server { include /etc/nginx/mime.types; location / { include uwsgi_params; uwsgi_pass 127.0.0.1:1; } }";
    expect(settingsOf(text).uwsgiOnly.params.length).toBeGreaterThan(10);
    expect(settingsOf(text).types.get("html")).toBe("text/html");
  });
  test("give way to those beside the configuration", () => {
    const text = "server { location / { include uwsgi_params; } }";
    const given = config(text, { "conf/uwsgi_params": "uwsgi_param A b;" });
    expect(location(given, "/").settings.uwsgiOnly.params.map(({ name }) => name)).toEqual(["A"]);
  });
});
