/** Compression as clients see it: what is compressed for whom, and that what comes back is what was there. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import zlib from "node:zlib";
import { answers, check, exchange } from "./cases.ts";
import { ask, Client, get, type Reply } from "./client.ts";
import { descriptors } from "./scripts.ts";
import { until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const lines = (count: number): string =>
  Array.from({ length: count }, (_, i) => `<p>line ${i} of a page, ${(i * 7919) % 1000}</p>\n`).join("");
const SMALL = lines(200);
const LARGE = lines(4000); // beyond what is kept of files as they are
const HUGE = lines(130_000); // beyond what is kept compressed
const CROWD = lines(60_000);
/** Some 60 KB compressed: more than is kept in the memory of the process. */
const dense = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString("base64");
const DENSE = dense();
const NOISE = crypto.getRandomValues(new Uint8Array(50_000));
const gz = zlib.gzipSync("ahead of time, gzip");
const br = zlib.brotliCompressSync("ahead of time, br");

const server = useServer({
  configuration: `
    log_format ratio "$request_uri $gzip_ratio $body_bytes_sent";
    server {
      listen 127.0.0.1:0;
      root www;
      error_log error.log;
      gzip on;
      gzip_types text/plain;
      access_log ratio.log ratio;
      location /plain/    { alias www/; gzip off; }
      location /all/      { alias www/; brotli on; zstd on; brotli_types *; zstd_types *; gzip_types *; }
      location /br/       { alias www/; gzip off; brotli on; brotli_comp_level 4; }
      location /long/     { alias www/; gzip_min_length 100k; }
      location /novary/   { alias www/; gzip_vary off; }
      location /old/      { alias www/; gzip_http_version 1.0; }
      location /oldcgi/   { alias www/cgi/; cgi .sh /bin/sh; gzip_http_version 1.0; }
      location /not/      { alias www/; gzip_disable "msie6" "^Bad(Agent)?/"; }
      location /proxied/  { alias www/; gzip_proxied any; }
      location /expired/  { alias www/; gzip_proxied expired; expires -1; }
      location /fresh/    { alias www/; gzip_proxied expired; expires 1h; }
      location /nocache/  { alias www/; gzip_proxied no-cache; add_header Cache-Control no-cache; }
      location /auth/     { alias www/; gzip_proxied auth; }
      location /static/   { alias www/; gzip off; gzip_static on; brotli_static on; }
      location /both/     { alias www/; gzip_static on; }
      location /always/   { alias www/; gzip off; gzip_static always; }
      location /varying/  { alias www/; add_header X-Uri $uri; }
      location /uncached/ { alias www/; open_file_cache off; }
      location /aged/     { alias www/; expires 1h; add_header ETag '"mine"'; }
      location /encoded/  { alias www/; add_header Content-Encoding x-mine; }
      location /list/     { alias www/folder/; autoindex on; }
      location /json/     { alias www/folder/; autoindex on; autoindex_format json; gzip_types application/json; }
      location /text      { default_type text/html; return 200 "a text of some length, a text of some length, $args"; }
      location /same      { default_type text/html; return 200 "one text, one text, one text, one text"; }
      location /forbidden { default_type text/html; return 403 "no, no, no, no, no, no, no, no, no, no, no, no"; }
      location /bad       { default_type text/html; return 400 "no, no, no, no, no, no, no, no, no, no, no, no"; }
      location /page/     { alias www/; error_page 404 /small.html; }
      location /cgi/      { alias www/cgi/; cgi .sh /bin/sh; }
    }`,
  files: {
    "www/small.html": SMALL,
    "www/large.html": LARGE,
    "www/huge.html": HUGE,
    "www/crowd.html": CROWD,
    "www/tiny.html": "<p>tiny</p>",
    "www/a.txt": SMALL,
    "www/a.bin": SMALL,
    "www/noise.html": NOISE,
    "www/dense.html": DENSE,
    "www/changing.html": DENSE,
    "www/ahead.html": SMALL,
    "www/ahead.html.gz": gz,
    "www/ahead.html.br": br,
    "www/alone.html.gz": gz,
    "www/folder/one.txt": "1",
    "www/folder/two.txt": "2",
    "www/cgi/out.sh": `printf 'Content-Type: text/html\\n\\n'; i=0; while [ $i -lt 300 ]; do echo "line $i of a script"; i=$((i+1)); done`,
    "www/cgi/length.sh": `printf 'Content-Type: text/html\\nContent-Length: 60\\n\\n%60s' x`,
    "www/cgi/more.sh": `printf 'Content-Type: text/html\\nContent-Length: 60\\n\\n%90s' x`,
    "www/cgi/less.sh": `printf 'Content-Type: text/html\\nContent-Length: 600\\n\\n%60s' x`,
    "www/cgi/coded.sh": `printf 'Content-Type: text/html\\nContent-Encoding: x-own\\n\\nas it is, as it is, as it is'`,
    "www/cgi/slow.sh": `printf 'Content-Type: text/html\\n\\nfirst words\\n'; while [ ! -e "$DOCUMENT_ROOT/go" ] && [ ! -e go ]; do sleep 0.05; done; echo last words`,
    "www/cgi/go.sh": "touch go; printf 'Content-Type: text/plain\\n\\n'",
    "www/cgi/tag.sh": `printf 'Content-Type: text/html\\nETag: "own"\\nVary: Cookie\\n\\nlong enough to be compressed'`,
  },
});

const accepting = (coding: string, more: Record<string, string> = {}) => ({ "Accept-Encoding": coding, ...more });
const gzip = accepting("gzip");

/** The body as it was before its coding. */
function decoded(reply: Reply): string {
  const coding = reply.field("content-encoding");
  if (coding === "gzip") return zlib.gunzipSync(reply.body).toString();
  if (coding === "br") return zlib.brotliDecompressSync(reply.body).toString();
  if (coding === "zstd") return zlib.zstdDecompressSync(reply.body).toString();
  return reply.body.toString();
}

/** A request's reply has this coding (null: none) and, decoded, this text. */
function gives(name: string, path: string, fields: Record<string, string>, coding: string | null, text: string): void {
  test(name, async () => {
    const reply = await exchange(server.port, get(path, fields), {
      status: 200,
      fields: { "Content-Encoding": coding },
    });
    expect(decoded(reply) === text).toBe(true);
    if (coding !== null && !coding.startsWith("x-")) expect(reply.body.length).toBeLessThan(Math.max(text.length, 100));
  });
}

describe("a file", () => {
  for (const [path, text] of [
    ["/small.html", SMALL],
    ["/large.html", LARGE],
    ["/huge.html", HUGE],
    ["/dense.html", DENSE],
  ] as const) {
    for (const time of ["first", "second", "third"]) gives(`${path}, the ${time} time`, path, gzip, "gzip", text);
    gives(`${path} as it is`, path, {}, null, text);
    gives(`${path} without caches`, `/uncached${path}`, gzip, "gzip", text);
    gives(`${path} with a field of each request`, `/varying${path}`, gzip, "gzip", text);
    gives(`${path} with a field of each second`, `/aged${path}`, gzip, "gzip", text);
    for (const coding of ["gzip", "br", "zstd"])
      gives(`${path} by ${coding}`, `/all${path}`, accepting(coding), coding, text);
  }
  gives("of another type", "/a.bin", gzip, null, SMALL);
  gives("of a type in the list", "/a.txt", gzip, "gzip", SMALL);
  gives("of any type", "/all/a.bin", gzip, "gzip", SMALL);
  gives("that is too short", "/tiny.html", gzip, null, "<p>tiny</p>");
  gives("gzip_min_length", "/long/small.html", gzip, null, SMALL);
  gives("gzip_min_length, longer", "/long/large.html", gzip, "gzip", LARGE);
  gives("gzip off", "/plain/small.html", gzip, null, SMALL);
  gives("that has another coding already", "/encoded/small.html", gzip, "x-mine", SMALL);

  test("a large form is kept in a file without a name, and closed when its file changes", async () => {
    const kept = () => descriptors(server.pid).filter((name) => name.startsWith("/dev/shm/")).length;
    for (let i = 0; i < 3; i++) await ask(server.port, get("/changing.html", gzip));
    const before = kept();
    const text = dense();
    writeFileSync(join(server.folder, "www/changing.html"), text);
    let reply: Reply;
    do reply = await ask(server.port, get("/changing.html", gzip));
    while (decoded(reply) !== text); // it is believed for a second
    const head = await ask(server.port, get("/changing.html", gzip).replace("GET", "HEAD"));
    check(head, { status: 200, fields: { "Content-Length": `${reply.body.length}`, "Content-Encoding": "gzip" } });
    expect(head.body.length).toBe(0);
    expect(kept()).toBe(before);
    if (existsSync("/dev/shm")) expect(before).toBeGreaterThan(0);
  });

  test("that does not become smaller is sent as it is", async () => {
    await ask(server.port, get("/noise.html", gzip));
    const reply = await ask(server.port, get("/noise.html", gzip));
    check(reply, { status: 200, fields: { "Content-Encoding": null, "Content-Length": `${NOISE.length}` } });
  });

  answers(server, "the fields", get("/small.html", gzip), {
    status: 200,
    fields: { Vary: "Accept-Encoding", ETag: /W\/"[^"]+"/, "Accept-Ranges": null, "Content-Length": /\d+/ },
  });
  answers(server, "the fields as it is", get("/small.html"), {
    status: 200,
    fields: { Vary: "Accept-Encoding", ETag: /"[^"]+"/, "Accept-Ranges": "bytes", "Content-Length": `${SMALL.length}` },
  });
  answers(server, "an added ETag is weak, too", get("/aged/small.html", gzip), {
    status: 200,
    fields: { ETag: 'W/"mine"', "Cache-Control": "max-age=3600" },
  });
  answers(server, "gzip_vary off", get("/novary/small.html", gzip), { status: 200, fields: { Vary: null } });
  answers(server, "no Vary where nothing would be compressed", get("/a.bin", gzip), {
    status: 200,
    fields: { Vary: null },
  });
});

describe("Accept-Encoding", () => {
  const rows: [value: string, coding: string | null][] = [
    ["gzip, deflate, br, zstd", "zstd"],
    ["gzip, br", "br"],
    ["br;q=0.5, gzip", "gzip"],
    ["gzip;q=0, br;q=0.1", "br"],
    ["*", "zstd"],
    ["*;q=0, gzip", "gzip"],
    ["gzip;q=0", null],
    ["identity, gzip;q=0.5", null],
    ["identity;q=0.5, gzip", "gzip"],
    ["x-gzip", "gzip"],
    ["GZIP", "gzip"],
    ["gzip;q=2", null],
    ["deflate", null],
    ["", null],
  ];
  for (const [value, coding] of rows) gives(`"${value}"`, "/all/small.html", accepting(value), coding, SMALL);
  test("two lines", async () => {
    const request =
      "GET /all/small.html HTTP/1.1\r\nHost: x\r\nAccept-Encoding: deflate\r\naccept-encoding: br\r\n\r\n";
    check(await ask(server.port, request), { status: 200, fields: { "Content-Encoding": "br" } });
  });
});

describe("who gets nothing compressed", () => {
  const old = (path: string): string => `GET ${path} HTTP/1.0\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n`;
  answers(server, "HTTP/1.0", old("/small.html"), { status: 200, fields: { "Content-Encoding": null } });
  answers(server, "gzip_http_version 1.0", old("/old/small.html"), {
    status: 200,
    fields: { "Content-Encoding": "gzip" },
  });
  answers(server, "a stream to HTTP/1.0 ends with the connection", old("/oldcgi/out.sh"), {
    status: 200,
    fields: { "Content-Encoding": "gzip" },
  });
  const agents: [agent: string, coding: string | null][] = [
    ["Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)", null],
    ["Mozilla/4.0 (compatible; MSIE 5.5)", null],
    ["Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)", "gzip"],
    ["Mozilla/4.0 (compatible; MSIE 7.0)", "gzip"],
    ["Mozilla/4.0 (compatible; MSIE 6.0) Opera 7.0", "gzip"],
    ["badagent/1", null],
    ["Good BadAgent/1", "gzip"],
  ];
  for (const [agent, coding] of agents)
    gives(agent, "/not/small.html", { ...gzip, "User-Agent": agent }, coding, SMALL);
  const via = { ...gzip, Via: "1.1 proxy" };
  const proxied: [path: string, fields: Record<string, string>, coding: string | null][] = [
    ["/small.html", via, null],
    ["/proxied/small.html", via, "gzip"],
    ["/expired/small.html", via, "gzip"],
    ["/fresh/small.html", via, null],
    ["/fresh/small.html", gzip, "gzip"],
    ["/nocache/small.html", via, "gzip"],
    ["/nocache/large.html", via, "gzip"],
    ["/auth/small.html", { ...via, Authorization: "Basic eDp5" }, "gzip"],
  ];
  for (const [path, fields, coding] of proxied) {
    gives(
      `${path} by a proxy${"Authorization" in fields ? ", authorized" : ""}`,
      path,
      fields,
      coding,
      path.includes("large") ? LARGE : SMALL,
    );
  }
});

describe("files compressed ahead of time", () => {
  gives("br before gzip", "/static/ahead.html", accepting("gzip, br"), "br", "ahead of time, br");
  gives("gzip", "/static/ahead.html", gzip, "gzip", "ahead of time, gzip");
  gives("gzip again, kept", "/static/ahead.html", gzip, "gzip", "ahead of time, gzip");
  gives("none for who takes none", "/static/ahead.html", {}, null, SMALL);
  gives("none where there is none", "/static/small.html", gzip, null, SMALL);
  gives("on the way where there is none", "/both/small.html", gzip, "gzip", SMALL);
  gives("before those on the way", "/both/ahead.html", gzip, "gzip", "ahead of time, gzip");
  gives("always", "/always/ahead.html", {}, "gzip", "ahead of time, gzip");
  gives("always, without the file itself", "/always/alone.html", {}, "gzip", "ahead of time, gzip");
  gives("without the file itself", "/static/alone.html", gzip, "gzip", "ahead of time, gzip");
  answers(server, "without the file itself, for others", get("/static/alone.html"), { status: 404 });
  gives("by its own name it is a file", "/static/ahead.html.gz", gzip, null, gz.toString());
  answers(server, "the fields", get("/static/ahead.html", gzip), {
    status: 200,
    fields: { "Content-Type": "text/html", ETag: /"[^"]+-gzip"/, Vary: "Accept-Encoding", "Accept-Ranges": "bytes" },
  });
  test("a range", async () => {
    const reply = await ask(server.port, get("/static/ahead.html", { ...gzip, Range: "bytes=1-2" }));
    const fields = { "Content-Encoding": "gzip", "Content-Range": `bytes 1-2/${gz.length}`, Vary: "Accept-Encoding" };
    check(reply, { status: 206, fields });
    expect(reply.body).toEqual(Buffer.from(gz.subarray(1, 3)));
  });
});

describe("conditions", () => {
  const tag = async (path: string, fields: Record<string, string>) =>
    (await ask(server.port, get(path, fields))).field("etag")!;
  test("the weak tag of what was compressed is 304, with the tag and Vary of its 200", async () => {
    for (const _ of [1, 2]) {
      const etag = await tag("/small.html", gzip);
      const again = await ask(server.port, get("/small.html", { ...gzip, "If-None-Match": etag }));
      check(again, { status: 304, fields: { ETag: etag, Vary: "Accept-Encoding", "Content-Encoding": null } });
    }
  });
  test("weak comparison: the other form's tag counts as well", async () => {
    const strong = await tag("/small.html", {});
    check(await ask(server.port, get("/small.html", { ...gzip, "If-None-Match": strong })), {
      status: 304,
      fields: { ETag: `W/${strong}` },
    });
    check(await ask(server.port, get("/small.html", { "If-None-Match": `W/${strong}` })), {
      status: 304,
      fields: { ETag: strong },
    });
  });
  test("If-Match and If-Range compare strongly", async () => {
    const [weak, strong] = [await tag("/small.html", gzip), await tag("/small.html", {})];
    check(await ask(server.port, get("/small.html", { ...gzip, "If-Match": weak })), { status: 412 });
    check(await ask(server.port, get("/small.html", { ...gzip, "If-Match": strong })), { status: 200 });
    const range = { Range: "bytes=0-3" };
    check(await ask(server.port, get("/small.html", { ...range, "If-Range": weak })), { status: 200 });
    check(await ask(server.port, get("/small.html", { ...range, "If-Range": strong })), {
      status: 206,
      body: SMALL.slice(0, 4),
    });
  });
  test("a tag of one ahead of time is not that of the file", async () => {
    const etag = await tag("/static/ahead.html", gzip);
    check(await ask(server.port, get("/static/ahead.html", { ...gzip, "If-None-Match": etag })), { status: 304 });
    check(await ask(server.port, get("/static/ahead.html", { "If-None-Match": etag })), { status: 200 });
  });
  answers(
    server,
    "a range of what is compressed is all of it, as in nginx",
    get("/small.html", { ...gzip, Range: "bytes=0-3" }),
    {
      status: 200,
      fields: { "Content-Encoding": "gzip", "Content-Range": null },
    },
  );
  answers(server, "a range of the file as it is", get("/small.html", { Range: "bytes=0-3" }), {
    status: 206,
    fields: { "Content-Encoding": null, Vary: "Accept-Encoding" },
    body: SMALL.slice(0, 4),
  });
});

describe("HEAD", () => {
  test.each(["/small.html", "/large.html", "/static/ahead.html", "/text", "/cgi/out.sh", "/list/", "/missing"])(
    "%s has the fields of GET",
    async (path) => {
      const [got, head] = [await ask(server.port, get(path, gzip)), await ask(server.port, get(path, gzip, "HEAD"))];
      expect(head.status).toBe(got.status);
      for (const name of ["content-encoding", "content-type", "vary", "etag", "accept-ranges"])
        expect(`${name}: ${head.field(name)}`).toBe(`${name}: ${got.field(name)}`);
      if (head.field("content-length") !== undefined)
        expect(head.field("content-length")).toBe(got.field("content-length"));
      expect(head.body.length).toBe(0);
    },
  );
});

describe("what is made by the server", () => {
  test("a listing, and one in JSON", async () => {
    for (const path of ["/list/", "/json/"]) {
      const reply = await exchange(server.port, get(path, gzip), {
        status: 200,
        fields: { "Content-Encoding": "gzip" },
      });
      expect(decoded(reply)).toContain("two.txt");
    }
  });
  for (const _ of [1, 2]) {
    gives("a text that is always the same", "/same", gzip, "gzip", "one text, one text, one text, one text");
    gives("the same as it is", "/same", {}, null, "one text, one text, one text, one text");
  }
  gives("a text", "/text?more", gzip, "gzip", "a text of some length, a text of some length, more");
  test("errors: 403 and 404 as in nginx, no others", async () => {
    for (const _ of [1, 2]) {
      const missing = await exchange(server.port, get("/missing", gzip), {
        status: 404,
        fields: { "Content-Encoding": "gzip", Vary: "Accept-Encoding" },
      });
      expect(decoded(missing)).toContain("404 Not Found");
    }
    check(await ask(server.port, get("/missing")), {
      status: 404,
      fields: { "Content-Encoding": null, Vary: "Accept-Encoding" },
      body: /404 Not Found/,
    });
    check(await ask(server.port, get("/forbidden", gzip)), { status: 403, fields: { "Content-Encoding": "gzip" } });
    check(await ask(server.port, get("/bad", gzip)), { status: 400, fields: { "Content-Encoding": null, Vary: null } });
    const page = await ask(server.port, get("/page/missing", gzip));
    check(page, { status: 404, fields: { "Content-Encoding": "gzip" } });
    expect(decoded(page)).toBe(SMALL);
  });
  answers(server, "no 204, no 301", get("/folder", gzip), { status: 301, fields: { "Content-Encoding": null } });
});

describe("a script", () => {
  const text = Array.from({ length: 300 }, (_, i) => `line ${i} of a script\n`).join("");
  gives("its output", "/cgi/out.sh", gzip, "gzip", text);
  gives("as it is", "/cgi/out.sh", {}, null, text);
  gives("with a length of its own", "/cgi/length.sh", gzip, "gzip", "x".padStart(60));
  gives("longer than it says", "/cgi/more.sh", gzip, "gzip", " ".repeat(60));
  gives("with a coding of its own", "/cgi/coded.sh", gzip, "x-own", "as it is, as it is, as it is");
  answers(server, "with a tag and Vary of its own", get("/cgi/tag.sh", gzip), {
    status: 200,
    fields: { ETag: 'W/"own"', Vary: "Cookie, Accept-Encoding", "Content-Encoding": "gzip" },
  });
});

/** What of a chunked gzip reply can be read already. */
function readable(bytes: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = bytes.indexOf("\r\n\r\n") + 4; at >= 4; ) {
    const end = bytes.indexOf("\r\n", at);
    const length = end < 0 ? 0 : Number.parseInt(bytes.toString("latin1", at, end), 16);
    if (length === 0) break;
    parts.push(bytes.subarray(end + 2, end + 2 + length));
    at = end + 4 + length;
  }
  return zlib.gunzipSync(Buffer.concat(parts), { finishFlush: zlib.constants.Z_SYNC_FLUSH }).toString();
}

describe("as it comes", () => {
  test("a slow script's first words arrive before its last are written", async () => {
    const client = await Client.connect(server.port);
    void client.send(get("/cgi/slow.sh", gzip));
    // Only now the script is told to go on: were its first words held back, this would wait in vain.
    await client.until(() => readable(client.pending).includes("first words"), "the first words");
    expect(readable(client.pending)).not.toContain("last words");
    await ask(server.port, get("/cgi/go.sh"));
    expect(decoded(await client.reply())).toBe("first words\nlast words\n");
    client.destroy();
  });

  test("a script's reply that is shorter than it says is cut off, not completed", async () => {
    const client = await Client.connect(server.port);
    void client.send(get("/cgi/less.sh", gzip));
    expect((await client.rest()).toString("latin1")).not.toEndWith("\r\n0\r\n\r\n");
    client.destroy();
  });

  test("pipelined: each reply in its place", async () => {
    const client = await Client.connect(server.port);
    const paths = ["/small.html", "/huge.html", "/missing", "/cgi/out.sh", "/large.html", "/small.html"];
    void client.send(paths.map((path) => get(path, gzip)).join(""));
    const seen: number[] = [];
    for (const _ of paths) seen.push(decoded(await client.reply()).length);
    const missing = decoded(await ask(server.port, get("/missing", gzip))).length;
    const output = decoded(await ask(server.port, get("/cgi/out.sh"))).length;
    expect(seen).toEqual([SMALL.length, HUGE.length, missing, output, LARGE.length, SMALL.length]);
    client.destroy();
  });

  test("a crowd that asks for a file while it is compressed gets it, each of them", async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, () => ask(server.port, get("/crowd.html", gzip))));
    for (const reply of replies) expect(decoded(reply) === CROWD).toBe(true);
  });

  test("$gzip_ratio", async () => {
    await ask(server.port, get("/aged/small.html?ratio", gzip));
    await ask(server.port, get("/aged/small.html?plain"));
    await ask(server.port, get("/cgi/out.sh?ratio", gzip));
    const log = (): string => readFileSync(join(server.folder, "ratio.log"), "utf8");
    await until(() => log().includes("out.sh?ratio"), log);
    expect(log()).toMatch(/^\/aged\/small.html\?ratio \d\d?\.\d\d \d+$/m);
    expect(log()).toMatch(/^\/aged\/small.html\?plain - \d+$/m);
    expect(log()).toMatch(/^\/cgi\/out.sh\?ratio \d\d?\.\d\d \d+$/m);
  });

  const curl = Bun.which("curl");
  test.skipIf(curl === null)("curl --compressed", async () => {
    for (const [path, text] of [
      ["small", SMALL],
      ["huge", HUGE],
    ] as const) {
      const url = `http://127.0.0.1:${server.port}/all/${path}.html`;
      const program = Bun.spawn([curl!, "-s", "--compressed", "--noproxy", "*", url], { stdout: "pipe" });
      expect((await program.stdout.text()) === text).toBe(true);
    }
  });
});
