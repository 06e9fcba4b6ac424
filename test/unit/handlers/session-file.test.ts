/** Sessions in a SQLite file: what a restart finds, and what happens when the file is none, is not ours, or is locked. */
import { Database } from "bun:sqlite";
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Settings } from "../../../src/config/model.ts";
import { ENDED } from "../../../src/handlers/session/memory.ts";
import { SessionRegistry } from "../../../src/handlers/session/registry.ts";
import type { SessionStore } from "../../../src/handlers/session/store.ts";
import { FakeExchange, FakeServices, location, settings } from "./world.ts";

setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "webserv-sessions-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const newPath = (): string => join(folder, `${++files}.db`);

const LIFETIME = 60_000;
const kept = (path: string, changes: Partial<Settings> = {}): Settings =>
  settings({ sessionCookie: "sid", sessionLifetime: LIFETIME, sessionMax: 100, sessionStore: path, ...changes });

/** A server's sessions, started `seconds` after all others began. */
class Life {
  readonly services = new FakeServices();
  readonly registry: SessionRegistry;
  readonly store: SessionStore;

  constructor(path: string, seconds = 0, changes: Partial<Settings> = {}) {
    this.services.pass(seconds);
    this.registry = new SessionRegistry(this.services);
    this.store = this.registry.store("example.org", kept(path, changes));
    this.registry.start();
  }

  write(id: string, data: string): void {
    this.store.sessions.write(id, data, this.store.now(), 100);
  }

  data(id: string): string | undefined {
    return this.store.sessions.peek(id)?.data;
  }

  /** Seconds pass, at whose end the server flushes. */
  pass(seconds: number): void {
    this.services.pass(seconds);
    if (this.registry.pending) this.registry.flush();
  }

  knows(cookie: string): boolean {
    const { request } = new FakeExchange(this.services, location(), { fields: [`Cookie: sid=${cookie}`] });
    return this.store.visit(request, "sid") !== null;
  }

  /** The error log's lines since the last look. */
  said(): string[] {
    return this.services.logged.splice(0);
  }
}

const ID = "0123456789abcdef".repeat(2);
const OTHER = "fedcba9876543210".repeat(2);

/** What is in the file, as another program reads it. */
function rows(path: string): unknown[][] {
  const database = new Database(path, { readonly: true });
  const values = database.query("SELECT scope, id, data FROM session ORDER BY id").values() as unknown[][];
  database.close();
  return values;
}

describe("a file", () => {
  test("is made for its owner only, with SQLite's files beside it", () => {
    const path = newPath();
    const life = new Life(path);
    life.write(ID, '{"n":1}');
    life.pass(1);
    const names = readdirSync(folder).filter((name) => join(folder, name).startsWith(path));
    expect(names.length).toBe(3);
    for (const name of names) expect((statSync(join(folder, name)).mode & 0o777).toString(8)).toBe("600");
    life.registry.close();
  });
  test("has what was written at the latest flush, and is told nothing that has not changed", () => {
    const path = newPath();
    const life = new Life(path);
    expect(life.registry.pending).toBe(false);
    life.write(ID, '{"n":1}');
    life.write(OTHER, ENDED);
    expect(life.registry.pending).toBe(true);
    life.pass(1);
    expect(life.registry.pending).toBe(false);
    expect(rows(path)).toEqual([
      ["sid@example.org", ID, '{"n":1}'],
      ["sid@example.org", OTHER, ""],
    ]);
    life.store.sessions.remove(ID);
    life.pass(1);
    expect(rows(path)).toEqual([["sid@example.org", OTHER, ""]]);
    life.registry.close();
  });
  test("gives the next life data, and its cookies their proof", () => {
    const path = newPath();
    const first = new Life(path);
    const cookie = first.store.cookie(ID);
    first.write(ID, '{"n":1}');
    first.registry.close();
    const second = new Life(path, 5);
    expect(second.data(ID)).toBe('{"n":1}');
    expect(second.knows(cookie)).toBe(true);
    expect(second.knows(new Life(newPath()).store.cookie(ID))).toBe(false);
    second.registry.close();
    expect([...first.said(), ...second.said()]).toEqual([]);
  });
  test("remembers that a session was ended", () => {
    const path = newPath();
    const first = new Life(path);
    const cookie = first.store.cookie(ID);
    first.write(ID, ENDED);
    first.registry.close();
    const second = new Life(path, 5);
    expect(second.knows(cookie)).toBe(false);
    second.registry.close();
  });
  test("is rid of what is too old when it is read", () => {
    const path = newPath();
    const first = new Life(path);
    first.write(ID, "{}");
    first.services.pass(30);
    first.write(OTHER, "{}");
    first.registry.close();
    const second = new Life(path, LIFETIME / 1000);
    expect([second.data(ID), second.data(OTHER)]).toEqual([undefined, "{}"]);
    expect(rows(path).map(([, id]) => id)).toEqual([OTHER]);
    second.registry.close();
  });
  test("of more sessions than session_max the next life takes those used last", () => {
    const path = newPath();
    const first = new Life(path);
    for (let i = 0; i < 50; i++) {
      first.write(`${i}`, `{"i":${i}}`);
      first.services.pass(0.001);
    }
    first.registry.close();
    const second = new Life(path, 1, { sessionMax: 3 });
    expect(second.store.sessions.size).toBe(3);
    expect([46, 47, 48, 49].map((i) => second.data(`${i}`) !== undefined)).toEqual([false, true, true, true]);
    second.registry.close();
    expect(rows(path).length).toBe(3);
  });
  test("has room for several server names, which share nothing", () => {
    const path = newPath();
    const services = new FakeServices();
    const registry = new SessionRegistry(services);
    const [a, b] = ["a.org", "b.org"].map((name) => registry.store(name, kept(path)));
    registry.start();
    a!.sessions.write(ID, '{"at":"a"}', a!.now(), 100);
    registry.close();
    const again = new SessionRegistry(services);
    const [a2, b2] = ["a.org", "b.org"].map((name) => again.store(name, kept(path)));
    again.start();
    expect([a2!.sessions.peek(ID)?.data, b2!.sessions.peek(ID)?.data]).toEqual(['{"at":"a"}', undefined]);
    expect(a2!.cookie(ID)).not.toBe(b2!.cookie(ID));
    expect(b!.sessions.size).toBe(0);
    again.close();
  });
  test("gives a store that comes later its sessions and its proof; a second start opens nothing", () => {
    const path = newPath();
    const first = new Life(path);
    const cookie = first.store.cookie(ID);
    first.write(ID, '{"n":1}');
    first.registry.close();

    const second = new Life(path, 5, { sessionCookie: "other" });
    const descriptors = openFiles(path);
    expect(descriptors).toBeGreaterThan(0);
    const late = second.registry.store("example.org", kept(path));
    second.registry.start();
    expect(openFiles(path)).toBe(descriptors);
    expect(late.sessions.peek(ID)?.data).toBe('{"n":1}');
    const knows = (store: SessionStore, value: string): boolean => {
      const { request } = new FakeExchange(second.services, location(), { fields: [`Cookie: sid=${value}`] });
      return store.visit(request, "sid") !== null;
    };
    expect(knows(late, cookie)).toBe(true);
    const issued = late.cookie(OTHER);
    second.registry.close();
    expect(openFiles(path)).toBe(0);
    expect(new Life(path, 6).knows(issued)).toBe(true);
  });
  test("takes more changes than fit one transaction soon after, and all at the end", () => {
    const path = newPath();
    const life = new Life(path);
    const write = (from: number): void => {
      for (let i = from; i < from + 1001; i++) life.store.sessions.write(`${i}`, "{}", life.store.now(), 100_000);
    };
    write(0);
    expect(life.registry.delay).toBe(1000);
    life.pass(1);
    expect([rows(path).length, life.registry.delay]).toEqual([1000, 50]);
    life.pass(0.05);
    expect(rows(path).length).toBe(1001);
    write(2000);
    expect(life.registry.delay).toBe(1000);
    life.registry.close();
    expect(rows(path).length).toBe(2002);
  });
});

/** The descriptors of this process that lead to a database or to SQLite's files beside it. */
function openFiles(path: string): number {
  const targets = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ""; // the one that the folder is read by
    }
  });
  return targets.filter((target) => target.startsWith(path)).length;
}

describe("a file that is lost while it is in use: it is said, and everything is written again", () => {
  const lost = "it was removed or replaced while it was in use; all sessions are written again";
  /** A second database with one session of its own, closed properly. */
  const other = (): string => {
    const path = newPath();
    const life = new Life(path);
    life.write(OTHER, '{"of":"other"}');
    life.registry.close();
    return path;
  };
  const table: [what: string, lose: (path: string) => void, found: number][] = [
    ["removed", (path) => rmSync(path), 2],
    ["removed with the files beside it", (path) => ["", "-wal", "-shm"].forEach((end) => void rmSync(path + end)), 2],
    ["moved away", (path) => renameSync(path, newPath()), 2],
    ["replaced by another", (path) => renameSync(other(), path), 3],
    [
      "replaced by an empty file",
      (path) => {
        writeFileSync(`${path}.new`, "");
        renameSync(`${path}.new`, path);
      },
      2,
    ],
  ];
  test.each(table)("%s", (_, lose, found) => {
    const path = newPath();
    const life = new Life(path);
    const cookie = life.store.cookie(ID);
    life.write(ID, '{"n":1}');
    life.pass(1);
    lose(path);
    life.write("late", '{"n":2}');
    life.pass(1);
    expect(life.said()).toEqual([`error: session_store "${path}": ${lost}`]);
    expect(rows(path).length).toBe(found);
    expect(life.knows(cookie)).toBe(true);
    const renewed = life.store.cookie(ID);
    life.registry.close();
    const next = new Life(path, 5);
    expect([next.data(ID), next.data("late"), next.knows(renewed)]).toEqual(['{"n":1}', '{"n":2}', true]);
    next.registry.close();
    expect([...life.said(), ...next.said()]).toEqual([]);
  });
  test("removed, and nothing was written until the end: cookies stay valid too", () => {
    const path = newPath();
    const life = new Life(path);
    const cookie = life.store.cookie(ID);
    life.write(ID, '{"n":1}');
    life.pass(1);
    rmSync(path);
    life.registry.close();
    expect(life.said()).toEqual([`error: session_store "${path}": ${lost}`]);
    const next = new Life(path, 5);
    expect([next.data(ID), next.knows(cookie)]).toEqual(['{"n":1}', true]);
    next.registry.close();
  });
  test("replaced by what is no database: sessions go on in memory", () => {
    const path = newPath();
    const life = new Life(path);
    life.write(ID, '{"n":1}');
    life.pass(1);
    writeFileSync(`${path}.new`, "Dear diary,\n");
    renameSync(`${path}.new`, path);
    life.write(ID, '{"n":2}');
    life.pass(1);
    expect(life.said()).toEqual([
      `error: session_store "${path}": ${lost}`,
      expect.stringContaining("file is not a database; sessions are kept in memory only"),
    ]);
    expect([life.data(ID), readFileSync(path, "utf8")]).toEqual(['{"n":2}', "Dear diary,\n"]);
    life.registry.close();
  });
});

describe("a file that can't be used: one line says why, it is not touched, sessions go on in memory", () => {
  const database = (path: string, sql: string): void => {
    const made = new Database(path);
    made.run(sql);
    made.close();
  };
  const table: [what: string, make: (path: string) => void, reason: string][] = [
    ["text", (path) => writeFileSync(path, "Dear diary,\n".repeat(200)), "file is not a database"],
    ["a little text", (path) => writeFileSync(path, "Dear diary,\n"), "file is not a database"],
    ["a single byte", (path) => writeFileSync(path, "x"), "file is not a database"],
    ["zeros", (path) => writeFileSync(path, Buffer.alloc(8192)), "file is not a database"],
    ["another program's database", (path) => database(path, "CREATE TABLE a (b)"), "it is another program's database"],
    [
      "another program's empty database",
      (path) => database(path, "PRAGMA application_id = 7"),
      "it is another program's database",
    ],
    ["a folder", (path) => mkdirSync(path), "it is no regular file"],
    ["a link to nowhere", (path) => symlinkSync("nowhere", path), "2: No such file or directory"],
    ["a link to a device", (path) => symlinkSync("/dev/null", path), "it is no regular file"],
  ];
  test.each(table)("%s", (_, make, reason) => {
    const path = newPath();
    make(path);
    const before = snapshot(path);
    const life = new Life(path);
    expect(life.said()).toEqual([
      `error: session_store "${path}": ${reason}; sessions are kept in memory only, until it can be used`,
    ]);
    life.write(ID, '{"n":1}');
    for (let i = 0; i < 30; i++) life.pass(1);
    expect(life.data(ID)).toBe('{"n":1}');
    expect(life.knows(life.store.cookie(ID))).toBe(true);
    life.registry.close();
    expect(life.said()).toEqual([]);
    expect(snapshot(path)).toEqual(before);
  });

  test("a database of a later version", () => {
    const path = newPath();
    new Life(path).registry.close();
    database(path, "PRAGMA user_version = 2");
    expect(new Life(path).said()[0]).toContain("it is of version 2, this server knows 1");
  });
  test("a database that has lost its pages", () => {
    const path = newPath();
    const first = new Life(path);
    for (let i = 0; i < 1000; i++) first.write(`${i}`, `{"text":"${"x".repeat(100)}"}`);
    first.registry.close();
    writeFileSync(path, readFileSync(path).fill(0x55, 4096 * 3));
    const life = new Life(path);
    expect(life.said()).toEqual([expect.stringContaining(`"${path}": database disk image is malformed; `)]);
    expect(life.store.sessions.size).toBe(0);
    life.registry.close();
  });
  test("a folder that is not there, until it is", () => {
    const path = join(folder, "later", "sessions.db");
    const life = new Life(path);
    expect(life.said()).toEqual([expect.stringContaining(`"${path}": 2: No such file or directory; `)]);
    const cookie = life.store.cookie(ID);
    life.write(ID, '{"n":1}');
    mkdirSync(join(folder, "later"));
    life.pass(9);
    expect(life.said()).toEqual([]);
    life.pass(1);
    expect(life.said()).toEqual([`error: session_store "${path}": it can be used again, sessions are kept in it`]);
    expect(rows(path)).toEqual([["sid@example.org", ID, '{"n":1}']]);
    life.registry.close();
    expect(new Life(path).knows(cookie)).toBe(true);
  });
});

/** A file's content, a folder's names, or what a link is. */
function snapshot(path: string): unknown {
  const name = path.slice(folder.length + 1);
  const beside = readdirSync(folder).filter((other) => other.startsWith(name));
  try {
    return [beside, readFileSync(path, "latin1")];
  } catch (error) {
    return [beside, (error as NodeJS.ErrnoException).code];
  }
}

describe("a file that someone else has locked", () => {
  /** Another process' write lock; `release` ends it. */
  function lock(path: string): () => void {
    const other = new Database(path);
    other.run("PRAGMA busy_timeout = 0");
    other.run("BEGIN IMMEDIATE");
    return () => {
      other.run("ROLLBACK");
      other.close();
    };
  }

  test("at a flush: nothing is lost, and it is said once", () => {
    const path = newPath();
    const life = new Life(path);
    const release = lock(path);
    life.write(ID, '{"n":1}');
    life.pass(1);
    expect(life.said()).toEqual([expect.stringContaining(`"${path}": database is locked; `)]);
    for (let i = 0; i < 25; i++) life.pass(1);
    expect(life.said()).toEqual([]);
    life.write(OTHER, '{"n":2}');
    release();
    for (let i = 0; i < 10; i++) life.pass(1);
    expect(life.said()).toEqual([expect.stringContaining("it can be used again")]);
    expect(rows(path).length).toBe(2);
    life.registry.close();
  });
  test("at start: what it has comes when it can be read; those who came meanwhile keep their sessions and get a new proof", () => {
    const path = newPath();
    const first = new Life(path);
    const early = first.store.cookie(ID);
    first.write(ID, '{"n":1}');
    first.registry.close();
    const release = lock(path);
    const life = new Life(path, 5);
    expect(life.said()).toEqual([expect.stringContaining("database is locked")]);
    expect(life.knows(early)).toBe(false);
    const late = life.store.cookie(OTHER);
    life.write(OTHER, '{"n":2}');
    release();
    for (let i = 0; i < 10; i++) life.pass(1);
    expect(life.said()).toEqual([expect.stringContaining("it can be used again")]);
    expect([life.knows(early), life.knows(late)]).toEqual([true, true]);
    expect(rows(path).length).toBe(2);
    const { request } = new FakeExchange(life.services, location(), { fields: [`Cookie: sid=${late}`] });
    expect(life.store.visit(request, "sid")).toEqual({ id: OTHER, renew: true });
    life.registry.close();
  });
  test("at the end: the loss is said", () => {
    const path = newPath();
    const life = new Life(path);
    life.write(ID, '{"n":1}');
    const release = lock(path);
    life.registry.close();
    release();
    expect(life.said()).toEqual([expect.stringMatching(/database is locked; what has changed .* is lost/)]);
  });
});
