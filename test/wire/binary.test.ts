/** The compiled server, started from an empty folder: it needs nothing beside itself (skipped by name until `npm run build`). */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check } from "./cases.ts";
import { ask, Client, get } from "./client.ts";
import { makeFolder, PROJECT, ServerProcess } from "./server.ts";

setDefaultTimeout(60_000);

const BINARY = join(PROJECT, "dist/webserv");

describe.skipIf(!existsSync(BINARY))("dist/webserv", () => {
  const start = async (cwd: string): Promise<ServerProcess> => {
    const server = new ServerProcess({
      program: [BINARY],
      cwd,
      configuration:
        "server { listen 127.0.0.1:0; root www; location /list/ { autoindex on; } location /r { return 200 $host; } }",
      files: { "www/index.html": "home\n", "www/big.bin": { size: 3_000_000 }, "www/list/a.txt": "" },
    });
    await server.start();
    return server;
  };

  test("serves files, listings, answers and errors from an empty folder", async () => {
    const empty = makeFolder();
    const server = await start(empty);
    check(await ask(server.port, get("/")), {
      status: 200,
      body: "home\n",
      fields: { "Content-Type": /text\/html.*/ },
    });
    expect((await ask(server.port, get("/big.bin"))).body.length).toBe(3_000_000);
    check(await ask(server.port, get("/list/")), { status: 200, body: /a\.txt/ });
    check(await ask(server.port, get("/r")), { status: 200, body: "localhost" });
    check(await ask(server.port, get("/none")), { status: 404, body: /404/ });
    const client = await Client.connect(server.port);
    void client.send(get("/").repeat(10));
    for (let i = 0; i < 10; i++) check(await client.reply(), { status: 200, body: "home\n" });
    client.destroy();
    expect(await server.stop()).toBe(0);
    rmSync(empty, { recursive: true });
  });

  test("runs nothing that lies in the folder it is started in", async () => {
    const trap = makeFolder();
    const witness = join(trap, "witness");
    writeFileSync(join(trap, "preload.ts"), `require("node:fs").writeFileSync(${JSON.stringify(witness)}, "ran");`);
    writeFileSync(join(trap, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
    writeFileSync(join(trap, ".env"), "NODE_OPTIONS=--nonsense\n");
    const server = await start(trap);
    check(await ask(server.port, get("/")), { status: 200 });
    await server.stop();
    expect(existsSync(witness)).toBe(false);
    rmSync(trap, { recursive: true });
  });
});
