/** Many uploads at once: all arrive whole; clients that leave leave nothing; a server that is killed damages nothing and is cleaned up after. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check } from "./cases.ts";
import { Client, get } from "./client.ts";
import { makeFolder, ServerProcess, until, useServer } from "./server.ts";
import { bytesOf, digest, form, staging, tree, unfinished, withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

const configuration = `
  client_max_body_size 0;
  server {
    listen 127.0.0.1:0;
    root store;
    location / { upload_store store; }
  }`;

const server = useServer({ configuration, files: { "store/": "" } });
const store = (): string => join(server.folder, "store");
const descriptors = (): number => readdirSync(`/proc/${server.pid}/fd`).length;

test("50 clients at once: every file whole, whatever its framing", async () => {
  const size = 100_000;
  const digests = new Map<string, string>();
  await Promise.all(
    Array.from({ length: 50 }, async (_, number) => {
      const client = await Client.connect(server.port);
      for (let turn = 0; turn < 6; turn++) {
        const name = `crowd-${number}-${turn}`;
        const bytes = bytesOf(number * 6 + turn, size + number);
        digests.set(name, digest(bytes));
        const request =
          turn % 3 === 2
            ? form("/", [[name, bytes.toString("latin1")]])
            : withBody("PUT", `/${name}`, bytes, turn % 3 ? { chunk: 9999 } : {});
        if (turn % 3 === 2) digests.set(name, digest(Buffer.from(bytes.toString("latin1"), "utf8")));
        check(await client.ask(request), { status: 201 });
      }
      client.destroy();
    }),
  );
  expect(tree(store())).toHaveLength(300);
  for (const [name, expected] of digests)
    expect([name, digest(readFileSync(join(store(), name)))]).toEqual([name, expected]);
  expect(unfinished(store())).toEqual([]);
});

describe("a client that leaves in the middle", () => {
  const half = (name: string, i: number): Buffer => {
    const bytes = Buffer.alloc(200_000, i);
    const whole = [
      withBody("PUT", `/${name}`, bytes),
      withBody("PUT", `/${name}`, bytes, { chunk: 10_000 }),
      form("/", [[name, bytes.toString("latin1")]]),
    ][i % 3]!;
    return whole.subarray(0, whole.length / 2);
  };
  const ways: [name: string, leave: (client: Client) => void][] = [
    ["closes", (client) => client.destroy()],
    ["resets", (client) => client.socket.resetAndDestroy()],
    ["shuts its sending side", (client) => client.finish()],
  ];
  test.each(ways)("%s: nothing is left, what was there stays", async (_name, leave) => {
    writeFileSync(join(store(), "left-0"), "old");
    const before = descriptors();
    const clients = await Promise.all(Array.from({ length: 20 }, () => Client.connect(server.port)));
    await Promise.all(clients.map((client, i) => client.send(half(`left-${i}`, i))));
    await until(
      () => unfinished(store()).length === 20,
      () => unfinished(store()).join(),
    );
    for (const client of clients) leave(client);
    await until(
      () => unfinished(store()).length === 0 && descriptors() <= before,
      () => `${unfinished(store()).join()}, ${descriptors()} descriptors`,
    );
    for (const client of clients) client.destroy();
    expect(tree(store()).filter((path) => path.startsWith("left"))).toEqual(["left-0"]);
    expect(readFileSync(join(store(), "left-0"), "utf8")).toBe("old");
  });
});

describe("kill -9 in the middle of 20 uploads", () => {
  const folder = makeFolder({ "store/": "" });
  const shared = join(folder, "store");
  const servers: ServerProcess[] = [];
  const startOne = async (): Promise<ServerProcess> => {
    const one = new ServerProcess({ configuration, prefix: folder });
    servers.push(one);
    await one.start();
    return one;
  };
  afterAll(async () => {
    for (const one of servers) await one.stop("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  const content = (i: number): Buffer => bytesOf(i, 300_000);
  /** Sends half of a PUT, and waits until the server has written it. */
  async function begin(to: ServerProcess, i: number): Promise<{ client: Client; rest: Buffer }> {
    const client = await Client.connect(to.port);
    const request = withBody("PUT", `/target-${i}`, content(i), i % 2 ? { chunk: 50_000 } : {});
    await client.send(request.subarray(0, 150_000));
    return { client, rest: request.subarray(150_000) };
  }
  const sizes = (): number[] => unfinished(shared).map((name) => statSync(join(staging(shared), name)).size);
  const allWritten = (count: number): Promise<void> =>
    until(
      () => sizes().length === count && sizes().every((size) => size > 149_000),
      () => sizes().join(),
    );

  test("no target is damaged; a start removes what it left, and not what a living server is writing", async () => {
    for (let i = 0; i < 10; i++) writeFileSync(join(shared, `target-${i}`), `old ${i}`);
    const victim = await startOne();
    const neighbour = await startOne();
    const { client, rest } = await begin(neighbour, 100);
    await allWritten(1);
    const [living] = unfinished(shared);
    const uploads = await Promise.all(Array.from({ length: 20 }, (_, i) => begin(victim, i)));
    await allWritten(21);

    await victim.end("SIGKILL");
    for (const upload of uploads) upload.client.destroy();
    const targets = (): string[] => tree(shared).filter((path) => path.startsWith("target"));
    const old = Array.from({ length: 10 }, (_, i) => `target-${i}`);
    expect(targets()).toEqual(old);
    for (const [i, name] of old.entries()) expect(readFileSync(join(shared, name), "utf8")).toBe(`old ${i}`);
    expect(unfinished(shared)).toHaveLength(21);
    for (const name of unfinished(shared)) expect(name).toMatch(/^[0-9a-f]{16}-\d+$/);

    const successor = await startOne();
    expect(unfinished(shared)).toEqual([living!]);
    expect(readdirSync(staging(shared)).filter((name) => name.endsWith(".lock"))).toHaveLength(1);
    const reader = await Client.connect(successor.port);
    for (let i = 0; i < 10; i++) check(await reader.ask(get(`/target-${i}`)), { status: 200, body: `old ${i}` });
    check(await reader.ask(withBody("PUT", "/target-0", "new")), { status: 204 });
    reader.destroy();

    void client.send(rest);
    check(await client.reply("PUT"), { status: 201 });
    client.destroy();
    expect(digest(readFileSync(join(shared, "target-100")))).toBe(digest(content(100)));
    expect(unfinished(shared)).toEqual([]);
  });
});
