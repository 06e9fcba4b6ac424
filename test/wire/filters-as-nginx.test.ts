/** What changes bodies and types (charset, sub_filter), compared with nginx for the same files, replies and configuration. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ask, Client, get, type Reply } from "./client.ts";
import { NGINX, useNginx } from "./nginx.ts";
import { ServerProcess, until } from "./server.ts";

setDefaultTimeout(60_000);

/** What the backend replies, by path. */
const replies: Record<string, string> = {};
const backend = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    data(socket, request) {
      const path = request.toString("latin1").split(" ", 2)[1]!.replace(/\?.*/, "");
      socket.end(Buffer.from(replies[path] ?? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "latin1"));
    },
  },
});
afterAll(() => backend.stop(true));

const octets = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
const B = `127.0.0.1:${backend.port}`;

/** Locations that are the same in both servers. */
const LOCATIONS = `
    location /plain/ { }
    location /docs/sub/ {
      sub_filter '<a href="http://127.0.0.1:8080/'  '<a href="https://$host/';
      sub_filter '<img src="http://127.0.0.1:8080/' '<img src="https://$host/';
      sub_filter_once on;
    }
    location /sub/ {
      sub_filter one 1;
      sub_filter ONE-AND-ONE 2;
      sub_filter $arg_from "[$uri:$arg_from]";
      sub_filter_once off;
      sub_filter_types text/css text/plain;
    }
    location /sub/kept/ { sub_filter one 1; sub_filter two ''; sub_filter_last_modified on; add_header X-Added yes; }
    location /sub/none/ { sub_filter $arg_from x; }
    location /sub/any/ { sub_filter one 1; sub_filter_types *; }
    location /sub/return/ { sub_filter one 1; default_type text/html; return 200 "one two one"; }
    location /sub/return/plain { sub_filter one 1; default_type text/plain; return 200 "one two one"; }
    location /sub/error/ { sub_filter one 1; error_page 404 /plain/one.html; }
    location /backend/ { proxy_pass http://${B}/; sub_filter one "(1)"; sub_filter_once off; sub_filter_types text/plain; }
    location /docs/charset/ { include conf/koi-win; charset windows-1251; source_charset koi8-r; }
    location /charset/ { charset utf-8; }
    location /charset/types/ { charset utf-8; charset_types text/css; }
    location /charset/any/ { charset utf-8; charset_types *; }
    location /charset/off/ { charset off; }
    location /charset/variable/ { charset $arg_charset; }
    location /charset/text/ { charset utf-8; default_type text/plain; return 200 "x"; }
    location /charset/backend/ { proxy_pass http://${B}/; charset utf-8; }
    location /charset/override/ { proxy_pass http://${B}/; charset utf-8; source_charset koi8-r; override_charset on; }
    location /charset/same/ { charset utf-8; source_charset UTF-8; }
    location /koi-utf/ { charset utf-8; source_charset koi8-r; }
    location /utf-koi/ { charset koi8-r; source_charset utf-8; }
    location /win-koi/ { charset koi8-r; source_charset windows-1251; }
    location /docs/addition/ { add_before_body /before_action; add_after_body /after_action; }
    location /before_action { default_type text/html; return 200 "<before $request_uri $uri $args>"; }
    location /after_action { proxy_pass http://${B}/after; }
    location /addition/sub/ { add_before_body /plain/one.html; add_after_body /sub/a.txt; sub_filter one 1; sub_filter_once off; }
    location /addition/files/ { add_before_body /plain/one.html; add_after_body /koi-utf/a.html; charset utf-8; addition_types text/css; }
    location /addition/missing/ { add_after_body /none; }
    location /addition/nothing/ { add_before_body /nothing; add_after_body ""; }
    location /addition/big/ { add_before_body /sub/big.html; add_after_body /sub/big.html; }
    location /addition/nested/ { add_before_body /addition/files/one.html; }
    location = /nothing { return 204; }
    location /addition/error/ { add_before_body /plain/one.html; error_page 404 /plain/a.txt; }
    location /trailers/ { add_trailer X-Uri $uri; add_trailer X-Length "$sent_http_content_length"; add_trailer X-Empty ""; add_trailer X-Status $status always; }
    location /trailers/none { add_trailer X-A a; add_trailer X-B b always; return 404 "nothing"; }
    location /trailers/some { add_trailer X-A a; return 404 "nothing"; }
    location /gzip/ { gzip on; gzip_vary on; gzip_min_length 1; sub_filter one 1; sub_filter_last_modified on; add_after_body /plain/a.txt; ssi on; }
    location /gunzip/always/ { gzip_static always; gunzip on; gzip_vary on; }
    location /gunzip/only/ { gzip_static always; }
    location /gunzip/backend/ { proxy_pass http://${B}/; gunzip on; sub_filter one 1; sub_filter_types text/plain; }
    location /gunzip/included/ { add_before_body /gunzip/backend/gzip; }
    location /both/ { charset utf-8; source_charset koi8-r; sub_filter one two; }
`;

const KOI_WIN = `charset_map koi8-r windows-1251 { E1 C0; E2 C1; F0 CF; D2 F0; } charset_map koi8-r utf-8 { E1 D090; F0 D09F; D2 D180; 95 E28099; }`;

const server = (listen: string | number, root: string): string => `
  ${KOI_WIN}
  server { listen 127.0.0.1:${listen}; root ${root}; ${LOCATIONS.replace(/include [^;]*;/g, "")} }`;

const HTML =
  '<p>One two one, ONE-AND-one <a href="http://127.0.0.1:8080/a"><a href="http://127.0.0.1:8080/b"><img src="http://127.0.0.1:8080/i">';
const names = [
  "plain",
  "docs/sub",
  "sub",
  "sub/kept",
  "sub/none",
  "sub/any",
  "sub/error",
  "charset",
  "charset/types",
  "charset/any",
  "charset/off",
  "charset/variable",
  "charset/same",
  "addition/sub",
  "addition/files",
  "addition/missing",
  "addition/nothing",
  "addition/big",
  "addition/nested",
  "gzip",
  "gunzip/included",
  "docs/addition",
  "trailers",
];
const files: Record<string, string | Uint8Array> = {};
for (const folder of names) {
  for (const [name, text] of Object.entries({
    "one.html": HTML,
    "a.css": "one {}",
    "a.txt": "one",
    "a.bin": "one",
    "empty.html": "",
  }))
    files[`www/${folder}/${name}`] = text;
}
files["www/sub/big.html"] = "one and some more of it ".repeat(20_000);
for (const folder of ["docs/charset", "koi-utf", "both"])
  files[`www/${folder}/a.html`] = Buffer.from([0xf0, 0xd2, 0xe1, 0x20, 0x95, 0x96, 0x6f, 0x6e, 0x65]);
files["www/win-koi/a.html"] = Buffer.from([0xcf, 0xf0, 0xc0, 0x41]);
files["www/utf-koi/a.html"] = "Пр€А’\u{1d11e}! one";
files["www/utf-koi/bad.html"] = Buffer.from([0xd0, 0x41, 0x42, 0xe2, 0x82, 0x43, 0xc1, 0xd0, 0x9f]);

for (const [name, text] of Object.entries({ "a.html": HTML, "b.html": "" }))
  for (const folder of ["always", "only"]) files[`www/gunzip/${folder}/${name}.gz`] = Bun.gzipSync(Buffer.from(text));

const TYPES = "types { text/html html; text/css css; text/plain txt; } default_type application/octet-stream;";
const ours = new ServerProcess({
  configuration: `error_log error.log info; ${TYPES} etag on; ${server(0, "www")}`,
  files,
  addresses: 1,
});
const nginx = useNginx((port) => `${TYPES} ${server(port, `${ours.folder}/www`)}`);
beforeAll(() => ours.start());
afterAll(() => ours.stop());

/** What of a reply is compared. An entity tag's own bytes are each server's. */
async function outcome(port: number, path: string, fields: Record<string, string>, method: string) {
  const reply = await ask(port, get(path, { Host: "site.test", ...fields }, method));
  const value = (name: string) => reply.field(name) ?? null;
  return {
    status: reply.status,
    type: value("content-type"),
    tag: value("etag")?.replace(/".*"/, "tag") ?? null,
    modified: value("last-modified"),
    ranges: hasNoRanges(reply, path) ? null : value("accept-ranges"),
    range: value("content-range"),
    length: value("content-length"),
    coding: value("content-encoding"),
    framing: value("transfer-encoding"),
    added: value("x-added"),
    body: reply.body.toString("latin1"),
    trailers: reply.trailers,
  };
}

/** nginx leaves Accept-Ranges out of a 206, passes on that of a server whose reply it changes, and cuts what is converted byte by byte, but not what is compressed. */
const hasNoRanges = ({ status }: Reply, path: string): boolean =>
  status === 206 || /^\/(?:backend|docs\/charset|win-koi|gunzip)\//.test(path);

type Case = readonly [path: string, fields?: Record<string, string>, method?: string];

describe.skipIf(NGINX === null)("as nginx (needs nginx)", () => {
  const same = (...cases: Case[]): void => {
    test.each(
      cases.map((one): [string, Case] => [`${one[2] ?? "GET"} ${one[0]} ${JSON.stringify(one[1] ?? {})}`, one]),
    )("%s", async (_, [path, fields = {}, method = "GET"]) => {
      const [wanted, got] = await Promise.all([nginx, ours].map(({ port }) => outcome(port, path, fields, method)));
      expect(got).toEqual(wanted!);
    });
  };

  describe("sub_filter", () => {
    same(
      ["/docs/sub/one.html"],
      ["/docs/sub/one.html", {}, "HEAD"],
      ["/docs/sub/a.css"],
      ["/docs/sub/empty.html"],
      ["/docs/sub/one.html", { Range: "bytes=0-3" }],
      ["/docs/sub/a.css", { Range: "bytes=0-3" }],
      ["/docs/sub/one.html", { "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT" }],
      ["/sub/one.html"],
      ["/sub/one.html?from=Two"],
      ["/sub/one.html?from=p>"],
      ["/sub/big.html?from=SOME"],
      ["/sub/a.css"],
      ["/sub/a.txt"],
      ["/sub/a.bin"],
      ["/sub/kept/one.html"],
      ["/sub/kept/one.html", {}, "HEAD"],
      ["/sub/none/one.html"],
      ["/sub/none/one.html?from=one"],
      ["/sub/any/a.bin"],
      ["/sub/return/"],
      ["/sub/return/plain"],
      ["/sub/error/none"],
    );
    test("of other servers' replies", async () => {
      const head = [
        "HTTP/1.1 200 OK",
        "Content-Type: text/html; charset=x",
        'ETag: "a"',
        "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT",
        "Accept-Ranges: bytes",
      ];
      replies["/length"] = [...head, "Content-Length: 7", "", "One one"].join("\r\n");
      replies["/close"] = [...head, "", "one ON"].join("\r\n");
      replies["/range"] = [
        "HTTP/1.1 206 Partial Content",
        ...head.slice(1),
        "Content-Range: bytes 0-2/9",
        "Content-Length: 3",
        "",
        "one",
      ].join("\r\n");
      replies["/typeless"] = ["HTTP/1.1 200 OK", "Content-Length: 3", "", "one"].join("\r\n");
      replies["/other"] = ["HTTP/1.1 404 Not Found", "Content-Type: TEXT/Plain", "Content-Length: 3", "", "one"].join(
        "\r\n",
      );
      for (const name of ["/length", "/close", "/range", "/typeless", "/other"]) {
        for (const method of ["GET", "HEAD"]) {
          const [wanted, got] = await Promise.all(
            [nginx, ours].map(({ port }) => outcome(port, `/backend${name}`, {}, method)),
          );
          expect({ name, method, ...got! }).toEqual({ name, method, ...wanted! });
        }
      }
    });
  });

  describe("additions", () => {
    replies["/after"] = "HTTP/1.1 200 OK\r\nContent-Type: x/y\r\nContent-Length: 5\r\n\r\nafter";
    same(
      ["/docs/addition/one.html"],
      ["/docs/addition/one.html?q=1"],
      ["/docs/addition/one.html", {}, "HEAD"],
      ["/docs/addition/empty.html"],
      ["/docs/addition/a.css"],
      ["/docs/addition/one.html", { Range: "bytes=0-3" }],
      ["/docs/addition/one.html", { "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT" }],
      ["/addition/sub/one.html"],
      ["/addition/files/one.html"],
      ["/addition/files/one.html", { "Accept-Encoding": "gzip" }],
      ["/addition/files/a.css"],
      ["/addition/nothing/one.html"],
      ["/addition/big/one.html"],
      ["/addition/nested/one.html"],
      ["/addition/error/none"],
      ["/trailers/one.html"],
      ["/trailers/one.html", {}, "HEAD"],
      ["/trailers/empty.html"],
      ["/trailers/one.html", { Range: "bytes=0-3" }],
      ["/trailers/one.html", { "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT" }],
      ["/trailers/none"],
      ["/trailers/some"],
    );
    test("HTTP/1.0 has no trailers", async () => {
      for (const { port } of [nginx, ours]) {
        const reply = await ask(port, "GET /trailers/one.html HTTP/1.0\r\n\r\n");
        expect([reply.field("content-length"), reply.trailers]).toEqual([String(HTML.length), ""]);
      }
    });
  });

  describe("gunzip", () => {
    const big = Bun.gzipSync(Buffer.from(HTML.repeat(2000)));
    const coded = (body: Uint8Array, ...fields: string[]) =>
      ["HTTP/1.1 200 OK", "Content-Type: text/plain", "Content-Encoding: gzip", ...fields, "", ""].join("\r\n") +
      Buffer.from(body).toString("latin1");
    replies["/gzip"] = coded(big, `Content-Length: ${big.length}`, 'ETag: "a"', "Accept-Ranges: bytes");
    replies["/stream"] = coded(big);
    const gzip = { "Accept-Encoding": "gzip" };
    same(
      ["/gunzip/always/a.html"],
      ["/gunzip/always/a.html"],
      ["/gunzip/always/a.html", gzip],
      ["/gunzip/always/a.html", {}, "HEAD"],
      ["/gunzip/always/a.html", { Range: "bytes=0-3" }],
      ["/gunzip/always/a.html", { "Accept-Encoding": "gzip;q=0, br" }],
      ["/gunzip/always/b.html"],
      ["/gunzip/only/a.html"],
      ["/gunzip/backend/stream"],
      ["/gunzip/included/one.html", gzip],
    );
    test("sub_filter says that it does not see into gzip", async () => {
      await ask(ours.port, get("/gunzip/backend/gzip", gzip));
      const log = () => readFileSync(join(ours.folder, "error.log"), "utf8");
      await until(() => log().includes('"sub_filter" leaves a reply with Content-Encoding "gzip" as it is'), log);
    });
    test("what is no gzip is broken off", async () => {
      replies["/bad"] = coded(Buffer.from("this is plain"));
      replies["/cut"] = coded(big.subarray(0, 100));
      for (const name of ["bad", "cut"]) {
        const client = await Client.connect(ours.port);
        await client.send(get(`/gunzip/backend/${name}`));
        expect((await client.rest()).includes("\r\n0\r\n\r\n")).toBe(false);
        client.destroy();
      }
    });
  });

  test("compression is behind all of them", async () => {
    for (const { port } of [nginx, ours]) {
      const reply = await ask(port, get("/gzip/one.html", { "Accept-Encoding": "gzip" }));
      expect(reply.field("content-encoding")).toBe("gzip");
      const text = Buffer.from(Bun.gunzipSync(new Uint8Array(reply.body))).toString();
      expect(text).toBe(`${HTML.replace("One", "1")}one`);
    }
  });

  describe("charset", () => {
    same(
      ["/charset/one.html"],
      ["/charset/a.css"],
      ["/charset/a.txt"],
      ["/charset/a.bin"],
      ["/charset/one.html", {}, "HEAD"],
      ["/charset/one.html", { Range: "bytes=1-2" }],
      ["/charset/types/one.html"],
      ["/charset/types/a.css"],
      ["/charset/types/a.txt"],
      ["/charset/any/a.bin"],
      ["/charset/off/one.html"],
      ["/charset/variable/one.html?charset=koi8-r"],
      ["/charset/text/"],
      ["/charset/same/one.html"],
      ["/charset/same/one.html", { Range: "bytes=1-2" }],
      ["/docs/charset/a.html"],
      ["/docs/charset/a.html", {}, "HEAD"],
      ["/koi-utf/a.html"],
      ["/koi-utf/a.html", {}, "HEAD"],
      ["/utf-koi/a.html"],
      ["/utf-koi/bad.html"],
      ["/win-koi/a.html"],
      ["/both/a.html"],
    );
    test("of other servers' replies", async () => {
      const reply = (type: string, body: string) => `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n\r\n${body}`;
      replies["/html"] = reply("text/html", "\xf0\xd2");
      replies["/named"] = reply('text/html; charset="koi8-r"', "\xf0\xd2");
      replies["/same"] = reply("text/html;charset=UTF-8", octets("Пр"));
      replies["/parameter"] = reply("text/html; a=b", "\xf0\xd2");
      replies["/css"] = reply("text/css; charset=koi8-r", "\xf0\xd2");
      for (const prefix of ["/charset/backend", "/charset/override"]) {
        for (const name of ["/html", "/named", "/same", "/parameter", "/css"]) {
          const [wanted, got] = await Promise.all(
            [nginx, ours].map(({ port }) => outcome(port, prefix + name, {}, "GET")),
          );
          expect({ prefix, name, ...got! }).toEqual({ prefix, name, ...wanted! });
        }
      }
    });
  });
});
