/** The cache of a location: what it answers, what it passes on and what it stores. */
import { afterEach, describe, expect, test } from "bun:test";
import { execSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nameOf, pathOf } from "../../../../src/handlers/cache/disk/key.ts";
import { template } from "../world.ts";
import { type CachedSite, CacheWorld, Death } from "./world.ts";

const worlds: CacheWorld[] = [];
function cached(site: CachedSite = {}): CacheWorld {
  const world = new CacheWorld(site);
  worlds.push(world);
  return world;
}
afterEach(() => {
  for (const world of worlds.splice(0)) world.close();
});

const MINUTE = { valid: [{ statuses: null, time: 60_000 }] };
const file = (world: CacheWorld, key: string): string => join(world.path.path, pathOf(nameOf(key), [1, 2]));
const files = (world: CacheWorld): string[] =>
  execSync("find . -type f", { cwd: world.path.path, encoding: "utf8" }).split("\n").filter(Boolean).sort();

describe("a reply", () => {
  test("is stored while it passes, and answers until it is no longer fresh", () => {
    const world = cached();
    expect(world.get("/a")).toBe("200 MISS hello");
    world.origin = { body: "later" };
    expect(world.get("/a")).toBe("200 HIT hello");
    world.pass(10);
    expect(world.get("/a")).toBe("200 HIT hello");
    world.pass(1);
    expect(world.get("/a")).toBe("200 EXPIRED later");
    expect(world.get("/a")).toBe("200 HIT later");
    expect(world.get("/b")).toBe("200 MISS later");
  });

  test("does not keep what locations of an older configuration have made of it", () => {
    const world = cached();
    world.get("/a");
    for (let i = 0; i < 3; i++) {
      expect(world.get("/a")).toBe("200 HIT hello");
      expect(world.services.caches.get("z")!.kept.get("/a")!.replies.size).toBe(1);
      world.reload();
    }
  });

  test("is not stored if its fields or the directives forbid it", () => {
    const world = cached({ cache: { noCache: [template("$arg_nocache")] } });
    world.origin = { fields: [] };
    expect([world.get("/a"), world.get("/a")]).toEqual(["200 MISS hello", "200 MISS hello"]);
    world.origin = { fields: ["Cache-Control: max-age=5", "Set-Cookie: a=1"] };
    expect([world.get("/b"), world.get("/b")]).toEqual(["200 MISS hello", "200 MISS hello"]);
    world.origin = {};
    expect([world.get("/c?nocache=1"), world.get("/c?nocache=1")]).toEqual(["200 MISS hello", "200 MISS hello"]);
    expect([world.get("/c?nocache=0"), world.get("/c?nocache=0")]).toEqual(["200 MISS hello", "200 HIT hello"]);
    expect(world.stored).toBe(1);
  });

  test("is stored for as long as proxy_cache_valid says; the first row that matches counts", () => {
    const valid = [
      { statuses: [404], time: 2000 },
      { statuses: null, time: 5000 },
    ];
    const world = cached({ cache: { valid } });
    world.origin = { fields: [], status: 404, body: "none" };
    expect([world.get("/a"), world.get("/a")]).toEqual(["404 MISS none", "404 HIT none"]);
    world.pass(3);
    expect(world.get("/a")).toBe("404 EXPIRED none");
  });

  test("is stored only for the methods of proxy_cache_methods; others are passed on untouched", () => {
    const world = cached({ cache: MINUTE });
    const post = world.request({ method: "POST", target: "/a" });
    expect(world.seen(post)).toBe("200  hello");
    expect(world.passed[0]!.turn).toBeNull();
  });

  test("answers HEAD too, because HEAD becomes GET", () => {
    const world = cached();
    expect(world.seen(world.request({ method: "HEAD", target: "/a" }))).toBe("200 MISS hello");
    world.origin = { body: "later" };
    expect(world.get("/a")).toBe("200 HIT hello");
    expect(world.request({ method: "HEAD", target: "/a" }).upstream!.cacheStatus).toBe("HIT");
  });

  test("of HEAD is not stored where HEAD stays HEAD", () => {
    const world = cached({ cache: { convertHead: false } });
    world.request({ method: "HEAD", target: "/a" });
    expect(world.get("/a")).toBe("200 MISS hello");
  });

  test("is stored when it was asked for proxy_cache_min_uses times", () => {
    const world = cached({ cache: { minUses: 3 } });
    const seen = [1, 2, 3, 4].map(() => world.get("/a"));
    expect(seen).toEqual(["200 MISS hello", "200 MISS hello", "200 MISS hello", "200 HIT hello"]);
    expect(world.passed.map(({ asksForAll }) => asksForAll)).toEqual([false, false, true]);
  });

  test("is passed by with proxy_cache_bypass, and stored all the same", () => {
    const world = cached({ cache: { bypass: [template("$http_x_fresh")] } });
    world.get("/a");
    world.origin = { body: "new" };
    expect(world.get("/a", ["X-Fresh: 1"])).toBe("200 BYPASS new");
    expect(world.get("/a")).toBe("200 HIT new");
  });

  test("is not stored for a client that wants a part beyond proxy_cache_max_range_offset", () => {
    const world = cached({ cache: { maxRangeOffset: 100 } });
    for (const range of ["bytes=100-", "bytes=-5", "bytes=99-"]) world.get("/a", [`Range: ${range}`]);
    expect(world.passed.map(({ asksForAll }) => asksForAll)).toEqual([false, false, true]);
  });

  test("that is broken off, or shorter than announced, is not stored and leaves no file", () => {
    const world = cached();
    world.origin = { breaks: true };
    world.get("/a");
    world.origin = { fields: ["Cache-Control: max-age=9", "Content-Length: 9"], body: "short" };
    world.get("/b");
    world.origin = { body: "x".repeat(300_000), breaks: true };
    world.get("/c");
    expect(files(world)).toEqual(["./.lock"]);
  });

  test("of any size is stored whole, with its length known or not", () => {
    for (const size of [0, 1, 65_536, 65_537, 1_000_000]) {
      for (const fields of [["Cache-Control: max-age=9"], ["Cache-Control: max-age=9", `Content-Length: ${size}`]]) {
        const world = cached();
        const bytes = Buffer.alloc(size, "0123456789abcdef-");
        world.origin = { fields, body: bytes };
        world.get("/a");
        const text = `200 HIT ${bytes}`.trim();
        expect(world.get("/a") === text).toBe(true);
        world.restart();
        expect(world.get("/a") === text).toBe(true);
        expect(world.get("/a") === text).toBe(true);
      }
    }
  });
});

describe("an entry that is no longer fresh", () => {
  test("answers instead of an error where proxy_cache_use_stale names it", () => {
    const world = cached({ cache: { useStale: ["error", "timeout", "http_500"] } });
    world.get("/a");
    world.pass(11);
    world.origin = { fails: "error" };
    expect(world.get("/a")).toBe("200 STALE hello");
    world.origin = { fails: "timeout" };
    expect(world.get("/a")).toBe("200 STALE hello");
    world.origin = { fails: "invalid_header" };
    expect(world.get("/a")).toBe("502 EXPIRED");
    world.origin = { status: 500 };
    expect(world.get("/a")).toBe("200 STALE hello");
    world.origin = { status: 503, body: "down" };
    expect(world.get("/a")).toBe("503 EXPIRED down");
  });

  test("answers instead of a failure within stale-if-error", () => {
    const world = cached();
    world.origin = { fields: ["Cache-Control: max-age=10, stale-if-error=5"] };
    world.get("/a");
    world.origin = { fails: "timeout" };
    world.pass(15);
    expect(world.get("/a")).toBe("200 STALE hello");
    world.pass(1);
    expect(world.get("/a")).toBe("504 EXPIRED");
  });

  test("answers others while one request fetches it, if that is allowed", () => {
    const world = cached({ cache: { useStale: ["updating"] } });
    world.get("/a");
    world.pass(11);
    world.origin = null;
    const first = world.request({ target: "/a" });
    expect(world.get("/a")).toBe("200 UPDATING hello");
    world.passed.at(-1)!.reply({ body: "new" });
    expect(world.seen(first)).toBe("200 EXPIRED new");
    expect(world.get("/a")).toBe("200 HIT new");
  });

  test("is confirmed by a 304, if proxy_cache_revalidate is on", () => {
    const world = cached({ cache: { revalidate: true } });
    const date = "Tue, 14 Nov 2023 20:00:00 GMT";
    world.origin = { fields: ["Cache-Control: max-age=10", 'ETag: "v"', `Last-Modified: ${date}`] };
    world.get("/a");
    world.pass(11);
    world.origin = null;
    const exchange = world.request({ target: "/a" });
    const { turn, reply } = world.passed.at(-1)!;
    expect([turn!.modifiedSince, turn!.noneMatch]).toEqual([date, '"v"']);
    reply({ status: 304, fields: ["Cache-Control: max-age=3"], body: "" });
    expect(world.seen(exchange)).toBe("200 REVALIDATED hello");
    expect(world.get("/a")).toBe("200 HIT hello");
    world.restart();
    world.pass(3);
    expect(world.get("/a")).toBe("200 HIT hello");
    world.pass(1);
    expect(world.get("/a")).toBe("waits");
  });
});

describe("many requests for one key", () => {
  const LOCK = { lock: true };

  test("wait for the first, which alone is passed on, and get its reply", () => {
    const world = cached({ cache: LOCK });
    world.origin = null;
    const all = [1, 2, 3].map(() => world.request({ target: "/a" }));
    expect(world.passed).toHaveLength(1);
    world.passed[0]!.reply({});
    world.pass(0);
    expect(all.map((one) => world.seen(one))).toEqual(["200 MISS hello", "200 HIT hello", "200 HIT hello"]);
  });

  test("are passed on one after another if the reply is not stored", () => {
    const world = cached({ cache: LOCK });
    world.origin = null;
    const all = [1, 2, 3].map(() => world.request({ target: "/a" }));
    for (let i = 0; i < 3; i++) {
      expect(world.passed).toHaveLength(i + 1);
      world.passed[i]!.reply({ fields: [] });
      world.pass(0);
    }
    expect(all.map((one) => world.seen(one))).toEqual(["200 MISS hello", "200 MISS hello", "200 MISS hello"]);
  });

  test("wait no longer than proxy_cache_lock_timeout, and then do not store", () => {
    const world = cached({ cache: { lock: true, lockTimeout: 2000, lockAge: 5000 } });
    world.origin = null;
    world.request({ target: "/a" });
    const second = world.request({ target: "/a" });
    world.pass(1);
    expect(world.seen(second)).toBe("waits");
    world.pass(1);
    expect(world.passed.map(({ asksForAll }) => asksForAll)).toEqual([true, false]);
  });

  test("take the lock over after proxy_cache_lock_age", () => {
    const world = cached({ cache: { lock: true, lockTimeout: 9000, lockAge: 2000 } });
    world.origin = null;
    world.request({ target: "/a" });
    world.request({ target: "/a" });
    world.pass(2);
    expect(world.passed.map(({ asksForAll }) => asksForAll)).toEqual([true, true]);
  });

  test("may leave while they wait", () => {
    const world = cached({ cache: LOCK });
    world.origin = null;
    world.request({ target: "/a" });
    const second = world.request({ target: "/a" });
    second.onGone!();
    world.passed[0]!.reply({});
    world.pass(10);
    expect(world.seen(second)).toBe("waits");
    expect(world.passed).toHaveLength(1);
  });
});

describe("variants", () => {
  test("are chosen by the fields that Vary names", () => {
    const world = cached();
    const fields = ["Cache-Control: max-age=60", "Vary: Accept-Language"];
    const ask = (language: string) => {
      world.origin = { fields, body: language };
      return world.get("/a", [`Accept-Language: ${language}`]);
    };
    expect([ask("de"), ask("de"), ask("fr"), ask("fr"), ask("de")]).toEqual([
      "200 MISS de",
      "200 HIT de",
      "200 MISS fr",
      "200 HIT fr",
      "200 HIT de",
    ]);
    world.restart();
    expect([ask("fr"), ask("de")]).toEqual(["200 HIT fr", "200 HIT de"]);
  });

  test("are all removed by a purge", () => {
    const purge = { method: "PURGE", conditions: [], from: ["all" as const] };
    const world = cached({ cache: { purge } });
    const fields = ["Cache-Control: max-age=60", "Vary: Accept-Language"];
    world.origin = { fields };
    for (const language of ["de", "fr"]) world.get("/a", [`Accept-Language: ${language}`]);
    expect(world.request({ method: "PURGE", target: "/a" }).status).toBe(204);
    expect(["de", "fr"].map((one) => world.get("/a", [`Accept-Language: ${one}`]))).toEqual([
      "200 MISS hello",
      "200 MISS hello",
    ]);
  });
});

describe("proxy_cache_purge", () => {
  const from = [{ address: [127, 0, 0, 0], bits: 8 }];
  const ask = (world: CacheWorld, remoteBytes: readonly number[]) =>
    world.request({
      method: "PURGE",
      target: "/a",
      connection: { remoteBytes: Uint8Array.from(remoteBytes) },
    }).status;

  test("removes an entry for allowed addresses only", () => {
    const world = cached({ cache: { purge: { method: "PURGE", conditions: [], from } } });
    world.get("/a");
    expect(ask(world, [10, 0, 0, 1])).toBe(403);
    expect(world.get("/a")).toBe("200 HIT hello");
    expect(ask(world, [127, 0, 0, 1])).toBe(204);
    expect(ask(world, [127, 0, 0, 1])).toBe(404);
    expect(files(world)).toEqual(["./.lock"]);
    expect(world.get("/a")).toBe("200 MISS hello");
  });

  test("removes an entry where a condition is set, as nginx's commercial form", () => {
    const world = cached({ cache: { purge: { method: null, conditions: [template("$arg_purge")], from: [] } } });
    const key = world.request({ target: "/a" });
    expect(world.seen(key)).toBe("200 MISS hello");
    expect(world.request({ target: "/a?purge=0" }).status).toBe(200);
    expect(world.request({ target: "/a?purge=1" }).status).toBe(404);
  });
});

describe("a failure of the server", () => {
  test("is remembered as long as proxy_cache_valid says", () => {
    const world = cached({ cache: { valid: [{ statuses: [502], time: 3000 }] } });
    world.origin = { fails: "error" };
    expect(world.get("/a")).toBe("502 MISS");
    expect(world.get("/a")).toBe("502 HIT");
    expect(world.passed).toHaveLength(1);
    world.pass(4);
    world.origin = {};
    expect(world.get("/a")).toBe("200 MISS hello");
  });
});

describe("a hit", () => {
  const FIELDS = ["Cache-Control: max-age=60", 'ETag: "v"', "Accept-Ranges: bytes", "Content-Type: text/plain"];

  test("is one kept reply, also where add_header shows the status", () => {
    const addHeaders = [{ name: "X-Cache", value: template("$upstream_cache_status"), always: false }];
    const world = cached({ settings: { addHeaders } });
    world.get("/a");
    world.get("/a");
    const [second, third] = [world.request({ target: "/a" }), world.request({ target: "/a" })];
    expect([second.how, third.how]).toEqual(["whole", "whole"]);
    expect(third.whole).toBe(second.whole);
  });

  test("is made anew each time if it redirects or sets cookies", () => {
    const world = cached();
    world.origin = { status: 302, fields: ["Cache-Control: max-age=60", "Location: /b"], body: "" };
    world.get("/a");
    expect([world.request({ target: "/a" }).how, world.request({ target: "/a" }).how]).toEqual(["reply", "reply"]);
  });

  test("answers conditions and ranges", () => {
    const world = cached();
    for (const [path, body] of [
      ["/small", "0123456789"],
      ["/large", "0123456789".repeat(10_000)],
    ] as const) {
      world.origin = { fields: FIELDS, body };
      world.get(path);
      const ask = (...fields: string[]) => world.seen(world.request({ target: path, fields }));
      expect(ask('If-None-Match: "v"')).toBe("304 HIT");
      expect(ask('If-Match: "w"')).toBe("412 HIT");
      expect(ask("Range: bytes=2-4")).toBe("206 HIT 234");
      expect(ask("Range: bytes=-2")).toBe("206 HIT 89");
      expect(ask("Range: bytes=2-4", 'If-Range: "w"')).toBe(`200 HIT ${body}`);
      expect(ask("Range: bytes=100000-")).toBe("416 HIT");
      expect(ask("Range: bytes=0-1,4-5")).toContain("Content-Range: bytes 4-5/");
    }
  });

  test("serves no ranges where the server does not", () => {
    const world = cached();
    world.get("/a");
    expect(world.get("/a", ["Range: bytes=0-1"])).toBe("200 HIT hello");
  });
});

describe("the folder", () => {
  test("has the entries under nginx's names, survives a restart, and loses what a dead server left", () => {
    const world = cached();
    world.get("/a");
    writeFileSync(join(world.path.path, "part-77"), "half");
    writeFileSync(join(world.path.path, "notes.txt"), "of somebody");
    world.restart();
    expect(files(world)).toEqual(["./.lock", "./notes.txt", file(world, "/a").replace(world.path.path, ".")].sort());
    expect(world.get("/a")).toBe("200 HIT hello");
  });

  test("loses damaged and foreign entries when they are asked for", () => {
    const world = cached();
    for (const path of ["/cut", "/changed", "/foreign", "/empty"]) world.get(path);
    const cut = readFileSync(file(world, "/cut"));
    writeFileSync(file(world, "/cut"), cut.subarray(0, cut.length - 1));
    const changed = readFileSync(file(world, "/changed"));
    changed[30] = changed[30]! ^ 1;
    writeFileSync(file(world, "/changed"), changed);
    writeFileSync(file(world, "/foreign"), "KEY: /foreign\nHTTP/1.1 200 OK\r\n\r\n".repeat(20));
    writeFileSync(file(world, "/empty"), "");
    world.restart();
    for (const path of ["/cut", "/changed", "/foreign", "/empty"]) {
      expect(world.get(path)).toBe("200 MISS hello");
      expect(world.get(path)).toBe("200 HIT hello");
    }
    expect(world.services.logged.filter((line) => line.includes("is damaged"))).toHaveLength(4);
  });

  test("has a whole entry or none, wherever the process dies", () => {
    const long = "0123456789".repeat(30_000);
    for (const body of ["short", long]) {
      for (let calls = 0, died = true; died; calls++) {
        const world = cached({ cache: { revalidate: true } });
        world.origin = { fields: ["Cache-Control: max-age=1", 'ETag: "v"'], body };
        const ask = (): string => {
          try {
            return world.get("/a");
          } catch (error) {
            if (!(error instanceof Death)) throw error;
            died = true;
            return "died";
          }
        };
        died = false;
        world.dieAfter(calls);
        ask();
        world.pass(3);
        world.origin = { status: 304, fields: ["Cache-Control: max-age=60"], body: "" };
        if (!died) ask();
        world.restart();
        world.origin = { fields: ["Cache-Control: max-age=60"], body: "another" };
        expect([`200 HIT ${body}`, "200 EXPIRED another", "200 MISS another"]).toContain(world.get("/a"));
        expect(files(world)).toHaveLength(2);
      }
    }
  });

  test("never serves one key's entry for another", () => {
    const world = cached();
    world.get("/a");
    world.get("/b");
    writeFileSync(file(world, "/b"), readFileSync(file(world, "/a")));
    world.restart();
    expect(world.get("/b")).toBe("200 MISS hello");
  });

  test("loses the least recently used entries beyond max_size, and what nobody asked for in `inactive`", () => {
    const world = cached({ path: { maxSize: 3_000, inactive: 25_000 }, cache: MINUTE });
    world.origin = { fields: [], body: "x".repeat(800) };
    for (const path of ["/1", "/2", "/3"]) world.get(path);
    world.get("/1");
    world.get("/4");
    expect(world.get("/1")).toStartWith("200 HIT");
    expect(world.get("/2")).toStartWith("200 MISS");
    for (let i = 0; i < 2; i++) {
      world.pass(20);
      world.get("/1");
    }
    expect(files(world)).toEqual(["./.lock", file(world, "/1").replace(world.path.path, ".")]);
  });

  test("that another server uses is left alone, and nothing is stored", () => {
    const world = cached();
    const other = cached({ path: { path: world.path.path } });
    expect(other.services.logged.join()).toContain("is used by another server");
    expect([other.get("/a"), other.get("/a")]).toEqual(["200  hello", "200  hello"]);
    world.services.caches.close();
    other.pass(10);
    expect([other.get("/a"), other.get("/a")]).toEqual(["200 MISS hello", "200 HIT hello"]);
  });

  test("that somebody removes is made again", () => {
    const world = cached();
    world.get("/a");
    rmSync(world.path.path, { recursive: true });
    expect([world.get("/a"), world.get("/b"), world.get("/c"), world.get("/c")]).toEqual([
      "200 HIT hello",
      "200 MISS hello",
      "200 MISS hello",
      "200 HIT hello",
    ]);
    expect(files(world)).toEqual(["./.lock", file(world, "/c").replace(world.path.path, ".")]);
  });

  test("keeps no descriptor when the server ends", () => {
    const world = cached();
    const before = readdirSync("/proc/self/fd").length;
    const other = cached();
    other.origin = { body: "x".repeat(200_000) };
    for (const path of ["/a", "/b"]) {
      other.get(path);
      other.get(path);
    }
    other.services.caches.close();
    expect(readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(before);
    expect(world.get("/a")).toBe("200 MISS hello");
  });
});
