/** uwsgi_cache and scgi_cache: the second request is answered from the cache, with as little asking of the program as proxy_cache. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { createServer } from "node:net";
import { ask, get } from "./client.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

/** Answers any request, in either protocol, with a count of those it got: both read a reply with a CGI head. */
let asked = 0;
const program = createServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", () => socket.end(`Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nreply ${++asked}`));
});
const port = await new Promise<number>((resolve) =>
  program.listen(0, "127.0.0.1", () => resolve((program.address() as { port: number }).port)),
);
afterAll(() => program.close());

const location = (family: string): string => `
  location /${family} {
    ${family}_pass 127.0.0.1:${port};
    ${family}_param REQUEST_URI $request_uri;
    ${family}_cache kept;
    ${family}_cache_key $request_uri;
    ${family}_cache_valid 200 1h;
    add_header X-Cache $upstream_cache_status;
  }`;
const server = useServer({
  configuration: `
    uwsgi_cache_path cache levels=1:2 keys_zone=kept:1m;
    server { listen 127.0.0.1:0; ${location("uwsgi")} ${location("scgi")} }`,
});

test.each(["uwsgi", "scgi"])("%s_cache: MISS, then HIT without the program", async (family) => {
  const first = await ask(server.port, get(`/${family}`));
  const before = asked;
  const second = await ask(server.port, get(`/${family}`));
  expect([first.field("x-cache"), second.field("x-cache"), asked]).toEqual(["MISS", "HIT", before]);
  expect(second.body).toEqual(first.body);
});
