/** Stores that fail: full, read-only, missing. The client gets the right status, the error log the reason, and the server goes on. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { check } from "./cases.ts";
import { ask, Client, get } from "./client.ts";
import { makeFolder, ServerProcess, until, useServer } from "./server.ts";
import { form, head, tree, unfinished, withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

const configuration = `
  client_max_body_size 0;
  server {
    listen 127.0.0.1:0;
    root store;
    location / { upload_store store; delete_files on; }
  }`;

const mount = (...args: string[]): boolean => spawnSync("mount", args).status === 0;
const unmount = (folder: string): void => void spawnSync("umount", ["-l", folder]);

/** Waits for a line of the error log, which is written a second late at most. */
const logs = (server: ServerProcess, line: RegExp): Promise<void> =>
  until(
    () => line.test(server.stderr),
    () => server.stderr,
  );

/** Whether file systems may be mounted here. */
const mayMount = ((): boolean => {
  const folder = makeFolder();
  const may = mount("-t", "tmpfs", "-o", "size=1m", "webserv-test", folder);
  if (may) unmount(folder);
  rmSync(folder, { recursive: true });
  return may;
})();

/** A server whose store is a tmpfs of its own, of `size`. */
function useTmpfs(size: string): { server: ServerProcess; store: string } {
  const server = new ServerProcess({ configuration, files: { "store/": "" } });
  const store = join(server.folder, "store");
  beforeAll(async () => {
    mount("-t", "tmpfs", "-o", `size=${size}`, "webserv-test", store);
    await server.start();
  });
  afterAll(async () => {
    await server.end();
    unmount(store);
    rmSync(server.folder, { recursive: true, force: true });
  });
  return { server, store };
}

describe.skipIf(!mayMount)("a store of 64 MB (needs the right to mount)", () => {
  const { server, store } = useTmpfs("64m");
  const MUCH = Buffer.alloc(100_000_000, "x");
  const requests: [name: string, request: () => Buffer[]][] = [
    ["PUT with a length", () => [head("PUT", "/much", MUCH.length), MUCH]],
    ["PUT in chunks", () => [withBody("PUT", "/much", MUCH, { chunk: 1_000_000 })]],
    ["POST", () => [head("POST", "/much", MUCH.length), MUCH]],
    ["a form of two files", () => [formOfTwo()]],
  ];
  const formOfTwo = (): Buffer => {
    const halves = MUCH.subarray(0, 50_000_000).toString("latin1");
    return form("/", [
      ["half-1", halves],
      ["half-2", halves],
    ]);
  };
  const free = (): number => statfsSync(store).bfree;

  beforeAll(async () => {
    check(await ask(server.port, withBody("PUT", "/small", "fits")), { status: 201 });
  });

  test.each(requests)("%s of 100 MB is 507, and the space is free again", async (_name, request) => {
    const before = free();
    const client = await Client.connect(server.port);
    for (const piece of request()) void client.send(piece);
    check(await client.reply("PUT"), { status: 507 });
    client.destroy();
    expect(unfinished(store)).toEqual([]);
    expect(free()).toBe(before);
    expect(tree(store)).toEqual(["small"]);
    check(await ask(server.port, get("/small")), { status: 200, body: "fits" });
  });

  test("what fits is stored afterwards", async () => {
    const most = MUCH.subarray(0, 50_000_000);
    check(await ask(server.port, withBody("PUT", "/most", most)), { status: 201 });
    check(await ask(server.port, withBody("PUT", "/more", most)), { status: 507 });
    expect(tree(store)).toEqual(["most", "small"]);
    await logs(server, /\[crit\].*No space left/);
  });
});

describe.skipIf(!mayMount)("a store that becomes read-only (needs the right to mount)", () => {
  const { server, store } = useTmpfs("1m");

  test("403 to PUT, POST, forms and DELETE, with the reason in the log", async () => {
    check(await ask(server.port, get("/")), { status: 403 });
    expect(mount("-o", "remount,ro", store)).toBe(true);
    for (const request of [
      withBody("PUT", "/a", "x"),
      withBody("PUT", "/new/folder/a", "x"),
      withBody("POST", "/a", "x"),
      form("/", [["a", "x"]]),
      withBody("PUT", "/empty", ""),
    ]) {
      check(await ask(server.port, request), { status: 403 });
    }
    await logs(server, /\[error\].*Read-only file system/);
    expect(mount("-o", "remount,rw", store)).toBe(true);
    check(await ask(server.port, withBody("PUT", "/a", "x")), { status: 201 });
  });
});

describe("a store that is not there", () => {
  const server = useServer({ configuration, files: { "store/": "" } });

  test("500 with the reason in the log; when it is back, uploads are stored again", async () => {
    const store = join(server.folder, "store");
    rmSync(store, { recursive: true });
    check(await ask(server.port, withBody("PUT", "/a", "x")), { status: 500 });
    check(await ask(server.port, form("/", [["a", "x"]])), { status: 500 });
    await logs(server, /\[error\].*"[^"]*\/store[^"]*" failed \(.*No such file/);
    mkdirSync(store);
    const status = async (): Promise<number> => (await ask(server.port, withBody("PUT", "/a", "x"))).status;
    let last = await status();
    for (const deadline = Date.now() + 20_000; last !== 201 && Date.now() < deadline; ) {
      await Bun.sleep(50);
      last = await status();
    }
    expect(last).toBe(201);
    expect(tree(store)).toEqual(["a"]);
  });

  test("an upload under way when its store is removed fails, and the server goes on", async () => {
    const store = join(server.folder, "store");
    const request = withBody("PUT", "/b", "x".repeat(1000));
    const client = await Client.connect(server.port);
    await client.send(request.subarray(0, -500));
    await until(
      () => unfinished(store).length === 1,
      () => unfinished(store).join(),
    );
    rmSync(store, { recursive: true });
    void client.send(request.subarray(-500));
    check(await client.reply("PUT"), { status: 500 });
    client.destroy();
    check(await ask(server.port, get("/b")), { status: 404 });
  });
});
