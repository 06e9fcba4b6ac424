/** Resumable uploads: how they begin, and where the files go. */
import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, rmSync, symlinkSync } from "node:fs";
import type { Settings } from "../../../src/config/model.ts";
import { TusWorld, told } from "./tus-world.ts";
import { Site } from "./world.ts";

let world: TusWorld;
function make(changes: Partial<Settings> = {}, files: ConstructorParameters<typeof Site>[0] = {}): TusWorld {
  return (world = new TusWorld(files, changes));
}
afterEach(() => {
  expect(world.end()).toBe(0);
});

describe("creation", () => {
  test("gives a URL of its own, and says when it expires", () => {
    make();
    const exchange = world.create(5, { filename: "a.txt" });
    expect(exchange.field("Location")).toMatch(/^\/up\/webserv-upload-[0-9a-f]{32}$/);
    expect(exchange.field("Upload-Expires")).toBe("Wed, 15 Nov 2023 22:13:20 GMT");
    expect(world.staged.length).toBe(2);
    expect(Object.keys(world.stored).filter((path) => !path.startsWith(".webserv"))).toEqual([]);
  });
  test("an upload without a byte is a file at once", () => {
    make();
    const exchange = world.create(0, { filename: "empty.txt" });
    expect([exchange.status, exchange.field("Content-Location")]).toEqual([201, "/up/empty.txt"]);
    expect(world.stored).toEqual({ "empty.txt": "" });
    expect(told(world.head(exchange.field("Location")!)).slice(0, 2)).toEqual(["0", "0"]);
  });
  const refused: [why: string, fields: string[], status: number][] = [
    ["no length", [], 400],
    ["a length to be told later, but how is not known", ["Upload-Defer-Length: 2"], 400],
    ["a length to be told later, twice", ["Upload-Defer-Length: 1", "Upload-Defer-Length: 1"], 400],
    ["a concatenation that is none", ["Upload-Length: 3", "Upload-Concat: some"], 400],
    ["a concatenation of nothing", ["Upload-Concat: final;"], 400],
    ["a concatenation, twice", ["Upload-Length: 3", "Upload-Concat: partial", "Upload-Concat: partial"], 400],
    ["a partial upload without a length", ["Upload-Concat: partial"], 400],
    ["a negative length", ["Upload-Length: -1"], 400],
    ["a length that is no number", ["Upload-Length: 1e3"], 400],
    ["an empty length", ["Upload-Length: "], 400],
    ["a length beyond 2^53-1", ["Upload-Length: 9007199254740992"], 400],
    ["more than client_max_body_size", ["Upload-Length: 101"], 413],
    ["metadata that is no Base64", ["Upload-Length: 1", "Upload-Metadata: filename a.txt"], 400],
    ["two lengths", ["Upload-Length: 3", "Upload-Length: 4"], 400],
    ["the same length twice", ["Upload-Length: 3", "Upload-Length: 3"], 400],
    ["the version twice", ["Upload-Length: 3", "Tus-Resumable: 1.0.0"], 400],
    ["two methods", ["Upload-Length: 3", "X-HTTP-Method-Override: POST", "X-HTTP-Method-Override: PATCH"], 400],
    ["both a length and none yet", ["Upload-Length: 3", "Upload-Defer-Length: 1"], 400],
    ["a key twice", ["Upload-Length: 1", "Upload-Metadata: a YQ==,a YQ=="], 400],
  ];
  test.each(refused)("%s", (_, fields, status) => {
    make({ clientMaxBodySize: 100 });
    expect(world.tus("POST", "/up/", { fields }).status).toBe(status);
    expect(world.staged).toEqual([]);
  });
  test("the largest there may be", () => {
    make({ clientMaxBodySize: 100 });
    expect(world.create(100).status).toBe(201);
  });
  test("another version of the protocol", () => {
    make();
    for (const method of ["POST", "HEAD", "PATCH", "DELETE"]) {
      const target = method === "POST" ? "/up/" : `/up/webserv-upload-${"0".repeat(32)}`;
      const body = method === "PATCH" ? "x" : "";
      const exchange = world.send(method, target, { fields: ["Tus-Resumable: 0.2.2", "Upload-Length: 1"], body });
      expect([exchange.status, exchange.field("Tus-Version")]).toEqual([412, "1.0.0"]);
      expect(exchange.added).toEqual([["Tus-Resumable", "1.0.0"]]);
    }
    expect(world.staged).toEqual([]);
  });
  test("a folder that is not there", () => {
    make({}, { "store/photos": null });
    expect(world.create(1, {}, [], "/up/nothing/").status).toBe(404);
    expect(world.create(1, {}, [], "/up/photos/").status).toBe(201);
  });
  test("a store that is not there", () => {
    make();
    rmSync(world.site.path("store"), { recursive: true });
    const exchange = world.create(1);
    expect([exchange.status, exchange.logged[0]]).toEqual([500, expect.stringContaining("upload store")]);
  });
  test("a name that is taken, where that is refused", () => {
    make({ uploadOverwrite: "refuse" }, { "store/a.txt": "old" });
    expect(world.create(1, { filename: "a.txt" }).status).toBe(409);
    expect(world.create(1, { filename: "b.txt" }).status).toBe(201);
  });
  test.each(["rename", "replace", "refuse"] as const)(
    "a folder that can't come to be, for a file has its name, under %s",
    (uploadOverwrite) => {
      make({ uploadOverwrite }, { "store/file": "old" });
      for (const relativePath of ["file/x.txt", "file/p/x.txt"]) {
        expect(world.create(1, { filename: "x.txt", relativePath }).status).toBe(409);
      }
      expect(world.staged).toEqual([]);
    },
  );
  test("the URL of an upload", () => {
    make();
    const url = world.begun(3);
    for (const target of [url, "/up/webserv-upload-", "/up/webserv-upload-x", "/up/.webserv/", "/up/.webserv/x"]) {
      expect(world.create(3, {}, [], target).status).toBe(400);
    }
  });
});

describe("where the file goes", () => {
  const stored: [pairs: Record<string, string>, target: string, path: string | RegExp, why: string][] = [
    [{ filename: "a.txt" }, "/up/", "a.txt", "its filename"],
    [{ name: "a.txt" }, "/up/", "a.txt", "or its name"],
    [{ filename: "übergrößen 漢字.txt" }, "/up/", "übergrößen 漢字.txt", "unicode is kept"],
    [{ filename: "../../a.txt" }, "/up/", "a.txt", "reduced to its last component"],
    [{ filename: "C:\\x\\a.txt" }, "/up/", "a.txt", "after backslashes too"],
    [{ filename: "/etc/passwd" }, "/up/", "passwd", "absolute or not"],
    [{ filename: ".htaccess" }, "/up/", /^upload-[0-9a-f]{16}$/, "a dot name is none"],
    [{ filename: "a\0b" }, "/up/", /^upload-[0-9a-f]{16}$/, "nor one with control characters"],
    [{ filename: "" }, "/up/", /^upload-[0-9a-f]{16}$/, "nor an empty one"],
    [{ filename: ".." }, "/up/", /^upload-[0-9a-f]{16}$/, "nor a climbing one"],
    [{ filename: `${"n".repeat(300)}.txt` }, "/up/", `${"n".repeat(251)}.txt`, "cut to what fits"],
    [{}, "/up/", /^upload-[0-9a-f]{16}$/, "without metadata a generated name"],
    [{}, "/up/b.txt", "b.txt", "or the path's last component"],
    [{ filename: "a.txt" }, "/up/dir", "dir/a.txt", "a path of a folder"],
    [{ filename: "a.txt" }, "/up/dir/", "dir/a.txt", "with its slash"],
    [{ filename: "a.txt", relativePath: "p/q/a.txt" }, "/up/", "p/q/a.txt", "folders are made for a relative path"],
    [{ filename: "a.txt", relativePath: "/p/a.txt" }, "/up/dir/", "dir/p/a.txt", "which may begin with a slash"],
    [{ filename: "a.txt", relativePath: "a.txt" }, "/up/", "a.txt", "or be no more than the name"],
    [{ filename: "a.txt", relativePath: "null" }, "/up/", "a.txt", "or nothing, in JavaScript"],
    [{ filename: "taken.txt" }, "/up/", "taken-1.txt", "a name that is taken gets a number"],
  ];
  test.each(stored)("%p to %s is %p: %s", (pairs, target, path) => {
    make({}, { "store/dir": null, "store/taken.txt": "old" });
    const made = world.create(2, pairs, [], target);
    const done = world.patch(made.field("Location")!, 0, "ok");
    expect([made.status, done.status, done.field("Upload-Offset")]).toEqual([201, 204, "2"]);
    const found = Object.entries(world.stored).filter(([, content]) => content === "ok");
    expect(found).toEqual([[typeof path === "string" ? path : expect.stringMatching(path), "ok"]]);
    expect(decodeURI(done.field("Content-Location")!)).toBe(`/up/${found[0]![0]}`);
    expect(world.staged).toEqual([]);
    expect(world.services.files.epoch).toBe(1);
  });
  test.each([
    "p/../../a.txt",
    "../a.txt",
    "p/./a.txt",
    "p//a.txt",
    "p/",
    ".p/a.txt",
    "p/.a.txt",
    "p\\q/a.txt",
    "p/a\n.txt",
    "p/a\0.txt",
    ".webserv/a.txt",
    "p/.webserv/a.txt",
    `p/${"n".repeat(256)}`,
    `${"p/".repeat(100)}a.txt`,
  ])("a relative path %p is refused", (relativePath) => {
    make();
    expect(world.create(1, { filename: "a.txt", relativePath }).status).toBe(400);
    expect(world.staged).toEqual([]);
  });
  test("unfinished uploads are no place for uploads, even where dot names are allowed", () => {
    make({ dotfiles: "allow" });
    expect(world.create(1, { filename: "a", relativePath: ".webserv/a" }).status).toBe(400);
    expect(world.create(1, { filename: "a", relativePath: ".dir/.webserv/a" }).status).toBe(400);
    expect(world.create(1, { filename: "a", relativePath: ".dir/a" }).status).toBe(201);
  });
  test("never through a link that leaves the store", () => {
    const outside = new Site({});
    make({}, { "store/out": { link: outside.root }, "store/in": { link: "dir" }, "store/dir": null });
    expect(world.create(1, { filename: "a" }, [], "/up/out/").status).toBe(403);
    expect(world.create(0, { filename: "a", relativePath: "out/a" }).status).toBe(403);
    expect(world.create(1, { filename: "a", relativePath: "out/a" }).status).toBe(403);
    expect(world.staged).toEqual([]);
    const url = world.begun(1, { filename: "a", relativePath: "later/a" });
    symlinkSync(outside.root, world.site.path("store/later"));
    expect([world.patch(url, 0, "x").status, readdirSync(outside.root)]).toEqual([403, []]);
    expect(world.patch(world.begun(1, { filename: "a", relativePath: "in/a" }), 0, "x").status).toBe(204);
    expect(world.stored["dir/a"]).toBe("x");
    outside.remove();
  });
});
