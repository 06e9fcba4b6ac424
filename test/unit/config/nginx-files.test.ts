/** The files that nginx's packages install are taken as they are, and of what cannot be taken every mistake is told once. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { formatDiagnostic } from "../../../src/config/load.ts";
import { load } from "./fake-files.ts";

const DOCKER_SERVER = `server {
    listen       80;
    listen  [::]:80;
    server_name  localhost;
    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }
    error_page   500 502 503 504  /50x.html;
    location = /50x.html {
        root   /usr/share/nginx/html;
    }
}`;

/** Docker's official image and the packages of nginx.org have the same file. */
const DOCKER = `user  nginx;
worker_processes  auto;
error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;
events {
    worker_connections  1024;
}
http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;
    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" '
                      '"$http_user_agent" "$http_x_forwarded_for"';
    access_log  /var/log/nginx/access.log  main;
    sendfile        on;
    keepalive_timeout  65;
    include /etc/nginx/conf.d/*.conf;
}`;

const DEBIAN = `user www-data;
worker_processes auto;
worker_cpu_affinity auto;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
include /etc/nginx/modules-enabled/*.conf;
events {
	worker_connections 768;
}
http {
	sendfile on;
	tcp_nopush on;
	types_hash_max_size 2048;
	server_tokens build;
	include /etc/nginx/mime.types;
	default_type application/octet-stream;
	ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
	ssl_prefer_server_ciphers on;
	access_log /var/log/nginx/access.log;
	gzip on;
	include /etc/nginx/conf.d/*.conf;
	include /etc/nginx/sites-enabled/*;
}`;

const DEBIAN_SITE = `server {
	listen 80 default_server;
	listen [::]:80 default_server;
	root /var/www/html;
	index index.html index.htm index.nginx-debian.html;
	server_name _;
	location / {
		try_files $uri $uri/ =404;
	}
}`;

const errorsOf = (text: string, files: Readonly<Record<string, string>> = {}, keepGoing = false): string[] =>
  load(text, files, { keepGoing })
    .diagnostics.filter(({ severity }) => severity === "error")
    .map(formatDiagnostic);

describe("the files of packages", () => {
  test("Docker's image, and nginx.org's packages", () => {
    expect(errorsOf(DOCKER, { "/etc/nginx/conf.d/default.conf": DOCKER_SERVER })).toEqual([]);
  });

  test("Debian's, with its modules and sites", () => {
    const files = {
      "/etc/nginx/modules-enabled/50-mod-http-echo.conf": "load_module modules/ngx_http_echo_module.so;",
      "/etc/nginx/modules-enabled/70-mod-stream.conf": "load_module modules/ngx_stream_module.so;",
      "/etc/nginx/sites-enabled/default": DEBIAN_SITE,
    };
    expect(errorsOf(DEBIAN, files)).toEqual([]);
  });

  const site = "/etc/nginx/sites-enabled/default";
  test.skipIf(!existsSync(site))("what is installed here", () => {
    const installed = readFileSync("/etc/nginx/nginx.conf", "utf8");
    expect(errorsOf(installed, { [site]: readFileSync(site, "utf8") })).toEqual([]);
  });
});

describe("blocks of other protocols", () => {
  const text = `stream { server { listen 12345; proxy_pass a:1; nonsense; } }
mail { server { protocol imap; } }
http { server { listen 80; return 200 a; } }`;

  test("are refused, each in one line that names it", () => {
    expect(errorsOf(text)).toEqual([
      'conf/site.conf:1:1: error: "stream" is not supported (Webserv serves HTTP alone: run nginx for this block)',
      'conf/site.conf:2:1: error: "mail" is not supported (Webserv serves HTTP alone: run nginx for this block)',
    ]);
    expect(load(text).config).toBeNull();
  });

  test("and with --keep-going the rest is served", () => {
    expect(load(text, {}, { keepGoing: true }).config?.servers.length).toBe(1);
  });
});

/** Ten mistakes, each marked; a server that is full of them. */
const MISTAKES = `
server {
  listen 80 ¦quic http2;
  ¦lisen 80;
  ¦client_max_body_size;
  client_body_timeout ¦soon;
  error_page ¦99 /x;
  location ~ ¦"(" { ¦grpc_pass a; grpc_set_header a b; }
  location /a { ¦proxy_passs http://b; proxy_set_header a b; }
  location /b { return 200 ¦$nowhere; }
  ¦image_filter resize 1 1;
}
`;

test("an expression with a quantifier and no quotes is one mistake, not a block", () => {
  const text = `http { server {
    location ~ ^/[a-z]{2,3}/x$ { return 200 a; }
    location /y { rewrite ^/y/([0-9]{3})/?$ /z?id=$1 last; }
    location /z { return 200 b; }
  } }`;
  expect(errorsOf(text)).toEqual([
    'conf/site.conf:2:23: error: an expression that contains "{" must be quoted',
    'conf/site.conf:3:37: error: an expression that contains "{" must be quoted',
  ]);
});

test("300 mistakes are told in one run, in the order of the file, each once", () => {
  const marked = MISTAKES.repeat(30);
  const places: string[] = [];
  const text = marked
    .split("\n")
    .map((line, i) => {
      for (let at = line.indexOf("¦"), found = 0; at !== -1; at = line.indexOf("¦", at + 1))
        places.push(`conf/site.conf:${i + 1}:${at + 1 - found++}`);
      return line.replaceAll("¦", "");
    })
    .join("\n");
  expect(places.length).toBe(300);
  expect(errorsOf(text).map((message) => message.replace(/: error: .*/s, ""))).toEqual(places);
});
