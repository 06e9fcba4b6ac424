/** Variables in the values of directives, those of `map` among them: the same configuration and requests for Webserv and nginx. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import { ask } from "./client.ts";
import { NGINX, useNginx } from "./nginx.ts";
import { makeFolder, ServerProcess } from "./server.ts";

setDefaultTimeout(60_000);

const F = makeFolder({
  "one/page.html": "page one",
  "one/style.css": "css",
  "one/script.js": "js",
  "one/text.txt": "text",
  "one/image.png": "png",
  "one/data.json": "{}",
  "one/dir/index.html": "index",
  "two/page.html": "page two",
  "two/de.html": "deutsch",
  "one/users": "jane:{PLAIN}secret\n",
  "two/users": "john:{PLAIN}secret\n",
});
afterAll(() => rmSync(F, { recursive: true, force: true }));

/** Answers HTTP and SCGI with the bytes that came, and fields for the rules of `proxy_redirect` and cookies. */
const backend = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    data(socket, bytes) {
      const text = bytes.toString("latin1");
      const start = /^\d+:/.test(text) ? "Status: 200 OK" : "HTTP/1.1 200 OK\r\nConnection: close";
      const fields =
        "Location: http://old.test/x\r\nSet-Cookie: a=b; Domain=old.test; Path=/old/\r\nCache-Control: max-age=60";
      const said = `${socket.remoteAddress} ${text
        .replace(/127\.0\.0\.1:\d+/g, "B")
        .replace(/(SERVER|REMOTE)_PORT\0\d+/g, "$1_PORT")
        .replace(/^\d+:/, "")}`;
      socket.end(`${start}\r\n${fields}\r\nContent-Length: ${said.length}\r\n\r\n${said}`);
    },
  },
});
afterAll(() => backend.stop(true));
const B = `127.0.0.1:${backend.port}`;

const configuration = (port: number | string): string => `
  map $arg_dir $dir { default one; two two; up ..; none none; }
  map $sent_http_content_type $expires { default off; text/html epoch; text/css max; ~javascript 1h; ~image/ -1; text/plain @25h; application/json ""; }
  map $sent_http_content_type $control { default ""; text/css "public, immutable"; ~^image/(?<kind>.*)$ "kind $kind"; }
  map $sent_http_content_type $named { text/html utf-8; text/plain koi8-r; default off; }
  map $uri $asked { ~(.*) $1; }
  geo $limited { default 1; 10.0.0.0/8 0; }
  map $limited $limit_key { 0 ""; 1 $binary_remote_addr$arg_client; }
  limit_req_zone $limit_key zone=few:1m rate=1r/m;
  map $http_host $pool { default back; }
  upstream back { server ${B}; }
  map $arg_lang $page { default page; de de; }
  types { text/html html; text/css css; application/javascript js; image/png png; text/plain txt; application/json json; }
  proxy_cache_path ${F}/cache${port} keys_zone=small:1m;
  error_log /dev/null;
  server {
    listen 127.0.0.1:${port};
    root ${F}/one;
    absolute_redirect off;
    location /root/ { root ${F}/$dir$arg_more; rewrite ^/root(/.*) $1 break; }
    location /alias/ { alias ${F}/$dir/; index $page.html; }
    location ~ ^/groups/([a-z]+)/(.*)$ { alias ${F}/$1/$2; }
    location /index/ { alias ${F}/one/; index $arg_i.html $page.html /two/$arg_lang; }
    location /try/ { try_files /$dir/$arg_f $uri /$page.html =404; }
    location /status/ { try_files /$arg_f =410; }
    location /fall/ { try_files /$arg_f /fell/$arg_to?x=$arg_x; }
    location /fell/ { return 200 "$uri|$args"; }
    location /named/ { try_files /none @$arg_n; }
    location @one { return 200 "named one $uri"; }
    location @two { return 200 "named two $uri"; }
    location /error/ {
      error_page 404 /fell/$arg_to;
      error_page 403 http://$host/$arg_to;
      error_page 410 @$arg_n;
      error_page 418 =200 /fell/$arg_to?$arg_x;
      error_page 409 = /fell/$dir;
      location /error/404 { return 404; }
      location /error/403 { return 403; }
      location /error/410 { return 410; }
      location /error/418 { return 418; }
      location /error/409 { return 409; }
    }
    location /header/ {
      alias ${F}/one/;
      add_header X-Text "$dir and $arg_x" always;
      add_header X-Type $sent_http_content_type;
      add_header X-Length $sent_http_content_length;
      add_header X-Control $sent_http_cache_control;
      add_header Cache-Control $control;
      add_header X-Empty $arg_none;
      add_header ETag $arg_etag;
    }
    location /expires/ { alias ${F}/one/; expires $expires; add_header X-Seen "$sent_http_expires|$sent_http_cache_control"; }
    location /both/ { alias ${F}/one/; expires $expires; add_header Cache-Control $control; charset utf-8; charset_types text/css; add_header X-Type $sent_http_content_type; }
    location /when/ { alias ${F}/one/; expires $arg_e; }
    location /modified/ { alias ${F}/one/; expires modified $arg_e; }
    location /plus/ { alias ${F}/one/; expires +$arg_e; }
    location /missing/ { expires $expires; return 404; }
    location /texts/ { default_type text/css; expires $expires; return 200 x; }
    location /charset/ { alias ${F}/one/; charset $arg_c; location /charset/known { charset koi8-r; } location /charset/other { charset utf-8; } }
    location /typed/ { alias ${F}/one/; charset $named; charset_types text/plain; location /typed/known { charset koi8-r; } location /typed/other { charset utf-8; } location /typed/off { charset off; } }
    location /auth/ { alias ${F}/one/; auth_basic $arg_r; auth_basic_user_file ${F}/$dir/users; }
    location /realm/ { alias ${F}/one/; auth_basic "For $arg_r"; auth_basic_user_file ${F}/one/users; }
    location /return/302 { return 302 $arg_to; }
    location /return/301 { return 301 /$dir$is_args$args; }
    location /return/url { return $scheme://$host/$dir; }
    location /return/200 { default_type text/html; return 200 "$dir"; }
    location /proxy/ {
      proxy_pass http://${B}/$dir$is_args$args;
      proxy_set_header X-Dir "$dir $arg_x";
      proxy_set_header X-Empty $arg_none;
      proxy_redirect http://$arg_old/ /$dir/;
      proxy_cookie_domain $arg_old $arg_new;
      proxy_cookie_path /old/ /$dir/;
      proxy_hide_header Cache-Control;
    }
    location /method/ { proxy_pass http://${B}; proxy_method $arg_m; proxy_set_body "body $arg_b"; proxy_redirect off; }
    location /bind/ { proxy_pass http://${B}; proxy_bind $arg_from; proxy_redirect off; }
    location /to/ { proxy_pass http://$arg_to; proxy_redirect off; }
    location /flags/ { proxy_pass http://${B}; proxy_redirect off; proxy_cookie_flags $arg_name secure samesite=strict; }
    location /cache/ {
      proxy_pass http://${B}/; proxy_redirect off; proxy_cache $arg_zone; proxy_cache_key $arg_key; proxy_cache_bypass $arg_no; proxy_no_cache $arg_no $arg_never;
      add_header X-Cache $upstream_cache_status; proxy_ignore_headers Set-Cookie;
    }
    location /scgi/ { scgi_pass $arg_to; scgi_param X_DIR "$dir $arg_x"; scgi_param X_EMPTY $arg_none; }
    location /subrequest/ { alias ${F}/one/; auth_request /verdict; add_header X-Asked $asked; }
    location = /verdict { internal; proxy_pass http://${B}; proxy_set_header X-Asked $asked; }
    location /limit { limit_req zone=few; limit_req_status 429; alias ${F}/one/page.html; }
    location /pool/ { proxy_pass http://$pool/$dir; proxy_redirect off; }
    location /groupset { set $v "$arg_a-$dir"; if ($v = "1-one") { return 200 "first $v"; } return 200 "other $v"; }
    location /rewrite/ { rewrite ^/rewrite/(.*)$ /fell/$dir/$1?to=$arg_to redirect; }
  }`;

const nginx = useNginx(configuration);
const ours = new ServerProcess({
  configuration: `compat nginx; ${configuration(0).replace(`${F}/cache0`, `${F}/cache-ours`)}`,
  addresses: 1,
});
beforeAll(() => ours.start());
afterAll(() => ours.stop());

const basic = (pair: string): string => `Authorization: Basic ${Buffer.from(pair).toString("base64")}`;
type Case = readonly [target: string, ...fields: string[]];
const FILES = ["page.html", "style.css", "script.js", "text.txt", "image.png", "data.json", "none.html", "dir/"];
const CASES: readonly Case[] = [
  ["/root/page.html"],
  ["/root/page.html?dir=two"],
  ["/root/page.html?dir=none"],
  ["/root/page.html?more=x"],
  ["/alias/page.html"],
  ["/alias/page.html?dir=two"],
  ["/alias/"],
  ["/alias/?lang=de"],
  ["/alias/?dir=two&lang=de"],
  ["/groups/one/page.html"],
  ["/groups/two/de.html"],
  ["/groups/three/page.html"],
  ["/index/"],
  ["/index/?i=page"],
  ["/index/?lang=de"],
  ["/index/?i=none"],
  ["/try/page.html?f=x"],
  ["/try/x?dir=two&f=page.html"],
  ["/try/x?lang=de"],
  ["/try/x"],
  ["/status/?f=page.html"],
  ["/status/?f=none"],
  ["/fall/?f=page.html"],
  ["/fall/?f=none&to=here&x=y"],
  ["/fall/?f=none&to=a%3fb&x=%20"],
  ["/named/?n=one"],
  ["/named/?n=two"],
  ["/named/?n=three"],
  ...["404", "403", "410", "418", "409"].flatMap((status): Case[] => [
    [`/error/${status}?to=here&n=one&x=y`],
    [`/error/${status}?to=a%20b&n=none`],
    [`/error/${status}`],
  ]),
  ...FILES.flatMap((file): Case[] => [[`/header/${file}?x=y&dir=two`], [`/expires/${file}`], [`/both/${file}`]]),
  ["/header/page.html?etag=%22mine%22"],
  ["/header/page.html?x=a%0d%0aB:c"],
  ...[
    "off",
    "epoch",
    "max",
    "1h",
    "-1h",
    "+1h",
    "0",
    "1d12h",
    "@1h",
    "@24h",
    "@25h",
    "x",
    "",
    "modified",
    "1ms",
    "-",
    "@",
    "1h30",
    "30m1h",
    "1M",
    "1y",
  ].flatMap((e): Case[] => [
    [`/when/text.txt?e=${encodeURIComponent(e)}`],
    [`/modified/text.txt?e=${encodeURIComponent(e)}`],
  ]),
  ["/plus/text.txt?e=1h"],
  ["/plus/text.txt?e=x"],
  ["/missing/x"],
  ["/texts/"],
  ["/expires/page.html", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"],
  ["/expires/page.html", 'If-None-Match: "x"'],
  ["/expires/style.css", "Range: bytes=0-0"],
  ...["koi8-r", "utf-8", "x", ""].flatMap((c): Case[] => [
    [`/charset/page.html?c=${c}`],
    [`/charset/text.txt?c=${c}`],
    [`/charset/image.png?c=${c}`],
  ]),
  ["/auth/page.html?r=off"],
  ["/auth/page.html?r=Mine"],
  ["/auth/page.html?r=Mine", basic("jane:secret")],
  ["/auth/page.html?r=Mine", basic("john:secret")],
  ["/auth/page.html?r=Mine&dir=two", basic("john:secret")],
  ["/auth/page.html", basic("jane:secret")],
  ["/auth/page.html?r=a%22b"],
  ["/realm/page.html?r=you"],
  ["/realm/page.html", basic("jane:secret")],
  ["/return/302?to=/x"],
  ["/return/302?to=http://x/"],
  ["/return/302"],
  ["/return/301?a=b"],
  ["/return/301"],
  ["/return/url"],
  ["/return/url?dir=two"],
  ["/return/200?dir=two"],
  ["/proxy/?x=y&old=old.test&new=new.test"],
  ["/proxy/?old=other.test&dir=two"],
  ["/proxy/"],
  ["/method/?m=PUT&b=x"],
  ["/method/?m=get"],
  ["/bind/?from=127.0.0.2"],
  ["/bind/?from=off"],
  ["/bind/"],
  ["/bind/?from=x"],
  [`/to/x?to=${B}`],
  [`/to/x?to=${B}/other/`],
  ["/to/x?to=none"],
  ["/flags/?name=a"],
  ["/flags/?name=b"],
  ["/cache/a?zone=small&key=1"],
  ["/cache/b?zone=small&key=1"],
  ["/cache/c?zone=small&key=1&no=1"],
  ["/cache/d?zone=small&key=1&no=0"],
  ["/cache/e?zone=off&key=1"],
  ["/cache/e?zone=&key=1"],
  ["/cache/f?zone=small&key=2&never=1"],
  ["/cache/g?zone=small&key=2"],
  [`/scgi/?to=${B}&x=y`],
  ["/typed/page.html"],
  ["/typed/text.txt"],
  ["/typed/style.css"],
  ["/subrequest/page.html"],
  ["/subrequest/none"],
  ["/limit?client=1"],
  ["/limit?client=1"],
  ["/limit?client=2"],
  ["/pool/x?dir=two"],
  ["/groupset?a=1"],
  ["/groupset?a=1&dir=two"],
  ["/rewrite/a?to=b"],
  ["/rewrite/a?dir=two"],
];

/** Fields that are each server's own. */
const OWN = [
  "connection",
  "keep-alive",
  "transfer-encoding",
  "server",
  "date",
  "etag",
  "last-modified",
  "accept-ranges",
];

async function answer(port: number, [target, ...fields]: Case) {
  const reply = await ask(
    port,
    Buffer.from([`GET ${target} HTTP/1.1`, "Host: site.test", ...fields, "", ""].join("\r\n"), "latin1"),
  );
  const kept = reply.fields.filter(
    ([name]) => !OWN.includes(name.toLowerCase()) && !(name === "Content-Length" && reply.status >= 300),
  );
  const body = reply.status >= 300 && /<center>|<p>Webserv</.test(reply.text) ? "" : reply.text;
  return [
    String(reply.status),
    ...kept.map(([name, value]) => `${name}: ${value.replace(CHARSET_OF_PASSWORDS, "")}`).sort(),
    body,
  ].join("\n");
}

/** What Webserv says of a password's charset, on purpose. */
const CHARSET_OF_PASSWORDS = ', charset="UTF-8"';

/** Of the time now, which may be another second for the second server. */
const withoutSeconds = (text: string): string =>
  text
    .replace(/max-age=(\d{1,8})$/gm, (_, seconds) => `max-age=${Math.round(seconds / 30) * 30}`)
    .replace(/\d\d:\d\d GMT/g, "GMT");

describe.skipIf(NGINX === null)("as nginx (needs nginx)", () => {
  test.each(CASES.map((one) => [one] as const))("%j", async (one) => {
    expect(withoutSeconds(await answer(ours.port, one))).toBe(withoutSeconds(await answer(nginx.port, one)));
  });
});
