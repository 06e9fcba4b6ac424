/** Which location answers, and with what: index, alias, try_files, return, error_page, add_header, variables. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { check } from "./cases.ts";
import { ask, Client, get } from "./client.ts";
import { answers } from "./explained.ts";
import { until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const server = useServer({
  configuration: `
    default_type text/plain;
    types { text/html html; text/plain txt; }
    server {
      listen 127.0.0.1:0;
      server_name here.test;
      root www;
      error_page 404 /errors/404.txt;
      add_header X-Site here;

      location /several/ { index none.html second.html first.html; }
      location /absolute/ { index none.html /index.html; }
      location /alias/  { alias www/elsewhere/; }
      location /one     { alias www/elsewhere/a.txt; }
      location ~ ^/by/(\\w+)\\.txt$ { alias www/elsewhere/$1.txt; }
      location ~ ^/re/(.*)$ { alias www/plain/$1; autoindex on; }
      location ~ ^/all/ { alias www/elsewhere/; index a.txt; }
      location ~ ^/run/(.*)$ { alias www/scripts/$1; index run.sh; cgi .sh /bin/sh; }

      location /try/    { try_files $uri $uri/ /fallback.txt; }
      location /named/  { try_files $uri @named; }
      location /code/   { try_files $uri =410; }
      location @named   { return 200 "named for $uri\\n"; }

      location = /r200  { return 200 "text $arg_a\\n"; }
      location = /r204  { return 204; }
      location = /r204text { return 204 "text"; }
      location = /r301  { return 301 /target?$args; }
      location = /bare301 { return 301; }
      location = /bare200 { return 200; }
      location = /r302  { return http://other.test/x; }
      location = /r404  { return 404; }
      location = /r444  { return 444; }
      location = /r500  { return 500; }
      location = /html  { default_type text/html; return 200 "<p>"; }

      location /pages/  { error_page 404 =200 /errors/404.txt; }
      location /quiet/  { error_page 404 =204 /errors/404.txt; }
      location /same/   { error_page 404 = @answer; }
      location @answer  { return 203 "answered\\n"; }
      location /away/   { error_page 404 http://other.test/; }
      location /loop/   { error_page 404 /loop/again; }
      location /builtin/ { error_page 599 /none; }
      location /always/ { error_page 599 /none; add_header X-Always "yes $host" always; }

      location /inside/ { internal; alias www/elsewhere/; }
      location /door/   { error_page 404 /inside/a.txt; }

      location = /exact    { return 200 "exact\\n"; }
      location /ex         { return 200 "prefix\\n"; }
      location ^~ /static/ { return 200 "no patterns\\n"; }
      location ~ ^/deep/(a+)+$ { deny all; }
      location ~ ^/look/(?!b)(a+)+$ { deny all; }
      location ~ "/(\\w|\\d)+\\.bak$" { deny all; }
      location /nest/ {
        location ~ ^/nest/a { location ~ ^/nest/(?!b)(a+)+$ { deny all; } }
      }
      location ~ ^/nest/ { return 200 "beside\\n"; }
      location ~ \\.php$   { return 200 "pattern\\n"; }
      location ~* \\.jpg$  { return 200 "any case\\n"; }
      location /outer/ {
        location /outer/inner/ { return 200 "inner\\n"; }
        return 200 "outer\\n";
      }
      location ~ ^/user/(?<name>\\w+)/(\\d+)$ { return 200 "$name $2\\n"; }
      location = /variables {
        return 200 "$request_method|$uri|$request_uri|$args|$is_args|$query_string|$arg_a|$arg_B|$host|$http_x_test|$cookie_c|$server_name|$server_protocol|$scheme|$content_length|$remote_addr|$server_addr|$request|$document_uri\\n";
      }
    }`,
  files: {
    "www/index.html": "home\n",
    "www/plain/index.html": "plain\n",
    "www/plain/deep/index.html": "deep\n",
    "www/plain/bare/": "",
    "www/scripts/run.sh": 'echo "Content-Type: text/plain"; echo; echo "run $SCRIPT_NAME $PATH_INFO"; cat',
    "www/several/second.html": "second\n",
    "www/several/first.html": "first\n",
    "www/absolute/": "",
    "www/empty/": "",
    "www/elsewhere/a.txt": "alias a\n",
    "www/fallback.txt": "fallback\n",
    "www/try/there.txt": "there\n",
    "www/try/folder/index.html": "folder\n",
    "www/errors/404.txt": "our 404\n",
    "www/sp ace/index.html": "space\n",
  },
});

describe("folders", () => {
  answers(server, "index.html", get("/"), { status: 200, body: "home\n" });
  answers(server, "the first index that exists", get("/several/"), { status: 200, body: "second\n" });
  answers(server, "an absolute index", get("/absolute/"), { status: 200, body: "home\n" });
  answers(server, "no index, no listing: 403", get("/empty/"), { status: 403 });
  answers(server, "without the slash: 301", get("/plain"), {
    status: 301,
    fields: { Location: /(http:\/\/localhost)?\/plain\// },
  });
  answers(server, "the query goes along", get("/plain?a=1&b"), {
    status: 301,
    fields: { Location: /.*\/plain\/\?a=1&b/ },
  });
  answers(server, "the name is encoded", get("/sp%20ace"), { status: 301, fields: { Location: /.*\/sp%20ace\// } });
  test.each(["//plain", "//other.test/../plain", "/%2Fplain", "/\\other.test/../plain", "///plain"])(
    "%s never leads to another host",
    async (path) => {
      const location = (await ask(server.port, get(path))).field("location") ?? "/";
      expect(new URL(location.replaceAll("\\", "/"), "http://localhost/").hostname).toBe("localhost");
    },
  );
});

describe("alias", () => {
  answers(server, "replaces the prefix", get("/alias/a.txt"), { status: 200, body: "alias a\n" });
  answers(server, "is a file", get("/one"), { status: 200, body: "alias a\n" });
  answers(server, "with a capture", get("/by/a.txt"), { status: 200, body: "alias a\n" });
  answers(server, "with a capture, of a folder: its index", get("/re/"), { status: 200, body: "plain\n" });
  answers(server, "and that of one within", get("/re/deep/"), { status: 200, body: "deep\n" });
  answers(server, "and without one the listing", get("/re/bare/"), {
    status: 200,
    fields: { "Content-Type": /text\/html.*/ },
  });
  answers(server, "without a capture it is the place of every path", get("/all/x/y"), { status: 301 });
  answers(server, "also of the index that was found in it", get("/all/x/y/"), {
    status: 301,
    fields: { Location: /.*\/all\/x\/y\/a.txt\// },
  });
  const run = { status: 200, body: "run /run/run.sh \n" };
  answers(server, "its index may be a script", get("/run/"), run);
  const post = get("/run/", { "Content-Length": "4" }, "POST");
  answers(server, "which gets the body", post + "body", { status: 200, body: `${run.body}body` });
  answers(server, "an encoded way up is taken before", get("/alias/..%2findex.html"), { status: 200, body: "home\n" });
});

describe("what follows an error_page stands for itself, unless it is a page", () => {
  const rows: [location: string, request: string, status: number][] = [
    ["error_page 404 @page;", "/e1/x", 404],
    ["error_page 404 =200 @page;", "/e2/x", 200],
    ["error_page 404 @moved;", "/e3/x", 302],
    ["error_page 404 @down;", "/e4/x", 503],
    ["error_page 404 =200 /missing-page.html;", "/e5/x", 404],
    ["deny all; error_page 403 /missing-page.html;", "/e6/x", 403],
    ["error_page 404 /e7;", "/e7/x", 301],
  ];
  const pages = useServer({
    configuration: `server {
      listen 127.0.0.1:0;
      root www;
      ${rows.map(([location, request]) => `location ${request.slice(0, 4)} { ${location} }`).join("\n")}
      location @page  { return 200 page; }
      location @moved { return 302 /home; }
      location @down  { return 503; }
    }`,
    files: { "www/e7/": "" },
  });
  for (const [location, request, status] of rows) answers(pages, `${location} ${status}`, get(request), { status });
});

describe("internal", () => {
  answers(server, "is not there for clients", get("/inside/a.txt"), { status: 404, body: "our 404\n" });
  answers(server, "is there for error_page", get("/door/x"), { status: 404, body: "alias a\n" });
});

describe("try_files", () => {
  answers(server, "the file", get("/try/there.txt"), { status: 200, body: "there\n" });
  answers(server, "the folder's index", get("/try/folder/"), { status: 200, body: "folder\n" });
  answers(server, "the last: a URI", get("/try/missing"), { status: 200, body: "fallback\n" });
  answers(server, "the last: a named location", get("/named/x"), { status: 200, body: "named for /named/x\n" });
  const post = (path: string) => get(path, { "Content-Length": "0" }, "POST");
  answers(server, "a POST to the last", post("/named/x"), { status: 200, body: "named for /named/x\n" });
  answers(server, "a POST to a file", post("/try/there.txt"), { status: 405, fields: { allow: "GET, HEAD, OPTIONS" } });
  answers(server, "the last: a status", get("/code/x"), { status: 410 });
});

describe("internal redirects", () => {
  const steps = Array.from({ length: 11 }, (_, i) => `location = /step${i} { try_files /none /step${i + 1}; }`);
  const round = useServer({
    configuration: `
      error_log error.log;
      server {
        listen 127.0.0.1:0;
        root www;
        location /same  { try_files /none /same; }
        location /ping  { try_files /none @pong; }
        location @pong  { try_files /none /ping; }
        location /dir/  { index none.html /dir/; }
        location /page  { error_page 404 /same; }
        ${steps.join("\n")}
        location = /step11 { return 200 "there\\n"; }
      }`,
    files: { "www/dir/": "" },
  });
  answers(round, "ten of them", get("/step1"), { status: 200, body: "there\n", closes: false });
  const rows: [name: string, path: string, last: string][] = [
    ["eleven", "/step0", "/step11"],
    ["try_files to itself", "/same", "/same"],
    ["by way of a named location", "/ping", "@pong"],
    ["an index that is its folder", "/dir/", "/dir/"],
    ["an error page that goes round", "/page", "/same"],
  ];
  for (const [name, path] of rows) answers(round, `${name}: 500`, get(path), { status: 500, body: /<html/i });

  test("the log says why", async () => {
    for (const [, path] of rows) await ask(round.port, get(`${path}?logged`));
    const log = (): string => readFileSync(join(round.folder, "error.log"), "utf8");
    await until(() => log().includes(`"GET ${rows.at(-1)![1]}?logged `), log);
    for (const [, path, last] of rows) {
      expect(log()).toMatch(
        new RegExp(`cycle while internally redirecting to "${last}".*request: "GET ${path}\\?logged `),
      );
    }
  });
});

describe("return", () => {
  answers(server, "text with a variable", get("/r200?a=b%20c"), {
    status: 200,
    body: "text b%20c\n",
    fields: { "Content-Type": /text\/plain.*/ },
  });
  answers(server, "the location's type", get("/html"), {
    status: 200,
    body: "<p>",
    fields: { "Content-Type": /text\/html.*/ },
  });
  answers(server, "204 without a length", get("/r204"), {
    status: 204,
    fields: { "Content-Length": null },
    closes: false,
  });
  answers(server, "301 with the query", get("/r301?x=1"), {
    status: 301,
    fields: { Location: /(http:\/\/localhost(:\d+)?)?\/target\?x=1/ },
  });
  answers(server, "301 without a target", get("/bare301"), {
    status: 301,
    body: /301 Moved Permanently/,
    fields: { Location: null, "Content-Type": /text\/html.*/ },
  });
  answers(server, "200 without a text", get("/bare200"), {
    status: 200,
    body: "",
    fields: { "Content-Type": /text\/plain.*/ },
  });
  answers(server, "204 with a text that is never sent, nor its type", get("/r204text"), {
    status: 204,
    fields: { "Content-Type": null },
  });
  answers(server, "a URL alone", get("/r302"), { status: 302, fields: { Location: "http://other.test/x" } });
  answers(server, "a status with the site's page", get("/r404"), { status: 404, body: "our 404\n" });
  answers(server, "a status with the built-in page", get("/r500"), {
    status: 500,
    body: /<html/i,
    fields: { "Content-Type": /text\/html.*/ },
  });
  test("204 and 304 have no body even where one is configured: the next reply is in step", async () => {
    const client = await Client.connect(server.port);
    await client.send(get("/r204text") + get("/r204text") + get("/r200?a=next"));
    expect([(await client.reply()).status, (await client.reply()).status]).toEqual([204, 204]);
    expect((await client.reply()).text).toBe("text next\n");
    client.destroy();
  });
  test("444 lets the replies before it out", async () => {
    const client = await Client.connect(server.port);
    await client.send(get("/r200?a=first") + get("/r444"));
    expect((await client.rest()).toString()).toEndWith("text first\n");
  });
  test("444 closes without a reply", async () => {
    const client = await Client.connect(server.port);
    void client.send(get("/r444"));
    expect((await client.rest()).length).toBe(0);
  });
  test("no line end gets into a field", async () => {
    const reply = await ask(server.port, get("/r301?x=%0d%0aX-Injected:%201"));
    expect(reply.field("x-injected")).toBeUndefined();
  });
});

describe("error_page", () => {
  answers(server, "the site's own", get("/none"), {
    status: 404,
    body: "our 404\n",
    fields: { "Content-Type": /text\/plain.*/, "Last-Modified": null, "Accept-Ranges": null },
  });
  answers(server, "HEAD of it", get("/none", {}, "HEAD"), { status: 404, fields: { "Content-Length": "8" } });
  answers(server, "another status", get("/pages/x"), {
    status: 200,
    body: "our 404\n",
    fields: { "Accept-Ranges": "bytes" },
  });
  answers(server, "a part of that", get("/pages/x", { Range: "bytes=4-6" }), { status: 206, body: "404" });
  answers(server, "but none of a page about an error", get("/none", { Range: "bytes=4-6" }), {
    status: 404,
    body: "our 404\n",
  });
  test("and where it is not modified, 304", async () => {
    const etag = (await ask(server.port, get("/pages/x"))).field("etag")!;
    check(await ask(server.port, get("/pages/y", { "If-None-Match": etag })), { status: 304 });
  });
  answers(server, "a status that has no body", get("/quiet/x"), {
    status: 204,
    fields: { "Content-Type": null, "Last-Modified": null, "Accept-Ranges": null },
  });
  answers(server, "the page's own status", get("/same/x"), { status: 203, body: "answered\n" });
  answers(server, "another address", get("/away/x"), { status: 302, fields: { Location: "http://other.test/" } });
  answers(server, "a page that is missing too", get("/loop/x"), { status: 404 });
  answers(server, "none: the built-in page", get("/builtin/x"), { status: 404, body: /<html/i });
  test("the built-in page is complete and tells nothing of the system", async () => {
    const page = (await ask(server.port, get("/builtin/x"))).text;
    expect(page).toMatch(/^<!doctype html>/i);
    expect(page).toContain("404");
    expect(page).not.toContain(server.folder);
  });
});

describe("add_header", () => {
  answers(server, "on 200", get("/"), { status: 200, fields: { "X-Site": "here" } });
  answers(server, "not on 404", get("/none"), { status: 404, fields: { "X-Site": null } });
  answers(server, "always, with a variable", get("/always/x", { Host: "h.test" }), {
    status: 404,
    fields: { "X-Always": "yes h.test" },
  });
});

describe("locations", () => {
  const rows: [path: string, body: string][] = [
    ["/exact", "exact\n"],
    ["/exactly", "prefix\n"],
    ["/static/x.php", "no patterns\n"],
    ["/ex/x.php", "pattern\n"],
    ["/x.JPG", "any case\n"],
    ["/outer/inner/x", "inner\n"],
    ["/outer/x", "outer\n"],
    ["/user/ada/42", "ada 42\n"],
  ];
  for (const [path, body] of rows) answers(server, path, get(path), { status: 200, body });
  const deep = `/deep/${"a".repeat(40)}`;
  answers(server, "a repetition in a repetition", get(deep), { status: 403 });
  answers(server, "one that does not match", get(`${deep}!`), { status: 404 });
  answers(server, "alternatives in a repetition", get(`/${"1".repeat(40)}/x.bak`), { status: 403 });
  const look = `/look/${"a".repeat(5)}`;
  answers(server, "one that looks ahead, and a short path", get(look), { status: 403 });
  answers(server, "nobody can tell for a longer one", get(look + "a".repeat(40)), { status: 500 });
  const nested = `/nest/${"a".repeat(8)}`;
  answers(server, "a nested one", get(nested), { status: 403 });
  answers(server, "a nested one that nobody can tell", get(nested + "a".repeat(40)), { status: 500 });
});

test("variables", async () => {
  const request = get("/variables?a=1&b=2", { Host: "Here.Test:80", "X-Test": "field", Cookie: "b=0; c=crumb" });
  check(await ask(server.port, request), {
    status: 200,
    body:
      "GET|/variables|/variables?a=1&b=2|a=1&b=2|?|a=1&b=2|1|2|here.test|field|crumb|here.test|HTTP/1.1|http||" +
      "127.0.0.1|127.0.0.1|GET /variables?a=1&b=2 HTTP/1.1|/variables\n",
  });
});
