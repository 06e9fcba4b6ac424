import { afterAll, describe, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import type { Settings } from "../../../src/config/model.ts";
import { StaticHandler } from "../../../src/handlers/files/static.ts";
import { claimed, FakeExchange, FakeServices, location, type RequestLike, Site, template } from "./world.ts";

const sites: Site[] = [];
afterAll(() => {
  for (const site of sites) site.remove();
});

function world(changes: Partial<Settings> = {}) {
  const site = new Site({ "a.txt": "first", "big.txt": Buffer.alloc(70_000, "x"), "dir/index.html": "" });
  sites.push(site);
  const services = new FakeServices();
  const here = location({ root: template(site.root), ...changes });
  const handler = new StaticHandler(here, services);
  const ask = (target: string, request: RequestLike = {}) => {
    const exchange = new FakeExchange(services, here, { target, ...request });
    claimed(handler, exchange)?.handle(exchange);
    return exchange;
  };
  return { site, services, handler, ask, watched: services.watched };
}

describe("a small file", () => {
  test("is one kept reply, without a look at the file while it is fresh", () => {
    const { ask, watched, services } = world();
    const first = ask("/a.txt").whole;
    const opens = watched.opens;
    services.pass(0.9);
    expect(ask("/a.txt").whole).toBe(first!);
    expect(watched.opens).toBe(opens);
  });
  test("is looked at again when a second has passed, and kept if it is the same", () => {
    const { ask, watched, services } = world();
    const first = ask("/a.txt").whole;
    const opens = watched.opens;
    services.pass(1);
    expect(ask("/a.txt").whole).toBe(first!);
    expect(watched.opens).toBeGreaterThan(opens);
  });
  test("that changed is read again after a second", () => {
    const { ask, site, services } = world();
    ask("/a.txt");
    appendFileSync(site.path("a.txt"), " second");
    expect(ask("/a.txt").text()).toBe("first");
    services.pass(1);
    expect(ask("/a.txt").text()).toBe("first second");
  });
  test("that changed is read again at once when someone says that files have changed", () => {
    const { ask, site, services } = world();
    ask("/a.txt");
    rmSync(site.path("a.txt"));
    services.files.changed();
    expect(ask("/a.txt").status).toBe(404);
  });
  test("of the same size and another time is another file", () => {
    const { ask, site, services } = world();
    const etag = ask("/a.txt").field("ETag");
    writeFileSync(site.path("a.txt"), "FIRST");
    utimesSync(site.path("a.txt"), 1, 1);
    services.pass(1);
    const again = ask("/a.txt");
    expect(again.text()).toBe("FIRST");
    expect(again.field("ETag")).not.toBe(etag);
  });
  test.each(["inode", "device", "size", "mode", "mtimeSeconds", "mtimeNanoseconds"] as const)(
    "whose %s alone is another is read again",
    (field) => {
      const { ask, services } = world();
      const first = ask("/a.txt").whole;
      const { fstat } = services.kernel;
      services.kernel.fstat = (fd, status) => {
        const result = fstat(fd, status);
        status[field]++;
        return result;
      };
      services.pass(1);
      expect(ask("/a.txt").whole).not.toBe(first!);
    },
  );
  test("that is held open is given back when files have changed: its space may be wanted", () => {
    const { ask, site, watched, services } = world();
    writeFileSync(site.path("large"), Buffer.alloc(100_000));
    ask("/large").bytes();
    expect(watched.open.size).toBe(2);
    services.files.changed();
    expect(watched.open.size).toBe(1);
    expect(ask("/large").bytes().length).toBe(100_000);
    expect([watched.open.size, services.files.files]).toEqual([2, 1]);
  });
  test("leaves no descriptor open but its root's", () => {
    const { ask, watched } = world();
    ask("/a.txt");
    expect(watched.open.size).toBe(1);
  });
});

describe("the Date of a kept reply", () => {
  const dateOf = (exchange: FakeExchange) => /Date: (.*)\r/.exec(exchange.whole!.block.bytes.toString("latin1"))![1];
  test("is patched in place once a second", () => {
    const { ask, services } = world({ openFileCacheValid: 60_000 });
    const before = ask("/a.txt");
    services.pass(1);
    const after = ask("/a.txt");
    expect(after.whole).toBe(before.whole!);
    expect(dateOf(after)).toBe(services.clock.date);
  });
  test("never changes under a client that still has to be sent it", () => {
    const { ask, services } = world({ openFileCacheValid: 60_000 });
    const before = ask("/a.txt");
    before.whole!.holders++;
    const date = services.clock.date;
    services.pass(1);
    const after = ask("/a.txt");
    expect(dateOf(before)).toBe(date);
    expect(dateOf(after)).toBe(services.clock.date);
    expect(after.text()).toBe("first");
  });
  test("comes with a new head where `expires` moves with the time", () => {
    const { ask, services } = world({ openFileCacheValid: 60_000, expires: { kind: "in", seconds: 60 } });
    const before = ask("/a.txt");
    expect(ask("/a.txt").whole).toBe(before.whole!);
    services.pass(1);
    const after = ask("/a.txt");
    expect(after.whole).not.toBe(before.whole!);
    expect(after.text()).toBe("first");
  });
});

describe("a reply is made for one request only", () => {
  const header = (value: string) => ({ addHeaders: [{ name: "X", value: template(value), always: false }] });
  test.each([
    ["a constant field", header("constant"), {}, "whole"],
    ["a field with a variable", header("$request_id"), {}, "reply"],
    ["HTTP/1.0", {}, { minor: 0 as const }, "reply"],
    ["the connection closes", {}, { keepAlive: false }, "reply"],
    ["no cache", { openFileCache: null }, {}, "reply"],
  ])("%s", (_, changes, request, how) => {
    const { ask } = world(changes);
    for (const target of ["/a.txt", "/a.txt", "/dir", "/dir"]) expect(ask(target, request).how).toBe(how);
    expect(ask("/a.txt", request).text()).toBe("first");
  });
});

describe("what repeats is kept too", () => {
  test.each([
    ["a folder without its slash", "/dir", 301],
    ["a missing file", "/no", 404],
  ])("%s", (_, target, status) => {
    const { ask } = world();
    expect(ask(target).status).toBe(status);
    expect(ask(target).whole).toBe(ask(target).whole!);
  });
  test("304", () => {
    const { ask } = world();
    const fields = [`If-None-Match: ${ask("/a.txt").field("ETag")}`];
    expect(ask("/a.txt", { fields }).whole).toBe(ask("/a.txt", { fields }).whole!);
  });
  test("but not a 404 that has a page of its own", () => {
    const errorPages = [{ statuses: [404], status: null, uri: template("/404.html") }];
    expect(world({ errorPages }).ask("/no").how).toBe("fail");
  });
  test("a redirect with a query is not the one without", () => {
    const { ask } = world();
    ask("/dir");
    expect(ask("/dir?a").field("Location")).toBe("/dir/?a");
    expect(ask("/dir").field("Location")).toBe("/dir/");
  });
});

describe("a missing name", () => {
  test("is not looked for again within a second, and found after it", () => {
    const { ask, site, services, watched } = world();
    ask("/new.txt");
    writeFileSync(site.path("new.txt"), "new");
    const opens = watched.opens;
    expect(ask("/new.txt").status).toBe(404);
    expect(watched.opens).toBe(opens);
    services.pass(1);
    expect(ask("/new.txt").text()).toBe("new");
  });
});

describe("bounds", () => {
  test("never more entries than max: the descriptors of large files are given back", () => {
    const { ask, site, watched } = world({ openFileCache: { max: 4, inactive: 60_000 } });
    for (let i = 0; i < 20; i++) writeFileSync(site.path(`big${i}.txt`), Buffer.alloc(66_000, "y"));
    for (let i = 0; i < 20; i++) expect(ask(`/big${i}.txt`).bytes().length).toBe(66_000);
    expect(watched.open.size).toBe(4 + 1);
  });
  test("a file in use outlives many misses", () => {
    const { ask, watched } = world({ openFileCache: { max: 10, inactive: 60_000 } });
    const whole = ask("/a.txt").whole;
    for (let i = 0; i < 100; i++) {
      ask("/no" + i);
      expect(ask("/a.txt").whole).toBe(whole!);
    }
    expect(watched.open.size).toBe(1);
  });
  test("max=0 keeps nothing and serves everything", () => {
    const { ask, watched } = world({ openFileCache: { max: 0, inactive: 60_000 } });
    expect(ask("/a.txt").text()).toBe("first");
    expect(ask("/big.txt").bytes().length).toBe(70_000);
    expect(watched.open.size).toBe(1);
  });
  test("what was not used for `inactive` is swept away", () => {
    const { ask, handler, services, watched } = world({ openFileCache: { max: 10, inactive: 60_000 } });
    ask("/big.txt").bytes();
    handler.sweep();
    services.pass(59);
    handler.sweep();
    expect(watched.open.size).toBe(2);
    services.pass(2);
    handler.sweep();
    expect(watched.open.size).toBe(1);
  });
  test("a reply under way keeps its descriptor", () => {
    const { ask, handler, watched } = world();
    const slow = ask("/big.txt");
    handler.close();
    expect(watched.open.size).toBe(1);
    expect(slow.bytes().length).toBe(70_000);
    expect(watched.open.size).toBe(0);
  });
});

test("a root that was replaced is opened anew", () => {
  const { ask, site, services } = world();
  ask("/a.txt");
  const old = site.root + ".old";
  renameSync(site.root, old);
  mkdirSync(site.root);
  writeFileSync(site.path("a.txt"), "another");
  services.pass(1);
  expect(ask("/a.txt").text()).toBe("another");
  rmSync(old, { recursive: true });
});

test("open_file_cache off looks at the file each time", () => {
  const { ask, site, watched } = world({ openFileCache: null });
  expect(ask("/a.txt").text()).toBe("first");
  writeFileSync(site.path("a.txt"), "second");
  expect(ask("/a.txt").text()).toBe("second");
  expect(ask("/a.txt", { method: "HEAD" }).options?.length).toBe(6);
  expect(watched.open.size).toBe(1);
});

test("kept descriptors are a small part of the process' limit, over all locations", () => {
  const files = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`${i}.bin`, Buffer.alloc(70_000, "x")]));
  const site = new Site(files);
  sites.push(site);
  const services = new FakeServices();
  services.watched.descriptorLimit = 64;
  const here = [0, 1].map(() => location({ root: template(site.root) }));
  const handlers = here.map((each) => new StaticHandler(each, services));
  for (const target of [...Object.keys(files), ...Object.keys(files)]) {
    for (const [i, handler] of handlers.entries()) {
      const exchange = new FakeExchange(services, here[i]!, { target: `/${target}` });
      claimed(handler, exchange)?.handle(exchange);
      expect(exchange.bytes().length).toBe(70_000);
    }
  }
  const roots = 2;
  expect(services.watched.open.size).toBe(64 / 32 + roots);
  for (const handler of handlers) handler.close();
  expect(services.watched.open.size).toBe(0);
});
