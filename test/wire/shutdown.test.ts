/** SIGQUIT finishes what is in flight; SIGTERM does not wait. */
import { expect, test } from "bun:test";
import { check } from "./cases.ts";
import { Client, get } from "./client.ts";
import { ServerProcess } from "./server.ts";

async function start(): Promise<ServerProcess> {
  const server = new ServerProcess({
    configuration: "server { listen 127.0.0.1:0; root www; }",
    files: { "www/big.bin": { size: 20_000_000 }, "www/index.html": "home\n" },
  });
  await server.start();
  return server;
}

test("SIGQUIT: a reply under way is finished, an idle connection closed, a new one refused", async () => {
  const server = await start();
  const busy = await Client.connect(server.port);
  const idle = await Client.connect(server.port);
  await idle.ask(get("/"));
  busy.socket.pause();
  void busy.send(get("/big.bin"));
  await Bun.sleep(200);
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
  client.socket.pause();
  void client.send(get("/big.bin"));
  await Bun.sleep(200);
  expect(await server.stop("SIGTERM")).toBe(0);
  client.destroy();
});
