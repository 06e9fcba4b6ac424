/** The staging folder: what is in it belongs to a server that lives, or is removed at the next start. */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { ERRNO } from "../../../ffi/errno.ts";
import type { StagedFile } from "../../../src/handlers/upload/staged-file.ts";
import { Store } from "../../../src/handlers/upload/store.ts";
import { UploadWorld } from "./uploads.ts";
import { handlerFor } from "./world.ts";

let world: UploadWorld;
afterEach(() => expect(world.end()).toBe(0));

const staged = (): string[] => readdirSync(world.site.path("store/.webserv")).sort();
/** Another server on the same folder. */
const another = () => handlerFor(world.location, world.services);

const DEAD = "0123456789abcdef";
const GONE = "fedcba9876543210";
const PART = `${"0".repeat(32)}.part`;
/** What servers that were killed left: files with a lock, files without, and a resumable upload with its description. */
const LEFTOVERS = {
  [`store/.webserv/${DEAD}.lock`]: "",
  [`store/.webserv/${DEAD}-1`]: "half",
  [`store/.webserv/${DEAD}-12`]: "half",
  [`store/.webserv/${GONE}-3`]: "half",
  "store/.webserv/other": "?",
  "store/a": "whole",
};

describe("a start", () => {
  test("removes what dead servers left, and nothing else", () => {
    world = new UploadWorld(LEFTOVERS);
    world.handler.start!();
    expect(staged()).toEqual(["other"]);
    expect(world.stored).toMatchObject({ a: "whole" });
    expect(world.services.logged.join()).toMatch(/^notice: 3 unfinished uploads removed in ".*store"$/);
  });

  test("leaves what a living server is receiving, in this process or another", () => {
    world = new UploadWorld(LEFTOVERS);
    const { exchange, sink } = world.begin("PUT", "/up/b", {}, 4);
    world.give(sink!, Buffer.from("da"));
    const second = another();
    second.start!();
    expect(staged().filter((name) => !name.startsWith(DEAD) && !name.startsWith(GONE)).length).toBe(3);
    world.give(sink!, Buffer.from("ta"));
    sink!.end();
    expect(exchange.status).toBe(201);
    expect(world.stored).toEqual({ ".webserv/other": "?", a: "whole", b: "data" });
    second.close!();
  });

  test("leaves a resumable upload that has not expired", () => {
    world = new UploadWorld({ ...LEFTOVERS });
    const info = { length: 10, path: "x", metadata: "" };
    writeFileSync(world.site.path(`store/.webserv/${PART}`), "half");
    writeFileSync(world.site.path(`store/.webserv/${"0".repeat(32)}.json`), JSON.stringify(info));
    (world.services.clock as { second: number }).second = Math.floor(Date.now() / 1000);
    world.handler.start!();
    expect(staged()).toContain(PART);
  });

  test("makes nothing where nothing was, and needs no store", () => {
    world = new UploadWorld();
    world.handler.start!();
    expect(existsSync(world.site.path("store/.webserv"))).toBe(false);
    rmSync(world.site.path("store"), { recursive: true });
    world.services.pass(2);
    world.handler.start!();
  });

  test("that may not read a lock leaves its files", () => {
    world = new UploadWorld(LEFTOVERS);
    world.services.watched.failures.set(`${DEAD}.lock`, ERRNO.EACCES);
    world.handler.start!();
    expect(staged()).toEqual([`${DEAD}-1`, `${DEAD}-12`, `${DEAD}.lock`, "other"]);
  });
});

describe("the folder", () => {
  test("is made at the first upload, for its owner alone, and has one lock", () => {
    world = new UploadWorld();
    expect(existsSync(world.site.path("store/.webserv"))).toBe(false);
    const first = world.begin("PUT", "/up/a", {}, 1);
    const second = world.begin("PUT", "/up/b", {}, 1);
    expect(statSync(world.site.path("store/.webserv")).mode & 0o777).toBe(0o700);
    const [, instance] = /^([0-9a-f]{16})-1$/.exec(staged()[0]!)!;
    expect(staged()).toEqual([`${instance}-1`, `${instance}-2`, `${instance}.lock`]);
    first.sink!.abort();
    second.sink!.abort();
    expect(staged()).toEqual([`${instance}.lock`]);
  });

  test("is gone when the server stops, and stays while something is in it", () => {
    world = new UploadWorld();
    world.send("PUT", "/up/a", { body: "x" });
    world.handler.close!();
    expect(existsSync(world.site.path("store/.webserv"))).toBe(false);
    world.end();
    world = new UploadWorld({ "store/.webserv/other": "?" });
    world.send("PUT", "/up/a", { body: "x" });
    world.handler.close!();
    expect(staged()).toEqual(["other"]);
  });

  test("stays for the uploads that a stopping location still receives; the last takes it away", () => {
    world = new UploadWorld();
    const { exchange, sink } = world.begin("PUT", "/up/a", {}, 4);
    world.handler.close!();
    expect(staged().length).toBe(2);
    const next = another();
    next.start!();
    world.feed(exchange, sink!, Buffer.from("data"));
    expect(exchange.status).toBe(201);
    next.close!();
    expect(existsSync(world.site.path("store/.webserv"))).toBe(false);
    expect(world.stored).toEqual({ a: "data" });
  });

  test("may be removed by another server that stops: it is made again", () => {
    world = new UploadWorld({ "store/.webserv/x": "" });
    world.handler.start!();
    rmSync(world.site.path("store/.webserv/x"));
    const second = another();
    second.start!();
    second.close!();
    expect(existsSync(world.site.path("store/.webserv"))).toBe(false);
    expect(world.send("PUT", "/up/a", { body: "x" }).status).toBe(201);
  });
});

test("a staging folder that was replaced is looked at anew, within a second", () => {
  world = new UploadWorld({ "store/.webserv/first.part": "1" });
  const store = new Store(world.services, world.site.path("store"), "inside");
  expect(store.reopen("second.part")).toBe(-ERRNO.ENOENT);
  renameSync(world.site.path("store/.webserv"), world.site.path("old"));
  mkdirSync(world.site.path("store/.webserv"));
  writeFileSync(world.site.path("store/.webserv/second.part"), "22");
  world.services.pass(2);
  const part = store.reopen("second.part") as StagedFile;
  expect(part.size).toBe(2);
  part.pause();
  part.abort(); // it has ended: nothing more happens to it
  expect(staged()).toEqual(["second.part"]);
  store.close();
});

describe("a lock", () => {
  test("that a starting server took for a dead one's is made anew", () => {
    world = new UploadWorld();
    const { flock } = world.services.kernel;
    let taken = "";
    world.services.kernel.flock = (fd) => {
      if (taken === "") {
        [taken] = staged() as [string];
        rmSync(world.site.path(`store/.webserv/${taken}`));
      }
      return flock(fd);
    };
    const { sink } = world.begin("PUT", "/up/a", {}, 1);
    expect(staged().some((name) => name.startsWith(taken.slice(0, 16)))).toBe(false);
    expect(staged().length).toBe(2);
    sink!.abort();
  });

  test("that cannot be had is a failure of the server, and leaves nothing", () => {
    world = new UploadWorld();
    world.services.kernel.flock = () => -ERRNO.EIO;
    expect(world.send("PUT", "/up/a", { body: "x" }).status).toBe(500);
    expect(staged()).toEqual([]);
  });
});

test("a folder called like the staging folder, deeper, is no place for files either", () => {
  world = new UploadWorld({}, { dotfiles: "allow" });
  mkdirSync(world.site.path("store/x/.webserv"), { recursive: true });
  expect(world.send("PUT", "/up/x/.webserv/a", { body: "x" }).status).toBe(400);
});
