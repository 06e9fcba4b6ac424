/** What becomes of running scripts when the server stops, at once or when they are done. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check } from "./cases.ts";
import { ask, Client, get } from "./client.ts";
import { children, TEXT, untilEnded, untilWritten } from "./scripts.ts";
import { ServerProcess, until } from "./server.ts";

setDefaultTimeout(60_000);

const TELL = `sleep 300 & echo "$$ $!" >> "$DOCUMENT_ROOT/../running"`;
const PATIENT = `while [ ! -e "$DOCUMENT_ROOT/../go" ]; do sleep 0.05; done`;

let server: ServerProcess;

async function start(): Promise<void> {
  server = new ServerProcess({
    configuration: `server { listen 127.0.0.1:0; root www; cgi .sh /bin/sh; cgi_max_processes 8; }`,
    files: {
      "www/silent.sh": `${TELL}; wait`,
      "www/begun.sh": `${TEXT}; printf begun; ${TELL}; wait`,
      "www/deaf.sh": `trap '' TERM INT QUIT HUP; ${TELL}; while :; do sleep 1; done`,
      "www/endless.sh": `${TEXT}; ${TELL}; exec cat /dev/zero`,
      "www/patient.sh": `${TEXT}; printf 'before '; echo $$ >> "$DOCUMENT_ROOT/../running"; ${PATIENT}; printf after`,
      "www/late.sh": `echo $$ >> "$DOCUMENT_ROOT/../running"; ${PATIENT}; ${TEXT}; printf late`,
      "www/left.sh": `${TEXT}; sleep 300 >/dev/null 2>&1 & echo "$$ $!" >> "$DOCUMENT_ROOT/../running"; printf left`,
    },
  });
  await server.start();
}

afterEach(async () => {
  await server.stop("SIGKILL");
});

/** Sends a request each, and waits until all of their scripts run; gives the clients and all processes of the scripts. */
async function running(...paths: string[]): Promise<{ clients: Client[]; pids: number[] }> {
  const clients = await Promise.all(paths.map(() => Client.connect(server.port)));
  for (const [i, path] of paths.entries()) void clients[i]!.send(get(path));
  const lines = await untilWritten(server, "running", paths.length);
  return { clients, pids: lines.flatMap((line) => line.split(" ").map(Number)) };
}

const go = (): void => writeFileSync(join(server.folder, "go"), "");

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s ends every script and what it has started, and the server",
  async (signal) => {
    await start();
    const { clients, pids } = await running(
      "/silent.sh",
      "/begun.sh",
      "/deaf.sh",
      "/endless.sh",
      "/silent.sh",
      "/patient.sh",
    );
    expect(await server.end(signal)).toBe(0);
    await untilEnded(...pids);
    for (const client of clients) client.destroy();
  },
);

test("SIGTERM ends also those who wait for a place", async () => {
  await start();
  const { clients, pids } = await running(...Array.from({ length: 8 }, () => "/silent.sh"));
  const waiting = await Client.connect(server.port);
  void waiting.send(get("/silent.sh"));
  expect(await server.end("SIGTERM")).toBe(0);
  await untilEnded(...pids);
  expect((await waiting.rest()).length).toBe(0);
  expect(readFileSync(join(server.folder, "running"), "latin1").split("\n").length).toBe(9);
  for (const client of clients) client.destroy();
});

test("SIGQUIT lets scripts finish and their replies arrive whole, then ends", async () => {
  await start();
  const { clients } = await running("/patient.sh", "/late.sh");
  await clients[0]!.until(() => clients[0]!.pending.includes("before"), "the beginning");
  process.kill(server.pid, "SIGQUIT");
  await untilRefused();
  go();
  check(await clients[0]!.reply(), { status: 200, body: "before after" });
  check(await clients[1]!.reply(), { status: 200, body: "late" });
  expect(await server.exited).toBe(0);
});

test("SIGQUIT, then SIGTERM: what still runs is ended", async () => {
  await start();
  const { clients, pids } = await running("/silent.sh", "/deaf.sh");
  process.kill(server.pid, "SIGQUIT");
  await untilRefused();
  expect(await server.end("SIGTERM")).toBe(0);
  await untilEnded(...pids);
  for (const client of clients) client.destroy();
});

test("a child whose reply is long over is not the server's any more, nor is it a zombie", async () => {
  await start();
  check(await ask(server.port, get("/left.sh")), { status: 200, body: "left" });
  const [line] = await untilWritten(server, "running");
  await until(
    () => children(server.pid).length === 0,
    () => children(server.pid).join(" "),
  );
  process.kill(Number(line!.split(" ")[1]), "SIGKILL");
});

/** Waits until the server listens no more. */
async function untilRefused(): Promise<void> {
  for (;;) {
    try {
      (await Client.connect(server.port)).destroy();
    } catch {
      return;
    }
    await Bun.sleep(10);
  }
}
