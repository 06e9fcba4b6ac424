/** SIGQUIT finishes what is in flight; SIGTERM does not wait. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { check } from "./cases.ts";
import { Client, get } from "./client.ts";
import { ServerProcess } from "./server.ts";

setDefaultTimeout(60_000);

async function start(): Promise<ServerProcess> {
  const server = new ServerProcess({
    configuration: "server { listen 127.0.0.1:0; root www; }",
    files: { "www/big.bin": { size: 20_000_000 }, "www/index.html": "home\n" },
  });
  await server.start();
  return server;
}

/** Asks for the large file, and reads no more once the reply has begun. */
async function beginsDownload(client: Client): Promise<void> {
  void client.send(get("/big.bin"));
  await client.until(() => client.pending.length > 0, "the reply's first bytes");
  client.socket.pause();
}

test("SIGQUIT: a reply under way is finished, an idle connection closed, a new one refused", async () => {
  const server = await start();
  const busy = await Client.connect(server.port);
  const idle = await Client.connect(server.port);
  await idle.ask(get("/"));
  await beginsDownload(busy);
  process.kill(server.pid, "SIGQUIT");
  expect((await idle.rest()).length).toBe(0);
  await expect(Client.connect(server.port)).rejects.toThrow();
  busy.socket.resume();
  const reply = await busy.reply();
  check(reply, { status: 200 });
  expect(reply.body.length).toBe(20_000_000);
  await busy.rest();
  expect(await server.stop()).toBe(0);
});

test("SIGTERM: ends with a reply half sent", async () => {
  const server = await start();
  const client = await Client.connect(server.port);
  await beginsDownload(client);
  expect(await server.stop("SIGTERM")).toBe(0);
  client.destroy();
});
