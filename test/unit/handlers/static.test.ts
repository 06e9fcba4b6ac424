import { afterAll, describe, expect, test } from "bun:test";
import type { Settings } from "../../../src/config/model.ts";
import { StaticHandler } from "../../../src/handlers/files/static.ts";
import {
  claimed,
  FakeExchange,
  FakeServices,
  handlerFor,
  location,
  type RequestLike,
  Site,
  template,
} from "./world.ts";

const site = new Site({
  "index.html": "home",
  "a.txt": "0123456789",
  "empty.txt": "",
  noext: "x",
  "big.bin": Buffer.alloc(100_000, "b"),
  "sp ace/ü?.txt": "odd",
  "dir/index.html": "dir's",
  "dir/sub/x.html": "x",
  bare: null,
  ".hidden": "no",
  "dir/.git/config": "no",
  ".well-known/acme/token": "yes",
  ".well-known/.private": "no",
  ".webserv/0123.part": "half",
  "dir/.webserv/0123.part": "half",
  "links/inside": { link: "../a.txt" },
  "links/absolute": { link: "ROOT/a.txt" },
  "links/climbing": { link: "../links/../dir/sub/x.html" },
  "links/around": { link: "../../@/a.txt" },
  "links/outside": { link: "/etc/hostname" },
  "links/outside-relative": { link: "../../../../../../../../etc/hostname" },
  "links/folder": { link: "ROOT/dir" },
  "links/dangling": { link: "nothing" },
  "links/loop": { link: "loop" },
});
afterAll(() => site.remove());

function world(changes: Partial<Settings> = {}, pattern = "/") {
  const services = new FakeServices();
  const here = location({ root: template(site.root), ...changes }, pattern);
  const handler = new StaticHandler(here, services);
  const ask = (request: RequestLike | string) => {
    const exchange = new FakeExchange(services, here, typeof request === "string" ? { target: request } : request);
    claimed(handler, exchange)?.handle(exchange);
    return exchange;
  };
  return { services, handler, ask };
}

/** What became of a request, in a word. */
function outcome(exchange: FakeExchange): string {
  if (exchange.how === "redirect") return "-> " + exchange.redirectedTo!.join("?").replace(/\?$/, "");
  const location = exchange.field("Location");
  return location === undefined ? String(exchange.status) : `${exchange.status} ${location}`;
}

describe("what a path leads to", () => {
  const { ask } = world();
  const table: [target: string, expected: string, why: string][] = [
    ["/a.txt", "200", "a file"],
    ["/empty.txt", "200", "an empty file"],
    ["/sp%20ace/%C3%BC%3F.txt", "200", "a decoded path; its ? is part of the name"],
    ["/nothing", "404", "no such file"],
    ["/a.txt/", "404", "a file is no folder"],
    ["/a.txt/more", "404", "nor has it anything beneath it"],
    ["/" + "n".repeat(300), "404", "a name longer than the file system knows"],
    ["/", "-> /index.html", "the root's index"],
    ["/dir/", "-> /dir/index.html", "a folder's index"],
    ["/dir/?a=1&b", "-> /dir/index.html?a=1&b", "the query stays"],
    ["/bare/", "403", "a folder without index is not listed by default"],
    ["/nothing/", "404", "no such folder"],
    ["/dir", "301 /dir/", "a folder without its slash"],
    ["/dir?x=1", "301 /dir/?x=1", "and the query stays"],
    ["/sp%20ace", "301 /sp%20ace/", "percent-encoded again"],
    ["/.hidden", "404", "dot files do not exist"],
    ["/dir/.git/config", "404", "nor what is in dot folders"],
    ["/.well-known/acme/token", "200", "but for what RFC 8615 publishes"],
    ["/.well-known", "301 /.well-known/", "and its folder"],
    ["/.well-known/.private", "404", "and not dot files in it"],
  ];
  test.each(table)("%s is %s: %s", (target, expected) => expect(outcome(ask(target))).toBe(expected));
});

describe("unfinished uploads do not exist, even where dot files do", () => {
  const { ask } = world({ dotfiles: "allow" });
  test.each([
    ["/.hidden", "200"],
    ["/.webserv/0123.part", "404"],
    ["/.webserv/", "404"],
    ["/.webserv", "404"],
    ["/%2ewebserv/0123.part", "404"],
    ["/dir/.webserv/0123.part", "404"],
    ["/dir/.git/../.webserv/0123.part", "404"],
  ])("%s is %s", (target, expected) => expect(outcome(ask(target))).toBe(expected));
});

describe("a redirect to the slash never names another host", () => {
  const evil = new Site({ "evil.org/x": "", "\\evil.org/x": "" });
  afterAll(() => evil.remove());
  const { ask } = world({ root: template(evil.root) });
  test.each<[string, string]>([
    ["/evil.org", "301 /evil.org/"],
    ["//evil.org", "301 /evil.org/"],
    ["/%5Cevil.org", "301 /evil.org/"],
  ])("%s is %s", (target, expected) => expect(outcome(ask(target))).toBe(expected));
});

describe("symbolic links", () => {
  const table: [name: string, inside: number, follow: number, deny: number][] = [
    ["inside", 200, 200, 403],
    ["absolute", 200, 200, 403],
    ["climbing", 200, 200, 403],
    ["outside", 403, 200, 403],
    ["outside-relative", 403, 200, 403],
    ["dangling", 404, 404, 403],
    ["loop", 403, 403, 403],
  ];
  const worlds = { inside: world(), follow: world({ symlinks: "follow" }), deny: world({ symlinks: "deny" }) };
  test.each(table)("%s: inside %i, follow %i, deny %i", (name, inside, follow, deny) => {
    const got = (["inside", "follow", "deny"] as const).map((policy) => worlds[policy].ask("/links/" + name).status);
    expect(got).toEqual([inside, follow, deny]);
  });
  test("an absolute link to a folder is a folder", () => {
    expect(outcome(worlds.inside.ask("/links/folder/"))).toBe("-> /links/folder/index.html");
  });
});

describe("alias", () => {
  const prefix = (alias: string, aliasPrefix: string) => world({ alias: template(alias), aliasPrefix }, aliasPrefix);
  const table: [alias: string, prefix: string, target: string, expected: string][] = [
    [site.path("dir/"), "/i/", "/i/sub/x.html", "200"],
    [site.path("dir"), "/i", "/i/sub/x.html", "200"],
    [site.path("dir"), "/i", "/i", "301 /i/"],
    [site.path("dir"), "/i", "/i/", "-> /i/index.html"],
    [site.path("dir/"), "/i/", "/i/", "-> /i/index.html"],
    [site.path("a.txt"), "/one", "/one", "200"],
    [site.path("di"), "/i", "/ir/index.html", "404"],
    [site.path("dir/"), "/i", "/i../a.txt", "403"],
  ];
  test.each(table)("%s for %s: %s is %s", (alias, of, target, expected) => {
    expect(outcome(prefix(alias, of).ask(target))).toBe(expected);
  });
  test.each([
    ["/u/a.txt", "a.txt", "200"],
    ["/u/x", "../a.txt", "404"],
    ["/u/x", "links/outside", "403"],
  ])("by a regular expression: %s with group %s is %s", (target, group, expected) => {
    const { ask } = world({ alias: template(`${site.root}/$1`), aliasPrefix: null });
    const captures = /(.*)/.exec(group);
    expect(outcome(ask({ target, captures }))).toBe(expected);
  });
  test("follow does not make an alias climb", () => {
    const { ask } = world({ alias: template(site.path("dir/")), aliasPrefix: "/i", symlinks: "follow" });
    expect(outcome(ask("/i../a.txt"))).toBe("403");
  });
});

describe("a root with variables", () => {
  const { ask } = world({ root: template(`${site.root}/$http_x`) });
  test.each([
    ["dir", "200"],
    ["..", "404"],
    [".", "404"],
    ["dir/../dir", "404"],
    ["nothing", "404"],
  ])("X: %s is %s", (value, expected) => {
    expect(outcome(ask({ target: "/sub/x.html", fields: [`X: ${value}`] }))).toBe(expected);
  });
});

describe("index", () => {
  const index = (...names: string[]) => world({ index: names.map(template) });
  test.each<[names: string[], target: string, expected: string]>([
    [["no.html", "index.html"], "/", "-> /index.html"],
    [["$arg_i", "a.txt"], "/?i=noext", "-> /noext?i=noext"],
    [["no.html", "/fallback"], "/", "-> /fallback"],
    [["no.html", "/fallback"], "/nothing/", "404"],
    [["dir", "no.html"], "/", "403"],
  ])("%p: %s is %s", (names, target, expected) => expect(outcome(index(...names).ask(target))).toBe(expected));
});

describe("methods that only programs perform", () => {
  const programs = { cgi: [{ extension: ".py", interpreter: null, args: [] }], index: [template("no.html")] };
  const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
  const asked = (changes: Partial<Settings>, request: RequestLike): FakeExchange => {
    const { services } = world();
    const here = location({ root: template(site.root), ...changes });
    const exchange = new FakeExchange(services, here, request);
    handlerFor(here, services).handle(exchange);
    return exchange;
  };
  const statuses = (changes: Partial<Settings>, request: RequestLike): number[] =>
    methods.map((method) => asked(changes, { ...request, method }).status);
  test("change no file and no folder, and say so", () => {
    expect(statuses(programs, { target: "/a.txt" })).toEqual([200, 200, 405, 405, 405, 405]);
    expect(statuses({ ...programs, autoindex: true }, { target: "/dir/" })).toEqual([200, 200, 405, 405, 405, 405]);
    expect(statuses(programs, { target: "/none" })).toEqual([404, 404, 405, 405, 405, 405]);
    expect(asked(programs, { target: "/a.txt", method: "PUT" }).field("Allow")).toBe("GET, HEAD, OPTIONS");
  });
  test("reach the page of their error", () => {
    expect(statuses(programs, { target: "/a.txt", errorStatus: 502 })).toEqual([200, 200, 200, 200, 200, 200]);
  });
  test("reach the index, which may be a program", () => {
    const listed = { ...programs, index: [template("index.html")] };
    expect(outcome(asked(listed, { target: "/dir/", method: "DELETE" }))).toBe("-> /dir/index.html");
  });
});

describe("the fields of a file", () => {
  test.each([
    ["/index.html", "text/html"],
    ["/noext", "text/plain"],
  ])("%s is %s", (target, type) => {
    expect(world().ask(target).field("Content-Type")).toBe(type);
  });
  test("validators and ranges are announced", () => {
    const names = world()
      .ask("/a.txt")
      .sentFields.map(([name]) => name);
    expect(names).toEqual(["Content-Type", "Last-Modified", "ETag", "Accept-Ranges"]);
    expect(world({ etag: false }).ask("/a.txt").field("ETag")).toBeUndefined();
  });
});

describe("errors of the file system", () => {
  const table: [errno: number, status: number, level: string][] = [
    [13, 403, "error"],
    [24, 503, "crit"],
    [23, 503, "crit"],
    [5, 500, "crit"],
    [6, 404, "error"],
  ];
  test.each(table)("errno %i is %i, logged as %s", (errno, status, level) => {
    const { ask, services } = world();
    services.watched.failures.set("a.txt", errno);
    const exchange = ask("/a.txt");
    expect([exchange.status, exchange.logged[0].split(":")[0]]).toEqual([status, level]);
  });
  test("an error of the moment is not remembered", () => {
    const { ask, services } = world();
    services.watched.failures.set("a.txt", 24);
    expect(ask("/a.txt").status).toBe(503);
    services.watched.failures.clear();
    expect(ask("/a.txt").status).toBe(200);
  });
  test("what is hidden is said to be, and not to have been opened", () => {
    expect(world().ask("/sub/.hidden").logged).toEqual(['error: "/sub/.hidden" is hidden']);
    expect(world({ dotfiles: "allow" }).ask("/.webserv/x").logged).toEqual(['error: "/.webserv/x" is hidden']);
  });
  test("a missing file is logged as nginx does, where the level wants it", () => {
    expect(world().ask("/no").logged).toEqual([
      `error: open() "${site.root}/no" failed (2: No such file or directory)`,
    ]);
    const errorLog = { outputs: [], level: "crit" } as const;
    expect(world({ errorLog }).ask("/no").logged).toEqual([]);
  });
});
