/** Every file of conf/ starts and serves what it says, and so do the examples in its comments. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { check, type Expected } from "./cases.ts";
import { ask, get } from "./client.ts";
import { PROJECT, ServerProcess } from "./server.ts";
import { copyOfTheSite } from "./site.ts";

setDefaultTimeout(60_000);

type Row = readonly [request: string, expected: Expected, port?: number];

const html = { "Content-Type": /text\/html.*/ };
const to = (location: RegExp): Record<string, RegExp> => ({ Location: location });
const host = (name: string): string => get("/", { Host: name });
const sent = (method: string, path: string, body: string, fields: Record<string, string> = {}): string =>
  get(path, { ...fields, "Content-Length": `${body.length}` }, method) + body;
const posted = (path: string, body: string): string => sent("POST", path, body);
/** A user of conf/passwords.users. */
const as = (user: string): Record<string, string> => ({ Authorization: `Basic ${btoa(`${user}:${user}`)}` });
const JSON_PATCH = { "Content-Type": "application/merge-patch+json" };
/** A form of files with these names, each of which holds its name. */
function form(path: string, ...names: string[]): string {
  const parts = names.map(
    (name) => `--b\r\nContent-Disposition: form-data; name=f; filename="${name}"\r\n\r\n${name}\r\n`,
  );
  return sent("POST", path, `${parts.join("")}--b--\r\n`, { "Content-Type": "multipart/form-data; boundary=b" });
}
const cookie = (name: string): Record<string, RegExp> => ({
  "Set-Cookie": new RegExp(`${name}=[0-9a-f]{32,}; Max-Age=\\d+; Path=/; HttpOnly; SameSite=Lax`),
});

const promises: Record<string, readonly Row[]> = {
  "default.conf": [
    [get("/"), { status: 200, fields: { ...html, "X-Content-Type-Options": "nosniff" }, body: /talks to the kernel/ }],
    [get("/files/"), { status: 200, fields: html }],
    [get("/api/files/"), { status: 200, fields: { "Content-Type": /application\/json.*/ } }],
    [get("/files/latest.txt"), { status: 200, body: /autoindex on/ }],
    [get("/files/outside.txt"), { status: 403 }],
    [get("/files/.hidden"), { status: 404 }],
    [get("/images/logo.svg"), { status: 200, fields: { "Cache-Control": "max-age=3600" } }],
    [get("/old/page"), { status: 301, fields: to(/.*\/about\//) }],
    [get("/item/42"), { status: 302, fields: to(/.*\/hello\?item=42/) }],
    [get("/favicon.ico"), { status: 301, fields: to(/.*\/images\/logo\.svg/) }],
    [get("/hello?you"), { status: 200, body: "Hello, 127.0.0.1! You asked for /hello?you by GET." }],
    [get("/none"), { status: 404, body: /no such page/i }],
    [get("/private/secret.txt"), { status: 403, body: /Not for you/ }],
    [get("/members/"), { status: 401, fields: { "WWW-Authenticate": /Basic realm=.*/ } }],
    [get("/members/", { Authorization: `Basic ${btoa("guest:guest")}` }), { status: 200, body: /You are in/ }],
    [get("/style.css", { "Accept-Encoding": "gzip" }), { status: 200, fields: { "Content-Encoding": "gzip" } }],
    [get("/broken"), { status: 503, body: /Not at the moment/ }],
    [get("/gone"), { status: 410, body: /Gone/ }],
    [get("/app/deep/inside"), { status: 200, body: /One page for every path/ }],
    [get("/docs/x"), { status: 404, body: "No documentation about /docs/x here.\n" }],
    [get("/local"), { status: 200 }],
    [posted("/small", "x"), { status: 200 }],
    [posted("/small", "x".repeat(2000)), { status: 413 }],
    [get("/about/", {}, "DELETE"), { status: 405, fields: { Allow: "GET, HEAD, OPTIONS" } }],
    [host("alpha.localhost"), { status: 200, body: /This is alpha/ }],
    [host("www.beta.localhost"), { status: 200, body: /This is beta/ }],
    [host("x.any.localhost"), { status: 200, body: /Somebody else/ }],
    [host("ada.users.localhost"), { status: 200, body: /site of ada/ }],
    [get("/style.css", { Host: "alpha.localhost" }), { status: 200, fields: { "Content-Type": /text\/css.*/ } }],
    [get("/"), { status: 200, fields: { Server: "webserv" }, body: /second port/ }, 8081],
    [sent("PUT", "/uploads/a.html", "<script>"), { status: 201, fields: to(/\/uploads\/a\.html/) }],
    [
      get("/uploads/a.html"),
      { status: 200, fields: { ...html, "Content-Security-Policy": /sandbox.*/ }, body: "<script>" },
    ],
    [get("/uploads/"), { status: 200, fields: { "Content-Security-Policy": /sandbox.*/ }, body: /a\.html/ }],
    [get("/uploads/.gitignore"), { status: 404, fields: { "X-Content-Type-Options": "nosniff" } }],
    [get("/api/uploads/a.html"), { status: 200, fields: { "Content-Security-Policy": /sandbox.*/ } }],
    [get("/api/uploads/"), { status: 200, body: /^\[\r\n\{ "name":"a\.html",[^\n]*\}\r\n\]$/ }],
    [get("/api/uploads/a.html", {}, "DELETE"), { status: 405, fields: { Allow: "GET, HEAD, OPTIONS" } }],
    [get("/uploads/a.html", {}, "DELETE"), { status: 204 }],
    [get("/uploads/a.html"), { status: 404 }],
    [get("/session.html"), { status: 200, fields: cookie("sid") }],
    [get("/session"), { status: 200, fields: cookie("sid"), body: "{}" }],
    [sent("POST", "/session", '{"name":"Ada"}', JSON_PATCH), { status: 200, body: '{"name":"Ada"}' }],
    [get("/"), { status: 200, fields: { "Set-Cookie": null } }],
    [get("/cgi-bin/"), { status: 302, fields: to(/.*\/cgi\.html/) }],
    [get("/cgi-bin/env.sh/a%20b?c=<d>"), { status: 200, fields: html, body: /<b>PATH_INFO<\/b>=\/a b\n/ }],
    [get("/cgi-bin/env.sh/a%20b?c=<d>"), { status: 200, body: /<b>QUERY_STRING<\/b>=c=&lt;d&gt;\n/ }],
    [get("/cgi-bin/interpreters.sh"), { status: 200, body: /^\{"sh": "\/[^"]+", / }],
    [get("/cgi-bin/env.sh", { Cookie: "sid=1" }), { status: 200, body: /<b>HTTP_COOKIE<\/b>=\(not shown\)\n/ }],
    [get("/cgi-bin/env.sh", {}, "PUT"), { status: 405, fields: { Allow: "GET, HEAD, POST, OPTIONS" } }],
    [get("/cgi-bin/none.sh"), { status: 404, body: /no such page/i }],
  ],
  "cgi.conf": [
    [get("/cgi-bin/env.sh/x"), { status: 200, body: /<b>SCRIPT_NAME<\/b>=\/cgi-bin\/env\.sh\n/ }],
    [get("/greeting/env.sh"), { status: 200, fields: cookie("sid"), body: /<b>GREETING<\/b>=hello, 127\.0\.0\.1\n/ }],
    [get("/greeting/env.sh"), { status: 200, body: /<b>SESSION_DATA<\/b>=\{\}\n/ }],
    [get("/careful/env.sh"), { status: 200, body: /<b>PATH_INFO<\/b>=\n/ }],
    [posted("/careful/env.sh", "x".repeat(20_000)), { status: 413 }],
    [get("/images/logo.svg"), { status: 200, fields: { "Content-Type": "image/svg+xml" } }],
    [get("/images/none"), { status: 200, body: /<b>PATH_INFO<\/b>=\/images\/none\n/ }],
    [get("/members/"), { status: 200, body: /<b>SCRIPT_NAME<\/b>=\/members\/env\.sh\n/ }],
    [
      get("/members/env.sh", { Authorization: "Basic YTpi" }, "DELETE"),
      { status: 200, body: /<b>HTTP_AUTHORIZATION<\/b>=Basic YTpi\n/ },
    ],
    [get("/members/env.sh", {}, "PATCH"), { status: 405, fields: { Allow: "GET, HEAD, POST, PUT, DELETE, OPTIONS" } }],
    [sent("PUT", "/uploads/a.sh", "echo"), { status: 201 }],
    [get("/uploads/a.sh"), { status: 200, body: "echo" }],
  ],
  "uploads.conf": [
    [sent("PUT", "/uploads/notes/a.txt", "1"), { status: 201, fields: to(/\/uploads\/notes\/a\.txt/) }],
    [sent("PUT", "/uploads/notes/a.txt", "2"), { status: 204 }],
    [get("/uploads/notes/a.txt"), { status: 200, fields: { "X-Content-Type-Options": "nosniff" }, body: "2" }],
    [get("/uploads/"), { status: 200, body: /notes\// }],
    [form("/uploads/", "b.txt"), { status: 201, fields: to(/\/uploads\/b\.txt/) }],
    [form("/uploads/", "b.txt"), { status: 201, fields: to(/\/uploads\/b-1\.txt/) }],
    [form("/newest/", "b.txt"), { status: 201, fields: to(/\/newest\/b\.txt/) }],
    [form("/once/", "b.txt"), { status: 409 }],
    [sent("PUT", "/once/b.txt", "3"), { status: 409 }],
    [get("/once/b.txt"), { status: 200, body: "b.txt" }],
    [form("/letters/", "c.txt", "d.txt"), { status: 201, fields: to(/\/letters\//) }],
    [form("/letters/", "e.txt", "f.txt", "g.txt"), { status: 413 }],
    [form("/letters/", "h".repeat(11_000)), { status: 413 }],
    [get("/letters/c.txt"), { status: 405, fields: { Allow: "POST, OPTIONS" } }],
    [get("/shared/e.txt"), { status: 404 }],
    [sent("PUT", "/shared/i.txt", "4"), { status: 201 }],
    [form("/shared/", "j.txt"), { status: 405, fields: { Allow: "GET, HEAD, PUT, OPTIONS" } }],
    [sent("PUT", "/shared/archive/i.txt", "4"), { status: 405, fields: { Allow: "GET, HEAD, OPTIONS" } }],
    [get("/uploads/", {}, "OPTIONS"), { status: 204, fields: { "Tus-Version": "1.0.0" } }],
    [get("/uploads/notes", {}, "DELETE"), { status: 409 }],
    [get("/uploads/none", {}, "DELETE"), { status: 404 }],
    [get("/uploads/notes/a.txt", {}, "DELETE"), { status: 204 }],
    [get("/uploads/notes/a.txt"), { status: 404 }],
    [get("/shared/b.txt", {}, "DELETE"), { status: 405 }],
  ],
  "webdav.conf": [
    [get("/shared/", {}, "OPTIONS"), { status: 200, fields: { DAV: "1, 2", Allow: /.*PROPFIND.*LOCK.*/ } }],
    [get("/shared/letters/", {}, "MKCOL"), { status: 201, fields: to(/\/shared\/letters\//) }],
    [sent("PUT", "/shared/letters/a.txt", "1"), { status: 201 }],
    [get("/shared/letters/b.txt", {}, "LOCK"), { status: 201, fields: { "Lock-Token": /<urn:uuid:.*>/ } }],
    [sent("PUT", "/shared/letters/b.txt", "2"), { status: 423 }],
    [get("/shared/letters/", { Destination: "/shared/copy/" }, "COPY"), { status: 201 }],
    [get("/shared/copy/", { Depth: "1" }, "PROPFIND"), { status: 207, body: /<D:href>\/shared\/copy\/a\.txt</ }],
    [get("/shared/copy/", {}, "DELETE"), { status: 204 }],
    [sent("PUT", "/drop/a/b", "3"), { status: 201 }],
    [get("/drop/a/", {}, "DELETE"), { status: 409 }],
    [get("/drop/a/b", {}, "DELETE"), { status: 204 }],
    [get("/drop/", {}, "PROPFIND"), { status: 405 }],
    [get("/readable/a/", {}, "PROPFIND"), { status: 207 }],
    [get("/readable/a/", {}, "DELETE"), { status: 204 }],
  ],
  "sessions.conf": [
    [get("/"), { status: 200, fields: cookie("visitor") }],
    [get("/none"), { status: 404, fields: cookie("visitor") }],
    [get("/images/logo.svg"), { status: 200, fields: { "Set-Cookie": null } }],
    [get("/session", { Cookie: "visitor=0123456789abcdef" }), { status: 200, fields: cookie("visitor"), body: "{}" }],
    [sent("POST", "/session", '{"visits":1}', JSON_PATCH), { status: 200, body: '{"visits":1}' }],
    [sent("POST", "/session", "visits", JSON_PATCH), { status: 400 }],
    [get("/session", {}, "PUT"), { status: 405, fields: { Allow: "GET, HEAD, POST, DELETE, OPTIONS" } }],
    [get("/members/"), { status: 200, fields: cookie("member") }],
    [get("/members/session"), { status: 200, fields: cookie("member"), body: "{}" }],
  ],
  "virtual-hosts.conf": [
    [host("www.example.test"), { status: 200, body: "exact: example.test\n" }],
    [host("shop.example.test"), { status: 200, body: "wildcard in front: shop.example.test\n" }],
    [host("mail.anything"), { status: 200, body: "wildcard behind: mail.anything\n" }],
    [host("a.example.org"), { status: 200, body: /^with and without/ }],
    [host("ada.home.test"), { status: 200, body: "pattern: the home of ada\n" }],
    [host("other"), { status: 200, body: "the default: no name matched other\n" }],
  ],
  "ports.conf": [
    [get("/"), { status: 200, body: /^the first site/ }],
    [get("/"), { status: 200, body: /^the first site/ }, 8081],
    [host("other.localhost"), { status: 200, body: /^the first site/ }],
    [host("other.localhost"), { status: 200, body: /^the other site/ }, 8081],
    [get("/"), { status: 200, body: /second port/ }, 8082],
  ],
  "error-pages.conf": [
    [get("/none"), { status: 404, body: /no such page/i }],
    [get("/private/x"), { status: 403, body: /Not for you/ }],
    [get("/broken"), { status: 503, body: /Not at the moment/ }],
    [get("/pictures/none.png"), { status: 200, fields: { "Content-Type": "image/svg+xml" } }],
    [get("/ask/x"), { status: 202, body: "Nothing at /ask/x yet.\n" }],
    [get("/moved/x"), { status: 302, fields: to(/http:\/\/127\.0\.0\.1:\d+\//) }],
    [get("/plain/x"), { status: 404, fields: html, body: /404/ }],
  ],
  "redirects.conf": [
    ...[301, 302, 303, 307, 308].map((status): Row => [get(`/${status}`), { status, fields: to(/.*\/about\//) }]),
    [get("/short"), { status: 302, fields: to(/http:\/\/127\.0\.0\.1:\d+\/about\//) }],
    [get("/old/x?y"), { status: 301, fields: to(/.*\/new\/old\/x\?y/) }],
    [get("/users/ada/home"), { status: 302, fields: to(/.*\/people\/ada\?page=home/) }],
    [get("/text"), { status: 200, body: "just text\n" }],
    [get("/json?a"), { status: 200, body: '{"path":"/json","query":"a"}' }],
    [get("/empty"), { status: 204 }],
    [get("/gone"), { status: 410 }],
  ],
  "rewrite.conf": [
    [get("/blog/7?x"), { status: 301, fields: to(/.*\/articles\/7$/) }],
    [get("/show/ada?x=1"), { status: 200, body: "page ada, asked for as /show/ada?x=1\n" }],
    [get("/app/none?x=1"), { status: 200, body: "program path=none&x=1\n" }],
    [get("/about/"), { status: 200, fields: { "X-Reader": "nobody" } }],
    [get("/about/", { "User-Agent": "curl/8" }), { status: 200, fields: { "X-Reader": "curl" } }],
    [posted("/about/", "x"), { status: 405 }],
    [get("/pictures/logo.svg"), { status: 200, fields: { "Content-Type": "image/svg+xml" } }],
  ],
  "maps.conf": [
    [get("/old"), { status: 301, fields: to(/.*\/new/) }],
    [get("/artikel/7"), { status: 301, fields: to(/.*\/articles\/7/) }],
    [
      get("/about/"),
      { status: 200, fields: { "Cache-Control": "no-cache", "X-Zone": "home", "X-Variant": /new|old/ } },
    ],
    [get("/style.css"), { status: 200, fields: { "Cache-Control": null } }],
    [get("/where", { Host: "www.shop.example" }), { status: 200, body: "home, shop\n" }],
    [get("/where", { Host: "static.org", "X-Forwarded-For": "10.1.2.3" }), { status: 200, body: "guests, files\n" }],
    [get("/where", { Host: "shop.example" }, "DELETE"), { status: 403 }],
    [get("/images/logo.svg"), { status: 200, fields: { "Cache-Control": "max-age=2592000" } }],
    [get("/images/logo.svg", { Referer: "http://a.shop.example/x" }), { status: 200 }],
    [get("/images/logo.svg", { Referer: "http://my.friends.example/" }), { status: 200 }],
    [get("/images/logo.svg", { Referer: "http://elsewhere.example/" }), { status: 403 }],
  ],
  "listing.conf": [
    [get("/files/"), { status: 200, fields: html, body: /squares\.txt/ }],
    [get("/json/"), { status: 200, body: /"name":\s*"squares\.txt"/ }],
    [get("/all/"), { status: 200, body: /\.hidden/ }],
    [get("/images/"), { status: 403 }],
  ],
  "limits.conf": [
    [posted("/post", "x".repeat(1024)), { status: 200, body: "accepted\n" }],
    [posted("/post", "x".repeat(1025)), { status: 413 }],
    [posted("/post/any", "x".repeat(2_000_000)), { status: 200 }],
    [get(`/${"x".repeat(3000)}`), { status: 414 }],
    [get("/", { X: "y".repeat(3000) }), { status: 431 }],
    [get("/only-get", {}, "HEAD"), { status: 405, fields: { Allow: "GET, OPTIONS" } }],
    [get("/about/", {}, "HEAD"), { status: 200 }],
    [get("/"), { status: 200, fields: { "Keep-Alive": "timeout=15" } }],
    ...[200, 200, 200, 429].map((status): Row => {
      const word = status === 429 ? "REJECTED" : "PASSED";
      return [get("/login"), { status, fields: { "X-Limit": word } }];
    }),
    [get("/files/latest.txt"), { status: 200 }],
  ],
  "access.conf": [
    [get("/files/"), { status: 200 }],
    [get("/private/x"), { status: 403 }],
    [get("/images/waves.svg"), { status: 403 }],
    [get("/images/logo.svg"), { status: 200 }],
    [get("/inside/latest.txt"), { status: 200 }],
    [get("/inside/outside.txt"), { status: 403 }],
    [get("/follow/outside.txt"), { status: 200 }],
    [get("/never/latest.txt"), { status: 403 }],
    [get("/dots/.hidden"), { status: 200 }],
    [get("/files/.hidden"), { status: 404 }],
  ],
  "passwords.conf": [
    [get("/"), { status: 200 }],
    [
      get("/private/secret.txt"),
      { status: 401, fields: { "WWW-Authenticate": 'Basic realm="private", charset="UTF-8"' } },
    ],
    [get("/private/secret.txt", as("reader")), { status: 200 }],
    [get("/files/"), { status: 401 }],
    [get("/files/", as("reader")), { status: 200 }],
    [get("/uploads/"), { status: 200 }],
    [sent("PUT", "/uploads/a.txt", "a"), { status: 401 }],
    [sent("PUT", "/uploads/a.txt", "a", as("writer")), { status: 201 }],
    [get("/uploads/a.txt", {}, "DELETE"), { status: 401 }],
    [get("/uploads/a.txt", as("writer"), "DELETE"), { status: 204 }],
  ],
  "caching.conf": [
    [get("/images/logo.svg"), { status: 200, fields: { "Cache-Control": "max-age=2592000", Expires: /.+GMT/ } }],
    [get("/files/notes.md"), { status: 200, fields: { Expires: /.+GMT/ } }],
    [get("/about/"), { status: 200, fields: { "Cache-Control": "no-cache" } }],
    [get("/app/"), { status: 200, fields: { "Cache-Control": "max-age=315360000" } }],
    [get("/style.css"), { status: 200, fields: { "Cache-Control": "public, max-age=60" } }],
    [get("/gallery.html", { "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT" }), { status: 304 }],
    [get("/none"), { status: 404, fields: { "X-Served-By": "webserv" } }],
  ],
  "changing-replies.conf": [
    [
      get("/", { Host: "site.test" }),
      { status: 200, fields: html, body: /<title>site\.test: .*[\s\S]*\/ask\.js"><\/script><\/body>/ },
    ],
    [
      get("/about/"),
      { status: 200, body: /^<p>Closed on Mondays.<\/p>\n<!doctype [\s\S]*<p>Served for 127\.0\.0\.1<\/p>\n$/ },
    ],
    [get("/hello?name=%3C"), { status: 200, body: "Hello, %3C. <p>Served for 127.0.0.1</p>\n" }],
    [get("/hello"), { status: 200, body: "Hello, whoever you are. <p>Served for 127.0.0.1</p>\n" }],
    [get("/koi8"), { status: 200, fields: { "Content-Type": "text/plain; charset=koi8-r" }, body: /, 5 &#8364;\n$/ }],
    [get("/timed"), { status: 200, fields: { "Transfer-Encoding": "chunked" }, body: "in time\n" }],
  ],
  "compression.conf": [
    [get("/style.css", { "Accept-Encoding": "gzip" }), { status: 200, fields: { "Content-Encoding": "gzip" } }],
    [get("/style.css", { "Accept-Encoding": "gzip, zstd" }), { status: 200, fields: { "Content-Encoding": "zstd" } }],
    [get("/style.css"), { status: 200, fields: { "Content-Encoding": null, Vary: "Accept-Encoding" } }],
    [get("/files/", { "Accept-Encoding": "gzip" }), { status: 200, fields: { "Content-Encoding": "gzip" } }],
    [get("/api/files/", { "Accept-Encoding": "gzip" }), { status: 200, fields: { "Content-Encoding": "gzip" } }],
    [get("/images/logo.svg", { "Accept-Encoding": "gzip" }), { status: 200, fields: { "Content-Encoding": "gzip" } }],
    [get("/private/secret.txt", { "Accept-Encoding": "gzip" }), { status: 200, fields: { "Content-Encoding": null } }],
  ],
  "logs.conf": [
    [get("/"), { status: 200 }],
    [get("/files/"), { status: 200 }],
    [get("/about/"), { status: 200 }],
    [get("/app/"), { status: 200 }],
  ],
  "locations.conf": [
    [get("/"), { status: 200, body: /^A/ }],
    [get("/index.html"), { status: 200, body: /^B/ }],
    [get("/documents/document.html"), { status: 200, body: /^C/ }],
    [get("/images/1.gif"), { status: 200, body: /^D/ }],
    [get("/documents/1.JPG"), { status: 200, body: /^E/ }],
    [get("/x.PNG"), { status: 200, body: /^F/ }],
    [get("/outer/inner/x"), { status: 200, body: /^G/ }],
    [get("/outer/x"), { status: 200, body: /^H/ }],
    [get("/pages/"), { status: 200, body: /life of a request/ }],
    [get("/first/none"), { status: 404, body: /^I/ }],
  ],
  "proxy.conf": [
    [get("/style.css"), { status: 200, fields: { "Content-Type": /text\/css.*/ } }],
    [get("/users"), { status: 200, body: "GET /users for 127.0.0.1 at localhost\n" }],
    [posted("/users", "x"), { status: 200, body: /^POST/ }],
    [get("/api/users?a"), { status: 200, fields: { "X-Powered-By": null }, body: /^GET \/v1\/users\?a for/ }],
    [get("/stream/x"), { status: 200, fields: { "X-Powered-By": "coffee" } }],
    [get("/asleep/x"), { status: 502, body: "The application is asleep.\n" }],
  ],
  "php.conf": [
    [get("/style.css"), { status: 200 }],
    [get("/none.php"), { status: 404 }],
    [get("/images/logo.svg/x.php"), { status: 404 }],
    [get("/"), { status: 200 }],
  ],
  "websocket.conf": [
    [
      get("/", { Upgrade: "websocket", Connection: "Upgrade" }),
      { status: 200, body: "Upgrade: , Connection: close\n" },
    ],
    [
      get("/socket/", { Upgrade: "websocket", Connection: "Upgrade" }),
      { status: 200, body: "Upgrade: websocket, Connection: upgrade\n" },
    ],
  ],
  "cache.conf": [
    [get("/page"), { status: 200, fields: { "X-Cache": "MISS" } }],
    [get("/page"), { status: 200, fields: { "X-Cache": "HIT" }, body: /^made at/ }],
    [get("/page", { Cookie: "user=ada" }), { status: 200, fields: { "X-Cache": "BYPASS" } }],
    [get("/none"), { status: 404, fields: { "X-Cache": "MISS" } }],
    [get("/none"), { status: 404, fields: { "X-Cache": "HIT" } }],
    [get("/private"), { status: 200, fields: { "X-Cache": "MISS" } }],
    [get("/private"), { status: 200, fields: { "X-Cache": "MISS" } }],
    [get("/page", {}, "PURGE"), { status: 204 }],
    [get("/page"), { status: 200, fields: { "X-Cache": "MISS" } }],
    [get("/live/"), { status: 200, fields: { "X-Cache": null } }],
  ],
  "load-balancing.conf": [
    [get("/"), { status: 200, body: "first\n" }],
    [get("/"), { status: 200, body: "second\n" }],
    [get("/"), { status: 200, body: "first\n" }],
    [get("/by-url/a"), { status: 200, body: /^(first|second)\n/ }],
    [get("/by-visitor/"), { status: 200, fields: { "Set-Cookie": /server=[0-9a-f]{32}; httponly; path=\// } }],
    [
      get("/one-down/"),
      { status: 200, fields: { "X-Upstream": /127\.0\.0\.1:1, 127\.0\.0\.1:\d+/ }, body: "second\n" },
    ],
  ],
  "tester.conf": [
    [get("/"), { status: 200, body: /<title>Tester/ }],
    [get("/", {}, "HEAD"), { status: 405, fields: { Allow: "GET, OPTIONS" } }],
    [get("/directory"), { status: 200, body: /^youpi/ }],
    [get("/directory/nop"), { status: 200, body: /^youpi/ }],
    [get("/directory/Yeah"), { status: 404 }],
    [posted("/directory/none.bla", "some bytes"), { status: 200, body: "SOME BYTES" }],
    [sent("PUT", "/put_test/a", "x"), { status: 201 }],
    [posted("/post_body", "x".repeat(101)), { status: 413 }],
  ],
};

test("every configuration has its tests", () => {
  const files = readdirSync(join(PROJECT, "conf")).filter((name) => name.endsWith(".conf") && name !== "fastcgi.conf"); // that one is to be included
  expect(Object.keys(promises).sort()).toEqual(files.sort());
});

describe.each(Object.keys(promises))("conf/%s", (name) => {
  let site: Awaited<ReturnType<typeof copyOfTheSite>>;
  let server: ServerProcess;
  beforeAll(async () => {
    site = await copyOfTheSite();
    const file = join(site.folder, "conf", name);
    server = new ServerProcess({ file, prefix: site.folder, cwd: site.folder });
    await server.start();
  });
  afterAll(async () => {
    await server.stop();
    rmSync(site.folder, { recursive: true, force: true });
  });

  for (const [request, expected, port = 8080] of promises[name]!) {
    const title = request.split("\r\n", 2).join(", ").replace(" HTTP/1.1", "").slice(0, 70);
    test(`${title} on ${port}: ${expected.status}`, async () => {
      check(await ask(site.ports.get(port)!, request), expected);
    });
  }

  test("nothing was complained about", () => {
    expect(server.stderr.split("\n").filter((line) => /\[(emerg|alert|crit)\]|warning/.test(line))).toEqual([]);
  });
});
