/**
 * Examples as nginx's documentation of these directives has them: they work here unchanged, and where nginx is installed
 * it says of each what we say. What nginx takes and we refuse, or the other way round, is in a table of its own.
 */
import { describe, expect, test } from "bun:test";
import { load } from "./fake-files.ts";
import { hasNginx, inHttp, inServer, nginxTakes } from "./nginx.ts";

const EXAMPLES: readonly [about: string, text: string][] = [
  ["a beginner's guide: two locations", inServer("location / { root /data/www; } location /images/ { root /data; }")],
  [
    "location: all modifiers",
    inServer(`
      location = / { return 200 A; }
      location / { return 200 B; }
      location /documents/ { return 200 C; }
      location ^~ /images/ { return 200 D; }
      location ~* \\.(gif|jpg|jpeg)$ { return 200 E; }`),
  ],
  [
    "charset",
    inHttp(
      "charset_map koi8-r windows-1251 { E1 C0; } server { listen 8080; charset windows-1251; source_charset koi8-r; }",
    ),
  ],
  ["charset: variable", inHttp("map $arg_a $charset { default utf-8; } server { listen 8080; charset $charset; }")],
  [
    "charset_map koi8-r utf-8",
    inHttp("charset_map koi8-r utf-8 { C0 D18E ; # small yu\n C1 D0B0 ; # small a\n } server { }"),
  ],
  ["addition", inServer("location / { add_before_body /before_action; add_after_body /after_action; }")],
  ["ssi", inServer("location / { ssi on; }")],
  [
    "ssi: all of its directives",
    inServer(`
      ssi on; ssi_last_modified on; ssi_min_file_chunk 1k; ssi_silent_errors on; ssi_types text/plain; ssi_value_length 256;
      subrequest_output_buffer_size 8k;`),
  ],
  [
    "sub_filter",
    inServer(`
      location / {
        sub_filter '<a href="http://127.0.0.1:8080/'  '<a href="https://$host/';
        sub_filter '<img src="http://127.0.0.1:8080/' '<img src="https://$host/';
        sub_filter_once on;
      }`),
  ],
  ["alias", inServer("location /i/ { alias /data/w3/images/; }")],
  ["alias with captures", inServer("location ~ ^/users/(.+\\.(?:gif|jpe?g|png))$ { alias /data/w3/images/$1; }")],
  [
    "error_page",
    inServer(`
      error_page 404             /404.html;
      error_page 500 502 503 504 /50x.html;
      error_page 403      http://example.com/forbidden.html;
      error_page 401 =200 /empty.gif;
      error_page 405 =    /404.php;
      error_page 410 =301 http://example.com/notfound.html;`),
  ],
  [
    "error_page to a named location",
    inServer("location / { error_page 404 = @fallback; } location @fallback { return 204; }"),
  ],
  ["limit_except", inServer("location / { limit_except GET { allow 192.168.1.0/32; deny  all; } }")],
  ["limit_except, WebDAV", inServer("location / { limit_except GET PROPFIND LOCK options { deny all; } }")],
  [
    "allow and deny",
    inServer(`location / {
      deny  192.168.1.1;
      allow 192.168.1.0/24;
      allow 10.1.1.0/16;
      allow 2001:0db8::/32;
      deny  all;
    }`),
  ],
  [
    "listen: every form",
    inHttp(`
      server { listen 127.0.0.1:8000; listen 127.0.0.1; listen 8000; listen *:8001; listen localhost:8002; }
      server { listen [::]:8000; listen [::1]; listen unix:/tmp/nginx.sock; }
      server { listen 127.0.0.1 default_server backlog=1024; server_name other; }`),
  ],
  [
    "server_name: every form",
    inHttp(`
      server { server_name example.com www.example.com; }
      server { server_name *.example.org www.example.*; }
      server { server_name .example.net; }
      server { server_name www.example.edu ~^www\\d+\\.example\\.edu$; }
      server { server_name ""; }
      server { server_name _; }`),
  ],
  [
    "server_name: captures",
    inHttp(
      "server { server_name ~^(www\\.)?(.+)$; location / { root /sites/$2; } } server { listen 81; server_name ~^(www\\.)?(?<domain>.+)$; location / { root /sites/$domain; } }",
    ),
  ],
  ["open_file_cache", inServer("open_file_cache max=1000 inactive=20s; open_file_cache_valid 30s;")],
  [
    "try_files with a fallback",
    inServer(
      "location /images/ { try_files $uri /images/default.gif; } location = /images/default.gif { expires 30s; }",
    ),
  ],
  ["try_files with a status", inServer("location / { try_files $uri $uri/index.html $uri.html =404; }")],
  [
    "try_files with a named location",
    inServer(
      "location / { try_files /system/maintenance.html\n $uri $uri/index.html $uri.html\n @mongrel; } location @mongrel { return 502; }",
    ),
  ],
  [
    "types",
    inServer(
      "types { text/html html; image/gif gif; image/jpeg jpg; } location /download/ { types { } default_type application/octet-stream; }",
    ),
  ],
  [
    "expires and add_header",
    inServer(`
      location /a { expires    24h; }
      location /b { expires    modified +24h; }
      location /c { expires    @15h30m; }
      location /d { expires    0; }
      location /e { expires    -1; }
      location /f { expires    epoch; add_header Cache-Control private; }
      location /g { expires    max; add_header X-A "b c" always; }`),
  ],
  [
    "log_format and access_log",
    inHttp(`
      log_format compression '$remote_addr - $remote_user [$time_local] '
                             '"$request" $status $bytes_sent '
                             '"$http_referer" "$http_user_agent" "$gzip_ratio"';
      log_format lines escape=json '{"uri":"$uri"}';
      access_log logs-compression compression buffer=32k;
      server { listen 8080; access_log off; location /x { access_log logs-lines lines buffer=32k flush=5m; } }`),
  ],
  ["index", inServer("location / { index index.$server_name.html index.0.html /index.html; }")],
  ["autoindex", inServer("location / { autoindex on; autoindex_format json; }")],
  [
    "return",
    inHttp(
      "server { listen 80; server_name example.org; return 301 http://www.example.org$request_uri; } server { listen 80; return 444; }",
    ),
  ],
  [
    "return: text, and a URL alone",
    inServer(
      'location /a { return 200 "a; {b} $args"; } location /b { return $scheme://x.org; } location /c { return https://x.org/; }',
    ),
  ],
  [
    "buffers and timeouts",
    inServer(`
      client_header_buffer_size 1k; large_client_header_buffers 4 8k; client_max_body_size 8m; client_body_buffer_size 16k;
      client_header_timeout 60s; client_body_timeout 1m; send_timeout 1m30s; keepalive_timeout 75s 60s; keepalive_requests 1000;
      lingering_time 30s; lingering_timeout 5s; client_body_temp_path body 1 2;`),
  ],
  [
    "the main context",
    "pid nginx.pid; error_log stderr info; worker_rlimit_nofile 1024; daemon off; worker_processes auto; events { worker_connections 512; use epoll; multi_accept on; } http { sendfile on; tcp_nopush on; tcp_nodelay on; types_hash_max_size 2048; server_tokens off; etag off; if_modified_since before; charset utf-8; server { listen 8080; } }",
  ],
  [
    "nested locations",
    inServer(
      "location /a/ { alias /data/; location /a/b/ { expires 1h; } location ~ \\.gif$ { expires max; } } location ~* ^/x { location ~ y { return 204; } }",
    ),
  ],
  ["expressions with braces are quoted", inServer('location ~ "^/a{2,3}/(?<rest>.*)$" { return 200 $rest; }')],
];

describe("examples work unchanged", () => {
  test.each(EXAMPLES)("%s", (_, text) => {
    const { config, diagnostics } = load(text);
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(config).not.toBeNull();
  });
});

/** Mistakes to nginx as to us. */
const MISTAKES: readonly string[] = [
  inServer("root a b;"),
  inServer("root a; root b;"),
  inServer("location /a { } location /a { }"),
  inServer("location /a { } location ^~ /a { }"),
  inServer("location = /a { location /a/b { } }"),
  inServer("location /a { location /b { } }"),
  inServer("location @a { location /b { } }"),
  inServer("location /a { location @b { } }"),
  inServer("location @a { alias /x; }"),
  inServer("location ~ ( { }"),
  inServer("location /a { root x; alias y; }"),
  inServer("listen 8080;"),
  inServer("listen 65536;"),
  inServer("return 200 $nosuch;"),
  inServer("return 200 a$;"),
  inServer('return 200 "${uri";'),
  inServer("return /x;"),
  inServer("error_page 200 /x;"),
  inServer("error_page =200 /x;"),
  inServer("send_timeout 5m1h;"),
  inServer("client_max_body_size 5x;"),
  inServer("autoindex yes;"),
  inServer("expires @25h;"),
  inServer("expires @-1h;"),
  inServer("root /a/$document_root;"),
  inServer("access_log a.log nosuch;"),
  inServer('add_header X "y"z;'),
  inServer("allow 10.0.0.0/33;"),
  inServer("open_file_cache inactive=3s;"),
  inServer("etag on;; "),
  inServer("etag on"),
  inServer('return 200 "a;'),
  `${inServer("")} }`,
  "events { } http { server { ",
  "events { } http { listen 80; }",
  inHttp("server { listen 80 default_server; server_name a; } server { listen 80 default_server; server_name b; }"),
  inHttp("log_format combined x; server { }"),
  inHttp("log_format a x; log_format a y; server { }"),
];

test.each(MISTAKES)("%p is refused", (text) => expect(load(text).config).toBeNull());

describe.skipIf(!hasNginx)(`nginx says the same${hasNginx ? "" : " (skipped: nginx is not installed)"}`, () => {
  test.each(EXAMPLES)("%s", (_, text) => expect(nginxTakes(text)).toBe(true));
  test.each(MISTAKES)("%p", (text) => expect(nginxTakes(text)).not.toBe(true));
});

describe.skipIf(!hasNginx)("where we differ, on purpose", () => {
  test.each([
    ["nginx takes a name with a star in the middle for that very text", inServer("server_name w*.x;")],
    ["nginx times out at once", inServer("send_timeout 0;")],
  ])("%s", (_, text) => {
    expect(nginxTakes(text)).toBe(true);
    expect(load(text).config).toBeNull();
  });
});
