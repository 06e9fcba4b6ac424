/** `stub_status` and $connections_*: the text is nginx 1.22's, byte for byte, and so is what the figures count. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { ask, Client, get } from "./client.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

const server = useServer({
  configuration: `
    server {
      listen 127.0.0.1:0;
      keepalive_timeout 60s;
      location = /status { stub_status; }
      location = /old { stub_status on; }
      location = /figures { return 200 "$connections_active $connections_reading $connections_writing $connections_waiting"; }
      location = /inner { auth_request /decide; stub_status; }
      location = /decide { return 204; }
    }`,
});

const text = (active: number, accepted: number, requests: number, reading: number, writing: number, waiting: number) =>
  `Active connections: ${active} \nserver accepts handled requests\n ${accepted} ${accepted} ${requests} \n` +
  `Reading: ${reading} Writing: ${writing} Waiting: ${waiting} \n`;

/** Asks until `isAwaited`: what other connections do is seen in the server's own time. */
async function status(client: Client, isAwaited: (text: string) => boolean): Promise<string> {
  for (const deadline = Date.now() + 30_000; ; await Bun.sleep(5)) {
    const { text } = await client.ask(get("/old"));
    if (isAwaited(text)) return text;
    if (Date.now() > deadline) throw new Error(`waited in vain; there is: ${text}`);
  }
}

const requestsIn = (status: string): number => Number(/^ \d+ \d+ (\d+) $/m.exec(status)![1]);

test("counts what connections do, as nginx does", async () => {
  const client = await Client.connect(server.port);
  const first = await client.ask(get("/status"));
  expect([first.status, first.field("content-type"), first.text]).toEqual([200, "text/plain", text(1, 1, 1, 0, 1, 0)]);
  const [reading, waiting] = [await Client.connect(server.port), await Client.connect(server.port)];
  await waiting.ask(get("/decide"));
  await reading.send("GET /status HTT");
  const seen = await status(client, (now) => now.includes("Reading: 1"));
  expect(seen).toBe(text(3, 3, requestsIn(seen), 1, 1, 1));
  expect((await client.ask(get("/figures"))).text).toBe("3 1 1 1");
  for (const one of [client, reading, waiting]) one.destroy();
});

test("a connection that was closed counts no more; a subrequest is no request", async () => {
  const client = await Client.connect(server.port);
  const before = await status(client, (now) => now.startsWith("Active connections: 1 "));
  expect(requestsIn((await client.ask(get("/inner"))).text)).toBe(requestsIn(before) + 1);
  client.destroy();
});

test("GET and HEAD only", async () => {
  expect((await ask(server.port, get("/status", {}, "HEAD"))).status).toBe(200);
  const refused = await ask(server.port, get("/status", { "Content-Length": "0" }, "POST"));
  expect([refused.status, refused.field("allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
});
