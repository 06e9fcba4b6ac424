/** POST of multipart/form-data: all files of a form or none, under reduced names. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Settings } from "../../../src/config/model.ts";
import { BOUNDARY, FORM, form, UploadWorld } from "./uploads.ts";
import type { Site } from "./world.ts";

let world: UploadWorld;
function open(files: ConstructorParameters<typeof Site>[0] = {}, changes: Partial<Settings> = {}): UploadWorld {
  return (world = new UploadWorld(files, changes));
}
afterEach(() => expect(world.end()).toBe(0));

const file = (name: string, content: string) => [`name="f"; filename="${name}"`, content] as const;
const post = (body: string | Buffer, target = "/up/", fields: readonly string[] = [], piece?: number) =>
  world.send("POST", target, { body, fields: [FORM, ...fields], ...(piece === undefined ? {} : { piece }) });
const outcome = ({ how, status }: { how: string; status: number }) => [how, status];

describe("a form", () => {
  const body = form(
    ["name=note", "not a file"],
    file("a.txt", "first"),
    file("ü 名.bin", "se\r\ncond"),
    file("empty", ""),
  );
  const files = { "a.txt": "first", "ü 名.bin": "se\r\ncond", empty: "" };

  test.each([1, 2, 3, 5, 7, 11, 64, 1000])("in pieces of %p bytes stores its files", (piece) => {
    open();
    const reply = post(body, "/up/", ["Accept: application/json"], piece);
    expect([...outcome(reply), reply.field("Location")]).toEqual(["reply", 201, "/up/"]);
    expect(JSON.parse(reply.text())).toEqual([
      { name: "a.txt", size: 5, url: "/up/a.txt" },
      { name: "ü 名.bin", size: 8, url: "/up/%C3%BC%20%E5%90%8D.bin" },
      { name: "empty", size: 0, url: "/up/empty" },
    ]);
    expect(world.stored).toEqual(files);
  });

  test.each([1, 7, 1000])("in pieces of %p bytes says where in the body each part's content begins", (piece) => {
    const bytes = Buffer.from(form(["name=note", "not a file"], file("a.txt", "first"), file("b.txt", "second")));
    const { exchange, sink } = open().begin("POST", "/up/", { fields: [FORM] }, bytes.length);
    const seen = new Set<number | undefined>();
    for (let at = 0; at < bytes.length; at += piece) {
      world.give(sink!, bytes.subarray(at, at + piece), exchange);
      seen.add(sink!.fileStart);
    }
    sink!.end();
    const starts = ["not a file", "first", "second"].map((content) => bytes.indexOf(content));
    expect([...seen]).toEqual(piece < 100 ? [0, ...starts] : [starts.at(-1)]);
  });

  test.each(["/up/sub", "/up/sub/"])("that is posted to %s goes into that folder", (target) => {
    open({ "store/sub/x": "x" });
    expect(post(form(file("a", "1")), target).field("Location")).toBe("/up/sub/a");
    expect(world.stored).toEqual({ "sub/x": "x", "sub/a": "1" });
  });

  test("of many parts lets others have their turn, and is stored all the same", () => {
    open();
    const fields = Array.from({ length: 900 }, (_, i) => [`name=f${i}`, "x"] as const);
    const reply = post(form(...fields, file("a.txt", "first")));
    expect(outcome(reply)).toEqual(["reply", 201]);
    expect(reply.resumed).toBeGreaterThan(5);
    expect(world.stored).toEqual({ "a.txt": "first" });
  });

  test("of more parts than anybody needs is refused", () => {
    open();
    const fields = Array.from({ length: 1101 }, (_, i) => [`name=f${i}`, ""] as const);
    expect(outcome(post(form(file("a.txt", "first"), ...fields)))).toEqual(["fail", 413]);
    expect(world.stored).toEqual({});
  });

  test("shows a page to a browser, with every name escaped", () => {
    open();
    const reply = post(form(file("<b>&.txt", "1"), file("c", "2")), "/up/", ["Accept: text/html,*/*;q=0.8"]);
    expect(reply.field("Content-Type")).toBe("text/html; charset=utf-8");
    expect(reply.text()).toContain('<a href="/up/%3Cb%3E%26.txt">&lt;b&gt;&amp;.txt</a>');
    expect(reply.text()).toContain("2 files stored");
  });

  test("of one file has that file's Location, and files nobody can execute", () => {
    open();
    expect(post(form(file("a.php", "<?php"))).field("Location")).toBe("/up/a.php");
    expect(statSync(world.site.path("store/a.php")).mode & 0o7777).toBe(0o644);
  });

  test("with data that looks like delimiters keeps every byte of it", () => {
    open();
    const content = `\r\n--${BOUNDARY.slice(0, -1)}\r\n--\r\r\n--${BOUNDARY.slice(0, 3)}`;
    for (const piece of [1, 4, 1000]) post(form(file("a", content)), "/up/", [], piece);
    expect(world.stored).toEqual({ a: content, "a-1": content, "a-2": content });
  });

  test("of 200 KB and 100 files holds one descriptor for them", () => {
    open();
    const before = world.services.watched.open.size;
    let most = 0;
    const { write } = world.services.kernel;
    world.services.kernel.write = (fd, block, offset, length) => {
      most = Math.max(most, world.services.watched.open.size - before);
      return write(fd, block, offset, length);
    };
    const parts = Array.from({ length: 100 }, (_, i) => file(`f${i}`, String(i).repeat(1000)));
    expect(post(form(...parts), "/up/", [], 1000).status).toBe(201);
    expect(Object.keys(world.stored).length).toBe(100);
    expect(most).toBeLessThanOrEqual(4); // the store, the staging folder, its lock, the file
  });
});

test("a large file gets room as it comes, and what it does not need is given back", () => {
  open();
  const { kernel } = world.services;
  const { allocate } = kernel;
  let reserved = 0;
  kernel.allocate = (fd, position, length) => {
    reserved += length;
    return allocate(fd, position, length);
  };
  const large = "x".repeat(1_500_000);
  expect(outcome(post(form(file("a", large), file("b", large), file("c", "small")), "/up/", [], 60_000)).at(1)).toBe(
    201,
  );
  expect(reserved).toBeGreaterThan(2 * large.length);
  for (const name of ["a", "b"]) {
    const { size, blocks } = statSync(world.site.path(`store/${name}`));
    expect(size).toBe(large.length);
    expect(blocks * 512).toBeLessThan(large.length + 100_000);
  }
});

describe("names", () => {
  test.each([
    ["C:\\dir\\a.txt", "a.txt"],
    ["../../a.txt", "a.txt"],
    ["/etc/cron.d/a", "a"],
    [`${"ü".repeat(200)}.txt`, `${"ü".repeat(125)}.txt`],
  ])("%s is stored as %s", (name, stored) => {
    open();
    const escaped = name.replaceAll("\\", "\\\\");
    post(form(file(escaped, "x")));
    expect(world.stored).toEqual({ [stored]: "x" });
  });

  test.each([".htaccess", "..", ".", "/", "a/", ".webserv", "x/.webserv", "   "])("%j gets another name", (name) => {
    open();
    expect(post(form(file(name, "x"))).status).toBe(201);
    const [stored] = Object.keys(world.stored);
    expect(stored).toMatch(/^upload-[0-9a-f]{16}$/);
  });

  test.each([0x01, 0x07, 0x1b, 0x7f])("control character %i: another name", (code) => {
    open();
    expect(post(form(file(`a${String.fromCharCode(code)}b`, "x"), file("c.txt", "y"))).status).toBe(201);
    expect(Object.keys(world.stored).sort()).toEqual(["c.txt", expect.stringMatching(/^upload-[0-9a-f]{16}$/)]);
  });

  test("filename* counts before filename", () => {
    open();
    post(form([`name="f"; filename="plain"; filename*=UTF-8''%e2%82%ac%2f%2e%2e%2frates.txt`, "x"]));
    expect(world.stored).toEqual({ "rates.txt": "x" });
  });

  test("that repeat are numbered, replaced or refused", () => {
    const twice = form(file("a.txt", "1"), file("a.txt", "2"));
    open();
    post(twice);
    expect(world.stored).toEqual({ "a.txt": "1", "a-1.txt": "2" });
    world.end();
    open({}, { uploadOverwrite: "replace" });
    post(twice);
    expect(world.stored).toEqual({ "a.txt": "2" });
    world.end();
    open({}, { uploadOverwrite: "refuse" });
    expect(outcome(post(twice))).toEqual(["fail", 409]);
    expect(world.stored).toEqual({});
  });
});

describe("a form is refused, and leaves nothing", () => {
  const two = [file("a", "1"), file("b", "2")] as const;
  test.each<[string, string, number, Partial<Settings>?]>([
    ["without a file", form(["name=x", "y"]), 400],
    ["in which no file was chosen", form(file("", "")), 400],
    ["without a part", `--${BOUNDARY}--\r\n`, 400],
    ["that is none", "hello", 400],
    ["without its closing delimiter", form(...two).slice(0, -(BOUNDARY.length + 6)), 400],
    ["cut off in its closing delimiter", form(...two).slice(0, -4), 400],
    ["with a malformed part", `${form(...two).slice(0, -4)}\r\nnonsense\r\n\r\n`, 400],
    ["with too many files", form(...two, file("c", "3")), 413, { uploadMaxFiles: 2 }],
    ["with a name that is taken", form(file("a", "1"), file("taken", "2")), 409, { uploadOverwrite: "refuse" }],
    ["with a folder's name, replacing", form(file("a", "1"), file("dir", "2")), 409, { uploadOverwrite: "replace" }],
  ])("%s", (_, body, status, changes = {}) => {
    for (const piece of [1, 10, body.length]) {
      open({ "store/taken": "old", "store/dir/x": "x" }, changes);
      expect(outcome(post(body, "/up/", [], piece))).toEqual(["fail", status]);
      expect(world.stored).toEqual({ taken: "old", "dir/x": "x" });
      expect(world.end()).toBe(0);
    }
    open();
  });

  test.each([
    ["no boundary", "multipart/form-data"],
    ["an empty boundary", "multipart/form-data; boundary="],
    ["a boundary too long", `multipart/form-data; boundary=${"b".repeat(71)}`],
    ["an illegal boundary", 'multipart/form-data; boundary="a\tb"'],
  ])("before its body: %s", (_, type) => {
    open();
    const { exchange, sink } = world.begin("POST", "/up/", { fields: [`Content-Type: ${type}`] }, 10);
    expect([...outcome(exchange), sink]).toEqual(["fail", 400, undefined]);
  });

  test("before its body: no such folder", () => {
    open({ "store/file": "x" });
    for (const [target, status] of [
      ["/up/no/", 404],
      ["/up/file/", 409],
      ["/up/.git/", 400],
    ] as const) {
      expect(outcome(world.begin("POST", target, { fields: [FORM] }, 10).exchange)).toEqual(["fail", status]);
    }
  });

  test("without a body", () => {
    open();
    expect(outcome(world.send("POST", "/up/", { fields: [FORM] }))).toEqual(["fail", 400]);
  });

  test("when the client leaves, wherever that is", () => {
    open();
    const body = Buffer.from(form(...two, ["name=x", "y"]));
    for (let length = 0; length < body.length; length++) {
      const { sink } = world.begin("POST", "/up/", { fields: [FORM] }, body.length);
      world.give(sink!, body.subarray(0, length));
      sink!.abort();
    }
    expect(world.stored).toEqual({});
  });

  test("when the disk is full at its second file", () => {
    open();
    const { write } = world.services.kernel;
    let writes = 0;
    world.services.kernel.write = (...all) => (++writes === 2 ? -ERRNO.ENOSPC : write(...all));
    expect(outcome(post(form(...two)))).toEqual(["fail", 507]);
    expect(world.stored).toEqual({});
  });

  test("when its third file cannot appear", () => {
    open();
    const { rename } = world.services.kernel;
    let renames = 0;
    world.services.kernel.rename = (...all) => (++renames === 3 ? -ERRNO.EIO : rename(...all));
    expect(outcome(post(form(...two, file("c", "3"))))).toEqual(["fail", 500]);
    expect(world.stored).toEqual({});
  });

  test("when its folder is replaced by a file meanwhile", () => {
    open({ "store/sub/x": "x" });
    const body = Buffer.from(form(file("a", "1")));
    const { exchange, sink } = world.begin("POST", "/up/sub/", { fields: [FORM] }, body.length);
    const { openBeneath } = world.services.kernel;
    world.services.kernel.openBeneath = (directory, path, ...rest) =>
      path === "sub" ? -ERRNO.ENOTDIR : openBeneath(directory, path, ...rest);
    world.feed(exchange, sink!, body);
    expect(outcome(exchange)).toEqual(["fail", 409]);
    expect(world.stored).toEqual({ "sub/x": "x" });
  });
});

test("two forms at once, piece by piece, do not meet", () => {
  open();
  const bodies = ["1", "2"].map((digit) => Buffer.from(form(file("same.txt", digit.repeat(5000)))));
  const both = bodies.map((body) => world.begin("POST", "/up/", { fields: [FORM] }, body.length));
  for (let at = 0; at < bodies[0]!.length; at += 100) {
    for (const [i, { sink }] of both.entries()) world.give(sink!, bodies[i]!.subarray(at, at + 100));
  }
  for (const { sink } of both) sink!.end();
  expect(both.map(({ exchange }) => exchange.field("Location"))).toEqual(["/up/same.txt", "/up/same-1.txt"]);
  expect(world.stored).toEqual({ "same.txt": "1".repeat(5000), "same-1.txt": "2".repeat(5000) });
});

test("a folder called as a form's file is not entered", () => {
  open();
  mkdirSync(world.site.path("store/a"));
  post(form(file("a", "x")));
  expect(readFileSync(world.site.path("store/a-1"), "utf8")).toBe("x");
});
