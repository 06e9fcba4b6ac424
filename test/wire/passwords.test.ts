/** `auth_basic`: who gets in, by which scheme of password, and that a hash that takes its time holds up nobody else. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check, type Expected } from "./cases.ts";
import { Client, get, type Reply } from "./client.ts";
import { ServerProcess, until, useServer } from "./server.ts";

setDefaultTimeout(60_000);

const PASSWORD = "correct horse";
/** The password of each user by each scheme; the last ones are of no scheme that is computed. */
const USERS = {
  plain: "{PLAIN}correct horse",
  sha: "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
  ssha: "{SSHA}LhKrkM9Fy+zlstjdD7Kv2s6QvhBzYWx0",
  apr1: "$apr1$abcDEF12$Ztk27yxfMt1rkKK8/4Tzb0",
  sha256: "$5$rounds=1000$roundsalt$jpU5gFOrGVUJcjSEzqa9v3lPC990P3VUOViFApQCnRD",
  sha512: "$6$abcDEF12$06Gm3/39uXZmqoYSrrs1vyrDvpD571Hc55Rr5PnAaq8V2C8wZaZFfHHSHFsesG27PcLnu/EAjIlJAwBbiMvT70",
  bcrypt: "$2y$04$TkwGJdqtKNRwOlcVqet0d.PnV8VFSk/ylchcyC4HERBfjrcAhy9Em",
};
/** 2,000 ms and more of a processor, in several thousand turns: what comes meanwhile comes first. */
const SLOW =
  "slow:$6$rounds=1000000$saltstringsaltst$uWkfitxWIj/pKw1nBSBgiQR8Pwbr7IMycYT33N8JITrE33DUmC8bV6rVVtFeP/iZRI3xx58jHgvVgQRG8FBmF/\n";
const lines = Object.entries(USERS).map(([user, hash]) => `${user}:${hash}\n`);

const CONFIGURATION = `
  error_log error.log info;
  server {
    listen 127.0.0.1:0;
    root www;
    auth_basic "the \\"back\\\\office\\"";
    auth_basic_user_file users;
    location / { }
    location = /open.txt     { auth_basic off; }
    location = /denied.html  { auth_basic off; }
    location /pages/         { error_page 401 /denied.html; alias www/; }
    location /any/           { satisfy any; allow 10.0.0.0/8; deny all; alias www/; }
    location /any/here/      { satisfy any; allow 127.0.0.0/8; deny all; alias www/; }
    location /all/           { deny all; alias www/; }
    location /all/here/      { allow 127.0.0.0/8; deny all; alias www/; }
    location /return         { return 200 "[$remote_user]"; }
    location /missing        { auth_basic_user_file nothing; }
    location /folder         { auth_basic_user_file www; }
    location /named/         { auth_basic_user_file us$arg_file; alias www/; }
    location /up/            { auth_basic off; upload_store store; delete_files on; alias store/;
                               limit_except GET { auth_basic "writers"; } }
    location /up/inner/      { auth_basic "inner"; auth_basic_user_file other; upload_store store/inner; alias store/inner/; }
    location /cors/          { auth_basic off; upload_store store; alias store/; limit_except GET OPTIONS { auth_basic "x"; } }
    location /read/          { upload_store store; alias store/; allowed_methods GET POST PUT; limit_except GET POST { auth_basic off; } }
    location /cgi/           { cgi .sh /bin/sh; alias cgi/; }
    location /cgi/free/      { auth_basic off; cgi .sh /bin/sh; alias cgi/; }
    location /slow/          { auth_basic_user_file slow; alias www/; }
    location /changing/      { auth_basic_user_file changing; alias www/; }
    location /front/         { auth_basic off; try_files $uri @front; }
    location @front          { return 200 "front"; }
  }`;

const FILES = {
  "www/a.txt": "secret\n",
  "www/open.txt": "open\n",
  "www/denied.html": "our own page\n",
  "www/index.html": "index\n",
  "store/old.txt": "old\n",
  "store/inner/": "",
  "cgi/who.sh": 'printf "Content-Type: text/plain\\n\\n[$REMOTE_USER][$AUTH_TYPE][$HTTP_AUTHORIZATION]"\n',
  users: `# staff\n\n${lines.join("")}j\xc3\xb6rg:{PLAIN}p\xc3\xa4ss:w\xc3\xb6rd\ndes:ns4SeABXoMYoA\ngreedy:$5$rounds=999999999$s$jpU5gFOrGVUJcjSEzqa9v3lPC990P3VUOViFApQCnRD\ncrlf:{PLAIN}x:more\r\n`,
  other: "else:{PLAIN}x\n",
  slow: SLOW,
  changing: "ann:{PLAIN}one\n",
};
const bytes = Object.fromEntries(
  Object.entries(FILES).map(([name, text]) => [name, new Uint8Array(Buffer.from(text, "latin1"))]),
);

const server = useServer({
  configuration: CONFIGURATION,
  files: { ...bytes, "store/inner/x.txt": "x" },
});

const basic = (user: string, password = PASSWORD): Record<string, string> => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`, "utf8").toString("base64")}`,
});
/** One request from an address that nobody has guessed from: wrong passwords would be answered ever later. */
let addresses = 0;
async function ask(port: number, request: string): Promise<Reply> {
  const client = await Client.connect(port, `127.0.${++addresses >> 8}.${addresses & 255 || 1}`);
  try {
    return await client.ask(request);
  } finally {
    client.destroy();
  }
}

function answers(to: ServerProcess, name: string, request: string, expected: Partial<Expected>): void {
  test(name, async () => check(await ask(to.port, request), { status: 200, ...expected }));
}

const log = (): string => readFileSync(join(server.folder, "error.log"), "latin1");
const CHALLENGE = 'Basic realm="the \\"back\\\\office\\"", charset="UTF-8"';

describe("the password of each scheme lets in", () => {
  for (const user of Object.keys(USERS)) {
    answers(server, `${user}: right`, get("/a.txt", basic(user)), { status: 200, body: "secret\n" });
    answers(server, `${user}: right again, which is remembered`, get("/a.txt", basic(user)), { status: 200 });
    answers(server, `${user}: wrong`, get("/a.txt", basic(user, "wrong")), { status: 401 });
  }
  answers(server, "with letters beyond ASCII, and a colon", get("/a.txt", basic("jörg", "päss:wörd")), { status: 401 });
  answers(server, "as far as the next colon of the line", get("/a.txt", basic("jörg", "päss")), { status: 200 });
  answers(server, "behind a line end of Windows", get("/a.txt", basic("crlf", "x")), { status: 200 });
});

describe("nobody else", () => {
  test("is told more than the realm", async () => {
    const reply = await ask(server.port, get("/a.txt"));
    expect([reply.status, reply.field("WWW-Authenticate")]).toEqual([401, CHALLENGE]);
    expect(reply.text).not.toContain("secret");
  });

  const rows: [why: string, value: string][] = [
    ["another scheme", "Bearer abc"],
    ["no base64", "Basic !!!"],
    ["a base64 of no bytes", "Basic a"],
    ["no colon", `Basic ${btoa("plain")}`],
    ["no user", `Basic ${btoa(":correct horse")}`],
    ["a NUL behind the password", `Basic ${btoa("plain:correct horse\0")}`],
    ["a user that is far too long", `Basic ${btoa(`${"x".repeat(3000)}:x`)}`],
    ["a comment's name", `Basic ${btoa("# staff:x")}`],
    ["an unknown user", `Basic ${btoa("nobody:correct horse")}`],
    ["a hash as a password", `Basic ${btoa(`sha:${USERS.sha}`)}`],
  ];
  for (const [why, value] of rows) answers(server, why, get("/a.txt", { Authorization: value }), { status: 401 });
  answers(server, "by HEAD", get("/a.txt", {}, "HEAD"), { status: 401 });
  answers(server, "by HEAD, with a password", get("/a.txt", basic("sha"), "HEAD"), { status: 200 });
  answers(server, "for a file that does not exist", get("/none"), { status: 401 });
  answers(server, "by OPTIONS, as in nginx", get("/a.txt", {}, "OPTIONS"), { status: 401 });
  answers(
    server,
    "but by OPTIONS where limit_except names it: a preflight has no password",
    get("/cors/x", {}, "OPTIONS"),
    {
      status: 204,
    },
  );
});

test("two fields Authorization are no password", async () => {
  const twice = get("/a.txt", basic("sha")).replace(
    "\r\n\r\n",
    `\r\nAuthorization: ${basic("sha").Authorization}\r\n\r\n`,
  );
  expect([400, 401]).toContain((await ask(server.port, twice)).status);
});

describe("what the log says", () => {
  test.each([
    ["sha", "wrong", 'user "sha": password mismatch'],
    ["nobody2", "x", 'user "nobody2" was not found in "'],
    ["des", PASSWORD, 'user "des": the hash in "'],
    ["greedy", PASSWORD, "999999999 rounds are more than 1000000"],
  ])("of %p with %p", async (user, password, line) => {
    expect((await ask(server.port, get("/a.txt", basic(user, password)))).status).toBe(401);
    await until(() => log().includes(line), log);
  });
});

describe("the file", () => {
  answers(server, "is missing", get("/missing", basic("sha")), { status: 403 });
  answers(server, "is a folder", get("/folder", basic("sha")), { status: 500 });
  answers(server, "is named by the request", get("/named/a.txt?file=ers", basic("sha")), { status: 200 });
  answers(server, "is named by the request, and missing", get("/named/a.txt?file=er", basic("sha")), { status: 403 });

  test("is read again when it has changed, and what was right is forgotten", async () => {
    const status = async (password: string): Promise<number> =>
      (await ask(server.port, get("/changing/a.txt", basic("ann", password)))).status;
    expect([await status("one"), await status("one")]).toEqual([200, 200]);
    writeFileSync(join(server.folder, "changing"), "ann:{PLAIN}two\n");
    expect([await status("one"), await status("two")]).toEqual([401, 200]);
  });
});

describe("satisfy", () => {
  answers(server, "any: neither", get("/any/a.txt"), { status: 401 });
  answers(server, "any: the password", get("/any/a.txt", basic("sha")), { status: 200 });
  answers(server, "any: the address", get("/any/here/a.txt"), { status: 200 });
  answers(server, "all: the password without the address", get("/all/a.txt", basic("sha")), { status: 403 });
  answers(server, "all: neither", get("/all/a.txt"), { status: 403 });
  answers(server, "all: the address without the password", get("/all/here/a.txt"), { status: 401 });
  answers(server, "all: both", get("/all/here/a.txt", basic("sha")), { status: 200 });
});

describe("limit_except", () => {
  const put = (path: string, fields: Record<string, string> = {}): string =>
    `${get(path, { ...fields, "Content-Length": "3" }, "PUT")}new`;
  answers(server, "reading is free", get("/up/old.txt"), { status: 200, body: "old\n" });
  answers(server, "writing is not", put("/up/new.txt"), { status: 401 });
  answers(server, "removing is not", get("/up/old.txt", {}, "DELETE"), { status: 401 });

  test("nothing has changed by then, and with a password it does", async () => {
    const path = (name: string): string => join(server.folder, "store", name);
    expect([existsSync(path("new.txt")), existsSync(path("old.txt"))]).toEqual([false, true]);
    expect((await ask(server.port, put("/up/new.txt", basic("sha")))).status).toBe(201);
    expect((await ask(server.port, get("/up/old.txt", basic("sha"), "DELETE"))).status).toBe(204);
    expect([existsSync(path("new.txt")), existsSync(path("old.txt"))]).toEqual([true, false]);
  });

  test("auth_basic off frees the others", async () => {
    expect((await ask(server.port, get("/read/new.txt"))).status).toBe(401);
    expect((await ask(server.port, put("/read/free.txt"))).status).toBe(201);
  });

  test("a form's file does not get into a location that asks for another password", async () => {
    const form = `--b\r\nContent-Disposition: form-data; name="f"; filename="inner/y.txt"\r\n\r\ny\r\n--b--\r\n`;
    const fields = {
      ...basic("sha"),
      "Content-Type": "multipart/form-data; boundary=b",
      "Content-Length": `${form.length}`,
    };
    await ask(server.port, get("/up/", fields, "POST") + form);
    expect(existsSync(join(server.folder, "store/inner/y.txt"))).toBe(false);
  });
});

describe("a body is not read before the password", () => {
  test("401 in place of 100 (Continue)", async () => {
    const fields = { "Content-Length": "1000000", Expect: "100-continue" };
    const reply = await ask(server.port, get("/up/big", fields, "PUT"));
    expect([reply.status, reply.field("Connection")]).toEqual([401, "close"]);
  });

  test("and is stored once it was right, also by a slow scheme, and when it came with the head", async () => {
    const { port, folder } = server;
    const put = (name: string, user: string): string =>
      `${get(`/up/${name}`, { ...basic(user), "Content-Length": "3" }, "PUT")}abc`;
    writeFileSync(join(folder, "users"), FILES.users, "latin1"); // nothing is remembered
    for (const user of ["sha256", "bcrypt"]) {
      expect((await ask(port, put(user, user))).status).toBe(201);
      expect(readFileSync(join(folder, "store", user), "latin1")).toBe("abc");
    }
  });

  test("100 (Continue) once it was right, also by a slow scheme", async () => {
    const client = await Client.connect(server.port);
    void client.send(get("/up/sent", { ...basic("bcrypt"), "Content-Length": "3", Expect: "100-continue" }, "PUT"));
    await client.until(() => client.pending.includes("HTTP/1.1 100"), "100 (Continue)");
    void client.send("abc");
    await client.until(() => client.pending.includes("HTTP/1.1 201"), "201");
    client.destroy();
    expect(readFileSync(join(server.folder, "store/sent"), "latin1")).toBe("abc");
  });
});

describe("who it is", () => {
  answers(server, "a script is told", get("/cgi/who.sh", basic("sha")), { status: 200, body: "[sha][Basic][]" });
  answers(server, "but not what nobody has checked", get("/cgi/free/who.sh", basic("sha")), { body: "[][][]" });
  answers(server, "$remote_user is what was said, as in nginx", get("/return", basic("me", "x")), { body: "[me]" });
});

test("error_page 401 is shown, with the challenge", async () => {
  const reply = await ask(server.port, get("/pages/a.txt"));
  expect([reply.status, reply.text, reply.field("WWW-Authenticate")]).toEqual([401, "our own page\n", CHALLENGE]);
});

describe("while a hash takes its time", () => {
  test("others are answered, and its own connection goes on after it", async () => {
    const slow = await Client.connect(server.port);
    let answered = false;
    void slow.send(get("/slow/a.txt", basic("slow")) + get("/open.txt"));
    const first = slow.reply().finally(() => (answered = true));
    for (let i = 0; i < 50; i++) expect((await ask(server.port, get("/open.txt"))).text).toBe("open\n");
    expect(answered).toBe(false);
    expect([(await first).status, (await slow.reply()).text]).toEqual([401, "open\n"]);
    slow.destroy();
  });

  test("the client may leave", async () => {
    const slow = await Client.connect(server.port);
    await slow.send(get("/slow/a.txt", basic("slow", "left")));
    await ask(server.port, get("/open.txt"));
    slow.reset();
    expect((await ask(server.port, get("/open.txt"))).status).toBe(200);
  });
});

test("a reload during a hash: it goes on, and its connection after it", async () => {
  const client = await Client.connect(server.port, "127.1.0.1");
  await client.send(get("/slow/a.txt", basic("slow", "reload")) + get("/open.txt"));
  await ask(server.port, get("/open.txt"));
  process.kill(server.pid, "SIGHUP");
  expect([(await client.reply()).status, (await client.reply()).text]).toEqual([401, "open\n"]);
  client.destroy();
});

describe("a server that ends during a hash", () => {
  const site = { configuration: CONFIGURATION, files: { ...bytes } };
  const bcrypt = `slow:${"$2y$12$TkwGJdqtKNRwOlcVqet0d.PnV8VFSk/ylchcyC4HERBfjrcAhy9Em"}\n`;

  async function ending(signal: "SIGQUIT" | "SIGTERM", users: string): Promise<string> {
    const process = new ServerProcess({ ...site, files: { ...site.files, slow: users } });
    await process.start();
    const client = await Client.connect(process.port);
    await client.send(get("/slow/a.txt", basic("slow")));
    await ask(process.port, get("/open.txt"));
    globalThis.process.kill(process.pid, signal);
    const rest = await client.rest().then((all) => all.toString("latin1", 0, 12));
    expect(await process.exited).toBe(0);
    client.destroy();
    await process.stop();
    return rest;
  }

  test.each([
    ["rounds", SLOW],
    ["threads", bcrypt],
  ])("quit waits for it (%s)", async (_, users) => {
    expect(await ending("SIGQUIT", users)).toBe("HTTP/1.1 401");
  });

  test.each([
    ["rounds", SLOW],
    ["threads", bcrypt],
  ])("stop does not (%s)", async (_, users) => {
    expect(await ending("SIGTERM", users)).toBe("");
  });
});
