/** Sessions over the wire: cookies, the API, restarts, and database files that are none. */
import { Database } from "bun:sqlite";
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, get, type Reply } from "./client.ts";
import { PROGRAM, ServerProcess, type Site, until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

/** A site with sessions; `store` is what session_store gets. */
const site = (store: string, files: Site["files"] = {}): Site => ({
  configuration: `
    session on;
    session_store ${store};
    server {
      listen 127.0.0.1:0;
      server_name a.test;
      root www;
      error_page 403 /sorry.html;
      location /session { session_api; }
      location /short { session_api; session_cookie short; session_lifetime 1s; }
      location /few { session_api; session_cookie few; session_max 2; }
      location /go { return 302 /elsewhere; }
      location /closed { deny all; }
      location /without { session off; }
    }
    server {
      listen 127.0.0.1:0;
      server_name b.test;
      root www;
      location /session { session_api; }
    }`,
  files: {
    "www/index.html": "home\n",
    "www/sorry.html": "sorry\n",
    "www/folder/x": "",
    "www/without/x": "x",
    ...files,
  },
});

/** The Set-Cookie fields of a reply. */
const setCookies = (reply: Reply): string[] =>
  reply.fields.filter(([name]) => name.toLowerCase() === "set-cookie").map(([, value]) => value);

/** What the reply gives, as a visitor sends it back: "sid=..."; "" when it gives nothing. */
const given = (reply: Reply): string => setCookies(reply)[0]?.split(";")[0] ?? "";
const idOf = (cookie: string): string => cookie.slice(cookie.indexOf("=") + 1).slice(0, 32);

interface Asked {
  readonly cookie?: string;
  readonly host?: string;
  readonly method?: string;
  readonly type?: string;
}

/** One request to the API at `path`, or to anything else. */
function call(server: ServerProcess, path: string, body = "", asked: Asked = {}): Promise<Reply> {
  const { cookie, host = "a.test", method = body === "" ? "GET" : "POST", type = "application/json" } = asked;
  const fields = { Host: host, ...(cookie ? { Cookie: cookie } : {}) };
  const about = { "Content-Type": type, "Content-Length": String(Buffer.byteLength(body)) };
  return ask(server.port, get(path, body === "" ? fields : { ...fields, ...about }, method) + body);
}

const data = async (server: ServerProcess, cookie: string, asked: Asked = {}): Promise<string> =>
  (await call(server, "/session", "", { ...asked, cookie })).text;

/** A new visitor who stores something. Gives the cookie. */
async function visitor(server: ServerProcess, patch = '{"n":1}', asked: Asked = {}): Promise<string> {
  const reply = await call(server, "/session", patch, asked);
  expect(reply.status).toBe(200);
  return given(reply);
}

describe("cookies", () => {
  const server = useServer(site("memory"));

  test("a visitor gets one, once", async () => {
    const first = await call(server, "/");
    expect(setCookies(first)).toEqual([
      expect.stringMatching(/^sid=[0-9a-f]{76}; Max-Age=1800; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
    for (let i = 0; i < 3; i++) expect(setCookies(await call(server, "/", "", { cookie: given(first) }))).toEqual([]);
  });
  const replies: [what: string, request: string, status: number][] = [
    ["a file", get("/", { Host: "a.test" }), 200],
    ["HEAD", get("/", { Host: "a.test" }, "HEAD"), 200],
    ["HTTP/1.0", "GET / HTTP/1.0\r\nHost: a.test\r\n\r\n", 200],
    ["a range", get("/index.html", { Host: "a.test", Range: "bytes=0-1" }), 206],
    ["304", get("/", { Host: "a.test", "If-None-Match": "*" }), 304],
    ["412", get("/", { Host: "a.test", "If-Match": '"x"' }), 412],
    ["a built-in error page", get("/none", { Host: "a.test" }), 404],
    ["an error page of the configuration", get("/closed", { Host: "a.test" }), 403],
    ["a folder's slash", get("/folder", { Host: "a.test" }), 301],
    ["return", get("/go", { Host: "a.test" }), 302],
    ["the API", get("/session", { Host: "a.test" }), 200],
    [
      "a refused patch",
      get("/session", { Host: "a.test", "Content-Type": "application/json", "Content-Length": "2" }, "POST") + "[]",
      400,
    ],
  ];
  test.each(replies)("comes with every reply: %s", async (_, request, status) => {
    for (let i = 0; i < 2; i++) {
      const reply = await ask(server.port, request);
      expect([reply.status, setCookies(reply).length]).toEqual([status, 1]);
    }
  });
  test("none where sessions are off", async () => {
    expect(setCookies(await call(server, "/without/x"))).toEqual([]);
  });
  test("a forged, cut or made-up one is replaced, and its id never used", async () => {
    const genuine = await visitor(server);
    const last = genuine.endsWith("0") ? "1" : "0";
    for (const cookie of [
      "sid=",
      "sid=1",
      `sid=${"a".repeat(76)}`,
      genuine.slice(0, 36),
      genuine.slice(0, -1) + last,
    ]) {
      const reply = await call(server, "/session", '{"planted":1}', { cookie });
      expect(given(reply)).toMatch(/^sid=[0-9a-f]{76}$/);
      expect(idOf(given(reply))).not.toBe(idOf(cookie));
    }
    expect(await data(server, genuine)).toBe('{"n":1}');
  });
  test("is found in the second of two Cookie fields", async () => {
    const cookie = await visitor(server);
    const reply = await ask(
      server.port,
      `GET /session HTTP/1.1\r\nHost: a.test\r\nCookie: a=b\r\nCookie: ${cookie}\r\n\r\n`,
    );
    expect([reply.text, setCookies(reply)]).toEqual(['{"n":1}', []]);
  });
  test("means nothing to another virtual host", async () => {
    const cookie = await visitor(server);
    const reply = await call(server, "/session", "", { cookie, host: "b.test" });
    expect(reply.text).toBe("{}");
    expect(idOf(given(reply))).not.toBe(idOf(cookie));
    expect(await data(server, cookie)).toBe('{"n":1}');
  });
});

describe("the API", () => {
  const server = useServer(site("memory"));

  test("merges patches, and shows them to their visitor only", async () => {
    const cookie = await visitor(server, '{"name":"Ada","visits":1}');
    const reply = await call(server, "/session", '{"visits":2,"name":null}', {
      cookie,
      type: "application/merge-patch+json",
    });
    expect([reply.status, reply.text, reply.field("cache-control")]).toEqual([200, '{"visits":2}', "no-store"]);
    expect((await call(server, "/session")).text).toBe("{}");
  });
  test("takes 4 KB and not a byte more", async () => {
    const cookie = await visitor(server);
    const sized = (size: number): string => `{"n":null,"a":"${"x".repeat(size - 8)}"}`;
    expect((await call(server, "/session", sized(4097), { cookie })).status).toBe(413);
    expect(await data(server, cookie)).toBe('{"n":1}');
    expect((await call(server, "/session", sized(4096), { cookie })).body.length).toBe(4096);
  });
  test("reads no patch of more than 64 KB, announced or not", async () => {
    const spaces = " ".repeat(65_536);
    expect((await call(server, "/session", `{}${spaces}`)).status).toBe(413);
    const chunked = get(
      "/session",
      { Host: "a.test", "Content-Type": "application/json", "Transfer-Encoding": "chunked" },
      "POST",
    );
    expect((await ask(server.port, `${chunked}10002\r\n{}${spaces}\r\n0\r\n\r\n`)).status).toBe(413);
  });
  test("ends a session: its cookie is taken back, and does nothing any more", async () => {
    const cookie = await visitor(server);
    const reply = await call(server, "/session", "", { cookie, method: "DELETE" });
    expect([reply.status, ...setCookies(reply)]).toEqual([204, "sid=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"]);
    const after = await call(server, "/session", "", { cookie });
    expect(after.text).toBe("{}");
    expect(idOf(given(after))).not.toBe(idOf(cookie));
  });
  test("says what it answers", async () => {
    expect((await call(server, "/session", "", { method: "OPTIONS" })).field("allow")).toBe(
      "GET, HEAD, POST, DELETE, OPTIONS",
    );
    expect((await call(server, "/session", "{}", { method: "PUT" })).status).toBe(405);
    expect((await call(server, "/session", "n=1", { type: "application/x-www-form-urlencoded" })).status).toBe(415);
  });
  test("a session that was not used for its lifetime is over", async () => {
    const cookie = given(await call(server, "/short", '{"n":1}'));
    await Bun.sleep(1100);
    const reply = await call(server, "/short", "", { cookie });
    expect(reply.text).toBe("{}");
    expect(idOf(given(reply))).not.toBe(idOf(cookie));
  });
  test("of more than session_max the longest unused go", async () => {
    const cookies = [];
    for (let n = 1; n <= 3; n++) cookies.push(given(await call(server, "/few", `{"n":${n}}`)));
    const texts = [];
    for (const cookie of cookies) texts.push((await call(server, "/few", "", { cookie })).text);
    expect(texts).toEqual(["{}", '{"n":2}', '{"n":3}']);
  });
});

/** Ends the server and starts it anew in the same folder. */
async function restart(server: ServerProcess, signal: NodeJS.Signals): Promise<void> {
  await server.end(signal);
  server.stdout = server.stderr = "";
  await server.start();
}

/** The rows that the file of a running server has. */
function rows(server: ServerProcess): number {
  const database = new Database(join(server.folder, "sessions.db"), { readonly: true });
  const [count] = database.query("SELECT count(*) FROM session").values()[0] as [number];
  database.close();
  return count;
}

describe("a restart", () => {
  const server = useServer(site("sessions.db"));

  test.each(["SIGTERM", "SIGQUIT"] as const)("%s: nothing is lost", async (signal) => {
    const cookie = await visitor(server);
    await restart(server, signal);
    const reply = await call(server, "/session", "", { cookie });
    expect([reply.text, setCookies(reply)]).toEqual(['{"n":1}', []]);
    expect(server.stderr).toBe("");
  });
  test("SIGTERM: an end is final, a cookie without data is still known, two hosts still share nothing", async () => {
    const [ended, kept] = [await visitor(server), await visitor(server)];
    const plain = given(await call(server, "/"));
    await call(server, "/session", "", { cookie: ended, method: "DELETE" });
    await restart(server, "SIGTERM");
    expect(idOf(given(await call(server, "/", "", { cookie: ended })))).not.toBe(idOf(ended));
    expect(setCookies(await call(server, "/", "", { cookie: plain }))).toEqual([]);
    expect(await data(server, kept, { host: "b.test" })).toBe("{}");
  });
  test("kill -9: what is lost is what the last second brought, and the file is whole", async () => {
    const before = rows(server);
    const cookie = await visitor(server, '{"early":1}');
    await until(
      () => rows(server) > before,
      () => `${rows(server)} sessions in the file`,
    );
    for (let n = 0; n < 20; n++) await visitor(server, `{"late":${n}}`);
    await restart(server, "SIGKILL");
    expect(await data(server, cookie)).toBe('{"early":1}');
    expect(server.stderr).toBe("");
    const database = new Database(join(server.folder, "sessions.db"), { readonly: true });
    expect(database.query("PRAGMA integrity_check").values()).toEqual([["ok"]]);
    database.close();
  });
  test("the files are their owner's alone", () => {
    for (const end of ["", "-wal", "-shm"]) {
      expect((statSync(join(server.folder, `sessions.db${end}`)).mode & 0o777).toString(8)).toBe("600");
    }
  });
});

describe("a database that can't be used: the server says so once, and works", () => {
  const servers: ServerProcess[] = [];
  afterAll(async () => {
    for (const server of servers) await server.stop();
  });

  async function begin(site: Site): Promise<ServerProcess> {
    const server = new ServerProcess(site);
    servers.push(server);
    await server.start();
    return server;
  }

  /** Sessions work, and the error log has one line about the file. */
  async function worksBut(server: ServerProcess, path: string, reason: string): Promise<void> {
    const cookie = await visitor(server);
    expect(await data(server, cookie)).toBe('{"n":1}');
    await until(
      () => server.stderr.includes("[error]"),
      () => server.stderr,
    );
    expect(server.stderr.split("\n").filter((line) => line.includes("[error]"))).toEqual([
      expect.stringContaining(
        `session_store "${join(server.folder, path)}": ${reason}; sessions are kept in memory only`,
      ),
    ]);
  }

  test("no database", async () => {
    const server = await begin(site("diary", { diary: "Dear diary\n".repeat(100) }));
    await worksBut(server, "diary", "file is not a database");
    expect(await Bun.file(join(server.folder, "diary")).text()).toBe("Dear diary\n".repeat(100));
  });
  test("another program's database", async () => {
    const server = new ServerProcess(site("other.db"));
    servers.push(server);
    const other = new Database(join(server.folder, "other.db"));
    other.run("CREATE TABLE recipe (name TEXT)");
    other.close();
    const before = await Bun.file(join(server.folder, "other.db")).bytes();
    await server.start();
    await worksBut(server, "other.db", "it is another program's database");
    expect(await Bun.file(join(server.folder, "other.db")).bytes()).toEqual(before);
  });
  test("one whose pages are damaged", async () => {
    const server = await begin(site("sessions.db"));
    for (let n = 0; n < 50; n++) await visitor(server, `{"n":"${"x".repeat(1000)}"}`);
    await server.end();
    const path = join(server.folder, "sessions.db");
    const bytes = await Bun.file(path).bytes();
    writeFileSync(path, bytes.fill(0x55, 3 * 4096));
    server.stdout = server.stderr = "";
    await server.start();
    await worksBut(server, "sessions.db", "database disk image is malformed");
  });
  test("one that another program has locked", async () => {
    const server = await begin(site("sessions.db"));
    const cookie = await visitor(server);
    const other = new Database(join(server.folder, "sessions.db"));
    other.run("BEGIN IMMEDIATE");
    await call(server, "/session", '{"n":2}', { cookie });
    await until(
      () => server.stderr.includes("[error]"),
      () => server.stderr,
    );
    expect(server.stderr).toContain('sessions.db": database is locked; sessions are kept in memory only');
    expect(await data(server, cookie)).toBe('{"n":2}');
    other.run("ROLLBACK");
    other.close();
    await restart(server, "SIGTERM");
    expect(await data(server, cookie)).toBe('{"n":2}');
  });

  const isRoot = process.getuid?.() === 0;
  const setpriv = Bun.which("setpriv");
  const unprivileged = isRoot ? [setpriv ?? "", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];

  /** Starts a server that may read its folder and no more, once `prepare` has filled it. */
  async function beginReading(store: string, prepare: (folder: string) => void): Promise<ServerProcess> {
    const umask = process.umask(0o022); // whatever the tests run with: that user is to read the files
    const server = new ServerProcess({ ...site(store), program: [...unprivileged, ...PROGRAM] });
    servers.push(server);
    prepare(server.folder);
    process.umask(umask);
    chmodSync(server.folder, 0o555);
    await server.start().finally(() => chmodSync(server.folder, 0o755));
    return server;
  }

  // In folders that only root may read nobody else can start anything.
  const succeeds = (...command: string[]): boolean => Bun.spawnSync([...unprivileged, ...command]).exitCode === 0;
  const canBeUser = !isRoot || (setpriv !== null && succeeds(...PROGRAM, "--version") && succeeds("ls", tmpdir()));
  const skipped = "skipped as root without setpriv, or where only root may read project and temporary folder";

  describe.skipIf(!canBeUser)(`with the rights of a user (${skipped})`, () => {
    test("one that may only be read", async () => {
      const server = await beginReading("sessions.db", (folder) => {
        const made = new Database(join(folder, "sessions.db"));
        made.run("PRAGMA application_id = 0x57534553; PRAGMA user_version = 1; CREATE TABLE secret (digits TEXT)");
        made.close();
        chmodSync(join(folder, "sessions.db"), 0o444);
      });
      await worksBut(server, "sessions.db", "attempt to write a readonly database");
    });
    test("one that may not be read", async () => {
      const server = await beginReading("sessions.db", (folder) => {
        writeFileSync(join(folder, "sessions.db"), "", { mode: 0 });
      });
      await worksBut(server, "sessions.db", "unable to open database file");
    });
    test("one in a folder where none may be made", async () => {
      const server = await beginReading("sessions.db", () => {});
      await worksBut(server, "sessions.db", "13: Permission denied");
    });
  });
});
