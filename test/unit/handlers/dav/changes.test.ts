/** PUT, DELETE, MKCOL, COPY and MOVE: statuses as nginx's, or RFC 4918's where nginx has none that is right. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import type { Settings } from "../../../../src/config/model.ts";
import { Site, template } from "../world.ts";
import { type Asked, DavWorld, MANAGED } from "./dav-world.ts";

const outside = new Site({ "secret.txt": "secret", "folder/x.txt": "x" });
const FILES = {
  "a.txt": "aaa",
  "b.txt": "b",
  "dir/x.txt": "x",
  "dir/sub/y.txt": "y",
  "other/z.txt": "z",
  empty: null,
  ".hidden": "no",
  "mixed/seen": "s",
  "mixed/.git/config": "no",
  "links/file": { link: "../a.txt" },
  "links/folder": { link: "../dir" },
  "links/dangling": { link: "nothing" },
  "links/outside": { link: outside.path("secret.txt") },
  "links/outside-folder": { link: outside.path("folder") },
};
const UNTOUCHED = new DavWorld(FILES).files;

let world: DavWorld;
afterEach(() => expect(world.end()).toBe(0));

const make = (changes: Partial<Settings> = {}, pattern = "/"): DavWorld =>
  (world = new DavWorld(FILES, changes, pattern));

/** Files that are new or have another content, and those that are gone. */
function changed(): Record<string, string | null> {
  const now = world.files;
  const gone = Object.keys(UNTOUCHED).filter((path) => !(path in now));
  const other = Object.entries(now).filter(([path, content]) => UNTOUCHED[path] !== content);
  return Object.fromEntries([...gone.map((path) => [path, null] as const), ...other]);
}

const to = (destination: string, ...fields: string[]): Asked => ({
  fields: [`Destination: ${destination}`, ...fields],
});

type Row = readonly [
  method: string,
  target: string,
  asked: Asked,
  status: number,
  changed: Record<string, string | null>,
];

const ROWS: Record<string, readonly Row[]> = {
  PUT: [
    ["PUT", "/new.txt", { body: "n" }, 201, { "new.txt": "n" }],
    ["PUT", "/new.txt", {}, 201, { "new.txt": "" }],
    ["PUT", "/a.txt", { body: "n" }, 204, { "a.txt": "n" }],
    ["PUT", "/dir", { body: "n" }, 409, {}],
    ["PUT", "/dir/", { body: "n" }, 409, {}],
    ["PUT", "/none/new.txt", { body: "n" }, 409, {}],
    ["PUT", "/a.txt/new.txt", { body: "n" }, 409, {}],
    ["PUT", "/.new", { body: "n" }, 403, {}],
    ["PUT", "/.webserv/new", { body: "n" }, 403, {}],
    ["PUT", "/a%0ab", { body: "n" }, 403, {}],
    ["PUT", "/a.txt", { body: "n", fields: ["Content-Range: bytes 0-0/2"] }, 501, {}],
    ["PUT", "/a.txt", { body: "n", fields: ["If-None-Match: *"] }, 412, {}],
    ["PUT", "/new.txt", { body: "n", fields: ["If-None-Match: *"] }, 201, { "new.txt": "n" }],
    ["PUT", "/new.txt", { body: "n", fields: ["If-Match: *"] }, 412, {}],
    ["PUT", "/a.txt", { body: "n", fields: ['If-Match: "x"'] }, 412, {}],
    ["PUT", "/links/outside", { body: "n" }, 403, {}],
    ["PUT", "/links/outside-folder/n", { body: "n" }, 403, {}],
    ["PUT", "/links/folder/n", { body: "n" }, 201, { "dir/n": "n" }],
    ["PUT", `/${"n".repeat(256)}`, { body: "n" }, 403, {}],
  ],
  MKCOL: [
    ["MKCOL", "/new/", {}, 201, { new: "/" }],
    ["MKCOL", "/new", {}, 409, {}],
    ["MKCOL", "/dir/", {}, 405, {}],
    ["MKCOL", "/a.txt/", {}, 405, {}],
    ["MKCOL", "/none/new/", {}, 409, {}],
    ["MKCOL", "/a.txt/new/", {}, 409, {}],
    ["MKCOL", "/new/", { body: "x" }, 415, {}],
    ["MKCOL", "/.new/", {}, 403, {}],
    ["MKCOL", "/", {}, 405, {}],
    ["MKCOL", "/links/outside-folder/n/", {}, 403, {}],
    ["MKCOL", "/links/dangling/", {}, 405, {}],
  ],
  DELETE: [
    ["DELETE", "/a.txt", {}, 204, { "a.txt": null }],
    ["DELETE", "/nothing", {}, 404, {}],
    ["DELETE", "/a.txt/", {}, 409, {}],
    ["DELETE", "/a.txt/x", {}, 409, {}],
    ["DELETE", "/dir", {}, 409, {}],
    ["DELETE", "/dir/", {}, 204, { "dir/x.txt": null, "dir/sub/y.txt": null }],
    ["DELETE", "/dir/", { fields: ["Depth: infinity"] }, 204, { "dir/x.txt": null, "dir/sub/y.txt": null }],
    ["DELETE", "/dir/", { fields: ["Depth: 0"] }, 400, {}],
    ["DELETE", "/dir/", { fields: ["Depth: 2"] }, 400, {}],
    ["DELETE", "/a.txt", { fields: ["Depth: 0"] }, 204, { "a.txt": null }],
    ["DELETE", "/a.txt", { fields: ["Depth: 1"] }, 400, {}],
    ["DELETE", "/a.txt", { body: "x" }, 415, {}],
    ["DELETE", "/a.txt", { fields: ['If-Match: "x"'] }, 412, {}],
    ["DELETE", "/empty/", {}, 204, { empty: null }],
    ["DELETE", "/", {}, 403, {}],
    ["DELETE", "/.hidden", {}, 404, {}],
    ["DELETE", "/links/file", {}, 204, { "links/file": null }],
    ["DELETE", "/links/folder/", {}, 204, { "links/folder": null }],
    ["DELETE", "/links/dangling", {}, 404, {}],
    ["DELETE", "/links/outside", {}, 403, {}],
    [
      "DELETE",
      "/links/",
      {},
      204,
      {
        "links/file": null,
        "links/folder": null,
        "links/dangling": null,
        "links/outside": null,
        "links/outside-folder": null,
      },
    ],
  ],
  COPY: [
    ["COPY", "/a.txt", {}, 400, {}],
    ["COPY", "/a.txt", to("/c.txt"), 204, { "c.txt": "aaa" }],
    ["COPY", "/a.txt", to("/b.txt"), 204, { "b.txt": "aaa" }],
    ["COPY", "/a.txt", to("/b.txt", "Overwrite: F"), 412, {}],
    ["COPY", "/a.txt", to("/c.txt", "Overwrite: F"), 204, { "c.txt": "aaa" }],
    ["COPY", "/a.txt", to("/c.txt", "Overwrite: x"), 400, {}],
    ["COPY", "/a.txt", to("http://example.org/c.txt"), 204, { "c.txt": "aaa" }],
    ["COPY", "/a.txt", to("https://EXAMPLE.org:8443/c%20d?x"), 204, { "c d": "aaa" }],
    ["COPY", "/a.txt", to("http://example.com/c.txt"), 400, {}],
    ["COPY", "/a.txt", to("http://example.org.evil/c.txt"), 400, {}],
    ["COPY", "/a.txt", to("http://example.org"), 400, {}],
    ["COPY", "/a.txt", to("//other/c.txt"), 400, {}],
    ["COPY", "/a.txt", to("c.txt"), 400, {}],
    ["COPY", "/a.txt", to("/../c.txt"), 400, {}],
    ["COPY", "/a.txt", to("/c%00"), 400, {}],
    ["COPY", "/a.txt", to("/.c"), 403, {}],
    ["COPY", "/a.txt", to("/none/c.txt"), 409, {}],
    ["COPY", "/a.txt", to("/a.txt"), 403, {}],
    ["COPY", "/a.txt", to("/dir"), 409, {}],
    ["COPY", "/a.txt", to("/c/"), 409, {}],
    ["COPY", "/a.txt", { body: "x", ...to("/c") }, 415, {}],
    ["COPY", "/nothing", to("/c.txt"), 404, {}],
    ["COPY", "/dir/", to("/copy/"), 201, { "copy/x.txt": "x", "copy/sub/y.txt": "y" }],
    ["COPY", "/dir/", to("/copy/", "Depth: 0"), 201, { copy: "/" }],
    ["COPY", "/dir/", to("/copy/", "Depth: 1"), 400, {}],
    ["COPY", "/dir/", to("/other/"), 201, { "other/x.txt": "x", "other/sub/y.txt": "y", "other/z.txt": null }],
    ["COPY", "/dir/", to("/other/", "Overwrite: F"), 412, {}],
    ["COPY", "/dir/", to("/a.txt/"), 201, { "a.txt": null, "a.txt/x.txt": "x", "a.txt/sub/y.txt": "y" }],
    ["COPY", "/dir/", to("/copy"), 409, {}],
    ["COPY", "/dir", to("/copy"), 400, {}],
    ["COPY", "/dir/", to("/dir/"), 403, {}],
    ["COPY", "/dir/", to("/dir/inner/"), 403, {}],
    ["COPY", "/dir/sub/", to("/dir/"), 403, {}],
    ["COPY", "/dir/", to("/links/folder/inner/"), 403, {}],
    ["COPY", "/dir/", to("/none/copy/"), 409, {}],
    ["COPY", "/", to("/copy/"), 403, {}],
    ["COPY", "/dir/", to("/"), 403, {}],
    ["COPY", "/mixed/", to("/copy/"), 201, { "copy/seen": "s" }],
    ["COPY", "/links/file", to("/c.txt"), 204, { "c.txt": "aaa" }],
    ["COPY", "/links/", to("/copy/"), 201, { "copy/file": "aaa" }],
    ["COPY", "/links/outside", to("/c.txt"), 403, {}],
    ["COPY", "/a.txt", to("/links/outside-folder/c.txt"), 403, {}],
    ["COPY", "/a.txt", to("/links/outside"), 204, { "links/outside": "aaa" }],
  ],
  MOVE: [
    ["MOVE", "/a.txt", {}, 400, {}],
    ["MOVE", "/a.txt", to("/c.txt"), 204, { "a.txt": null, "c.txt": "aaa" }],
    ["MOVE", "/a.txt", to("/b.txt"), 204, { "a.txt": null, "b.txt": "aaa" }],
    ["MOVE", "/a.txt", to("/b.txt", "Overwrite: F"), 412, {}],
    ["MOVE", "/a.txt", to("/new/folders/c.txt"), 204, { "a.txt": null, "new/folders/c.txt": "aaa" }],
    ["MOVE", "/a.txt", to("/c.txt", "Depth: 0"), 400, {}],
    ["MOVE", "/a.txt", to("/a.txt"), 403, {}],
    ["MOVE", "/a.txt", to("/dir"), 409, {}],
    ["MOVE", "/nothing", to("/c.txt"), 404, {}],
    [
      "MOVE",
      "/dir/",
      to("/moved/"),
      201,
      { "dir/x.txt": null, "dir/sub/y.txt": null, "moved/x.txt": "x", "moved/sub/y.txt": "y" },
    ],
    [
      "MOVE",
      "/dir/",
      to("/other/"),
      201,
      { "dir/x.txt": null, "dir/sub/y.txt": null, "other/z.txt": null, "other/x.txt": "x", "other/sub/y.txt": "y" },
    ],
    ["MOVE", "/dir/", to("/other/", "Overwrite: F"), 412, {}],
    [
      "MOVE",
      "/dir/",
      to("/a.txt/"),
      201,
      { "dir/x.txt": null, "dir/sub/y.txt": null, "a.txt": null, "a.txt/x.txt": "x", "a.txt/sub/y.txt": "y" },
    ],
    ["MOVE", "/dir/", to("/dir/inner/"), 403, {}],
    ["MOVE", "/dir/sub/", to("/dir/"), 403, {}],
    ["MOVE", "/dir/", to("/none/moved/"), 409, {}],
    ["MOVE", "/", to("/moved/"), 403, {}],
    ["MOVE", "/.hidden", to("/seen"), 404, {}],
    ["MOVE", "/a.txt", to("/.hidden"), 403, {}],
    ["MOVE", "/links/file", to("/moved"), 204, { "links/file": null, moved: "-> ../a.txt" }],
    ["MOVE", "/links/outside", to("/moved"), 403, {}],
    [
      "MOVE",
      "/mixed/",
      to("/moved/"),
      201,
      { "mixed/seen": null, "mixed/.git/config": null, "moved/seen": "s", "moved/.git/config": "no" },
    ],
  ],
};

describe.each(Object.entries(ROWS))("%s", (_, rows) => {
  test.each(rows)("%s %s %j is %i", (method, target, asked, status, effect) => {
    const { services } = make();
    const exchange = world.ask(method, target, asked);
    expect([exchange.status, changed()]).toEqual([status, effect]);
    if (Object.keys(effect).length > 0) expect(services.files.epoch).toBeGreaterThan(0);
    expect(readFileSync(outside.path("secret.txt"), "utf8")).toBe("secret");
    expect(readFileSync(outside.path("folder/x.txt"), "utf8")).toBe("x");
  });
});

describe("file managers leave out the slash of a folder", () => {
  test.each([
    ["MKCOL", "/new", {}, 201],
    ["DELETE", "/dir", {}, 204],
    ["COPY", "/dir", to("/copy"), 201],
    ["COPY", "/dir/", to("/copy"), 201],
    ["MOVE", "/dir", to("/moved/"), 201],
    ["MOVE", "/a.txt", to("/dir"), 204],
    ["COPY", "/a.txt", to("/dir"), 204],
    ["COPY", "/dir", to("/dir/sub"), 403],
    ["MOVE", "/dir/x.txt", to("/dir"), 403],
    ["PUT", "/dir", { body: "x" }, 409],
  ] as const)("%s %s %j is %i", (method, target, asked, status) => {
    make(MANAGED);
    expect(world.ask(method, target, asked).status).toBe(status);
  });
});

describe("a folder with what clients do not see", () => {
  test("is not removed with it, and the reply says that something lasts", () => {
    make();
    const exchange = world.ask("DELETE", "/mixed/");
    expect([exchange.status, changed()]).toEqual([207, { "mixed/seen": null }]);
    expect(exchange.text()).toContain("<D:href>/mixed/</D:href><D:status>HTTP/1.1 403 Forbidden</D:status>");
    expect(exchange.text()).not.toContain(".git");
  });
  test("is not replaced either", () => {
    make();
    const exchange = world.ask("MOVE", "/dir/", to("/mixed/"));
    expect([exchange.status, changed()]).toEqual([207, { "mixed/seen": null }]);
  });
  test("is, where they see it", () => {
    make({ dotfiles: "allow" });
    expect(world.ask("DELETE", "/mixed/").status).toBe(204);
    expect(world.ask("PUT", "/.new", { body: "x" }).status).toBe(201);
    expect(world.ask("PUT", "/.webserv/x", { body: "x" }).status).toBe(403);
  });
});

describe("permissions and times", () => {
  const modeOf = (path: string): number => statSync(world.site.path(path)).mode & 0o777;
  test("are nginx's", () => {
    make();
    world.ask("PUT", "/n", { body: "n", fields: ["Date: Sun, 06 Nov 1994 08:49:37 GMT"] });
    world.ask("MKCOL", "/new/");
    expect([modeOf("n"), modeOf("new"), statSync(world.site.path("n")).mtimeMs]).toEqual([
      0o600, 0o700, 784_111_777_000,
    ]);
  });
  test("are those of dav_access, whatever the umask", () => {
    make({ davAccess: 0o664, createFullPutPath: true });
    world.ask("PUT", "/new/n", { body: "n" });
    world.ask("MKCOL", "/made/");
    expect([modeOf("new/n"), modeOf("new"), modeOf("made")]).toEqual([0o664, 0o775, 0o775]);
  });
  test("of a copy are the original's", () => {
    make();
    world.ask("PUT", "/dir/n", { body: "n", fields: ["Date: Sun, 06 Nov 1994 08:49:37 GMT"] });
    world.ask("COPY", "/dir/n", to("/n"));
    world.ask("COPY", "/dir/", to("/copy/"));
    for (const path of ["n", "copy/n"])
      expect([modeOf(path), statSync(world.site.path(path)).mtimeMs]).toEqual([0o600, 784_111_777_000]);
  });
  test("a PUT tells the entity tag that GET then has", () => {
    make();
    const etag = world.ask("PUT", "/n", { body: "n" }).field("ETag");
    expect(world.ask("GET", "/n").field("ETag")).toBe(etag!);
    expect(world.ask("PUT", "/n", { body: "m", fields: [`If-Match: ${etag}`] }).status).toBe(204);
    expect(world.ask("PUT", "/n", { body: "m", fields: [`If-Match: ${etag}`] }).status).toBe(412);
  });
});

describe("min_delete_depth", () => {
  test.each([
    ["/dir/", 409],
    ["/dir/x.txt", 409],
    ["/dir/sub/", 409],
    ["/dir/sub/y.txt", 204],
  ])("3: %s is %i", (target, status) => {
    make({ minDeleteDepth: 3 });
    expect(world.ask("DELETE", target).status).toBe(status);
  });
});

describe("what fails", () => {
  test.each([
    ["a PUT on a full disk", "PUT", "/n", { body: "n" }, "write", "ENOSPC", 507],
    ["a file's copy on a full disk", "COPY", "/a.txt", to("/c"), "sendfile", "ENOSPC", 507],
    ["a folder's copy on a full disk", "COPY", "/dir/", to("/c/"), "sendfile", "ENOSPC", 507],
    ["a folder's copy whose folders cannot be made", "COPY", "/dir/", to("/c/"), "mkdir", "EDQUOT", 507],
    ["a folder that cannot be read", "COPY", "/dir/", to("/c/"), "getdents", "EIO", 500],
    ["a name that cannot be given", "COPY", "/dir/", to("/c/"), "rename", "EACCES", 403],
    ["another file system", "MOVE", "/a.txt", to("/c"), "rename", "EXDEV", 403],
    ["a read-only file system", "DELETE", "/a.txt", {}, "unlink", "EROFS", 403],
    ["a folder that cannot be made", "MKCOL", "/new/", {}, "mkdir", "ENOSPC", 507],
  ] as const)("%s: %s %s %j leaves nothing", (_, method, target, asked, call, errno, status) => {
    make();
    if (call === "mkdir" && method === "COPY") world.ask("PUT", "/first", { body: "" }); // makes the staging folder
    if (call === "mkdir" && method === "COPY") world.ask("DELETE", "/first");
    const { kernel } = world.services;
    const real = kernel[call];
    world.fails(call, errno);
    expect(world.ask(method, target, asked).status).toBe(status);
    Object.assign(kernel, { [call]: real });
    while (world.services.turn());
    expect(changed()).toEqual({});
  });
  test("what of a folder cannot be removed stays, and is told", () => {
    make();
    world.fails("unlink", "EACCES");
    const exchange = world.ask("DELETE", "/dir/");
    expect([exchange.status, changed()]).toEqual([207, {}]);
    for (const path of ["/dir/x.txt", "/dir/sub/y.txt"])
      expect(exchange.text()).toContain(`<D:href>${path}</D:href><D:status>HTTP/1.1 403 Forbidden</D:status>`);
  });
});

describe("long work", () => {
  /** A folder of many files, and a world in which other requests come in between. */
  function many(count: number): void {
    make();
    for (let i = 0; i < count; i++) {
      if (i % 100 === 0) mkdirSync(world.site.path(`many/${i}`), { recursive: true });
      writeFileSync(world.site.path(`many/${i - (i % 100)}/${i}`), String(i));
    }
  }
  test.each([
    ["DELETE", "/many/", {}, 2],
    ["COPY", "/many/", to("/copy/"), 6],
    ["MOVE", "/dir/", to("/many/"), 2],
  ] as const)("%s %s %j of many files takes turns", (method, target, asked, least) => {
    many(240);
    const exchange = world.begin(method, target, asked);
    let turns = 0;
    for (; exchange.how === ""; turns++) world.services.turn();
    expect(exchange.status).toBeLessThan(300);
    expect(turns).toBeGreaterThan(least);
  });
  test("a copy whose client leaves leaves nothing", () => {
    many(240);
    const exchange = world.begin("COPY", "/many/", to("/copy/"));
    for (let turns = 0; turns < 4; turns++) world.services.turn();
    exchange.onGone!();
    while (world.services.turn());
    expect(Object.keys(world.files).filter((path) => !path.startsWith("many/") && !(path in UNTOUCHED))).toEqual([]);
    expect(exchange.how).toBe("");
  });
  test("a deletion whose client leaves stops", () => {
    many(240);
    const exchange = world.begin("DELETE", "/many/");
    world.services.turn();
    exchange.onGone!();
    while (world.services.turn());
    const left = Object.keys(world.files).filter((path) => path.startsWith("many/")).length;
    expect(left).toBeGreaterThan(40);
    expect(left).toBeLessThan(240);
  });
  test("a folder that was being copied when the server died is removed by the next start", () => {
    many(100);
    const exchange = world.begin("COPY", "/many/", to("/copy/"));
    world.services.turn();
    const staged = Object.keys(world.files).filter((path) => path.startsWith(".webserv/"));
    expect(staged.length).toBeGreaterThan(0);
    exchange.onGone!();
    while (world.services.turn());
    mkdirSync(world.site.path(".webserv/0123456789abcdef-1/deep"), { recursive: true });
    writeFileSync(world.site.path(".webserv/0123456789abcdef-1/deep/x"), "x");
    world.handler.start();
    expect(Object.keys(world.files).filter((path) => path.startsWith(".webserv"))).toEqual([]);
  });
});

test("a folder is copied with the links in it as GET shows them", () => {
  make({ symlinks: "deny" });
  symlinkSync("x.txt", world.site.path("dir/link"));
  world.ask("COPY", "/dir/", to("/copy/"));
  expect(changed()).toEqual({ "dir/link": "-> x.txt", "copy/x.txt": "x", "copy/sub/y.txt": "y" });
});

test("an error page is not stored, and a PUT whose body another location dropped is 500", () => {
  make();
  expect(world.ask("PUT", "/a.txt", { body: "n", errorStatus: 404 }).text()).toBe("aaa");
  expect(changed()).toEqual({});
});

test("the folder of a location with alias is not removed, replaced or moved by whatever name", () => {
  make();
  const alias = { ...MANAGED, alias: template(world.site.path("dir")), aliasPrefix: "/in" };
  const inner = new DavWorld({}, alias, "/in");
  for (const path of ["/in", "/in/"]) {
    expect(inner.ask("DELETE", path).status).toBe(403);
    expect(inner.ask("MOVE", path, to("/in/n")).status).toBe(403);
    expect(inner.ask("COPY", "/in/sub/", to(path)).status).toBe(403);
    expect(inner.ask("PUT", path, { body: "x" }).status).toBeGreaterThan(400);
  }
  expect(inner.ask("DELETE", "/in/sub").status).toBe(204);
  expect([inner.end(), changed()]).toEqual([0, { "dir/sub/y.txt": null }]);
});
