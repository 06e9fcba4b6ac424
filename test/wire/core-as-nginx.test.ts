/** nginx's core directives, and `compat nginx`: the same configuration gives the same answers as nginx itself. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { lchownSync, readdirSync, readFileSync, rmSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { ask, Client, get, type Reply } from "./client.ts";
import { NGINX, useNginx } from "./nginx.ts";
import { makeFolder, ServerProcess, until } from "./server.ts";

setDefaultTimeout(60_000);

const folder = makeFolder({
  "www/page.html": "0123456789",
  "www/style.css": "a { }",
  "www/.hidden/file": "hidden",
  "www/inner/page.html": "inner",
  "www/to-inner": { link: "inner" },
  "www/to-page.html": { link: "page.html" },
  "www/foreign.html": { link: "page.html" },
  linked: { link: "www" },
  "www/empty/": "",
  'www/a & "b".txt': "",
  "www/link.html": { link: "../outside.html" },
  "www/double//page.html": "double",
  "outside.html": "outside",
  "bodies/": "",
  "zipped/a.html.gz": gzipSync("hello, hello ".repeat(20_000)),
  "zipped/bad.html.gz": gzipSync("hello ".repeat(20_000)).subarray(0, 60),
});
utimesSync(join(folder, "www/page.html"), 1_700_000_000, 1_700_000_000);
if (process.getuid?.() === 0) lchownSync(join(folder, "www/foreign.html"), 1, 1);
/** Says what is in the file that it is told of. */
const backend = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const file = request.headers.get("X-File") ?? "";
    const body = file === "" ? "no file" : readFileSync(file, "utf8");
    return new Response(`[${await request.text()}] ${body}`);
  },
});
writeFileSync(
  join(folder, "saved.conf"),
  `client_body_temp_path ${folder}/bodies; proxy_pass_request_body off; proxy_set_header Content-Length "";
   proxy_set_header X-File $request_body_file; proxy_pass http://127.0.0.1:${backend.port};`,
);
afterAll(() => backend.stop(true));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A server at `listen`; those at sockets have what counts for a whole server. */
const site = (listen: string, suffix: string, more = ""): string => `
  server {
    listen ${listen};
    root ${folder}/www;
    ${more}
    location /ranges/0/ { alias ${folder}/www/; max_ranges 0; }
    location /ranges/2/ { alias ${folder}/www/; max_ranges 2; }
    location /types/ { alias ${folder}/www/; types { text/css css; } default_type application/x-test; }
    location /moved { return 301 /page.html; }
    location /elsewhere { return 302 http://other.test/x; }
    location /port/ { alias ${folder}/www/; port_in_redirect off; }
    location /named/ { alias ${folder}/www/; server_name_in_redirect on; }
    location /path/ { alias ${folder}/www/; absolute_redirect off; }
    location /once { error_page 404 /once/second; error_page 403 /page.html; }
    location = /once/second { error_page 403 /page.html; deny all; }
    location /again { recursive_error_pages on; error_page 404 /again/second; }
    location = /again/second { recursive_error_pages on; error_page 403 /page.html; deny all; }
    location /loop { recursive_error_pages on; error_page 404 /loop/again; }
    location /nopage { error_page 403 /nothing.html; deny all; }
    location /nopage/ok { error_page 403 =200 /nothing.html; deny all; }
    location /fields { return 200 "[$http_x_a] [$http_x_b] [$http_x_c]"; }
    autoindex_format json;
    location /json/ { alias ${folder}/www/; autoindex on; }
    location /xml/ { alias ${folder}/www/; autoindex on; autoindex_format xml; }
    location /jsonp/ { alias ${folder}/www/; autoindex on; autoindex_format jsonp; }
    location /links/on/ { alias ${folder}/www/; disable_symlinks on; }
    location /links/off/ { alias ${folder}/www/; disable_symlinks off; }
    location /links/owner/ { alias ${folder}/www/; disable_symlinks if_not_owner; }
    location /links/beneath/ { alias ${folder}/linked/; disable_symlinks on from=$document_root; }
    location /links/whole/ { alias ${folder}/linked/; disable_symlinks on; }
    location /links/from/ { alias ${folder}/linked/; disable_symlinks on from=${folder}/linked; }
    location /links/part/ { alias ${folder}/www/; disable_symlinks on from=${folder}/www/to-inner; }
    location /links/apart/ { alias ${folder}/linked/; disable_symlinks on from=/usr; }
    location /saved/clean { client_body_in_file_only clean; include ${folder}/saved.conf; }
    location /saved/on { client_body_in_file_only on; include ${folder}/saved.conf; }
    location /saved/off { include ${folder}/saved.conf; }
    location /charset/ { charset UTF-8; root ${folder}/www; location /charset/moved { return 302 /; } }
    location /gunzip/ { alias ${folder}/zipped/; gunzip on; gzip_static always; gzip_vary on; sub_filter hello bye; }
    location /gunzip/off/ { alias ${folder}/zipped/; gzip_static always; }
    location /gzip/ { alias ${folder}/www/; gzip on; gzip_min_length 1; }
    location /gzip/whole/ { alias ${folder}/www/; gzip on; gzip_min_length 1; chunked_transfer_encoding off; }
    location /asks/ {
      alias ${folder}/www/;
      auth_request /asked;
      access_log ${folder}/access.log${suffix} line;
    }
    location = /asked { log_subrequest on; access_log ${folder}/access.log${suffix} line; return 204; }
    location /silent/ { log_not_found off; error_log ${folder}/error.log${suffix}; }
    location /told/ { error_log ${folder}/error.log${suffix}; }
    location /uri { return 200 "$uri $request_uri"; }
  }`;

const MERGES_NOT = join(folder, "merges-not.sock");
const UNDERSCORES = join(folder, "underscores.sock");
const ANY_NAME = join(folder, "any-name.sock");

const configuration = (port: number | string, suffix: string): string =>
  [
    "log_format line '$uri $status';",
    site(`127.0.0.1:${port}`, suffix, "server_name first.test;"),
    site(`unix:${MERGES_NOT}${suffix}`, suffix, "merge_slashes off;"),
    site(`unix:${UNDERSCORES}${suffix}`, suffix, "underscores_in_headers on;"),
    site(`unix:${ANY_NAME}${suffix}`, suffix, "ignore_invalid_headers off;"),
  ].join("");

const nginx = useNginx((port) => configuration(port, ".n"));
const ours = new ServerProcess({ configuration: `compat nginx; ${configuration(0, ".w")}`, addresses: 4 });
beforeAll(() => ours.start());
afterAll(() => ours.stop());

/** What must be the same: all but the text of built-in pages, and that of replies whose parts have boundaries. */
function facts(reply: Reply, port: number): unknown {
  const field = (name: string): string | undefined =>
    reply
      .field(name)
      ?.replace(`:${port}`, ":PORT")
      .replace(/boundary=.*/, "boundary");
  const part = reply.status === 206 ? [] : ["Accept-Ranges"]; // nginx leaves it out of a part
  const names = [...part, "Location", "Content-Type", "Content-Range", "Last-Modified", "Cache-Control"];
  const text = reply.status >= 300 && /<h1>/.test(reply.text) ? "a page" : reply.text.replace(/--\w{10,}/g, "--");
  return { status: reply.status, text, ...Object.fromEntries(names.map((name) => [name, field(name)])) };
}

/** Asks both servers the same; gives their answers. */
async function both(request: string, socket = ""): Promise<[ours: unknown, nginx: unknown]> {
  const [w, n] = socket === "" ? [ours.port, nginx.port] : [`${socket}.w`, `${socket}.n`];
  return [facts(await ask(w, request), ours.port), facts(await ask(n, request), nginx.port)];
}

const CASES: readonly [about: string, request: string, socket?: string][] = [
  ["a file", get("/page.html")],
  ["a type that nginx does not know by itself", get("/style.css")],
  ["types and default_type", get("/types/style.css")],
  ["default_type", get("/types/page.html")],
  ["a dot file", get("/.hidden/file")],
  ["a link that leads out of the root", get("/link.html")],
  ["a folder without its slash", get("/inner")],
  ["a folder without its slash, with arguments", get("/inner?a=b")],
  ["a folder without an index", get("/inner/")],
  ["port_in_redirect off", get("/port/inner")],
  ["server_name_in_redirect on", get("/named/inner")],
  ["absolute_redirect off", get("/path/inner")],
  ["return with a path", get("/moved")],
  ["return with a URL", get("/elsewhere")],
  ["OPTIONS of a file", get("/page.html", {}, "OPTIONS")],
  ["POST to a file", get("/page.html", { "Content-Length": "0" }, "POST")],
  ["a method that nobody knows", get("/page.html", {}, "FROB")],
  ["one part", get("/page.html", { Range: "bytes=2-3" })],
  ["two parts", get("/page.html", { Range: "bytes=0-1,4-5" })],
  ["a part that is not there", get("/page.html", { Range: "bytes=20-" })],
  ["max_ranges 0", get("/ranges/0/page.html", { Range: "bytes=0-1" })],
  ["max_ranges 2: two", get("/ranges/2/page.html", { Range: "bytes=0-1,4-5" })],
  ["max_ranges 2: three", get("/ranges/2/page.html", { Range: "bytes=0-1,4-5,8-8" })],
  ["an error page that fails", get("/once")],
  ["recursive_error_pages", get("/again")],
  ["recursive_error_pages without end", get("/loop")],
  ["an error page that is missing", get("/nopage")],
  ["an error page =200 that is missing", get("/nopage/ok")],
  ["names of fields", get("/fields", { "x-a": "1", x_b: "2", "x.c": "3", "X-C": "4" })],
  ["names of fields, underscores_in_headers on", get("/fields", { "x-a": "1", x_b: "2", "x.c": "3" }), UNDERSCORES],
  ["names of fields, ignore_invalid_headers off", get("/fields", { "x-a": "1", x_b: "2" }), ANY_NAME],
  ["slashes are merged", get("/inner//page.html")],
  ["slashes are merged in $uri", get("//uri//a/.//b")],
  ["charset, of a built-in page", get("/charset/nothing")],
  ["charset, of a redirect", get("/charset/moved")],
  ["autoindex_format json", get("/json/")],
  ["autoindex_format json, an empty folder", get("/json/empty/")],
  ["autoindex_format xml", get("/xml/")],
  ["autoindex_format jsonp", get("/jsonp/?callback=a.b")],
  ["autoindex_format jsonp without a callback", get("/jsonp/")],
  ["autoindex_format jsonp, no name", get("/jsonp/?callback=a(b)")],
  ["merge_slashes off: $uri", get("/uri//a/.//b/../../c//"), MERGES_NOT],
  ["merge_slashes off: no location", get("//uri"), MERGES_NOT],
  ["merge_slashes off: a file", get("/inner//page.html"), MERGES_NOT],
  ["merge_slashes off: above the root", get("//../.."), MERGES_NOT],
];

describe.skipIf(NGINX === null)("as nginx", () => {
  test.each(CASES)("%s", async (_about, request, socket = "") => {
    const [w, n] = await both(request, socket);
    expect(w).toEqual(n);
  });

  test.each(["on", "off", "owner", "beneath", "whole", "from", "part", "apart"])(
    "disable_symlinks: /links/%s/",
    async (name) => {
      // A folder that may not be followed is 404 in nginx, because it opens it as no folder then; a file is 403.
      const found = async (port: number): Promise<string[]> => {
        const files = ["page.html", "link.html", "to-inner/page.html", "foreign.html", "to-page.html"];
        const replies = await Promise.all(files.map((file) => ask(port, get(`/links/${name}/${file}`))));
        return replies.map(({ status, text }) => (status === 200 ? text : "refused"));
      };
      const answers = await found(nginx.port);
      expect(await found(ours.port)).toEqual(answers);
      expect(answers.includes("refused")).toBe(name !== "off");
    },
  );

  test.each(["/gzip/page.html", "/gzip/whole/page.html"])("chunked_transfer_encoding: %s", async (path) => {
    const framing = async (port: number): Promise<unknown> => {
      const reply = await ask(port, get(path, { "Accept-Encoding": "gzip" }));
      const names = ["Content-Encoding", "Content-Length", "Transfer-Encoding"];
      return [...names.map((name) => reply.field(name)), reply.field("Connection") === "close"];
    };
    expect(await framing(ours.port)).toEqual(await framing(nginx.port));
  });

  test.each([
    ["/gunzip/a.html", {}],
    ["/gunzip/a.html", { "Accept-Encoding": "gzip" }],
    ["/gunzip/off/a.html", {}],
  ])("gunzip: %s %j", async (path, fields: Record<string, string>) => {
    const found = async (port: number): Promise<unknown> => {
      const reply = await ask(port, get(path, fields));
      const names = ["Content-Encoding", "Content-Type", "Vary"];
      return [
        reply.status,
        createHash("md5").update(reply.body).digest("hex"),
        ...names.map((name) => reply.field(name)),
      ];
    };
    expect(await found(ours.port)).toEqual(await found(nginx.port));
  });

  test("gunzip: a body that breaks off is not ended as if it were whole", async () => {
    for (const port of [ours.port, nginx.port]) {
      const client = await Client.connect(port);
      await client.send(get("/gunzip/bad.html"));
      expect((await client.rest()).toString("latin1").endsWith("0\r\n\r\n")).toBe(false);
      client.destroy();
    }
  });

  test.each([
    ["clean", 0],
    ["on", 1],
    ["off", 0],
  ])("client_body_in_file_only %s leaves %d files", async (name, left) => {
    const saved = async (port: number): Promise<string[]> => {
      const request = `POST /saved/${name} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`;
      const { text } = await ask(port, request);
      const files = (): string[] =>
        readdirSync(join(folder, "bodies"), { recursive: true, withFileTypes: true })
          .filter((file) => file.isFile())
          .map((file) => join(file.parentPath, file.name));
      await until(
        () => files().length === left,
        () => files().join(),
      );
      for (const file of files()) unlinkSync(file);
      return [text];
    };
    const answer = await saved(nginx.port);
    expect(await saved(ours.port)).toEqual(answer);
    expect(answer).toEqual([name === "off" ? "[] no file" : "[] hello"]);
  });

  test("log_subrequest: a subrequest has its line", async () => {
    await both(get("/asks/page.html"));
    const lines = (suffix: string): string =>
      readFileSync(join(folder, `access.log${suffix}`), "utf8")
        .split("\n")
        .sort()
        .join("\n");
    await until(
      () => lines(".w") === lines(".n") && lines(".n").includes("/asked"),
      () => lines(".w") + lines(".n"),
    );
  });

  test("log_not_found: whether a missing file has its line", async () => {
    await both(get("/silent/x"));
    await both(get("/told/x"));
    const log = (suffix: string): string => readFileSync(join(folder, `error.log${suffix}`), "utf8");
    for (const suffix of [".n", ".w"]) {
      await until(
        () => log(suffix).includes("/told/x"),
        () => log(suffix),
      );
      expect(log(suffix)).not.toContain("/silent/x");
    }
  });
});
