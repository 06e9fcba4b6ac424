/** Resumable uploads: bytes that come with the creation, lengths that come later, checksums, and files made of partial uploads. */
import { afterEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import type { Settings } from "../../../src/config/model.ts";
import { PART, TUS, TusWorld, told } from "./tus-world.ts";
import { FakeExchange, type Site } from "./world.ts";

let world: TusWorld;
function make(changes: Partial<Settings> = {}, files: ConstructorParameters<typeof Site>[0] = {}): TusWorld {
  return (world = new TusWorld(files, changes));
}
afterEach(() => {
  expect(world.end()).toBe(0);
});

const sum = (body: string, algorithm = "sha1"): string =>
  `Upload-Checksum: ${algorithm} ${createHash(algorithm).update(body).digest("base64")}`;
const filename = `Upload-Metadata: filename ${btoa("a.txt")}`;
const post = (fields: string[], body = "", target = "/up/") => world.tus("POST", target, { fields, body });

describe("creation with upload", () => {
  test("all bytes: a file at once", () => {
    make();
    const made = post(["Upload-Length: 5", filename, PART], "01234");
    expect([made.status, made.field("Upload-Offset"), made.field("Content-Location")]).toEqual([201, "5", "/up/a.txt"]);
    expect(world.stored).toEqual({ "a.txt": "01234" });
    expect(told(world.head(made.field("Location")!)).slice(0, 2)).toEqual(["5", "5"]);
  });
  test("some bytes: the rest comes by PATCH", () => {
    make();
    const made = post(["Upload-Length: 5", filename, PART], "012");
    expect([made.status, made.field("Upload-Offset"), made.field("Upload-Expires")]).toEqual([
      201,
      "3",
      "Wed, 15 Nov 2023 22:13:20 GMT",
    ]);
    expect(world.patch(made.field("Location")!, 3, "34").status).toBe(204);
    expect(world.stored).toEqual({ "a.txt": "01234" });
  });
  test.each<[string, string[], string, number]>([
    ["more than the length", ["Upload-Length: 2", PART], "012", 413],
    ["another type", ["Upload-Length: 3", "Content-Type: text/plain"], "012", 415],
    ["no type", ["Upload-Length: 3"], "012", 415],
    ["a wrong checksum", ["Upload-Length: 3", PART, sum("xxx")], "012", 460],
    ["an unknown algorithm", ["Upload-Length: 3", PART, "Upload-Checksum: crc7 AAAA"], "012", 400],
    ["bytes of a concatenation", ["Upload-Concat: final;/up/webserv-upload-0", PART], "012", 400],
  ])("refused: %s", (_, fields, body, status) => {
    make();
    expect(post(fields, body).status).toBe(status);
    expect(world.stored).toEqual({});
  });
  test("what breaks off leaves nothing, for its URL was never told", () => {
    make();
    const { exchange, sink } = world.begin("POST", "/up/", { fields: [TUS, "Upload-Length: 5", PART] }, 5);
    world.give(sink!, Buffer.from("012"), exchange);
    sink!.abort();
    expect(world.stored).toEqual({});
  });
});

describe("a length that comes later", () => {
  test("with the last PATCH", () => {
    make();
    const url = post(["Upload-Defer-Length: 1", filename]).field("Location")!;
    const head = world.head(url);
    expect([head.field("Upload-Defer-Length"), head.field("Upload-Length")]).toEqual(["1", undefined]);
    expect(world.patch(url, 0, "012").status).toBe(204);
    world.restart();
    expect(world.patch(url, 3, "34", { fields: ["Upload-Length: 5"] }).field("Content-Location")).toBe("/up/a.txt");
    expect(world.stored).toEqual({ "a.txt": "01234" });
  });
  test("with no byte more", () => {
    make();
    const url = post(["Upload-Defer-Length: 1", filename]).field("Location")!;
    world.patch(url, 0, "012");
    expect(world.patch(url, 3, "", { fields: ["Upload-Length: 3"] }).status).toBe(204);
    expect(world.stored).toEqual({ "a.txt": "012" });
  });
  test("once", () => {
    make();
    const url = post(["Upload-Defer-Length: 1", filename]).field("Location")!;
    expect(world.patch(url, 0, "0", { fields: ["Upload-Length: 5"] }).status).toBe(204);
    expect(told(world.head(url))).toEqual(["1", "5", filename.slice(17)]);
    expect(world.patch(url, 1, "1", { fields: ["Upload-Length: 6"] }).status).toBe(400);
    expect(world.patch(url, 1, "1", { fields: ["Upload-Length: 5"] }).status).toBe(204);
  });
  test.each([
    ["less than there is", "2", "", 400],
    ["no number", "x", "", 400],
    ["more than may be", "11", "", 413],
    ["less than comes", "4", "34", 413],
  ])("refused: %s", (_, length, body, status) => {
    make({ clientMaxBodySize: 10 });
    const url = post(["Upload-Defer-Length: 1"]).field("Location")!;
    world.patch(url, 0, "012");
    expect(world.patch(url, 3, body, { fields: [`Upload-Length: ${length}`] }).status).toBe(status);
    expect(told(world.head(url))[0]).toBe("3");
  });
  test("client_max_body_size holds without it", () => {
    make({ clientMaxBodySize: 4 });
    const url = post(["Upload-Defer-Length: 1"]).field("Location")!;
    expect(world.patch(url, 0, "012").status).toBe(204);
    expect(world.patch(url, 3, "34").status).toBe(413);
    expect(world.patch(url, 3, "3").status).toBe(204);
  });
});

describe("checksum", () => {
  test.each(["sha1", "sha256", "sha512", "md5"])("%s", (algorithm) => {
    make();
    const url = world.begun(5);
    expect(world.patch(url, 0, "012", { fields: [sum("012", algorithm)], piece: 2 }).status).toBe(204);
    expect(world.patch(url, 3, "34", { fields: [sum("xx", algorithm)] }).status).toBe(460);
    expect(told(world.head(url))[0]).toBe("3");
    expect(world.patch(url, 3, "34", { fields: [sum("34", algorithm)] }).status).toBe(204);
    expect(world.stored).toEqual({ "a.txt": "01234" });
  });
  test.each([
    "crc32 AAAAAA==",
    "sha1",
    "sha1 ",
    "sha1 !!!!",
    "sha1 AAAA",
    `sha1  ${btoa("x".repeat(20))}`,
    `sha1 ${btoa("x".repeat(20))} x`,
    "__proto__ AAAA",
  ])("%j is refused", (value) => {
    make();
    const url = world.begun(5);
    expect(world.patch(url, 0, "012", { fields: [`Upload-Checksum: ${value}`] }).status).toBe(400);
    expect(told(world.head(url))[0]).toBe("0");
  });
  test("what breaks off was not looked at, and is discarded", () => {
    make();
    const url = world.begun(5);
    world.patch(url, 0, "0");
    const fields = [TUS, PART, "Upload-Offset: 1", "Content-Length: 4", sum("1234")];
    const exchange = new FakeExchange(world.services, world.location, { method: "PATCH", target: url, fields });
    const sink = world.handler.sink!(exchange)!;
    world.give(sink, Buffer.from("12"), exchange);
    sink.abort();
    expect(statSync(world.file(url, "part")).size).toBe(1);
    expect(told(world.head(url))[0]).toBe("1");
  });
  test("nor does it count after the server was killed", () => {
    make();
    const url = world.begun(5);
    world.patch(url, 0, "0");
    const fields = [TUS, PART, "Upload-Offset: 1", "Content-Length: 4", sum("1234")];
    const exchange = new FakeExchange(world.services, world.location, { method: "PATCH", target: url, fields });
    const sink = world.handler.sink!(exchange)!;
    world.give(sink, Buffer.from("xx"), exchange);
    expect(JSON.parse(readFileSync(world.file(url, "json"), "utf8")).verified).toBe(1);
    const dead = world.services;
    // Its descriptors go with it, its files stay.
    for (const fd of [...dead.watched.open]) dead.kernel.close(fd);
    world.restart();
    expect(told(world.head(url))[0]).toBe("1");
    expect(world.patch(url, 1, "12").status).toBe(204);
    expect(told(world.head(url))[0]).toBe("3");
    expect(world.patch(url, 3, "34").status).toBe(204);
    expect(world.stored).toEqual({ "a.txt": "01234" });
  });
});

/** A partial upload with these bytes; gives its URL. */
function partial(body: string): string {
  const url = post([`Upload-Length: ${body.length}`, "Upload-Concat: partial"]).field("Location")!;
  if (body !== "") expect(world.patch(url, 0, body).status).toBe(204);
  return url;
}

/** Lets everything that waits for another turn have as many as it wants. */
function turns(): void {
  while (world.services.turn());
}

function join(urls: readonly string[], fields: string[] = []): FakeExchange {
  const exchange = post([`Upload-Concat: final;${urls.join(" ")}`, filename, ...fields]);
  turns();
  return exchange;
}

describe("concatenation", () => {
  test("partial uploads become one file, and are gone", () => {
    make();
    const urls = [partial("012"), `https://other.example/behind/a/proxy${partial("")}`, partial("34")];
    expect(world.head(urls[0]!).field("Upload-Concat")).toBe("partial");
    expect(Object.keys(world.stored).filter((path) => !path.startsWith(".webserv"))).toEqual([]);
    const made = join(urls);
    expect([made.status, made.field("Upload-Offset"), made.field("Content-Location")]).toEqual([201, "5", "/up/a.txt"]);
    expect(world.stored).toEqual({ "a.txt": "01234" });
    const final = made.field("Location")!;
    const head = world.head(final);
    expect(told(head).slice(0, 2)).toEqual(["5", "5"]);
    expect(head.field("Upload-Concat")).toMatch(/^final;(\/up\/webserv-upload-[0-9a-f]{32} ?){3}$/);
    expect(world.patch(final, 5, "x").status).toBe(403);
    expect(world.head(urls[0]!).status).toBe(404);
  });
  test("one piece in each turn; the file is not there before it is whole", () => {
    make();
    const size = 3 * 1024 * 1024;
    const url = partial("x".repeat(size));
    const exchange = post([`Upload-Concat: final;${url}`, filename]);
    for (let turn = 0; turn < 3; turn++) {
      expect([exchange.how, "a.txt" in world.stored]).toEqual(["", false]);
      expect(world.services.turn()).toBe(true);
    }
    turns();
    expect([exchange.status, statSync(world.site.path("store/a.txt")).size]).toEqual([201, size]);
  });
  test("the room of large parts is given back piece by piece", () => {
    make();
    const size = 20 * 1024 * 1024;
    const url = partial("x".repeat(size));
    const exchange = post([`Upload-Concat: final;${url}`, filename]);
    while (exchange.how === "") world.services.turn();
    expect([exchange.status, world.staged]).toEqual([201, []]);
    const open = world.services.watched.open.size;
    turns();
    expect(world.services.watched.open.size).toBe(open - 1);
  });
  test("a client that leaves meanwhile leaves the parts, and asks again", () => {
    make();
    const urls = [partial("x".repeat(1 << 20)), partial("34")];
    const lost = post([`Upload-Concat: final;${urls.join(" ")}`, filename]);
    world.services.turn();
    lost.onGone!();
    turns();
    expect([lost.how, world.staged.length]).toEqual(["", 4]);
    expect(join(urls).status).toBe(201);
  });
  test("who asks again while the first still waits takes its place", () => {
    make();
    const urls = [partial("x".repeat(1 << 20)), partial("34")];
    const first = post([`Upload-Concat: final;${urls.join(" ")}`, filename]);
    expect([join(urls).status, first.how]).toEqual([201, "drop"]);
    expect(Object.keys(world.stored)).toEqual(["a.txt"]);
  });
  test("a part that vanishes meanwhile", () => {
    make();
    const urls = [partial("012"), partial("34")];
    const exchange = post([`Upload-Concat: final;${urls.join(" ")}`, filename]);
    world.services.kernel.unlink(-100, world.file(urls[1]!, "part"));
    turns();
    expect([exchange.status, "a.txt" in world.stored]).toEqual([404, false]);
  });
  const none = `/up/webserv-upload-${"0".repeat(32)}`;
  test.each<[string, (urls: string[]) => string, number]>([
    ["no such upload", () => none, 404],
    ["one twice", ([a]) => `${a} ${a}`, 400],
    ["a path that climbs", ([a]) => `/up/../up/${a}/..`, 400],
    ["a query", ([a]) => `${a}?x`, 400],
    ["an id with more", ([a]) => `${a}.part`, 400],
    ["a name with an encoded slash", () => `/up/webserv-upload-..%2f${"0".repeat(28)}`, 400],
    ["one that is not partial", () => world.begun(3), 400],
    ["one that is not complete", () => post(["Upload-Length: 3", "Upload-Concat: partial"]).field("Location")!, 409],
    ["more than client_max_body_size", ([a, b]) => `${a} ${b}`, 413],
  ])("refused: %s", (_, of, status) => {
    make({ clientMaxBodySize: 10 });
    const urls = [partial("01234567"), partial("01234567")];
    expect(join([of(urls)]).status).toBe(status);
    expect("a.txt" in world.stored).toBe(false);
    expect(told(world.head(urls[0]!))[0]).toBe("8");
  });
  test.each([["Upload-Length: 3"], ["Upload-Defer-Length: 1"]])("refused: with %s", (field) => {
    make();
    expect(join([partial("012")], [field]).status).toBe(400);
  });
  test("a name that is taken, where that is refused, is told before anything is copied", () => {
    make({ uploadOverwrite: "refuse" }, { "store/a.txt": "old" });
    expect(join([partial("012")]).status).toBe(409);
    expect(world.services.turn()).toBe(false);
  });
  test("what nobody joined expires", () => {
    make();
    const url = partial("012");
    world.age(url, 86_401);
    world.services.clock.now += 60_000;
    world.handler.sweep!();
    turns();
    expect(world.staged).toEqual([]);
  });
});

test("an upload that an older version began goes on under its new URL", () => {
  make();
  const url = world.begun(5);
  world.patch(url, 0, "012");
  const { length, path, metadata, lifetime } = JSON.parse(readFileSync(world.file(url, "json"), "utf8"));
  writeFileSync(world.file(url, "json"), JSON.stringify({ length, path, metadata, lifetime }));
  world.restart();
  expect(told(world.head(url)).slice(0, 2)).toEqual(["3", "5"]);
  expect(world.patch(url, 3, "34").status).toBe(204);
  expect(world.stored).toEqual({ "a.txt": "01234" });
});
