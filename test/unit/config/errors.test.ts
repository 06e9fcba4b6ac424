/** The mistakes in configurations, and how they are told: each with the exact message, at its exact place. */

import { describe, expect, test } from "bun:test";
import { ERRNO } from "../../../ffi/errno.ts";
import { formatDiagnostic, loadConfig } from "../../../src/config/load.ts";
import { VARIABLES } from "../../../src/exchange/variables/variables.ts";
import type { Entry } from "./fake-files.ts";
import { FakeFiles, FIFO, FILE, FOLDER, messages } from "./fake-files.ts";

/** A message as it is shown: an error, unless it says that it is a warning. */
const said = (message: string): string => (message.startsWith("warning: ") ? message : `error: ${message}`);

/** One mistake and what is said of it; `|` in the text shows where, and is taken out. */
function finds(what: string, marked: string, message: string): void {
  test(what, () => {
    const before = marked.slice(0, marked.indexOf("|")).split("\n");
    const place = `${FILE}:${before.length}:${[...before.at(-1)!].length + 1}`;
    expect(messages(marked.replace("|", ""))).toEqual([`${place}: ${said(message)}`]);
  });
}

/** The same for a directive in a server. */
function inServer(directive: string, message: string): void {
  finds(directive.replace("|", ""), `server { ${directive} }`, message);
}

describe("an example of several mistakes", () => {
  test("file, line, column, the offending text, the nearest name", () => {
    const text = `${"\n".repeat(11)}    client_max_boddy_size 1m;\nserver {}`;
    expect(messages(text)).toEqual([
      'conf/site.conf:12:5: error: unknown directive "client_max_boddy_size" (did you mean "client_max_body_size"?)',
    ]);
  });
});

describe("unknown directives", () => {
  inServer("|lisen 80;", 'unknown directive "lisen" (did you mean "listen"?)');
  inServer("|ROOT www;", 'unknown directive "ROOT" (did you mean "root"?)');
  inServer("|xylophone 1;", 'unknown directive "xylophone"');
  inServer("|xylophone { listen 99999; }", 'unknown directive "xylophone"');
  finds(
    "a no-break space is made visible",
    "|\u00a0server {} server {}",
    'unknown directive "\\u{a0}server" (did you mean "server"?)',
  );
});

describe("other words for a directive", () => {
  for (const [word, name] of [
    ["methods", "allowed_methods"],
    ["cgi_handler", "cgi"],
    ["cgi_pass", "cgi"],
    ["redirect", "return"],
    ["host", "listen"],
    ["upload_path", "upload_store"],
    ["directory_listing", "autoindex"],
  ] as const)
    inServer(`|${word} x;`, `unknown directive "${word}" (did you mean "${name}"?)`);
});

describe("what a mistake brings with it is not told as another one", () => {
  inServer("|map $uri $x { } return 200 $x;", '"map" is not allowed in "server" (only in http)');
  inServer(
    'location / { if (|"$arg_a" = "b") { return 403; root www; } }',
    '"if" does not know the condition ("$arg_a" = b): expected ($NAME), ($NAME OPERATOR TEXT) with = != ~ ~* !~ or !~*, or (-f FILE) with -f -d -e -x or ! before it',
  );
  inServer(
    'location ~ |"^/(?<name>a" { return 200 $name; }',
    'invalid regular expression "^/(?<name>a": missing ), at character 12',
  );
  inServer(
    'location ~ |"^/(?P<name>a" { } return 200 $name;',
    'invalid regular expression "^/(?P<name>a": missing ), at character 13',
  );
  finds(
    "a group of a refused server name",
    'server { server_name |"~^(?<name>a"; return 200 $name; }',
    'invalid server name "~^(?<name>a": invalid regular expression: missing ), at character 11',
  );
  finds("a missing ; before an unknown word", "server { root |www\n roott x; }", 'missing ";" after "root www"');
  finds(
    "a missing ; before a word alone",
    "server { location / { root |www\n internal; } }",
    'missing ";" after "root www"',
  );
});

describe("blocks that do not do what they say", () => {
  inServer(
    "root www; |allowed_methods GET DELETE;",
    'warning: "allowed_methods" names DELETE, but without "delete_files" nothing here performs it',
  );
  inServer(
    "root www; |allowed_methods GET PUT;",
    'warning: "allowed_methods" names PUT, but without "upload_store" nothing here performs it',
  );
  inServer("root www; allowed_methods GET |GET;", 'warning: "GET" is repeated');
});

test("a server without listen says where it listens", () => {
  const { diagnostics } = loadConfig({
    kernel: new FakeFiles({ [FILE]: "server { }", "/work/html": FOLDER }),
    variables: VARIABLES,
    file: FILE,
  });
  expect(diagnostics.map(formatDiagnostic)).toContain(
    'conf/site.conf:1:1: warning: this server has no "listen": it listens on port 8000',
  );
});

test("bytes that are not UTF-8 are those of a folder's name", () => {
  const text = Buffer.from("server { listen 1; root /caf\xe9; } # \xff", "latin1");
  const loaded = loadConfig({
    kernel: new FakeFiles({ [FILE]: text, "/caf\udce9": FOLDER }),
    variables: VARIABLES,
    file: FILE,
  });
  expect(loaded.diagnostics.map(formatDiagnostic)).toEqual([]);
  expect(loaded.config!.servers[0]!.scope.settings.root.constant).toBe("/caf\udce9");
});

describe("nginx's directives that would change what is served", () => {
  inServer(
    "location / { |grpc_pass b:1; }",
    '"grpc_pass" is not supported (pass to a server that speaks HTTP/1.1 or FastCGI)',
  );
  inServer("|ssl_magic on;", '"ssl_magic" is not supported (this is not a directive of OpenSSL that Webserv knows)');
  inServer(
    "location / { |image_filter test; }",
    '"image_filter" is not supported (replies are not rewritten: let a program do it)',
  );
  inServer("location / { |image_filter off; }", 'warning: "image_filter off" has no effect here (it is always off)');
  inServer('|auth_basic "closed";', '"auth_basic" needs "auth_basic_user_file", which is missing here');
  inServer(
    "|ssl_ocsp on;",
    '"ssl_ocsp" is not supported (revoked certificates of clients would be taken: list them by ssl_crl)',
  );
  inServer(
    "|proxy_ssl_password_file a;",
    '"proxy_ssl_password_file" is not supported (decrypt the key (openssl pkey), and let nobody else read it)',
  );
  inServer("|auth_jwt a;", '"auth_jwt" is not supported (use "auth_basic" or "auth_request")');
});

describe("nginx's directives that make no difference", () => {
  finds(
    "worker_processes",
    "|worker_processes 4; server {}",
    'warning: "worker_processes" has no effect here (one process serves all)',
  );
  finds("use", "events { |use epoll; } server {}", 'warning: "use" has no effect here (it always uses epoll)');
  inServer(
    "|sendfile on;",
    'warning: "sendfile" has no effect here (small replies leave in one send, larger files by sendfile)',
  );
  inServer(
    "|tcp_nopush on;",
    'warning: "tcp_nopush" has no effect here (small replies leave in one send, larger files by sendfile)',
  );
  inServer("|ssl_stapling on;", 'warning: "ssl_stapling" has no effect here (the handshake works without it)');
  inServer(
    "location / { |grpc_set_header a b; }",
    'warning: "grpc_set_header" has no effect here (it belongs to "grpc_pass", which is not supported)',
  );
  finds(
    "load_module",
    "load_module |modules/ngx_http_echo_module.so; server {}",
    'warning: "load_module" has no effect here ("modules/ngx_http_echo_module.so": its directives are refused where they are used)',
  );
  finds(
    "load_module of what is built in",
    "load_module |/usr/lib/nginx/modules/ngx_http_brotli_filter_module.so; server {}",
    'warning: "load_module" has no effect here ("/usr/lib/nginx/modules/ngx_http_brotli_filter_module.so": it is built in)',
  );
  finds(
    "user",
    "|user www-data; server {}",
    'warning: "user" has no effect here (Webserv runs as the user who starts it)',
  );
  finds(
    "daemon on",
    "daemon |on; server {}".replace("|", "").replace("daemon", "|daemon"),
    'warning: "daemon on" has no effect here (the server stays in the foreground)',
  );
});

describe("wrong context", () => {
  finds("listen in http", "http { |listen 80; server {} }", '"listen" is not allowed in "http" (only in server)');
  finds("listen at the top", "|listen 80; server {}", '"listen" is not allowed at the top level (only in server)');
  inServer("|user www-data;", '"user" is not allowed in "server" (only at the top level)');
  inServer(
    "location / { limit_except GET { |user www-data; } }",
    '"user" is not allowed in "limit_except" (only at the top level)',
  );
  inServer("|pid a.pid;", '"pid" is not allowed in "server" (only at the top level)');
  inServer("|server { root www; }", '"server" is not allowed in "server" (only in http)');
  inServer("|alias www/;", '"alias" is not allowed in "server" (only in location)');
  inServer(
    "location / { limit_except GET { |root www; } }",
    '"root" is not allowed in "limit_except" (only in http, server, location, if in location)',
  );
  finds(
    "a location at the top",
    "|location / { } server {}",
    '"location" is not allowed at the top level (only in server, location)',
  );
});

describe("number of arguments", () => {
  inServer("|root;", '"root" takes 1 argument (DIR), not 0');
  inServer("root a |b;", 'unexpected argument "b": "root" takes 1 argument (DIR), not 2');
  inServer("|listen;", '"listen" takes at least 1 argument (ADDRESS), not 0');
  inServer("|try_files $uri;", '"try_files" takes at least 2 arguments (FILE... URI | =CODE | @NAME), not 1');
  inServer("|keepalive_timeout;", '"keepalive_timeout" takes 1 to 2 arguments (TIME [TIME]), not 0');
  inServer(
    "add_header a b always |d;",
    'unexpected argument "d": "add_header" takes 2 to 3 arguments (NAME VALUE [always]), not 4',
  );
  finds("server with an argument", "server |a { }", 'unexpected argument "a": "server" takes no arguments, not 1');
  inServer("|include;", '"include" takes 1 argument (FILE), not 0');
});

describe("blocks and semicolons", () => {
  finds("block where none belongs", "server { |root www { } }", '"root" takes no block (expected ";", not "{")');
  finds("no block where one belongs", "|server;", '"server" needs a block (expected "{", not ";")');
  finds("missing ; before }", "server { root www| }", 'missing ";" after "root www"');
  finds(
    "missing ; before the next directive",
    "server {\n  root www|\n  index a.html;\n}",
    'missing ";" after "root www"',
  );
  finds("missing ; before a block", "server {\n  root www|\n  location / { }\n}", 'missing ";" after "root www"');
  test("a word in quotes at the start of a line is an argument, whatever it says", () => {
    expect(messages('server {\n  add_header\n  "etag" on;\n}')).toEqual([]);
  });
  finds("missing ; after a bare name", "server { etag on; server_tokens| }", 'missing ";" after "server_tokens"');
  finds("a } too many", "server { }\n|}", 'unexpected "}" (no block is open here)');
  finds("an empty directive", "server { etag on;|; }", 'unexpected ";" (expected a directive)');
  finds("a block without name", "server { |{ etag on; } }", 'unexpected "{" (expected a directive)');
  finds(
    "missing }",
    "server {\n  location / { etag on; }\n|",
    'missing "}": the block "server" opened on line 1 is not closed',
  );
  finds("unterminated quote", 'server {\n  return 200 |"abc;\n}', 'unterminated quote (no closing ")');
  finds(
    "unterminated quote before another",
    `server {\n  return 200 |'abc;\n  add_header X 'y';\n}`,
    "unterminated quote (no closing ')",
  );
  finds(
    "text after a quote",
    `server { add_header X "y"|z; }`,
    'unexpected "z" after a closing quote (expected a blank or ";")',
  );

  test("a missing ; hides nothing that follows", () => {
    expect(messages("server {\n  root www\n  etag maybe;\n}")).toEqual([
      'conf/site.conf:2:11: error: missing ";" after "root www"',
      'conf/site.conf:3:8: error: "etag" expects "on" or "off", not "maybe"',
    ]);
  });

  test("a name of a directive that begins a line is still an argument when it stands alone there", () => {
    expect(messages("server { index\n  index.html\n  root\n  ; server_name a\n server; }")).toEqual([]);
  });

  test("blocks nested too deep", () => {
    const text = `server { ${"location / { ".repeat(40)}${"} ".repeat(40)}}`;
    expect(messages(text).filter((line) => line.includes("nested"))).toEqual([
      `${FILE}:1:${"server { ".length + 31 * "location / { ".length + 1}: error: blocks are nested deeper than 32`,
    ]);
  });
});

describe("duplicates", () => {
  inServer("root www; |root www;", 'duplicate directive "root" (first on line 1)');
  test("a list that occurs again grows, as in nginx", () => {
    const lists = "gzip_types a/b text/css; gzip_types text/css c/d; gzip_proxied auth; gzip_proxied expired auth;";
    const kernel = new FakeFiles({ [FILE]: `server { ${lists} }` });
    const { config } = loadConfig({ kernel, variables: VARIABLES, file: FILE });
    const { gzipTypes, gzipProxied } = config!.servers[0]!.scope.settings;
    expect([...gzipProxied]).toEqual(["auth", "expired"]);
    expect([...gzipTypes]).toEqual(["text/html", "a/b", "text/css", "c/d"]);
  });
  finds("http", "http { server { } }\n|http { }", 'duplicate directive "http" (first on line 1)');
  inServer("location /a { } location |/a { }", 'duplicate location "/a" (first on line 1)');
  inServer("location /a { } location ^~ |/a { }", 'duplicate location "/a" (first on line 1)');
  inServer(
    "location ~ a { } location ~ |a { }",
    'warning: duplicate location "a" (first on line 1): this one is never reached',
  );
  inServer("location @a { } location |@a { }", 'duplicate location "@a" (first on line 1)');
  inServer("listen 80; listen |*:80;", 'duplicate listen "0.0.0.0:80" in this server (first on line 1)');
  inServer("listen [::1]:80; listen |[0:0::1]:80;", 'duplicate listen "[::1]:80" in this server (first on line 1)');
  inServer("server_name a |A;", 'warning: server name "A" is repeated');
  finds("log_format", "log_format a b; log_format |a c; server {}", 'duplicate log format "a" (first on line 1)');
  finds("log_format combined", "log_format |combined c; server {}", 'log format "combined" is built in');

  test("the same path with = is another location", () => {
    expect(messages("server { location /a { } location = /a { } location ~ /a { } location ~* /a { } }")).toEqual([]);
  });
});

describe("servers that contradict each other", () => {
  const two = (what: string, first: string, second: string, message: string): void =>
    finds(what, `server { ${first} }\nserver { ${second} }`, message);
  two(
    "same name",
    "listen 80; server_name a;",
    "listen 80; server_name b |A;",
    'warning: conflicting server name "a" on 0.0.0.0:80 is ignored (first on line 1)',
  );
  two(
    "same wildcard",
    "server_name *.a;",
    "server_name |.a;",
    'warning: conflicting server name "*.a" on 0.0.0.0:8000 is ignored (first on line 1)',
  );
  two(
    "same expression",
    "server_name ~x;",
    "server_name |~x;",
    'warning: conflicting server name "~x" on 0.0.0.0:8000 is ignored (first on line 1)',
  );
  two(
    "two defaults",
    "listen 80 default_server; server_name a;",
    "listen |80 default; server_name b;",
    "a second default server for 0.0.0.0:80 (first on line 1)",
  );
  two(
    "options",
    "listen 80 backlog=5; server_name a;",
    "listen |80 backlog=6; server_name b;",
    '"backlog" of 0.0.0.0:80 is not what it is on line 1',
  );

  test("no name on the same address", () => {
    expect(messages("server { }\nserver { }")).toEqual([
      'conf/site.conf:2:1: warning: conflicting server name "" on 0.0.0.0:8000 is ignored (first on line 1)',
    ]);
  });
  test("the same name on different addresses is none", () => {
    expect(messages("server { listen 80; server_name a; } server { listen 81; server_name a; }")).toEqual([]);
    expect(messages("server { listen 80; server_name a; } server { listen 127.0.0.1:80; server_name a; }")).toEqual([]);
  });
  test("a bad listen or name is one mistake: nothing is put in its place that could contradict another server", () => {
    expect(messages("server { }\nserver { listen x:1; }\nserver { server_name a*; }")).toEqual([
      expect.stringMatching(/^conf\/site\.conf:2:17: error: "listen" expects /),
      expect.stringMatching(/^conf\/site\.conf:3:22: error: invalid server name "a\*"/),
    ]);
  });
});

describe("listen", () => {
  const forms = "PORT, ADDRESS:PORT, [IPV6]:PORT, *:PORT, localhost:PORT or unix:PATH";
  inServer("listen |65536;", "port 65536 is out of range (0 to 65535)");
  inServer("listen |127.0.0.1:99999;", "port 99999 is out of range (0 to 65535)");
  inServer("listen |127.0.0.1:http;", '"listen" expects a port, not "http"');
  inServer("listen |-1;", `"listen" expects ${forms}, not "-1"`);
  inServer("listen |256.0.0.1:80;", `"listen" expects ${forms}, not "256.0.0.1"`);
  inServer("listen |example.org:80;", `"listen" expects ${forms}, not "example.org"`);
  inServer("listen |::1:80;", `"listen" expects ${forms}, not "::1:80"`);
  inServer("listen |[::1:80;", `"listen" expects ${forms}, not "[::1:80"`);
  inServer("listen |[127.0.0.1]:80;", `"listen" expects ${forms}, not "[127.0.0.1]"`);
  inServer("listen |unix:;", '"listen" expects a path after "unix:"');
  inServer(
    `listen |unix:/${"x".repeat(107)};`,
    `the path of a unix socket has at most 107 bytes, "/${"x".repeat(107)}" has 108`,
  );
  inServer(
    `listen |unix:/${"x".repeat(500)};`,
    `the path of a unix socket has at most 107 bytes, "/${"x".repeat(236)}..." has 501`,
  );
  inServer(
    "ssl_certificate |/x/$ssl_server_name.pem;",
    '"ssl_certificate" with variables is not supported: write a server with a server_name and a file for each certificate',
  );
  inServer("listen |443 ssl;", '"listen ... ssl" needs "ssl_certificate" and "ssl_certificate_key"');
  inServer("listen 80 |http2;", 'warning: option "http2" of "listen" has no effect here');
  inServer("listen 80 |quic;", 'option "quic" of "listen" is not supported (Webserv speaks HTTP/1.1)');
  inServer("listen 80 proxy_protocol |proxy_protocol;", 'duplicate option "proxy_protocol" of "listen"');
  const expected = "(expected default_server, backlog=N, reuseport, ipv6only=on|off, proxy_protocol or ssl)";
  inServer("listen 80 |defualt_server;", `unknown option "defualt_server" of "listen" ${expected}`);
  inServer("listen 80 |backlog=0;", `unknown option "backlog=0" of "listen" ${expected}`);
  inServer("listen 80 |ipv6only=maybe;", `unknown option "ipv6only=maybe" of "listen" ${expected}`);
  inServer("listen 80 reuseport |reuseport;", 'duplicate option "reuseport" of "listen"');
  inServer("listen 80 |deferred;", 'warning: option "deferred" of "listen" has no effect here');
});

describe("server_name and location", () => {
  inServer(
    "server_name |w*.x;",
    'invalid server name "w*.x": a "*" stands for whole labels, at the start ("*.x.org") or at the end ("x.*")',
  );
  inServer('server_name |"a b";', 'invalid server name "a b": a host name has no blanks and no control characters');
  inServer(
    "server_name |a:80;",
    'warning: no request has the server name "a:80": a host name without scheme, port and path is expected',
  );
  inServer(
    "server_name |bücher.example;",
    'warning: no request has the server name "bücher.example": host names are ASCII: write others in their xn-- form',
  );
  inServer("server_name |~(;", 'invalid server name "~(": invalid regular expression: missing ), at character 2');
  inServer("location ~ |( { }", 'invalid regular expression "(": missing ), at character 2');
  inServer("location |% /x { }", '"location" expects [= | ^~ | ~ | ~*] PATH | @NAME, not "% /x"');
  inServer("location |= { }", '"location" expects [= | ^~ | ~ | ~*] PATH | @NAME, not "="');
  inServer("location |x { }", 'warning: location "x" never matches (a path starts with "/")');
  const several =
    "what it repeats can match the same characters in more than one way, so the steps could double with each";
  const slow = `${several}; it is matched all ways at once, which takes some microseconds more`;
  inServer('location ~ |"^/(\\w|\\d)+$" { }', `warning: slow regular expression "^/(\\w|\\d)+$": ${slow}`);
  inServer('gzip_disable |"(\\w|\\d)+b";', `warning: slow regular expression "(\\w|\\d)+b": ${slow}`);
  inServer('server_name |"~^(a+)+$";', `warning: slow regular expression "~^(a+)+$": ${slow}`);
  inServer(
    'location ~ |"^/(?!b)(a+)+$" { }',
    `warning: slow regular expression "^/(?!b)(a+)+$": ${several}; and as it looks around or refers to a group, what is longer than 20 characters and could match gets 500`,
  );
  inServer("location /a { location |/b { } }", 'location "/b" is outside of the location "/a" around it');
  inServer("location = /a { location |/a/b { } }", 'location "/a/b" cannot be in the exact location "/a"');
  inServer("location @a { location |/b { } }", 'location "/b" cannot be in the named location "@a"');
  inServer("location /a { location |@b { } }", 'location "@b" can only be in a server, not in another location');
  inServer("location @a { alias |www/; }", '"alias" cannot be used in a named location');
  inServer("location /a { root www; alias |www/; }", '"root" and "alias" exclude each other in one location');
});

describe("kinds of arguments", () => {
  const aSize = "a size (bytes, or with a unit: 8k, 5m, 1g)";
  const aTime = "a time above 0 (seconds, or with units: 30s, 5m, 1h30m, 500ms)";
  inServer("client_max_body_size |5x;", `"client_max_body_size" expects ${aSize}, not "5x"`);
  inServer(
    "client_max_body_size |99999999g;",
    `"client_max_body_size" expects ${aSize}, not "99999999g", which is too large`,
  );
  inServer(
    "client_header_buffer_size |1g;",
    '"client_header_buffer_size" expects a size between 64 and 16m (bytes, or with a unit: 8k, 5m, 1g), not "1g"',
  );
  inServer("send_timeout |soon;", `"send_timeout" expects ${aTime}, not "soon"`);
  inServer("send_timeout |0;", `"send_timeout" expects ${aTime}, not "0"`);
  inServer("send_timeout |5m1h;", `"send_timeout" expects ${aTime}, not "5m1h"`);
  inServer("keepalive_requests |many;", '"keepalive_requests" expects a whole number of at least 0, not "many"');
  finds(
    "worker_connections",
    "events { worker_connections |0; } server {}",
    '"worker_connections" expects a whole number between 1 and 10000000, not "0"',
  );
  inServer("autoindex |yes;", '"autoindex" expects "on" or "off", not "yes"');
  inServer("autoindex_format |text;", '"autoindex_format" expects "html", "xml", "json" or "jsonp", not "text"');
  inServer("if_modified_since |later;", '"if_modified_since" expects "exact", "before" or "off", not "later"');
  inServer("default_type |text;", '"default_type" expects a media type such as text/html, not "text"');
  inServer('charset |"a b";', `"charset" expects a charset's name, a variable or "off", not "a b"`);
  inServer("add_header |a:b c;", `"add_header" expects a field's name, not "a:b"`);
  const end = "the server says itself where a reply ends";
  const connection = "it is about the connection, which is the server's";
  const keepAlive = 'use "keepalive_timeout"; 0 closes after each reply';
  inServer("add_header |Content-Length 5;", `warning: "add_header Content-Length" has no effect here (${end})`);
  inServer(
    "add_header |transfer-encoding chunked;",
    `warning: "add_header transfer-encoding" has no effect here (${end})`,
  );
  inServer("add_header |Trailer X always;", `warning: "add_header Trailer" has no effect here (${end})`);
  inServer("add_header |Connection close;", `warning: "add_header Connection" has no effect here (${keepAlive})`);
  inServer("add_header |Keep-Alive timeout=5;", `warning: "add_header Keep-Alive" has no effect here (${keepAlive})`);
  inServer(
    "add_header |Proxy-Connection close;",
    `warning: "add_header Proxy-Connection" has no effect here (${connection})`,
  );
  inServer("add_header |TE trailers;", `warning: "add_header TE" has no effect here (${connection})`);
  inServer("add_header |Upgrade h2c;", `warning: "add_header Upgrade" has no effect here (${connection})`);
  inServer("add_header |Date now;", 'warning: "add_header Date" has no effect here (it is the server\'s clock)');
  inServer(
    "add_header |Content-Range bytes;",
    'warning: "add_header Content-Range" has no effect here (it says which part of a file is sent)',
  );
  inServer("add_header a b |sometimes;", '"add_header" expects "always", not "sometimes"');
  inServer(
    "allowed_methods GET |get;",
    '"allowed_methods" expects methods in capital letters, but TRACE and CONNECT, or any, not "get"',
  );
  inServer(
    "location / { limit_except GET |PROPFNID { deny all; } }",
    '"limit_except" expects one of the methods GET HEAD POST PUT DELETE MKCOL COPY MOVE OPTIONS PROPFIND PROPPATCH LOCK UNLOCK PATCH, not "PROPFNID"',
  );
  inServer(
    "allow |10.0.0.0/33;",
    '"allow" expects all, an address, a network such as 10.0.0.0/8, or unix:, not "10.0.0.0/33"',
  );
  inServer(
    "deny |host.example;",
    '"deny" expects all, an address, a network such as 10.0.0.0/8, or unix:, not "host.example"',
  );
  inServer("deny |10.0.0.1/8;", 'warning: the low bits of "10.0.0.1/8" have no meaning and are taken as zero');
  inServer("types { |html text/html; }", '"types" expects a media type such as text/html, not "html"');
  inServer("types { |text/html; }", '"text/html" in "types" needs at least 1 extension');
  inServer("types { text/html a; text/plain |a; }", 'warning: extension "a" has had the type "text/html"');
  inServer("types { |text/html { } }", 'unexpected block "text/html" in "types" (expected TYPE EXTENSION...;)');
  inServer("open_file_cache |maximum=3;", '"open_file_cache" expects max=N, inactive=TIME, or off, not "maximum=3"');
  inServer("|open_file_cache inactive=3s;", '"open_file_cache" needs max=N, or off');
  const expires = "off, epoch, max, a time with or without sign, modified TIME, or @TIME before 24h";
  inServer("expires |never;", `"expires" expects ${expires}, not "never"`);
  inServer("expires |@24h;", `"expires" expects ${expires}, not "@24h"`);
  inServer("expires |@-1h;", `"expires" expects ${expires}, not "@-1h"`);
  inServer("expires modified |max;", `"expires" expects ${expires}, not "max"`);
});

describe("return, error_page, try_files", () => {
  inServer("return http://x/ |y;", 'unexpected argument "y": a URL is the last argument of "return"');
  inServer("return |99;", '"return" expects a status between 200 and 599, or a URL with http:// or https://, not "99"');
  inServer(
    "return |/elsewhere;",
    '"return" expects a status between 200 and 599, or a URL with http:// or https://, not "/elsewhere"',
  );
  inServer(
    "return 200 a |b;",
    'unexpected argument "b": "return" takes 1 to 2 arguments (CODE [TEXT] | CODE URL | URL), not 3',
  );
  inServer("return 404; |return 200;", 'warning: this "return" is never reached (a "return" stands before it)');
  inServer("error_page |200 /x;", '"error_page" expects statuses between 300 and 599, not "200"');
  inServer("error_page |=200 /x;", '"error_page" needs at least one status before "="');
  inServer("error_page 404 |=2 /x;", '"error_page" expects =CODE between 200 and 599, not "=2"');
  inServer("error_page 404 |x.html;", 'warning: "x.html" is sent as a redirect: a page of this server starts with "/"');
  inServer("error_page 404 |=200;", '"error_page" expects a path, @NAME or a URL at its end, not "=200"');
  inServer("|return 301;", 'warning: "return 301" without a URL redirects to nowhere');
  inServer(
    "|error_page 404 /404.html;".replace("|error_page 404 ", "root www; error_page 404 |"),
    'warning: the error page "/404.html" is not there: "/work/www/404.html" does not exist',
  );
  inServer("error_page 404 |@missing;", 'no location "@missing" in this server');
  inServer("try_files $uri |@missing;", 'no location "@missing" in this server');
  inServer("try_files $uri |=4;", '"try_files" expects =CODE between 200 and 599, not "=4"');
});

describe("variables and logs", () => {
  inServer("return 200 |$hots;", 'unknown variable "$hots" (did you mean "$host"?)');
  inServer('return 200 |"a ${host";', 'the closing "}" of a variable is missing in "a ${host"');
  inServer("return 200 |a$;", 'a "$" without a variable name in "a$"');
  inServer("add_header X |$0;", 'unknown variable "$0"');
  inServer("root |/a/$document_root;", '"$document_root" cannot be used in "root"');
  inServer("access_log a.log |shrot;", 'unknown log format "shrot"');
  finds(
    "a misspelt format",
    "log_format short $uri; server { access_log a.log |shrot; }",
    'unknown log format "shrot" (did you mean "short"?)',
  );
  finds(
    "escape",
    "log_format a |escape=html $uri; server {}",
    '"log_format" expects escape=default, escape=json or escape=none, not "escape=html"',
  );
});

describe("roots", () => {
  inServer("root |missing;", 'warning: root "/work/missing" does not exist');
  test("one that is a file, and one that cannot be read", () => {
    const text = "server { root a; location /b { root b; } location /c { alias a; } }";
    expect(messages(text, { a: "text", b: ERRNO.EACCES })).toEqual([
      'conf/site.conf:1:15: warning: root "/work/a" is not a folder',
      'conf/site.conf:1:37: warning: root "/work/b" cannot be opened (13: Permission denied)',
    ]);
  });
});

describe("files that are legal and do nothing", () => {
  const message = 'conf/site.conf:1:1: warning: no "server" block is configured: nothing is served';
  test.each([
    ["empty", ""],
    ["only comments", "# nothing\n"],
    ["a comment in Latin-1", Buffer.from("# caf\xe9\n", "latin1")],
    ["without server", "http { }"],
  ])("%s", (_, entry) => {
    const loaded = loadConfig({ kernel: new FakeFiles({ [FILE]: entry }), variables: VARIABLES, file: FILE });
    expect(loaded.diagnostics.map(formatDiagnostic)).toEqual([message]);
    expect(loaded.config?.servers).toEqual([]);
  });
});

describe("files that are no configuration", () => {
  const table: readonly [what: string, entry: Entry | undefined, message: string][] = [
    ["missing", undefined, "conf/site.conf: error: cannot open (2: No such file or directory)"],
    ["unreadable", ERRNO.EACCES, "conf/site.conf: error: cannot open (13: Permission denied)"],
    ["a folder", FOLDER, "conf/site.conf: error: is a folder, not a file"],
    ["a FIFO", FIFO, "conf/site.conf: error: is not a regular file"],
    ["binary", Buffer.from("server {\n a\0b"), "conf/site.conf:2:3: error: not a text file (NUL byte)"],
    ["huge", "#".repeat(17 * 1024 * 1024), "conf/site.conf: error: is larger than 16777216 bytes"],
  ];
  for (const [what, entry, message] of table) {
    test(what, () => {
      const kernel = new FakeFiles(entry === undefined ? {} : { [FILE]: entry });
      const loaded = loadConfig({ kernel, variables: VARIABLES, file: FILE });
      expect(loaded.config).toBeNull();
      expect(loaded.diagnostics.map(formatDiagnostic)).toEqual([message]);
      expect(kernel.openCount).toBe(0);
    });
  }
});

test("all mistakes in one run, by place, warnings among them", () => {
  const text = `lisen 1;
server {
  listen 99999;
  root missing;
  location ~ ( { etag maybe; }
  return 200 $hots
}
server { listen 1 quic; }
`;
  expect(messages(text)).toEqual([
    'conf/site.conf:1:1: error: unknown directive "lisen" (did you mean "listen"?)',
    "conf/site.conf:3:10: error: port 99999 is out of range (0 to 65535)",
    'conf/site.conf:4:8: warning: root "/work/missing" does not exist',
    'conf/site.conf:5:14: error: invalid regular expression "(": missing ), at character 2',
    'conf/site.conf:5:23: error: "etag" expects "on" or "off", not "maybe"',
    'conf/site.conf:6:14: error: unknown variable "$hots" (did you mean "$host"?)',
    'conf/site.conf:6:19: error: missing ";" after "return 200 $hots"',
    'conf/site.conf:8:19: error: option "quic" of "listen" is not supported (Webserv speaks HTTP/1.1)',
  ]);
});
