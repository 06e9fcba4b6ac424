/** limit_req, limit_conn, limit_rate, userid, secure_link, random_index and empty_gif: the same requests to nginx, with the same configuration. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ask, Client, get, type Reply } from "./client.ts";
import { NGINX, useNginx } from "./nginx.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

const SECRET = "s3cret word";
/** Never so late that a link expires while the tests run. */
const LATER = 4_000_000_000;

const http = (port: number): string => `
  limit_req_zone $arg_k zone=minute:1m rate=1r/m;
  limit_req_zone $host$arg_k zone=second:1m rate=1000r/s;
  limit_req_zone $http_x_k zone=field:1m rate=1r/m;
  limit_conn_zone $arg_k zone=conn:1m;
  map $arg_reset $uid_reset { default $arg_reset; }
  add_header X-Limits "$limit_req_status/$limit_conn_status" always;
  server {
    listen 127.0.0.1:${port};
    root www;
    location /none/ { limit_req zone=minute; }
    location /burst/ { limit_req zone=minute burst=2 nodelay; limit_req_status 429; limit_req zone=second burst=100 nodelay; }
    location /dry/ { limit_req zone=minute burst=1; limit_req_dry_run on; }
    location /paged/ { limit_req zone=minute; error_page 503 /page.html; }
    location /twice/ { limit_req zone=minute burst=1 nodelay; try_files /nothing.txt /none/file.txt; }
    location /moved/ { limit_req zone=minute burst=1 nodelay; error_page 404 /none/file.txt; }
    location /rewritten/ { limit_req zone=minute; rewrite .* /burst/file.txt; }
    location /cond/ { alias www/none/; limit_req zone=minute; if ($arg_k) { limit_rate 1m; expires 1h; } }
    location /returned/ { limit_req zone=minute; return 200 x; }
    location /denied/ { limit_req zone=minute; deny all; }
    location /asked/ { auth_request /verdict; }
    location = /verdict { limit_req zone=field; try_files /page.html =404; }
    location /conn/ { limit_conn conn 1; limit_rate 2k; limit_rate_after 4k; location /conn/two/ { limit_conn conn 2; limit_conn_status 429; } }
    location /uid/ {
      userid on;
      add_header X-Ids "$uid_got|$uid_set" always;
      location /uid/v1 { userid v1; userid_service 5; return 200 x; }
      location /uid/log { userid log; return 404; }
      location /uid/all {
        userid_name vid; userid_domain example.com; userid_path /p; userid_expires max; userid_p3p 'CP="CUR"';
        userid_flags secure httponly samesite=lax; userid_mark X; userid_service 257; return 302 /x;
      }
      location /uid/set { set $uid_reset log; return 204; }
      location /uid/day { userid_expires 1d; userid_flags samesite=none; return 410; }
      location /uid/file/ { alias www/; }
      location /uid/ { return 200 x; }
    }
    location /link/ {
      secure_link $arg_md5,$arg_expires;
      secure_link_md5 "$secure_link_expires$uri ${SECRET}";
      if ($secure_link = "") { return 403; }
      if ($secure_link = "0") { return 410; }
      return 200 "$secure_link $secure_link_expires";
    }
    location /forever/ { secure_link $arg_md5; secure_link_md5 "$uri ${SECRET}"; return 200 "[$secure_link]"; }
    location /p/ {
      secure_link_secret secret_word;
      if ($secure_link = "") { return 403; }
      rewrite ^ /secure/$secure_link;
    }
    location /secure/ { internal; alias www/; add_header X-Ids $secure_link; }
    location = /reset { reset_timedout_connection on; return 444; }
    location = /closed { return 444; }
    location = /old { keepalive_disable msie6 safari; return 204; }
    location = /new { keepalive_disable none; return 204; }
    location = /_.gif { empty_gif; expires 1h; }
    location /random/ { random_index on; location /random/empty/ { random_index on; index page.html; } }
  }`;

const files = {
  "www/page.html": "page",
  "www/none/file.txt": "file",
  "www/burst/file.txt": "burst",
  "www/dry/file.txt": "dry",
  "www/asked/file.txt": "asked",
  "www/conn/big.bin": { size: 100_000 },
  "www/conn/file.txt": "file",
  "www/conn/two/file.txt": "file",
  "www/random/one.txt": "one",
  "www/random/.hidden": "hidden",
  "www/random/folder/page.html": "x",
  "www/random/empty/.hidden": "hidden",
  "www/random/empty/folder/x": "x",
  "www/random/two/a.txt": "a",
  "www/random/two/b.txt": "b",
  "www/random/only/link.txt": { link: "../one.txt" },
};

const server = useServer({ configuration: `error_log error.log info; http { symlinks follow; ${http(0)} }`, files });
const nginx = useNginx(http, files);

type Fields = Record<string, string>;

const KEPT = ["Content-Type", "Location", "Cache-Control", "X-Limits", "X-Ids", "P3P"];

/** What both servers must say alike. */
const essence = (reply: Reply): string[] => [
  String(reply.status),
  ...KEPT.filter((name) => reply.field(name) !== undefined).map((name) => `${name}: ${plain(reply.field(name)!)}`),
  ...(reply.status < 300 ? [reply.text] : []),
];

/** Without the host of nginx's redirects, and ids' times and numbers. */
const plain = (value: string): string =>
  value
    .replace(/^http:\/\/[^/]+/, "")
    .replace(/(\|\w+=\w{8})\w{24}$/, "$1...")
    .replace(/; charset=utf-8$/, "");

/** Ids are made of the time and of what differs between two servers. */
const cookie = (reply: Reply): string =>
  (reply.field("Set-Cookie") ?? "none")
    .replace(/^(\w+=.{5})(.{12})(.{3,5})(..;)/, "$1...$4")
    .replace(/expires=\w+, \d.-\w{3}-\d\d \d\d:\d\d:\d\d GMT/, (date) =>
      date.includes("37 23") ? date : "expires=...",
    );

async function both(path: string, fields: Fields = {}, method = "GET"): Promise<{ ours: Reply; theirs: Reply }> {
  const [ours, theirs] = [
    await ask(server.port, get(path, fields, method)),
    await ask(nginx.port, get(path, fields, method)),
  ];
  return { ours, theirs };
}

async function alike(path: string, fields: Fields = {}, method = "GET"): Promise<Reply> {
  const { ours, theirs } = await both(path, fields, method);
  expect([...essence(ours), cookie(ours)]).toEqual([...essence(theirs), cookie(theirs)]);
  return ours;
}

const md5 = (text: string): string => new Bun.CryptoHasher("md5").update(text).digest("base64url");

describe.skipIf(NGINX === null)("as nginx", () => {
  describe("limit_req: a request after the other", () => {
    test.each([
      ["/none/file.txt?k=1", "200 PASSED/ 503 REJECTED/ 503 REJECTED/"],
      ["/none/file.txt", "200 / 200 / 200 /"],
      ["/burst/file.txt?k=2", "200 PASSED/ 200 PASSED/ 200 PASSED/ 429 REJECTED/"],
      ["/dry/file.txt?k=3", "200 PASSED/ 200 DELAYED_DRY_RUN/ 200 REJECTED_DRY_RUN/"],
      ["/paged/none?k=4", "404 PASSED/ 503 REJECTED/"],
      ["/twice/?k=5", "200 PASSED/ 200 PASSED/ 503 REJECTED/"],
      ["/moved/?k=6", "404 PASSED/ 404 PASSED/ 503 REJECTED/"],
      ["/rewritten/?k=7", "200 PASSED/ 200 PASSED/ 200 PASSED/ 429 REJECTED/"],
      ["/cond/file.txt?k=11", "200 PASSED/ 503 REJECTED/"],
      ["/returned/?k=8", "200 / 200 /"],
      ["/denied/?k=9", "403 PASSED/ 503 REJECTED/"],
      ["/asked/file.txt", "200 PASSED/ 500 REJECTED/"],
    ])("%s: %s", async (path, expected) => {
      const count = expected.split("/ ").length;
      const said: string[] = [];
      for (let i = 0; i < count; i++) {
        const reply = await alike(path, { "X-K": "1" });
        said.push(`${reply.status} ${reply.field("X-Limits")}`);
      }
      expect(said.join(" ")).toBe(expected);
    });
  });

  describe("limit_conn, while a reply is on its way", () => {
    const clients: Client[] = [];
    afterAll(() => {
      for (const client of clients) client.destroy();
    });
    test("1 and 2 for a key; others are not counted", async () => {
      for (const { port } of [server, nginx]) {
        const client = await Client.connect(port);
        clients.push(client);
        let begun = false;
        client.socket.once("data", () => (begun = true));
        await client.send(get("/conn/big.bin?k=a"));
        await client.until(() => begun, "the beginning of a reply");
      }
      expect((await alike("/conn/file.txt?k=a")).status).toBe(503);
      expect((await alike("/conn/two/file.txt?k=a")).status).toBe(200);
      expect((await alike("/conn/file.txt?k=b")).status).toBe(200);
      expect((await alike("/conn/file.txt")).status).toBe(200);
      expect((await alike(`/conn/file.txt?k=${"a".repeat(256)}`)).status).toBe(200);
      for (const client of clients) client.destroy();
      for (const { port } of [server, nginx])
        while ((await ask(port, get("/conn/file.txt?k=a"))).status === 503) await Bun.sleep(10);
    });
  });

  describe("userid", () => {
    const ID = "fwAAAWsK2sBLe3NfAwMDAg";
    test.each([
      ["/uid/", ""],
      ["/uid/v1", ""],
      ["/uid/log", ""],
      ["/uid/log", `uid=${ID}==`],
      ["/uid/all", ""],
      ["/uid/all", `vid=${ID}==`],
      ["/uid/all", `vid=${ID}X=`],
      ["/uid/all", `vid=${ID}Y=; a=b`],
      ["/uid/set", `uid=${ID}==`],
      ["/uid/day", ""],
      ["/uid/file/page.html", ""],
      ["/uid/file/page.html", ""],
      ["/uid/file/none.html", ""],
      ["/uid/", `a=b; UID=${ID}==`],
      ["/uid/", "uid=short"],
      ["/uid/", "uid=fwAAAWsK2sBLe3NfAwM*Ag=="],
      ["/uid/", `uid=${ID}garbage`],
      ["/uid/", "uid=fwAAAWsK2sBLe3NfAwM="],
      ["/uid/", "uid=AAAAAAAAAAAAAAAAAAAAAA=="],
      ["/uid/?reset=1", `uid=${ID}==`],
      ["/uid/?reset=0", `uid=${ID}==`],
    ])("%s with %p", (path, cookie) => alike(path, cookie === "" ? {} : { Cookie: cookie }));
  });

  test("userid: each visitor gets another id, of files that are kept too", async () => {
    const ids = new Set<string | undefined>();
    for (let i = 0; i < 5; i++) ids.add((await ask(server.port, get("/uid/file/page.html"))).field("Set-Cookie"));
    expect(ids.size).toBe(5);
  });

  describe("secure_link", () => {
    const good = md5(`${LATER}/link/a b ${SECRET}`);
    const old = md5(`1/link/a ${SECRET}`);
    const forever = md5(`/forever/a ${SECRET}`);
    const hex = new Bun.CryptoHasher("md5").update("page.htmlsecret_word").digest("hex");
    test.each([
      [`/link/a%20b?md5=${good}&expires=${LATER}`, 200],
      [`/link/a%20b?md5=${good}==&expires=${LATER}`, 200],
      [`/link/a%20b?md5=${good}=&expires=${LATER}`, 200],
      [`/link/a%20b?md5=${good}x&expires=${LATER}`, 403],
      [`/link/a%20b?md5=${good}===&expires=${LATER}`, 403],
      [`/link/a%20b?md5=${good.slice(1)}&expires=${LATER}`, 403],
      [`/link/a%20b?md5=${good}&expires=${LATER + 1}`, 403],
      [`/link/a%20b?md5=${good}&expires=`, 403],
      [`/link/a%20b?md5=${good}&expires=0`, 403],
      [`/link/a%20b?md5=${good}&expires=-5`, 403],
      [`/link/a?md5=${old}&expires=1`, 410],
      ["/link/a", 403],
      [`/forever/a?md5=${forever}`, 200],
      ["/forever/a?md5=x", 200],
      [`/p/${hex}/page.html`, 200],
      [`/p/${hex.toUpperCase()}/page.html`, 200],
      [`/p/${hex}/none.html`, 403],
      [`/p/${hex}/`, 403],
      [`/p/${hex}`, 403],
      ["/p/short/page.html", 403],
    ])("%s: %d", async (path, status) => expect((await alike(path)).status).toBe(status));
  });

  describe("empty_gif", () => {
    test("the same bytes", async () => {
      const { ours, theirs } = await both("/_.gif");
      expect(ours.body).toEqual(theirs.body);
      expect(essence(ours)).toEqual(essence(theirs));
      expect(ours.field("Last-Modified")).toBe(theirs.field("Last-Modified")!);
    });
    test("is not sent again", async () => {
      const reply = await alike("/_.gif", { "If-Modified-Since": "Mon, 28 Sep 1970 06:00:00 GMT" });
      expect(reply.status).toBe(304);
    });
    test("is not for POST", async () => expect((await alike("/_.gif", {}, "POST")).status).toBe(405));
  });

  describe("the end of a connection", () => {
    test.each([
      ["/reset", true],
      ["/closed", false],
    ])("%s, by a reset: %p", async (path, isReset) => {
      for (const { port } of [server, nginx]) {
        const client = await Client.connect(port);
        await client.send(get(path));
        await client.rest();
        expect(client.isReset).toBe(isReset);
        client.destroy();
      }
    });

    const EXPLORER = "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.0)";
    const SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605 (KHTML, like Gecko) Safari/605";
    test.each([
      ["POST", "/old", EXPLORER, "close"],
      ["GET", "/old", EXPLORER, "keep-alive"],
      ["POST", "/old", EXPLORER.replace(")", "; SV1)"), "keep-alive"],
      ["POST", "/new", EXPLORER, "keep-alive"],
      ["GET", "/old", SAFARI, "close"],
      ["GET", "/new", SAFARI, "keep-alive"],
    ])("%s %s of %p: %s", async (method, path, agent, option) => {
      const { ours, theirs } = await both(path, { "User-Agent": agent }, method);
      expect([ours, theirs].map((reply) => reply.field("Connection") ?? "keep-alive")).toEqual([option, option]);
    });
  });

  describe("random_index", () => {
    test.each([
      ["/random/", 200],
      ["/random/?a=b", 200],
      ["/random/folder/", 200],
      ["/random/empty/", 403],
      ["/random/only/", 200],
      ["/random/none/", 404],
      ["/random", 301],
    ])("%s: %d", async (path, status) => expect((await alike(path)).status).toBe(status));
    test("each file gets its turn", async () => {
      const seen = new Set<string>();
      while (seen.size < 2) seen.add((await ask(server.port, get("/random/two/"))).text);
    });
  });
});
