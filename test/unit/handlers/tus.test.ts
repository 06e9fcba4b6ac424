/** Resumable uploads: how they go on, and how they end. */
import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Location, Settings } from "../../../src/config/model.ts";
import { base64, DAY, PART, TUS, TusWorld, told } from "./tus-world.ts";
import { FakeExchange, handlerFor, location, type Site } from "./world.ts";

let world: TusWorld;
function make(changes: Partial<Settings> = {}, files: ConstructorParameters<typeof Site>[0] = {}): TusWorld {
  return (world = new TusWorld(files, changes));
}
afterEach(() => {
  expect(world.end()).toBe(0);
});

describe("going on", () => {
  test("in as many steps as the client likes", () => {
    make();
    const url = world.begun(10);
    expect(told(world.head(url))).toEqual(["0", "10", `filename ${base64("a.txt")}`]);
    const first = world.patch(url, 0, "0123", { piece: 1 });
    expect([first.status, first.field("Upload-Offset")]).toEqual([204, "4"]);
    expect(first.field("Upload-Expires")).toBe("Wed, 15 Nov 2023 22:13:20 GMT");
    expect(first.field("Content-Location")).toBeUndefined();
    expect(told(world.head(url))[0]).toBe("4");
    expect(world.patch(url, 4, "").field("Upload-Offset")).toBe("4");
    expect(world.patch(url, 4, "456789", { piece: 5 }).field("Upload-Offset")).toBe("10");
    expect(world.stored).toEqual({ "a.txt": "0123456789" });
  });
  test("HEAD is kept by no cache, whatever it says", () => {
    make();
    const cache = ["Cache-Control", "no-store"] as const;
    expect(world.head(world.begun(1)).added).toContainEqual(cache);
    expect(world.head(`/up/webserv-upload-${"0".repeat(32)}`).added).toContainEqual(cache);
  });
  const refused: [why: string, fields: string[], body: string, status: number][] = [
    ["an offset ahead", [PART, "Upload-Offset: 5"], "x", 409],
    ["an offset behind", [PART, "Upload-Offset: 0"], "x", 409],
    ["no offset", [PART], "x", 400],
    ["an offset that is no number", [PART, "Upload-Offset: -1"], "x", 400],
    ["two offsets", [PART, "Upload-Offset: 4", "Upload-Offset: 0"], "x", 400],
    ["no type", ["Upload-Offset: 4"], "x", 415],
    ["another type", ["Content-Type: text/plain", "Upload-Offset: 4"], "x", 415],
    ["a longer type", [`${PART}s`, "Upload-Offset: 4"], "x", 415],
    ["more than the whole", [PART, "Upload-Offset: 4"], "4567890", 413],
    ["another offset without a body", [PART, "Upload-Offset: 5"], "", 409],
  ];
  test.each(refused)("refuses %s", (_, fields, body, status) => {
    make();
    const url = world.begun(10);
    world.patch(url, 0, "0123");
    expect(world.tus("PATCH", url, { fields, body }).status).toBe(status);
    expect(readFileSync(world.file(url, "part"), "utf8")).toBe("0123");
    expect(world.patch(url, 4, "456789").status).toBe(204);
  });
  test("refuses what would be too much before a byte of it came", () => {
    make();
    const { exchange, sink } = world.sending(world.begun(5), 0, 6);
    expect([exchange.status, sink]).toEqual([413, undefined as never]);
  });
  test("a type in capitals and with a parameter", () => {
    make();
    const fields = ["Content-Type: Application/Offset+Octet-Stream; x=y", "Upload-Offset: 0"];
    expect(world.tus("PATCH", world.begun(1), { fields, body: "x" }).status).toBe(204);
  });
  test.each([10, undefined])("what comes before a connection breaks stays, of a body of %p bytes", (length) => {
    make();
    const url = world.begun(10);
    const { sink } = world.sending(url, 0, length);
    world.give(sink, Buffer.from("012"));
    world.give(sink, Buffer.from("3456"));
    sink.abort();
    expect(told(world.head(url))[0]).toBe("7");
    expect(world.patch(url, 7, "789").status).toBe(204);
    expect(world.stored).toEqual({ "a.txt": "0123456789" });
  });
  test("of a chunked body that is longer than the whole nothing beyond is kept", () => {
    make();
    const url = world.begun(5);
    const { exchange, sink } = world.sending(url, 0);
    world.give(sink, Buffer.from("012"));
    world.give(sink, Buffer.from("345"));
    expect(exchange.status).toBe(413);
    sink.abort();
    expect(told(world.head(url))[0]).toBe("3");
  });
  test("a chunked body of just the length completes", () => {
    make();
    const { exchange, sink } = world.sending(world.begun(5), 0);
    world.give(sink, Buffer.from("01234"));
    sink.end();
    expect([exchange.status, world.stored]).toEqual([204, { "a.txt": "01234" }]);
  });
  test("POST can stand for the other methods", () => {
    make();
    const url = world.begun(4);
    const as = (method: string, fields: string[] = [], body = "") =>
      world.tus("POST", url, { fields: [`X-HTTP-Method-Override: ${method}`, ...fields], body });
    expect(as("PATCH", [PART, "Upload-Offset: 0"], "ab").field("Upload-Offset")).toBe("2");
    expect(told(as("HEAD"))[0]).toBe("2");
    expect(as("DELETE").status).toBe(204);
    expect(world.head(url).status).toBe(404);
  });
  test.each(["/up/", "/up/a.txt", "/up/.webserv/", "/up/webserv-upload-"])(
    "PATCH of %s, which is no upload, finds none",
    (target) => {
      make({}, { "store/a.txt": "old" });
      expect(world.patch(target, 0, "x").status).toBe(404);
      expect(world.stored).toEqual({ "a.txt": "old" });
    },
  );
  test("POST for other methods is about uploads alone", () => {
    make();
    for (const target of ["/up/", "/up/a.txt", `/up/123456789${"0".repeat(32)}`]) {
      const fields = ["X-HTTP-Method-Override: PATCH", PART, "Upload-Offset: 0"];
      expect(world.tus("POST", target, { fields, body: "x" }).status).toBe(404);
    }
    expect(world.stored).toEqual({});
  });
  test("to the end, though the location is closed meanwhile", () => {
    make();
    const { exchange, sink } = world.sending(world.begun(5), 0, 5);
    world.give(sink, Buffer.from("012"));
    world.handler.close!();
    world.give(sink, Buffer.from("34"));
    sink.end();
    expect([exchange.status, world.stored]).toEqual([204, { "a.txt": "01234" }]);
    expect([...world.services.watched.open]).toEqual([]);
  });
  test("after the server died", () => {
    make();
    const url = world.begun(10);
    const { sink } = world.sending(url, 0, 10);
    world.give(sink, Buffer.from("01234"));
    const left = world.services.watched;
    for (const fd of left.open) left.kernel.close(fd);
    world.restart();
    expect(told(world.head(url))).toEqual(["5", "10", `filename ${base64("a.txt")}`]);
    expect(world.patch(url, 5, "56789").status).toBe(204);
    expect(world.stored).toEqual({ "a.txt": "0123456789" });
  });
  test("what had all its bytes when the server died is stored at the next HEAD", () => {
    make();
    const url = world.begun(5);
    writeFileSync(world.file(url, "part"), "01234");
    world.restart();
    const exchange = world.head(url);
    expect([told(exchange)[0], exchange.field("Content-Location")]).toEqual(["5", "/up/a.txt"]);
    expect(world.stored).toEqual({ "a.txt": "01234" });
    expect(world.staged).toEqual([]);
  });
});

describe("when it is a file", () => {
  test("HEAD still knows it, for the client that missed the reply", () => {
    make();
    const url = world.begun(2);
    world.patch(url, 0, "ok");
    const exchange = world.head(url);
    expect(told(exchange)).toEqual(["2", "2", `filename ${base64("a.txt")}`]);
    expect(exchange.field("Content-Location")).toBe("/up/a.txt");
  });
  test("a PATCH of nothing at its end is no mistake, any other is", () => {
    make();
    const url = world.begun(2);
    world.patch(url, 0, "ok");
    const exchange = world.patch(url, 2, "");
    expect([exchange.status, exchange.field("Upload-Offset")]).toEqual([204, "2"]);
    expect(exchange.field("Content-Location")).toBe("/up/a.txt");
    expect([world.patch(url, 0, "").status, world.patch(url, 1, "k").status]).toEqual([409, 409]);
    expect(world.patch(url, 2, "x").status).toBe(413);
    const empty = world.sending(url, 2); // chunked: whether anything comes is known at its end
    empty.sink.end();
    expect([empty.exchange.status, empty.exchange.field("Upload-Offset")]).toEqual([204, "2"]);
    const chunked = world.sending(url, 2);
    world.give(chunked.sink, Buffer.from("x"), chunked.exchange);
    expect(chunked.exchange.status).toBe(413);
    expect(world.stored).toEqual({ "a.txt": "ok" });
  });
  test("DELETE forgets it and leaves the file, which is the site's now", () => {
    make();
    const url = world.begun(2);
    world.patch(url, 0, "ok");
    expect([world.tus("DELETE", url).status, world.head(url).status]).toEqual([204, 404]);
    expect(world.tus("DELETE", url).status).toBe(404);
    expect(world.stored).toEqual({ "a.txt": "ok" });
  });
  test.each(["removed", "replaced", "changed"])("a file that was %s meanwhile has to be sent again", (how) => {
    make({ deleteFiles: true });
    const url = world.begun(2);
    world.patch(url, 0, "ok");
    if (how === "removed") world.send("DELETE", "/up/a.txt");
    else if (how === "replaced") world.send("PUT", "/up/a.txt", { body: "no" });
    else writeFileSync(world.site.path("store/a.txt"), "no"); // the same inode and size
    expect([world.head(url).status, world.patch(url, 2, "").status]).toEqual([404, 404]);
  });
  test("it replaces what is there, where that is so configured", () => {
    make({ uploadOverwrite: "replace" }, { "store/a.txt": "old" });
    expect(world.patch(world.begun(3), 0, "new").field("Content-Location")).toBe("/up/a.txt");
    expect(world.stored).toEqual({ "a.txt": "new" });
  });
  test("a name that was taken meanwhile is refused, and the bytes stay", () => {
    make({ uploadOverwrite: "refuse" });
    const url = world.begun(3);
    writeFileSync(world.site.path("store/a.txt"), "old");
    expect(world.patch(url, 0, "new").status).toBe(409);
    const head = world.head(url);
    expect([head.status, world.stored["a.txt"]]).toEqual([409, "old"]);
    expect(head.added).toContainEqual(["Upload-Offset", "3"]);
    rmSync(world.site.path("store/a.txt"));
    expect(world.head(url).status).toBe(200);
    expect(world.stored).toEqual({ "a.txt": "new" });
  });
  test("a nested location that has come meanwhile, and does not take it, keeps it out", () => {
    make();
    const url = world.begun(1, { filename: "a", relativePath: "p/a" });
    const inner = location({ upload: null }, "/up/p/");
    (world.location.locations as Location[]).push(inner);
    const last = world.patch(url, 0, "x");
    expect([last.status, last.logged[0]]).toEqual([403, expect.stringContaining('"/up/p/" takes no uploads')]);
    expect([world.head(url).status, "p/a" in world.stored]).toEqual([403, false]);
    (world.location.locations as Location[]).pop();
    expect([world.head(url).status, world.stored]).toEqual([200, { "p/a": "x" }]);
  });
  test("folders made for what then can't be stored are removed again", () => {
    make();
    const url = world.begun(1, { filename: "a", relativePath: "p/q/a" });
    const { rename } = world.services.kernel;
    world.services.kernel.rename = () => -ERRNO.EACCES;
    expect(world.patch(url, 0, "x").status).toBe(403);
    expect(readdirSync(world.site.path("store"))).toEqual([".webserv"]);
    world.services.kernel.rename = rename;
    expect(world.head(url).field("Content-Location")).toBe("/up/p/q/a");
  });
});

describe("termination", () => {
  test("removes everything, once", () => {
    make();
    const url = world.begun(10);
    world.patch(url, 0, "0123");
    expect(world.tus("DELETE", url).status).toBe(204);
    expect(world.staged).toEqual([]);
    expect([world.tus("DELETE", url).status, world.head(url).status, world.patch(url, 4, "x").status]).toEqual([
      404, 404, 404,
    ]);
  });
  test("is allowed where DELETE of files is not", () => {
    make();
    const about = (method: string, target: string, fields: string[] = [TUS]) =>
      isTus(new FakeExchange(world.services, world.location, { method, target, fields }));
    const url = world.begun(1);
    expect(["DELETE", "HEAD", "PATCH"].map((method) => about(method, url))).toEqual([true, true, true]);
    expect([about("DELETE", url, []), about("DELETE", "/up/a.txt"), about("PUT", url)]).toEqual([false, false, false]);
  });
  test("but not where there are no uploads", () => {
    make({ allowedMethods: ["GET", "HEAD"] });
    const target = `/up/webserv-upload-${"0".repeat(32)}`;
    const exchange = new FakeExchange(world.services, world.location, { method: "DELETE", target, fields: [TUS] });
    expect(isTus(exchange)).toBe(false);
    expect([exchange.how, exchange.status]).toEqual(["fail", 405]);
  });
});

/** Whether a request is one of the protocol that its location allows. */
function isTus(exchange: FakeExchange): boolean {
  const [tus] = world.handler.contents;
  return world.handler.chosen(exchange) === tus!.handler;
}

describe("who comes later takes over", () => {
  test.each(["HEAD", "PATCH", "DELETE"])("%s ends the PATCH under way, with its connection", (method) => {
    make();
    const url = world.begun(10);
    const { exchange, sink } = world.sending(url, 0, 10);
    world.give(sink, Buffer.from("0123"));
    const later = method === "PATCH" ? world.patch(url, 4, "45") : world.tus(method, url);
    expect([exchange.how, later.status]).toEqual(["drop", method === "HEAD" ? 200 : 204]);
    expect(sink.accept(undefined as never, 0, 5)).toBe(0);
    sink.abort();
    const offset = { HEAD: "4", PATCH: "6", DELETE: undefined }[method];
    expect(world.head(url).field("Upload-Offset")).toBe(offset!);
  });
  test("a PATCH that is refused has ended it too: the client knows that it was lost", () => {
    make();
    const url = world.begun(10);
    const { exchange, sink } = world.sending(url, 0, 10);
    world.give(sink, Buffer.from("0123"));
    expect([world.patch(url, 2, "x").status, exchange.how]).toEqual([409, "drop"]);
    sink.abort();
  });
  test("another upload is left alone", () => {
    make();
    const { exchange, sink } = world.sending(world.begun(4), 0, 4);
    world.head(world.begun(4));
    world.give(sink, Buffer.from("0123"));
    sink.end();
    expect(exchange.status).toBe(204);
  });
  test("also over a location that was made anew", () => {
    make();
    const url = world.begun(4);
    const { exchange, sink } = world.sending(url, 0, 4);
    const old = world.handler;
    world.handler = handlerFor(world.location, world.services);
    expect([told(world.head(url))[0], exchange.how]).toEqual(["0", "drop"]);
    sink.abort();
    old.close!();
  });
});

describe("expiration", () => {
  test("what got no byte for a lifetime is gone", () => {
    make();
    const [old, young] = [world.begun(5), world.begun(5)];
    world.age(old, DAY);
    world.age(young, DAY - 1);
    expect([world.head(old).status, world.head(young).status]).toEqual([404, 200]);
    expect(world.head(young).field("Upload-Expires")).toBe("Tue, 14 Nov 2023 22:13:21 GMT");
    expect(world.staged.length).toBe(2);
    world.age(young, DAY);
    expect(world.patch(young, 0, "x").status).toBe(404);
    expect(world.staged).toEqual([]);
  });
  test.each(["sweep", "start"] as const)("%s removes what has expired, and what belongs to no upload", (when) => {
    make();
    const [old, young, orphan] = [world.begun(5), world.begun(5), world.begun(5)];
    world.age(old, DAY);
    rmSync(world.file(orphan, "part"));
    writeFileSync(world.site.path("store/.webserv/unrelated"), "");
    world.handler[when]!();
    const kept = [world.file(young, "json"), world.file(young, "part"), world.site.path("store/.webserv/unrelated")];
    expect(world.staged.map((path) => join(world.site.path("store"), path))).toEqual(kept.sort());
  });
  test("an upload that is being sent does not expire", () => {
    make();
    const url = world.begun(5);
    const { exchange, sink } = world.sending(url, 0, 5);
    world.age(url, DAY);
    world.handler.sweep!();
    world.give(sink, Buffer.from("01234"));
    sink.end();
    expect([exchange.status, world.stored]).toEqual([204, { "a.txt": "01234" }]);
  });
});

describe("what is damaged", () => {
  test.each([
    ["cut off", '{"length":5,"path":"a.t'],
    ["empty", ""],
    ["no object", "null"],
    ["without a length", '{"path":"a.txt","metadata":""}'],
    ["with a wrong length", '{"length":-1,"path":"a.txt","metadata":""}'],
    ["of a path that climbs", '{"length":5,"path":"../a.txt","metadata":""}'],
    ["of a folder", '{"length":5,"path":"a/","metadata":""}'],
  ])("a description that is %s: 404 and a line in the log", (_, text) => {
    make();
    const url = world.begun(5);
    writeFileSync(world.file(url, "json"), text);
    expect([world.head(url).status, world.patch(url, 0, "01234").status]).toEqual([404, 404]);
    expect(world.services.logged[0]).toMatch(/^error: upload [0-9a-f]{32} in .* can't go on/);
    expect(Object.keys(world.stored).every((path) => path.startsWith(".webserv/"))).toBe(true);
  });
  test("no description", () => {
    make();
    const url = world.begun(5);
    rmSync(world.file(url, "json"));
    expect([world.head(url).status, world.services.logged.length]).toEqual([404, 1]);
  });
  test("a part longer than the whole is removed", () => {
    make();
    const url = world.begun(5);
    writeFileSync(world.file(url, "part"), "012345");
    expect(world.head(url).status).toBe(404);
    expect(world.staged).toEqual([]);
  });
  test.each([
    "x",
    "0".repeat(31),
    "0".repeat(33),
    "A".repeat(32),
    `..%2F${"0".repeat(32)}`,
    `${"0".repeat(32)}.part`,
    "",
  ])("%p is the id of nothing", (id) => {
    make();
    world.begun(5);
    const exchange = world.send("HEAD", `/up/webserv-upload-${id}`, { fields: [TUS] });
    expect(exchange.status).toBe(404);
  });
});

describe("errors of the file system", () => {
  test.each([
    [ERRNO.ENOSPC, 507],
    [ERRNO.EDQUOT, 507],
    [ERRNO.EFBIG, 413],
    [ERRNO.EIO, 500],
  ])("a write that fails with errno %i is %i, and what was written stays", (errno, status) => {
    make();
    const url = world.begun(10);
    const { kernel } = world.services;
    const { write } = kernel;
    let room = 4;
    kernel.write = (fd, block, offset, length) => {
      if (room === 0) return -errno;
      const n = write(fd, block, offset, Math.min(length, room));
      room -= n;
      return n;
    };
    const exchange = world.patch(url, 0, "0123456789");
    expect([exchange.status, exchange.logged.length]).toEqual([status, 1]);
    kernel.write = write;
    expect(told(world.head(url))[0]).toBe("4");
    expect(world.patch(url, 4, "456789").status).toBe(204);
    expect(world.stored).toEqual({ "a.txt": "0123456789" });
  });
  test("a disk that is full at creation leaves nothing, and the log says what failed", () => {
    make();
    world.services.kernel.write = () => -ERRNO.ENOSPC;
    const exchange = world.create(5);
    expect([exchange.status, exchange.logged]).toEqual([
      507,
      [expect.stringMatching(/^crit: write\(\) ".*\/store\/\.webserv\/[0-9a-f]{32}\.json" failed \(28: /)],
    ]);
    expect(world.staged).toEqual([]);
  });
});

describe("what is not tus", () => {
  test("OPTIONS tells what is offered", () => {
    make({ clientMaxBodySize: 1000 });
    const exchange = new FakeExchange(world.services, world.location, { method: "OPTIONS", target: "/up/" });
    expect(world.handler.optionsFields!(exchange)).toEqual([
      ["Tus-Resumable", "1.0.0"],
      ["Tus-Version", "1.0.0"],
      [
        "Tus-Extension",
        "creation,creation-with-upload,creation-defer-length,termination,expiration,checksum,concatenation",
      ],
      ["Tus-Checksum-Algorithm", "sha1,sha256,sha512,md5"],
      ["Tus-Max-Size", "1000"],
    ]);
  });
  test("a POST without the field is stored as it is", () => {
    make();
    expect(world.send("POST", "/up/x.txt", { body: "x", fields: ["Upload-Length: 9"] }).status).toBe(201);
    expect(world.stored).toEqual({ "x.txt": "x" });
  });
  test.each(["GET", "HEAD", "DELETE", "PUT", "POST"])("%s of an upload without the field finds none", (method) => {
    make({ deleteFiles: true, dotfiles: "allow" });
    const url = world.begun(5);
    const exchange = world.send(method, url, { body: method.startsWith("P") ? "01234" : "" });
    expect(exchange.status).toBe(method.startsWith("P") ? 400 : 404);
    expect(told(world.head(url))[0]).toBe("0");
    const id = url.slice(-32);
    const files = [`/up/.webserv/${id}.part`, `/up/.webserv/${id}.json`];
    expect(files.map((path) => world.send(method, path, { body: "" }).status)).toEqual(
      method.startsWith("P") ? [400, 400] : [404, 404],
    );
  });
  test("GET of an upload with the field neither", () => {
    make();
    expect(world.send("GET", world.begun(5), { fields: [TUS] }).status).toBe(404);
  });
});
