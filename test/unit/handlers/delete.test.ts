import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Settings } from "../../../src/config/model.ts";
import { answer, FakeExchange, FakeServices, handlerFor, location, type RequestLike, Site, template } from "./world.ts";

const outside = new Site({ "secret.txt": "secret", "folder/x.txt": "x" });
let site: Site;

/** A fresh folder with one of everything, and a handler that deletes in it. */
function world(changes: Partial<Settings> = {}, pattern = "/") {
  site = new Site({
    "a.txt": "0123456789",
    "sp ace/ü?.txt": "odd",
    "dir/x.txt": "x",
    empty: null,
    ".hidden": "no",
    "dir/.git/config": "no",
    ".webserv/0123.part": "half",
    "dir/.webserv/0123.part": "half",
    "links/file": { link: "../a.txt" },
    "links/absolute": { link: "ROOT/a.txt" },
    "links/folder": { link: "../dir" },
    "links/dangling": { link: "nothing" },
    "links/loop": { link: "loop" },
    "links/outside": { link: outside.path("secret.txt") },
    "links/outside-folder": { link: outside.path("folder") },
    "links/null": { link: "/dev/null" },
  });
  const services = new FakeServices();
  const here = location({ root: template(site.root), deleteFiles: true, ...changes }, pattern);
  const handler = handlerFor(here, services);
  const ask = (target: string, request: RequestLike = {}) => {
    const exchange = new FakeExchange(services, here, { method: "DELETE", target, ...request });
    answer(exchange, "", handler);
    return exchange;
  };
  return { services, handler, here, ask };
}
afterEach(() => site.remove());
afterAll(() => outside.remove());

const isThere = (path: string): boolean => lstatSync(join(site.root, path), { throwIfNoEntry: false }) !== undefined;

describe("what is deleted", () => {
  test.each([
    ["/a.txt", "a.txt", "a file"],
    ["/dir/x.txt", "dir/x.txt", "a file in a folder"],
    ["/sp%20ace/%C3%BC%3F.txt", "sp ace/ü?.txt", "a name is decoded once"],
    ["/dir/../a.txt?q=/dir/x.txt", "a.txt", "the normalised path alone counts"],
    ["/links/folder/x.txt", "dir/x.txt", "a file behind a link to a folder beneath the root"],
  ])("%s removes %s: %s", (target, path) => {
    const { ask, services } = world();
    const exchange = ask(target);
    expect([exchange.how, exchange.status, exchange.body]).toEqual(["reply", 204, null]);
    expect(isThere(path)).toBe(false);
    expect(services.files.epoch).toBe(1);
  });
  test.each(["/links/file", "/links/absolute"])("of a link the link, never its target: %s", (target) => {
    const { ask } = world();
    expect(ask(target).status).toBe(204);
    expect([isThere(target), isThere("a.txt")]).toEqual([false, true]);
  });
});

describe("what is not deleted", () => {
  const table: [target: string, status: number, stays: string, why: string][] = [
    ["/nothing", 404, "a.txt", "nothing there"],
    ["/dir/nothing", 404, "dir/x.txt", "nothing there"],
    ["/nothing/a.txt", 404, "a.txt", "no such folder"],
    ["/nothing/", 404, "a.txt", "no such folder"],
    ["/a.txt/", 404, "a.txt", "a file is no folder"],
    ["/a.txt/more", 404, "a.txt", "nor has it anything beneath it"],
    [`/${"n".repeat(256)}`, 404, "a.txt", "a name longer than the file system knows"],
    ["/dir", 409, "dir/x.txt", "a folder"],
    ["/dir/", 409, "dir/x.txt", "a folder with its slash"],
    ["/empty", 409, "empty", "an empty folder too"],
    ["/empty/", 409, "empty", "with its slash too"],
    ["/", 409, "a.txt", "the root itself"],
    ["//", 409, "a.txt", "the root itself, slashes merged"],
    ["/dir/..", 409, "a.txt", "the root itself, by a detour"],
    ["/.", 409, "a.txt", "the root itself"],
    ["/%2e", 409, "a.txt", "the root itself, encoded"],
    ["/%2F", 409, "a.txt", "the root itself, an encoded slash"],
    ["/.hidden", 404, ".hidden", "dot files do not exist"],
    ["/%2ehidden", 404, ".hidden", "however they are spelt"],
    ["/dir/.git/config", 404, "dir/.git/config", "nor what is in dot folders"],
    ["/dir/.git", 404, "dir/.git/config", "nor dot folders"],
    ["/.webserv/0123.part", 404, ".webserv/0123.part", "unfinished uploads do not exist"],
    ["/.webserv", 404, ".webserv", "nor does their folder"],
    ["/dir/.webserv/0123.part", 404, "dir/.webserv/0123.part", "wherever it is"],
    ["/links/folder", 409, "links/folder", "what GET shows as a folder is one"],
    ["/links/dangling", 404, "links/dangling", "what GET does not find is not there"],
    ["/links/loop", 403, "links/loop", "a link in a circle"],
    ["/links/outside", 403, "links/outside", "a link that leaves the root"],
    ["/links/outside-folder", 403, "links/outside-folder", "to a folder as well"],
    ["/links/outside-folder/x.txt", 403, "links/outside-folder", "and what is behind it"],
    ["/links/outside-folder/../../a.txt/", 404, "a.txt", "dot segments are resolved before links"],
    ["/links/null", 403, "links/null", "a device outside"],
    ["/..%5ca.txt", 404, "a.txt", "a backslash is part of a name"],
    ["/a.txt%0a", 404, "a.txt", "so is a line end"],
    ["/%252e%252e/a.txt", 404, "a.txt", "nothing is decoded twice"],
    ["/*", 404, "a.txt", "no wildcards"],
    ["/a.txt%20", 404, "a.txt", "no trimming"],
  ];
  test.each(table)("%s is %i: %s stays, %s", (target, status, stays) => {
    const { ask, services } = world();
    expect(ask(target).status).toBe(status);
    expect(isThere(stays)).toBe(true);
    expect(services.files.epoch).toBe(0);
    expect(readFileSync(outside.path("secret.txt"), "utf8")).toBe("secret");
    expect(existsSync(outside.path("folder/x.txt"))).toBe(true);
    expect([...services.watched.open]).toEqual([]);
  });
  test("unfinished uploads do not exist even where dot files do", () => {
    const { ask } = world({ dotfiles: "allow" });
    expect(ask("/.webserv/0123.part").status).toBe(404);
    expect(ask("/dir/.webserv/0123.part").status).toBe(404);
    expect(ask("/.hidden").status).toBe(204);
  });
});

describe("links", () => {
  test.each([
    ["deny", "/links/file", 403],
    ["deny", "/links/folder/x.txt", 403],
    ["deny", "/a.txt", 204],
    ["follow", "/links/file", 204],
    ["follow", "/links/outside", 204],
    ["follow", "/links/null", 404],
    ["follow", "/links/folder/x.txt", 204],
    ["follow", "/links/outside-folder/x.txt", 403],
  ] as const)("symlinks %s: %s is %i", (symlinks, target, status) => {
    const { ask } = world({ symlinks });
    expect(ask(target).status).toBe(status);
    expect(isThere(target)).toBe(status !== 204);
    expect(isThere("a.txt")).toBe(target !== "/a.txt");
    expect(readFileSync(outside.path("secret.txt"), "utf8")).toBe("secret");
    expect(existsSync(outside.path("folder/x.txt"))).toBe(true);
  });
});

describe("an alias", () => {
  test.each([
    ["/i/x.txt", 204],
    ["/i/", 409],
    ["/i../a.txt", 404],
    ["/i/../a.txt", 404],
  ])("%s is %i", (target, status) => {
    const { ask } = world();
    const alias = location({ deleteFiles: true, alias: template(site.path("dir")), aliasPrefix: "/i" }, "/i");
    expect(ask("/nothing").status).toBe(404);
    const services = new FakeServices();
    const exchange = new FakeExchange(services, alias, { method: "DELETE", target });
    handlerFor(alias, services).handle(exchange);
    expect([exchange.status, isThere("a.txt")]).toEqual([status, true]);
  });
});

describe("conditions are about the file as GET shows it", () => {
  const validators = (ask: ReturnType<typeof world>["ask"]) => {
    const got = ask("/a.txt", { method: "GET" });
    return { etag: got.field("ETag")!, modified: got.field("Last-Modified")! };
  };
  type Line = (now: ReturnType<typeof validators>) => string;
  const table: [name: string, field: Line, target: string, status: number][] = [
    ["the right tag", ({ etag }) => `If-Match: ${etag}`, "/a.txt", 204],
    ["one of several tags", ({ etag }) => `If-Match: "x", ${etag}`, "/a.txt", 204],
    ["any tag", () => "If-Match: *", "/a.txt", 204],
    ["another tag", () => 'If-Match: "x"', "/a.txt", 412],
    ["a weak tag", ({ etag }) => `If-Match: W/${etag}`, "/a.txt", 412],
    ["the target's tag, for a link", ({ etag }) => `If-Match: ${etag}`, "/links/file", 204],
    ["only if there is none", () => "If-None-Match: *", "/a.txt", 412],
    ["only if not this one", ({ etag }) => `If-None-Match: ${etag}`, "/a.txt", 412],
    ["unless it is another", () => 'If-None-Match: "x"', "/a.txt", 204],
    ["not changed since its time", ({ modified }) => `If-Unmodified-Since: ${modified}`, "/a.txt", 204],
    ["changed since 1994", () => "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT", "/a.txt", 412],
    ["If-Modified-Since is for GET", ({ modified }) => `If-Modified-Since: ${modified}`, "/a.txt", 204],
    ["a Range is for GET", () => "Range: bytes=0-1", "/a.txt", 204],
    ["what is missing has no conditions", () => "If-Match: *", "/nothing", 404],
  ];
  test.each(table)("%s", (_, field, target, status) => {
    const { ask } = world();
    expect(ask(target, { fields: [field(validators(ask))] }).status).toBe(status);
    expect(isThere(target)).toBe(status === 412);
  });
});

describe("errors of the file system", () => {
  const table: [errno: number, status: number, level: string][] = [
    [ERRNO.EACCES, 403, "error"],
    [ERRNO.EPERM, 403, "error"],
    [ERRNO.EROFS, 403, "error"],
    [ERRNO.ENOENT, 404, "error"],
    [ERRNO.EISDIR, 409, "error"],
    [ERRNO.EIO, 500, "crit"],
  ];
  test.each(table)("unlink failing with errno %i is %i, logged as %s", (errno, status, level) => {
    const { ask, services } = world();
    services.kernel.unlink = () => -errno;
    const exchange = ask("/a.txt");
    expect([exchange.status, exchange.logged[0]!.split(":")[0]]).toEqual([status, level]);
    expect(exchange.logged[0]).toContain(`deleting "${site.root}/a.txt" failed (${errno}: `);
    expect([services.files.epoch, ...services.watched.open]).toEqual([0]);
  });
  test.each([
    ["a.txt", ERRNO.EACCES, 403],
    ["a.txt", ERRNO.EMFILE, 503],
    [".", ERRNO.EACCES, 403],
  ])("opening %s failing with errno %i is %i", (path, errno, status) => {
    const { ask, services } = world();
    services.watched.failures.set(path, errno);
    expect(ask("/a.txt").status).toBe(status);
    expect(isThere("a.txt")).toBe(true);
    expect([...services.watched.open]).toEqual([]);
  });
  test("a root that is gone", () => {
    const { ask } = world();
    rmSync(site.root, { recursive: true });
    expect(ask("/a.txt").status).toBe(404);
  });
});

describe("around it", () => {
  test("a cached file is gone with the next request", () => {
    const { ask } = world();
    expect(ask("/a.txt", { method: "GET" }).status).toBe(200);
    expect(ask("/a.txt").status).toBe(204);
    expect(ask("/a.txt", { method: "GET" }).status).toBe(404);
    expect(ask("/a.txt").status).toBe(404);
  });
  test("other methods are served as ever", () => {
    const { ask } = world();
    expect(ask("/a.txt", { method: "GET" }).text()).toBe("0123456789");
    expect(isThere("a.txt")).toBe(true);
  });
  test("a body is nobody's", () => {
    const { handler, services, here } = world();
    const request = { method: "DELETE", target: "/a.txt", fields: ["Content-Length: 5"] };
    expect(handler.sink!(new FakeExchange(services, here, request))).toBeUndefined();
  });
  test("a page about an error is not deleted", () => {
    const { ask } = world();
    writeFileSync(site.path("404.html"), "sorry");
    expect(ask("/404.html", { errorStatus: 404 }).text()).toBe("sorry");
    expect(isThere("404.html")).toBe(true);
  });
  test("who may not enter deletes nothing", () => {
    const { ask } = world({ access: [{ allow: false, match: "all" }] });
    expect(ask("/a.txt").status).toBe(403);
    expect(isThere("a.txt")).toBe(true);
  });
});
