/** Compression for slow clients, and for clients that leave early: no client waits for ever, and all memory of the libraries is freed. */
import { setDefaultTimeout } from "bun:test";
import { type Expected, pattern, type Request, request } from "./site.ts";
import { simulate, type Webserv } from "./webserv.ts";
import type { World } from "./world.ts";

setDefaultTimeout(60_000);

const NETWORK = ["EAGAIN", "EINTR", "short recv", "short send", "short read"] as const;
const COMPRESSING = "gzip on; gzip_types *; zstd on; zstd_types *; brotli on; brotli_types *; brotli_comp_level 4;";
const CODINGS = ["gzip", "zstd", "br"];

const work = (world: World) => (world.subject as Webserv).server.services.compression;

/** Files of all sizes: cached, compressed in steps over several turns, and too large to be cached in any coding. */
function build(world: World): string[] {
  const { tree } = world.kernel.files;
  const line = Buffer.from("a line of text that comes again and again\n".repeat(50_000));
  tree.file("/site/small.txt", line.subarray(0, 10_000));
  tree.file("/site/middle.txt", line.subarray(0, 300_000));
  tree.file("/site/large.txt", line);
  tree.file("/site/noise.txt", pattern(150_000, 5));
  return ["/small.txt", "/middle.txt", "/large.txt", "/noise.txt", "/listing/", "/missing"];
}

function compressed(world: World, targets: readonly string[]): Request {
  const { random } = world;
  const target = random.pick(targets);
  const expected: Expected = { status: target === "/missing" ? 404 : 200, streamed: true, closes: false };
  return request(target, expected, {
    fields: [`Accept-Encoding: ${random.pick(CODINGS)}`],
    ...(random.chance(0.1) && { method: "HEAD" }),
  });
}

simulate(
  "compressed replies to slow clients are whole",
  { seeds: 60, faults: NETWORK, server: COMPRESSING },
  (world) => {
    const targets = build(world);
    world.patient = true;
    for (let i = 0; i < 12; i++) {
      const client = world.client().sends(compressed(world, targets), compressed(world, targets));
      if (world.random.chance(0.5)) client.reads(world.random.magnitude(2000, 50_000), world.random.magnitude(1, 10));
    }
    world.promises("all are satisfied", () => world.clients.every((client) => client.satisfied));
    world.promises("the libraries hold nothing", () => work(world).memory === 0);
  },
);

simulate(
  "clients that leave in the middle of a compressed reply leave nothing behind",
  { seeds: 60, faults: [...NETWORK, "ECONNRESET", "EPIPE"], server: COMPRESSING },
  (world) => {
    const targets = build(world);
    for (let i = 0; i < 12; i++) {
      const client = world.client({ receiveBuffer: 4000 }).impolitely().sends(compressed(world, targets));
      client.pauses(world.random.magnitude(1, 200));
      if (world.random.chance(0.5)) client.vanishes();
      else client.resets();
    }
    world.client({ start: 3000 }).sends(compressed(world, targets));
    world.promises("the libraries hold nothing", () => work(world).memory === 0);
  },
);
