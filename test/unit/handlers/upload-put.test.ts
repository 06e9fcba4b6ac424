/** PUT and POST of a file as it is: where it goes, what is replied, and that nothing is left of what fails. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Settings } from "../../../src/config/model.ts";
import { type Sent, tree, UploadWorld } from "./uploads.ts";
import type { Site } from "./world.ts";

let world: UploadWorld;
function open(files: ConstructorParameters<typeof Site>[0] = {}, changes: Partial<Settings> = {}): UploadWorld {
  return (world = new UploadWorld(files, changes));
}
/** However a test went: no descriptor stays open. */
afterEach(() => expect(world.end()).toBe(0));

const outcome = ({ how, status }: { how: string; status: number }) => [how, status];

describe("PUT stores the body", () => {
  test("of a new file: 201, where it is, and its size", () => {
    open();
    const reply = world.send("PUT", "/up/a.txt", { body: "hello", fields: ["Accept: application/json"] });
    expect(outcome(reply)).toEqual(["reply", 201]);
    expect(reply.field("Location")).toBe("/up/a.txt");
    expect(JSON.parse(reply.text())).toEqual([{ name: "a.txt", size: 5, url: "/up/a.txt" }]);
    expect(world.stored).toEqual({ "a.txt": "hello" });
    expect(world.services.files.epoch).toBe(1);
  });

  test("of many files of one size at once: no two have the same time, on which the ETag depends", () => {
    open();
    const times = new Set<bigint>();
    for (let i = 100; i < 400; i++) {
      world.send("PUT", "/up/a", { body: `${i}` });
      times.add(statSync(world.site.path("store/a"), { bigint: true }).mtimeNs);
    }
    expect(times.size).toBe(300);
    expect(Math.abs(Number([...times].at(-1)! / 1_000_000n) - Date.now())).toBeLessThan(60_000);
  });

  test("of a file that is there: 204, and it is another", () => {
    open({ "store/a.txt": "old" });
    const reply = world.send("PUT", "/up/a.txt", { body: "new" });
    expect([...outcome(reply), reply.body]).toEqual(["reply", 204, null]);
    expect(world.stored).toEqual({ "a.txt": "new" });
  });

  test.each([1, 2, 3, 1000, 4096, 65_000])("in pieces of %p bytes", (piece) => {
    open();
    const body = Buffer.from(Array.from({ length: piece < 10 ? 300 : 200_000 }, (_, i) => (i * 7919) & 0x7f));
    world.send("PUT", "/up/a", { body, piece });
    expect(readFileSync(world.site.path("store/a")).equals(body)).toBe(true);
  });

  test("of nothing: an empty file", () => {
    open();
    expect(outcome(world.send("PUT", "/up/empty"))).toEqual(["reply", 201]);
    expect(world.stored).toEqual({ empty: "" });
  });

  test("readable by all, executable by none, whatever the umask", () => {
    open();
    const mask = process.umask(0o077);
    world.send("PUT", "/up/new/a.cgi", { body: "#!" });
    process.umask(mask);
    expect(statSync(world.site.path("store/new/a.cgi")).mode & 0o7777).toBe(0o644);
  });

  test.each([
    ["/up/sub/a", "sub/a", "/up/sub/a"],
    ["/up/x/y/z/a", "x/y/z/a", "/up/x/y/z/a"],
    ["/up/%C3%BC%20%25/%E5%90%8D", "ü %/名", "/up/%C3%BC%20%25/%E5%90%8D"],
    ["/up/e%CC%81", "e\u0301", "/up/e%CC%81"],
    ["/up/a%3Fb%23", "a?b#", "/up/a%3Fb%23"],
    ["/up//a///b", "a/b", "/up/a/b"],
    ["/up/a%252Fb", "a%2Fb", "/up/a%252Fb"],
    ["/up/%22%3Cscript%3E", '"<script>', "/up/%22%3Cscript%3E"],
    [`/up/${"n".repeat(255)}`, "n".repeat(255), `/up/${"n".repeat(255)}`],
  ])("%s as %s", (target, path, url) => {
    open();
    const reply = world.send("PUT", target, { body: "x" });
    expect([reply.status, reply.field("Location")]).toEqual([201, url]);
    expect(world.stored).toEqual({ [path]: "x" });
    expect(reply.text()).not.toContain("<script");
  });

  test("without leaving its mark before it is complete", () => {
    open({ "store/a.txt": "old" });
    const { exchange, sink } = world.begin("PUT", "/up/new/a.txt", {}, 6);
    world.give(sink!, Buffer.from("hal"));
    expect(Object.keys(world.stored).filter((path) => !path.startsWith(".webserv/"))).toEqual(["a.txt"]);
    expect(exchange.how).toBe("");
    sink!.abort();
    expect(world.stored).toEqual({ "a.txt": "old" });
    expect(world.services.files.epoch).toBe(0);
  });
});

describe("PUT is refused before its body", () => {
  const files = { "store/file": "f", "store/folder/x": "x", "store/empty": null };
  test.each<[string, string, number, Sent?, Partial<Settings>?]>([
    ["the store itself", "/up/", 400],
    ["a folder's path", "/up/new/", 400],
    ["a folder that is there", "/up/folder", 409],
    ["an empty folder", "/up/empty", 409],
    ["a file as a folder", "/up/file/a", 409],
    ["a dot name", "/up/.a", 400],
    ["a dot folder", "/up/.a/b", 400],
    ["the staging folder, dot files allowed", "/up/.webserv/a", 400, {}, { dotfiles: "allow" }],
    ["a backslash", "/up/a%5Cb", 400],
    ["a name too long", `/up/${"n".repeat(256)}`, 400],
    ["too many folders", `/up/${"a/".repeat(65)}a`, 400],
    ["a part of a file", "/up/file", 400, { fields: ["Content-Range: bytes 0-1/2"] }],
    ["a file that is there, under refuse", "/up/file", 409, {}, { uploadOverwrite: "refuse" }],
    ["If-None-Match: * where a file is", "/up/file", 412, { fields: ["If-None-Match: *"] }],
    ["If-Match: * where none is", "/up/new", 412, { fields: ["If-Match: *"] }],
    ["If-Match of another state", "/up/file", 412, { fields: ['If-Match: "nonsense"'] }],
    [
      "If-Unmodified-Since before the file",
      "/up/file",
      412,
      { fields: ["If-Unmodified-Since: Tue, 01 Jan 2002 00:00:00 GMT"] },
    ],
  ])("%s", (_, target, status, sent = {}, changes = {}) => {
    open(files, changes);
    const before = world.stored;
    const { exchange, sink } = world.begin("PUT", target, sent, 10);
    expect([...outcome(exchange), sink]).toEqual(["fail", status, undefined]);
    expect(world.stored).toEqual(before);
  });

  test("where another location begins: /upper is not in /up", () => {
    open({}, { upload: { folder: "/nowhere", prefix: "/up" } });
    expect(outcome(world.send("PUT", "/upper", { body: "x" }))).toEqual(["fail", 400]);
  });

  test("and succeeds where its conditions hold", () => {
    open({ "store/a": "old" });
    const etag = world.send("GET", "/up/a").field("ETag");
    expect(world.send("PUT", "/up/a", { body: "1", fields: [`If-Match: ${etag}`] }).status).toBe(204);
    expect(world.send("PUT", "/up/a", { body: "2", fields: [`If-Match: ${etag}`] }).status).toBe(412);
    expect(world.send("PUT", "/up/b", { body: "3", fields: ["If-None-Match: *"] }).status).toBe(201);
    expect(world.stored).toEqual({ a: "1", b: "3" });
  });

  test("a file of the same size that came right after another is another one", () => {
    open();
    const version = (body: string) => {
      world.send("PUT", "/up/a", { body });
      return world.send("GET", "/up/a").field("ETag");
    };
    const [first, second] = [version("000"), version("500")];
    expect(second).not.toBe(first!);
    expect(world.send("GET", "/up/a", { fields: [`If-None-Match: ${first}`] }).status).toBe(200);
    expect(world.send("PUT", "/up/a", { body: "x", fields: [`If-Match: ${first}`] }).status).toBe(412);
  });

  test("a link to nothing is no representation: what replaces it is created", () => {
    open({ "store/a": { link: "nothing" } });
    expect(world.send("PUT", "/up/a", { body: "1", fields: ["If-None-Match: *"] }).status).toBe(201);
    expect(world.send("PUT", "/up/a", { body: "2" }).status).toBe(204);
    expect(world.stored).toEqual({ a: "2" });
  });

  test.each(["rename", "replace", "refuse"] as const)("and so does a POST, under %s", (uploadOverwrite) => {
    open({ "store/a": "old" }, { uploadOverwrite });
    const status = (path: string, ...fields: string[]) => world.send("POST", path, { body: "x", fields }).status;
    const taken = uploadOverwrite === "refuse" ? 409 : 412;
    expect([status("/up/a", "If-None-Match: *"), status("/up/a", 'If-Match: "nonsense"')]).toEqual([taken, taken]);
    expect([status("/up/b", "If-Match: *"), world.stored]).toEqual([412, { a: "old" }]);
    expect(status("/up/b", "If-None-Match: *")).toBe(201);
    const form = `--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nx\r\n--b--\r\n`;
    const fields = ["Content-Type: multipart/form-data; boundary=b", "If-None-Match: *"];
    expect([world.send("POST", "/up/", { body: form, fields }).status, world.stored]).toEqual([
      412,
      { a: "old", b: "x" },
    ]);
  });

  test("and again when it is complete: of two that want to be first, one is", () => {
    open();
    const fields = ["If-None-Match: *"];
    const slow = world.begin("PUT", "/up/a", { fields }, 4);
    world.give(slow.sink!, Buffer.from("slow"));
    expect(world.send("PUT", "/up/a", { body: "fast", fields }).status).toBe(201);
    slow.sink!.end();
    expect(outcome(slow.exchange)).toEqual(["fail", 412]);
    expect(world.stored).toEqual({ a: "fast" });
  });

  test("under refuse too", () => {
    open({}, { uploadOverwrite: "refuse" });
    const slow = world.begin("PUT", "/up/x/y/a", {}, 4);
    expect(world.send("PUT", "/up/x/y/a", { body: "fast" }).status).toBe(201);
    world.feed(slow.exchange, slow.sink!, Buffer.from("slow"));
    expect(outcome(slow.exchange)).toEqual(["fail", 409]);
    expect(world.stored).toEqual({ "x/y/a": "fast" });
  });
});

describe("POST of a file as it is", () => {
  test("goes by the last segment", () => {
    open();
    expect(world.send("POST", "/up/a.bin", { body: "x" }).field("Location")).toBe("/up/a.bin");
    expect(world.stored).toEqual({ "a.bin": "x" });
  });

  test.each(["/up/", "/up/folder/"])("to the folder %s: under a name of its own", (target) => {
    open({ "store/folder/x": "x" });
    const location = world.send("POST", target, { body: "data" }).field("Location")!;
    expect(location).toMatch(new RegExp(`^${target}upload-[0-9a-f]{16}$`));
    expect(world.stored[location.slice("/up/".length)]).toBe("data");
  });

  test("of nothing is an empty file if it has a name", () => {
    open();
    expect(outcome(world.send("POST", "/up/empty"))).toEqual(["reply", 201]);
    expect(outcome(world.send("POST", "/up/"))).toEqual(["fail", 400]);
    expect(world.stored).toEqual({ empty: "" });
  });

  test("in a folder that is not there: 404, and it is not made", () => {
    open();
    expect(outcome(world.send("POST", "/up/new/a", { body: "x" }))).toEqual(["fail", 404]);
    expect(world.stored).toEqual({});
  });

  test.each([
    ["/up/new/a", 404],
    ["/up/file/a", 409],
    ["/up/new/", 404],
  ])("to %s is refused before its body", (target, status) => {
    open({ "store/file": "x" });
    const { exchange, sink } = world.begin("POST", target, {}, 10);
    expect([...outcome(exchange), sink]).toEqual(["fail", status, undefined]);
  });

  test("takes another name where its own is taken, be it by a folder", () => {
    open({ "store/a.txt": "0", "store/a-1.txt": "1", "store/dir/x": "x" });
    expect(world.send("POST", "/up/a.txt", { body: "2" }).field("Location")).toBe("/up/a-2.txt");
    expect(world.send("POST", "/up/dir", { body: "3" }).field("Location")).toBe("/up/dir-1");
    expect(world.stored).toMatchObject({ "a.txt": "0", "a-1.txt": "1", "a-2.txt": "2", "dir-1": "3" });
  });

  test("and stops counting where a hundred are taken", () => {
    const names = Array.from({ length: 100 }, (_, i) => [`store/a-${i + 1}.txt`, "x"]);
    open({ "store/a.txt": "x", ...Object.fromEntries(names) });
    expect(world.send("POST", "/up/a.txt", { body: "y" }).field("Location")).toMatch(/^\/up\/a-[0-9a-f]{16}\.txt$/);
  });

  test("replaces or refuses as configured", () => {
    open({ "store/a": "old", "store/dir/x": "x" }, { uploadOverwrite: "replace" });
    expect(world.send("POST", "/up/a", { body: "new" }).status).toBe(201);
    expect(world.send("POST", "/up/dir", { body: "new" }).status).toBe(409);
    expect(world.stored).toEqual({ a: "new", "dir/x": "x" });
    world.end();
    open({ "store/a": "old" }, { uploadOverwrite: "refuse" });
    expect(outcome(world.send("POST", "/up/a", { body: "new" }))).toEqual(["fail", 409]);
    expect(world.send("POST", "/up/b", { body: "new" }).status).toBe(201);
    expect(world.stored).toEqual({ a: "old", b: "new" });
  });
});

describe("what the file system refuses", () => {
  const small: Sent = { body: "12345" };
  test.each([
    ["ENOSPC", 507],
    ["EDQUOT", 507],
    ["EROFS", 403],
    ["EACCES", 403],
    ["EMFILE", 503],
    ["ENFILE", 503],
    ["EIO", 500],
  ] as const)("%s at the first byte: %p, nothing is left, and the error log has it", (name, status) => {
    open();
    world.services.kernel.write = () => -ERRNO[name];
    const reply = world.send("PUT", "/up/new/a", small);
    expect(outcome(reply)).toEqual(["fail", status]);
    expect(reply.logged.join()).toContain("write()");
    expect(world.stored).toEqual({});
  });

  test.each([
    ["fchmod", "EPERM", 403],
    ["rename", "EACCES", 403],
    ["rename", "ENOSPC", 507],
    ["rename", "ENOENT", 500],
    ["rename", "EIO", 500],
    ["mkdir", "ENOSPC", 507],
    ["mkdir", "EACCES", 403],
  ] as const)("%s gives %s at the end: %p, and the folders made are gone", (call, error, status) => {
    open();
    world.send("PUT", "/up/first", small); // the staging folder is there
    const { exchange, sink } = world.begin("PUT", "/up/x/y/a", {}, 5);
    world.services.kernel[call] = () => -ERRNO[error];
    world.feed(exchange, sink!, Buffer.from("12345"));
    expect(outcome(exchange)).toEqual(["fail", status]);
    expect(world.stored).toEqual({ first: "12345" });
  });

  test("a folder that cannot be made takes those before it with it", () => {
    open();
    const { mkdir } = world.services.kernel;
    world.services.kernel.mkdir = (directory, name, mode) =>
      name === "z" ? -ERRNO.EDQUOT : mkdir(directory, name, mode);
    expect(outcome(world.send("PUT", "/up/x/y/z/a", small))).toEqual(["fail", 507]);
    expect(world.stored).toEqual({});
  });

  test("room for a large file is reserved as it comes, no more than its length; a small one, and one of unknown length, get none", () => {
    open();
    const { kernel } = world.services;
    const reserved: number[][] = [];
    kernel.allocate = (_fd, position, length) => {
      reserved.push([position, length]);
      return 0;
    };
    const body = Buffer.alloc(10_000_000, "x");
    world.send("PUT", "/up/large", { body, piece: 60_000 });
    expect(reserved).toEqual([
      [0, 1 << 22],
      [1 << 22, 1 << 22],
      [1 << 23, body.length - (1 << 23)],
    ]);
    world.send("PUT", "/up/small", { body: body.subarray(0, 1_000_000) });
    expect(reserved).toHaveLength(3);
  });

  test.each(["ENOSPC", "EOPNOTSUPP", "ENOSYS"] as const)(
    "where room cannot be reserved (%s), the writes decide",
    (error) => {
      open();
      let calls = 0;
      world.services.kernel.allocate = () => {
        calls++;
        return -ERRNO[error];
      };
      const body = Buffer.alloc(10_000_000, "x");
      expect(outcome(world.send("PUT", "/up/large", { body, piece: 60_000 }))).toEqual(["reply", 201]);
      expect([calls, world.stored.large?.length]).toEqual([1, body.length]);
    },
  );

  test("a short write is continued", () => {
    open();
    const { write } = world.services.kernel;
    world.services.kernel.write = (fd, block, offset, length) => write(fd, block, offset, Math.min(3, length));
    world.send("PUT", "/up/a", { body: "0123456789" });
    expect(world.stored).toEqual({ a: "0123456789" });
  });

  test("a close that fails is a file that did not come to be", () => {
    open();
    const { close } = world.services.kernel;
    const { exchange, sink } = world.begin("PUT", "/up/a", {}, 5);
    world.give(sink!, Buffer.from("12345"));
    let first = true;
    world.services.kernel.close = (fd) => {
      const n = close(fd);
      const failed = first;
      first = false;
      return failed ? -ERRNO.EDQUOT : n;
    };
    sink!.end();
    expect(outcome(exchange)).toEqual(["fail", 507]);
    expect(world.stored).toEqual({});
  });

  test("no store: 500 with the reason, until it is there", () => {
    open();
    rmSync(world.site.path("store"), { recursive: true });
    const reply = world.send("PUT", "/up/a", small);
    expect(outcome(reply)).toEqual(["fail", 500]);
    expect(reply.logged.join()).toMatch(/^error: open\(\) upload store ".*store" failed \(2: No such file/);
    mkdirSync(world.site.path("store"));
    expect(world.send("PUT", "/up/a", small).status).toBe(201);
  });

  test("a staging folder that is something else: 500", () => {
    open({ "outside/x": "x" });
    symlinkSync(world.site.path("outside"), world.site.path("store/.webserv"));
    expect(outcome(world.send("PUT", "/up/a", small))).toEqual(["fail", 500]);
    expect(tree(world.site.path("outside"))).toEqual({ x: "x" });
  });

  test("a store that may not be written: 403 before the body", () => {
    open();
    world.services.kernel.mkdir = () => -ERRNO.EACCES;
    const { exchange, sink } = world.begin("PUT", "/up/a", {}, 5);
    expect([...outcome(exchange), sink]).toEqual(["fail", 403, undefined]);
    expect(exchange.logged.join()).toContain("13: Permission denied");
  });
});

describe("the operator's hand", () => {
  test("a store that is replaced is noticed within a second; what is under way ends where it began", () => {
    open();
    const slow = world.begin("PUT", "/up/slow", {}, 4);
    renameSync(world.site.path("store"), world.site.path("old"));
    mkdirSync(world.site.path("store"));
    world.services.pass(2);
    expect(world.send("PUT", "/up/a", { body: "x" }).status).toBe(201);
    world.feed(slow.exchange, slow.sink!, Buffer.from("slow"));
    expect(world.stored).toEqual({ a: "x" });
    expect(readFileSync(world.site.path("old/slow"), "utf8")).toBe("slow");
  });

  test("a store that is removed and made again is found at once", () => {
    open();
    world.send("PUT", "/up/a", { body: "1" });
    rmSync(world.site.path("store"), { recursive: true });
    mkdirSync(world.site.path("store"));
    expect(world.send("PUT", "/up/b", { body: "2" }).status).toBe(201);
    expect(world.stored).toEqual({ b: "2" });
  });

  test.each(["PUT", "POST"])("a store that is removed while a %s is under way is the server's failure", (method) => {
    for (const target of ["/up/a", "/up/dir/a", "/up/new/dir/a"]) {
      if (method === "POST" && target.includes("new")) continue;
      open({ "store/dir": null });
      const { exchange, sink } = world.begin(method, target, {}, 4);
      rmSync(world.site.path("store"), { recursive: true });
      world.feed(exchange, sink!, Buffer.from("data"));
      expect(outcome(exchange)).toEqual(["fail", 500]);
      expect(exchange.logged[0]).toMatch(/^error: /);
      if (target !== "/up/new/dir/a") world.end();
    }
  });

  test("a staging folder that is removed is made again at once", () => {
    open();
    world.send("PUT", "/up/a", { body: "1" });
    rmSync(world.site.path("store/.webserv"), { recursive: true });
    expect(world.send("PUT", "/up/b", { body: "2" }).status).toBe(201);
    expect(world.stored).toEqual({ a: "1", b: "2" });
  });

  test("a staged file that is removed is a failure, not an empty file", () => {
    open();
    const { exchange, sink } = world.begin("PUT", "/up/a", {}, 4);
    rmSync(world.site.path("store/.webserv"), { recursive: true });
    world.feed(exchange, sink!, Buffer.from("data"));
    expect(outcome(exchange)).toEqual(["fail", 500]);
    expect(world.stored).toEqual({});
  });

  test("a folder that appears meanwhile is not replaced", () => {
    open();
    const { exchange, sink } = world.begin("PUT", "/up/a", {}, 4);
    mkdirSync(world.site.path("store/a"));
    writeFileSync(world.site.path("store/a/x"), "x");
    world.feed(exchange, sink!, Buffer.from("data"));
    expect(outcome(exchange)).toEqual(["fail", 409]);
    expect(world.stored).toEqual({ "a/x": "x" });
  });
});

describe("who else is asked", () => {
  test("GET and HEAD are the files' affair", () => {
    open({ "store/a.txt": "text" });
    expect(world.send("GET", "/up/a.txt").text()).toBe("text");
    expect(world.send("HEAD", "/up/a.txt").status).toBe(200);
  });

  test("what was stored is served at once, even where a 404 was kept", () => {
    open();
    expect(world.send("GET", "/up/a.txt").status).toBe(404);
    world.send("PUT", "/up/a.txt", { body: "1" });
    expect(world.send("GET", "/up/a.txt").text()).toBe("1");
    world.send("PUT", "/up/a.txt", { body: "2" });
    expect(world.send("GET", "/up/a.txt").text()).toBe("2");
  });

  test("the page about a failed upload is served, not stored", () => {
    open({ "store/507.html": "full" });
    expect(world.send("PUT", "/up/507.html", { errorStatus: 507 }).text()).toBe("full");
  });

  test("a body that another location has discarded is not stored as nothing", () => {
    open();
    const { exchange, sink } = world.begin("PUT", "/up/a", {}, 5);
    sink!.abort();
    world.handler.handle(exchange);
    expect(outcome(exchange)).toEqual(["fail", 500]);
    expect(world.stored).toEqual({});
  });
});
