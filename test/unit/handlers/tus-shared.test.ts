/** One store, used by several locations and servers: nobody writes behind another's back, removes another's uploads, or fills it. */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, linkSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import type { Location } from "../../../src/config/model.ts";
import { MOST_UNFINISHED } from "../../../src/handlers/upload/tus/activity.ts";
import { DAY, TusWorld, told } from "./tus-world.ts";
import { type Contents, FakeServices, handlerFor, location } from "./world.ts";

let world: TusWorld;
const others: Contents[] = [];
function make(): TusWorld {
  return (world = new TusWorld());
}
afterEach(() => {
  for (const handler of others.splice(0)) handler.close?.();
  expect(world.end()).toBe(0);
});

/** Whoever answers requests for the store. */
type Door = Pick<TusWorld, "handler" | "services" | "location">;

/** Another location of the same server on the same store, by another path. */
function beside(lifetime = DAY): Door {
  const link = world.site.path("link");
  if (!existsSync(link)) symlinkSync("store", link);
  const upload = { folder: link, prefix: "/up/" };
  const settings = { ...world.location.settings, upload, uploadResumeLifetime: lifetime * 1000 };
  return door(location(settings, "/up/"), world.services);
}

/** Another server with the same configuration. */
const another = (): Door => door(world.location, new FakeServices());

function door(location: Location, services: FakeServices): Door {
  const handler = handlerFor(location, services);
  others.push(handler);
  return { handler, services, location };
}

/** Does something by another door. */
function by<T>({ handler, services, location }: Door, action: () => T): T {
  const own = { handler: world.handler, services: world.services, location: world.location };
  Object.assign(world, { handler, services, location });
  try {
    return action();
  } finally {
    Object.assign(world, own);
  }
}

describe("a PATCH under way", () => {
  test("is taken over by a location that calls the store by another path", () => {
    make();
    const url = world.begun(10);
    const { exchange, sink } = world.sending(url, 0, 10);
    world.give(sink, Buffer.from("0123"));
    const later = by(beside(), () => world.patch(url, 4, "456789"));
    expect([later.status, exchange.how]).toEqual([204, "drop"]);
    sink.abort();
    expect(world.stored).toEqual({ "a.txt": "0123456789" });
  });

  test("keeps other servers off until it ends: 423, which clients try again", () => {
    make();
    const url = world.begun(10);
    const second = another();
    const { exchange, sink } = world.sending(url, 0, 10);
    world.give(sink, Buffer.from("0123"));
    const refused = by(second, () => world.patch(url, 4, "XXXXXX"));
    expect([refused.status, exchange.how]).toEqual([423, ""]);
    expect(refused.logged[0]).toMatch(/^error: upload [0-9a-f]{32} in ".*" is being sent through another server$/);
    world.give(sink, Buffer.from("45"));
    sink.abort();
    expect(by(second, () => world.patch(url, 6, "6789").status)).toBe(204);
    expect([world.head(url).status, world.stored]).toEqual([404, { "a.txt": "0123456789" }]);
  });

  test("that another server has gone on with since it was looked at is refused", () => {
    make();
    const url = world.begun(10);
    const { kernel } = world.services;
    const { flock } = kernel;
    kernel.flock = (fd) => {
      writeFileSync(world.file(url, "part"), "01234");
      return flock(fd);
    };
    expect(world.patch(url, 0, "0123456789").status).toBe(409);
    kernel.flock = flock;
    expect(told(world.head(url))[0]).toBe("5");
  });

  test("of a file that another server has finished meanwhile changes nothing", () => {
    make();
    const url = world.begun(5);
    const second = another();
    const { kernel } = world.services;
    const { flock } = kernel;
    kernel.flock = (fd) => {
      kernel.flock = flock;
      by(second, () => expect(world.patch(url, 0, "01234").status).toBe(204));
      return flock(fd);
    };
    expect([world.patch(url, 0, "XXXXX").status, world.stored]).toEqual([404, { "a.txt": "01234" }]);
  });
});

describe("an upload's lifetime is that of the location it was begun in", () => {
  test.each(["sweep", "start"] as const)("whichever location begins the %s", (when) => {
    make();
    const short = beside(3600);
    const young = by(short, () => world.begun(5));
    const [old, long] = [by(short, () => world.begun(5)), world.begun(5)];
    world.age(young, 3599);
    world.age(old, 3600);
    world.age(long, DAY - 1);
    short.handler[when]!();
    expect(world.staged.length).toBe(4);
    expect(by(short, () => world.head(long).field("Upload-Expires"))).toBe("Tue, 14 Nov 2023 22:13:21 GMT");
    expect([world.head(young).status, world.head(old).status]).toEqual([200, 404]);
    world.age(long, DAY);
    world.services.pass(60);
    short.handler[when]!();
    expect(world.staged).toEqual([]);
  });

  test("a part without a description is nobody's after an hour", () => {
    make();
    mkdirSync(world.site.path("store/.webserv"));
    const url = `/up/webserv-upload-${"0".repeat(32)}`;
    writeFileSync(world.file(url, "part"), "");
    world.age(url, 3599);
    world.handler.start!();
    expect(world.staged.length).toBe(1);
    world.services.pass(60);
    world.handler.sweep!();
    expect(world.staged).toEqual([]);
  });
});

describe("as many unfinished uploads as there may be", () => {
  const id = (i: number): string => i.toString(16).padStart(32, "0");

  /** Parts that a server before this one left. */
  function left(count: number, age = 0): void {
    const folder = world.site.path("store/.webserv");
    mkdirSync(folder);
    const then = world.services.clock.second - age;
    const first = `${folder}/${id(0)}.part`;
    writeFileSync(first, "");
    utimesSync(first, then, then);
    for (let i = 1; i < count; i++) linkSync(first, `${folder}/${id(i)}.part`);
  }

  test("no more are begun until one has ended", () => {
    make();
    left(MOST_UNFINISHED - 1);
    world.handler.start!();
    while (world.services.turn());
    const last = world.begun(1);
    const refused = world.create(1);
    expect([refused.status, refused.field("Retry-After")]).toEqual([503, "60"]);
    expect(refused.logged[0]).toMatch(/^error: no upload begun in ".*": 10000 are unfinished$/);
    expect(by(beside(), () => world.create(1).status)).toBe(503);
    expect(world.patch(last, 0, "x").status).toBe(204);
    const next = world.begun(1);
    expect(world.create(1).status).toBe(503);
    expect([world.tus("DELETE", next).status, world.create(1).status]).toEqual([204, 201]);
  });

  test("a sweep looks at a few of them in each turn, and at none twice", () => {
    make();
    left(2000, DAY);
    const { kernel } = world.services;
    const { unlink, openBeneath } = kernel;
    let calls = 0;
    kernel.unlink = (...args) => {
      calls++;
      return unlink(...args);
    };
    kernel.openBeneath = (...args) => {
      calls++;
      return openBeneath(...args);
    };
    const other = beside();
    world.handler.sweep!();
    other.handler.sweep!();
    const turns: number[] = [];
    do turns.push(calls - turns.reduce((sum, n) => sum + n, 0));
    while (world.services.turn());
    expect(turns.length).toBeGreaterThan(8);
    expect(Math.max(...turns)).toBeLessThan(1200);
    expect(calls).toBeLessThan(2000 * 4 + 20);
    expect(world.staged).toEqual([]);
  });

  test("a sweep ends with the location that began it", () => {
    make();
    left(1000, DAY);
    world.handler.sweep!();
    world.handler.close!();
    expect([...world.services.watched.open]).toEqual([]);
    expect(readdirSync(world.site.path("store/.webserv")).length).toBeGreaterThan(500);
    while (world.services.turn());
    expect(readdirSync(world.site.path("store/.webserv")).length).toBeGreaterThan(500);
  });
});
