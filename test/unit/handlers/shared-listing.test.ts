/** Many clients and one large folder: it is read once, whoever leaves, and what it takes does not grow with the clients. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { rmSync, utimesSync, writeFileSync } from "node:fs";
import { S_IFREG } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { Block } from "../../../ffi/memory.ts";
import type { StreamBody } from "../../../src/exchange/reply.ts";
import { SharedFile } from "../../../src/handlers/files/open.ts";
import { StaticHandler } from "../../../src/handlers/files/static.ts";
import { Folder } from "../../../src/handlers/listing/folder.ts";
import { SharedNames } from "../../../src/handlers/listing/folder-names.ts";
import { claimed, FakeExchange, FakeServices, location, Site, template } from "./world.ts";

const COUNT = 3000;
const NAMES = Array.from({ length: COUNT }, (_, i) => `file-${String(i).padStart(5, "0")}`);
const files = (folder: string) => Object.fromEntries(NAMES.map((name) => [`${folder}/${name}`, ""]));
const site = new Site({ ...files("one"), ...files("two"), "few/a": "", "few/b": "" });
afterAll(() => site.remove());

/** The folder was last changed long ago. */
const settle = (folder: string) => utimesSync(site.path(folder), 1_000_000_000, 1_000_000_000);

/** A location whose kernel counts how often a folder was read from its beginning, and files looked at. */
function world() {
  const services = new FakeServices();
  const here = location({ root: template(site.root), autoindex: true, autoindexFormat: "json", index: [] });
  const handler = new StaticHandler(here, services);
  const { getdents, openBeneath } = services.kernel;
  const seen = { readings: 0, looks: 0, failure: 0 };
  services.kernel.getdents = (fd, block) => {
    if (seen.failure < 0) return seen.failure;
    const n = getdents(fd, block);
    if (n === 0) seen.readings++;
    return n;
  };
  services.kernel.openBeneath = (directory, path, flags, mode, links) => {
    if (path.includes("/file-")) seen.looks++;
    return openBeneath(directory, path, flags, mode, links);
  };
  const client = (folder: string) => new Reader(handler, new FakeExchange(services, here, { target: `/${folder}/` }));
  const open = (): number => services.watched.open.size;
  return { services, handler, seen, client, open };
}

/** A client that reads when it is told to. */
class Reader {
  private readonly body: StreamBody;
  private readonly block = new Block(64 * 1024);
  private text = "";
  /** What the last read gave: bytes, 0 at the end, or -errno. */
  result = 1;

  constructor(
    handler: StaticHandler,
    readonly exchange: FakeExchange,
  ) {
    claimed(handler, exchange)?.handle(exchange);
    this.body = exchange.body as StreamBody;
  }

  /** Reads until there is nothing for the moment. */
  read(): this {
    for (let n = 1; n > 0; this.result = n) {
      n = this.body.read(this.block, 0, this.block.bytes.length);
      if (n > 0) this.text += this.block.bytes.toString("utf8", 0, n);
    }
    return this;
  }

  get names(): string[] {
    return (JSON.parse(this.text) as { name: string }[]).map(({ name }) => name);
  }

  get some(): boolean {
    return this.text.includes("file-");
  }

  leave(): void {
    this.body.close();
  }
}

/** Turns of the loop in which all clients read, until `enough`. */
function turns(services: FakeServices, clients: readonly Reader[], enough: () => boolean): void {
  for (let turn = 0; !enough(); turn++) {
    if (turn > 10_000) throw new Error("it never ends");
    services.pass(0.001);
    for (const client of clients) if (client.result !== 0) client.read();
  }
}

const finish = (services: FakeServices, clients: readonly Reader[]): void =>
  turns(services, clients, () => clients.every(({ result }) => result === 0));

beforeEach(() => ["one", "two", "few"].forEach(settle));

describe("the same folder", () => {
  test("is read once for all who list it at the same time", () => {
    const { services, handler, seen, client, open } = world();
    const clients = Array.from({ length: 20 }, () => client("one"));
    finish(services, clients);
    expect(seen.readings).toBe(1);
    for (const { names } of clients) expect(names).toEqual(NAMES);
    for (const one of clients) one.leave();
    handler.close();
    expect(open()).toBe(0);
  });

  test("holds one descriptor while it is read and none afterwards, however many wait", () => {
    const { services, handler, client, open } = world();
    const before = client("few");
    finish(services, [before]);
    before.leave();
    const idle = open();
    const clients = Array.from({ length: 20 }, () => client("one"));
    expect(open()).toBe(idle + 1);
    turns(services, clients, () => clients.every(({ some }) => some));
    expect(open()).toBe(idle);
    for (const one of clients) one.leave();
    handler.close();
  });

  test("is read again when nobody uses what was read", () => {
    const { services, seen, client } = world();
    for (let i = 0; i < 2; i++) {
      const one = client("few");
      finish(services, [one]);
      one.leave();
    }
    expect(seen.readings).toBe(2);
  });

  test("is read again when it changed; who has begun goes on and misses nothing that stayed", () => {
    const { services, client } = world();
    const early = client("two");
    turns(services, [early], () => early.some);
    writeFileSync(site.path("two/file-new"), "");
    const late = client("two");
    finish(services, [late]);
    rmSync(site.path("two/file-new"));
    expect(late.names).toEqual([...NAMES, "file-new"]);
    finish(services, [early]);
    expect(early.names.filter((name) => name !== "file-new")).toEqual(NAMES);
  });

  test("is read again when it changed so recently that it may have changed since", () => {
    const { services, seen, client } = world();
    const { second } = services.clock;
    utimesSync(site.path("one"), second, second);
    const early = client("one");
    turns(services, [early], () => early.some);
    const late = client("one");
    finish(services, [early, late]);
    expect(seen.readings).toBe(2);
    expect([early.names, late.names]).toEqual([NAMES, NAMES]);
  });
});

describe("clients that leave", () => {
  test("the one whose request began the reading: another goes on with it", () => {
    const { services, handler, seen, client, open } = world();
    const first = client("one").read();
    const second = client("one");
    first.leave();
    finish(services, [second]);
    expect([seen.readings, second.names]).toEqual([1, NAMES]);
    second.leave();
    handler.close();
    expect(open()).toBe(0);
  });

  test.each([
    ["before anything is read", 0],
    ["within the reading", 1],
    ["within the rows", 40],
  ])("%s: nothing stays open", (_, after) => {
    const { services, handler, client, open } = world();
    const clients = [client("one"), client("two"), client("one")];
    for (let i = 0; i < after; i++) {
      services.pass(0.001);
      for (const one of clients) one.read();
    }
    for (const one of clients) one.leave();
    handler.close();
    expect(open()).toBe(0);
  });

  test("one that never reads keeps nobody from listing another folder", () => {
    const { services, client } = world();
    client("one");
    const reader = client("two");
    finish(services, [reader]);
    expect(reader.names).toEqual(NAMES);
  });
});

test("in one turn only so many files are looked at, for however many clients", () => {
  const { services, seen, client } = world();
  const clients = Array.from({ length: 50 }, () => client("one"));
  let most = 0;
  turns(services, clients, () => {
    most = Math.max(most, seen.looks);
    seen.looks = 0;
    return clients.every(({ result }) => result === 0);
  });
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(256);
});

test("a folder that cannot be read breaks off the listings of it, and no others", () => {
  const { services, handler, seen, client, open } = world();
  const clients = [client("one"), client("one")];
  services.pass(0.001);
  for (const one of clients) one.read();
  seen.failure = -ERRNO.EIO;
  turns(services, clients, () => clients.every(({ result }) => result === -ERRNO.EIO));
  seen.failure = 0;
  const other = client("few");
  finish(services, [other]);
  expect(other.names).toEqual(["a", "b"]);
  for (const one of [...clients, other]) one.leave();
  handler.close();
  expect(open()).toBe(0);
});

describe("names beyond the bound", () => {
  const services = new FakeServices();
  const { kernel } = services;
  const root = new SharedFile(kernel, kernel.open(site.root, 0, 0));
  const here = location();
  const folder = (path: string) => new Folder(kernel, here, { root: site.root, path }, root);
  const read = (shared: SharedNames, path: string) => {
    const names = shared.acquire(folder(path), folder(path).open());
    while (names.unread) shared.step();
    return names;
  };

  test.each([
    ["room for both", 100_000, true],
    ["room for one", 50_000, false],
    ["room for none", 10, false],
  ])("%s", (_, bytes, stays) => {
    const shared = new SharedNames(services, bytes);
    const one = read(shared, "one");
    const two = read(shared, "two");
    expect([one.files !== null, two.files !== null]).toEqual([stays, true]);
    shared.release(one);
    shared.release(two);
    expect([one.length, two.length]).toEqual([0, 0]);
  });

  test("are read again for those who need them", () => {
    const shared = new SharedNames(services, 10);
    const one = read(shared, "one");
    read(shared, "two");
    const again = shared.reacquire(folder("one"));
    if (typeof again === "number") throw new Error(`reacquire: ${again}`);
    shared.release(one);
    while (again.unread) shared.step();
    expect(again.files!.after(NAMES[COUNT - 3]!)).toEqual(NAMES.slice(-2));
    expect(folder("one").look(NAMES[0]!)).toBe(S_IFREG);
  });

  test("of a folder that is gone: the error", () => {
    expect(new SharedNames(services).reacquire(folder("gone"))).toBe(-ERRNO.ENOENT);
  });
});
