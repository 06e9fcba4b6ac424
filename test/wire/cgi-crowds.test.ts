/** Many scripts: those who wait for none are not delayed, and thousands of them leave nothing behind. CGI_REQUESTS says how many: `npm run test:long` has 10,000. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { statusField } from "../../bench/measure.ts";
import { check } from "./cases.ts";
import { Client, get } from "./client.ts";
import { children, leavesNothing, TEXT, untilQuiet, untilWritten, useScripts } from "./scripts.ts";
import { withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

/** In all. The first half is for warming up: the runtime's heap grows to its usual size within some thousands of requests. */
const REQUESTS = Number(process.env.CGI_REQUESTS ?? 600);
const CLIENTS = 8;
/** KB that a server may take more after twice as many scripts: no more than an allocator's whims. */
const GROWTH = 10 * 1024;

const server = useScripts({
  directives: "cgi_max_processes 64; cgi_queue 256 60s;",
  scripts: {
    "gated.sh": `echo x >> "$DOCUMENT_ROOT/../started"; while [ ! -e "$DOCUMENT_ROOT/../go" ]; do sleep 0.2; done; ${TEXT}; printf done`,
    "hello.sh": `${TEXT}; printf hello`,
    "echo.sh": `${TEXT}; read line; printf '%s' "$line"`,
    "large.sh": `${TEXT}; while :; do printf '%01000d' 0; done`,
    "quiet.sh": "read line",
  },
  files: { "www/static.txt": "static\n" },
});

test("beside 64 scripts that wait, files are served as ever, and no reply waits for a script", async () => {
  const waiting = await Promise.all(Array.from({ length: 64 }, () => Client.connect(server.port)));
  for (const client of waiting) void client.send(get("/gated.sh"));
  await untilWritten(server, "started", 64);
  expect(children(server.pid).length).toBe(64);

  const clients = await Promise.all(Array.from({ length: 200 }, () => Client.connect(server.port)));
  for (let round = 0; round < 5; round++) {
    const replies = await Promise.all(clients.map((client) => client.ask(get("/static.txt"))));
    expect(replies.map(({ text }) => text)).toEqual(clients.map(() => "static\n"));
  }
  expect(waiting.map((client) => client.pending.length)).toEqual(waiting.map(() => 0));

  writeFileSync(join(server.folder, "go"), "");
  for (const client of waiting) check(await client.reply(), { status: 200, body: "done" });
  for (const client of [...waiting, ...clients]) client.destroy();
});

/** Ways to leave early: what is sent, and what is waited for before the connection is reset. */
const LEAVERS: [request: () => string | Uint8Array, wait: (client: Client) => Promise<void>][] = [
  [() => get("/hello.sh"), async () => {}],
  [() => get("/large.sh"), (client) => client.until(() => client.pending.length > 10_000, "output")],
  [() => withBody("POST", "/echo.sh", "never complete").subarray(0, -3), async () => {}],
  [() => get("/quiet.sh").slice(0, 20), async () => {}],
  [() => withBody("POST", "/quiet.sh", "x".repeat(200_000)), () => Bun.sleep(1)],
  [() => withBody("POST", "/echo.sh", "x".repeat(50_000), { chunk: 999 }).subarray(0, 30_000), async () => {}],
];

/** One client's share of the requests: keep-alive, but for every tenth, which leaves early. */
async function visit(requests: number, first: number): Promise<void> {
  let client = await Client.connect(server.port);
  for (let i = first; i < first + requests; i++) {
    if (i % 10 === 9) {
      const [request, wait] = LEAVERS[Math.floor(i / 10) % LEAVERS.length]!;
      void client.send(request());
      await wait(client);
      client.reset();
      client = await Client.connect(server.port);
    } else if (i % 10 === 5) {
      check(await client.ask(withBody("POST", "/echo.sh", `line ${i}\n`)), { status: 200, body: `line ${i}` });
    } else {
      check(await client.ask(get("/hello.sh")), { status: 200, body: "hello" });
    }
  }
  client.destroy();
}

async function visits(requests: number): Promise<void> {
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => visit(Math.ceil(requests / CLIENTS), i * 1000)));
}

test(`${REQUESTS} requests, every tenth client leaves early: descriptors, children and memory are back where they were`, async () => {
  const growths: number[] = [];
  await visits(REQUESTS / 2);
  await untilQuiet(server);
  // A leak shows every time. What is left over once may be garbage that a busy machine has not collected yet.
  do {
    const before = memory();
    await visits(REQUESTS / 2);
    await untilQuiet(server);
    growths.push(memory() - before);
  } while (growths.at(-1)! > GROWTH && growths.length < 3);
  expect(Math.min(...growths)).toBeLessThan(GROWTH);
}, 300_000);

/** KB. */
const memory = (): number => statusField(readFileSync(`/proc/${server.pid}/status`, "latin1"), "VmRSS");

leavesNothing(server);
