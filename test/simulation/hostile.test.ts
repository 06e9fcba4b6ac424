/** Hostile clients: they must not affect other clients or leave anything behind. */

import type { Random } from "./random.ts";
import { get, pattern, post, postChunked, type Request, request, SITE, TARGETS } from "./site.ts";
import { simulate, type Webserv } from "./webserv.ts";
import type { World } from "./world.ts";

const NETWORK = ["EAGAIN", "EINTR", "short recv", "short send", "short sendfile", "ECONNRESET"] as const;

/** A normal client, which the hostile ones must not affect. */
const witness = (world: World) => world.client().gets("/hello.txt", "/big.bin").pauses(300).gets("/style.css");

const FRAGMENTS = [
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n",
  "POST /post HTTP/1.1\r\nHost: a\r\n",
  "HEAD / HTTP/1.0\r\n\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 99999999999999999999\r\n",
  "Expect: 100-continue\r\n",
  "Connection: close\r\n",
  "Range: bytes=0-0,5-9,-1\r\n",
  "If-None-Match: *\r\n",
  "\r\n",
  "\r\n\r\n",
  "\n",
  "\0",
  "5\r\nhello\r\n",
  "0\r\n\r\n",
  "ffffffffffffffff\r\n",
  " ",
  ":",
  "%00",
  "/../..",
  "é",
] as const;

/** Pieces of HTTP in random order, with some bytes changed. */
function garbage(random: Random): Buffer {
  const pieces = Array.from({ length: random.between(1, 12) }, () => random.pick(FRAGMENTS) as string);
  const bytes = Buffer.from(pieces.join(""), "latin1");
  for (let changes = random.between(0, 3); changes > 0; changes--) {
    bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
  }
  return bytes;
}

simulate("nonsense", { seeds: 400, faults: NETWORK.slice(0, 5) }, (world) => {
  const { random } = world;
  for (let i = 0; i < 4; i++) {
    const client = world.client().unchecked().cuts(random.magnitude(1, 500), 1).raw(garbage(random));
    if (random.chance(0.5)) client.halfCloses();
    client.awaitsTheEnd();
  }
  witness(world);
});

simulate("a flood of connections that come and go within milliseconds", { seeds: 100, faults: NETWORK }, (world) => {
  const { random } = world;
  for (let i = 0; i < 60; i++) {
    const client = world.client({ start: random.between(0, 5), latency: random.pick([1, 1, 1, 2]) });
    if (random.chance(0.7)) client.gets(random.pick(TARGETS));
    if (random.chance(0.5)) client.pauses(random.between(0, 3)).resets();
    else if (random.chance(0.25)) client.halfCloses();
  }
});

simulate("a hundred clients in one turn", { seeds: 20, faults: NETWORK.slice(0, 5) }, (world) => {
  world.kernel.files.tree.file("/site/medium.bin", pattern(15_000));
  const ask = request("/medium.bin", { status: 200, body: pattern(15_000), closes: false });
  for (let i = 0; i < 100; i++) world.client({ start: 10, latency: 1 }).sends(ask).pauses(100).sends(ask, ask);
});

simulate(
  "a client that asks and asks and never reads costs a bounded amount of memory",
  { seeds: 30, faults: NETWORK.slice(0, 5) },
  (world) => {
    const greedy = world.client({ start: 0, sendBuffer: 10_000, receiveBuffer: 100_000 }).impolitely().reads(0, 0);
    greedy.sends(...Array.from({ length: 900 }, () => get("/style.css"))).vanishes();
    let most = 0;
    world.at(5_000, () => {
      for (const client of (world.subject as Webserv).server.clients) most = Math.max(most, client.info.requests);
    });
    witness(world);
    world.promises("it was answered a few times, not 900", () => (most > 0 && most < 20) || most);
  },
);

simulate("a head of a megabyte is refused before it is read", { seeds: 30, faults: NETWORK.slice(0, 5) }, (world) => {
  const field = `Cookie: ${"x".repeat(1_000_000)}`;
  const large = request("/", { status: 431, closes: true }, { fields: [field], early: true });
  const client = world.client({ receiveBuffer: 50_000 }).sends(large).awaitsTheEnd();
  world.promises("431", () => String(client.replies.statuses) === "431" || client);
});

simulate(
  "a thousand small fields, a long target: refused, and the next client is served",
  { seeds: 30, faults: NETWORK.slice(0, 5) },
  (world) => {
    const fields = Array.from({ length: 1_200 }, (_, i) => `X-${i}: y`);
    world
      .client()
      .sends(request("/", { status: 431, closes: true }, { fields, early: true }))
      .awaitsTheEnd();
    const target = `/${"x".repeat(20_000)}`;
    world
      .client()
      .sends(request(target, { status: 414, closes: true }, { early: true }))
      .awaitsTheEnd();
    witness(world);
  },
);

simulate("Expect: 100-continue, waited for or not", { seeds: 150, faults: NETWORK.slice(0, 5) }, (world) => {
  const { random } = world;
  for (let i = 0; i < 3; i++) {
    const body = pattern(random.magnitude(1, 20_000));
    const expects = expecting(random.chance(0.5) ? post(body, "Expect: 100-continue") : chunked(body));
    const head = expects.bytes.indexOf("\r\n\r\n") + 4;
    const client = world.client().begins(expects, head);
    if (random.chance(0.5)) client.awaitsContinue();
    client.raw(expects.bytes.subarray(head)).gets("/hello.txt");
  }
});

const expecting = (ask: Request): Request => ({ ...ask, continues: true });

function chunked(body: Buffer): Request {
  const ask = postChunked(body, 3_000);
  const bytes = Buffer.from(ask.bytes.latin1Slice().replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n"), "latin1");
  return { ...ask, bytes };
}

simulate(
  "quit at any moment ends in time, and cuts nobody's reply",
  { seeds: 200, faults: NETWORK.slice(0, 5), closing: true, tolerates: [408] },
  (world) => {
    const { random } = world;
    const server = (world.subject as Webserv).server;
    for (let i = 0; i < 5; i++) {
      const client = world
        .client()
        .impolitely()
        .gets(random.pick(TARGETS), random.pick(TARGETS))
        .pauses(random.between(0, 500));
      if (random.chance(0.5)) client.begins(get("/hello.txt"), random.between(1, 20));
      if (random.chance(0.3)) client.vanishes();
      else world.promises("no reply is cut", () => !client.replies.inside || client);
    }
    const moment = 1_000 + random.between(0, 1_600);
    let quitAt = Number.NaN;
    world.afterEachTurn(() => {
      if (!Number.isNaN(quitAt) || world.kernel.clock.now < moment) return;
      quitAt = world.kernel.clock.now;
      server.quit();
    });
    world.promises("all gone within the timeouts", () => server.clients.size === 0);
  },
);

simulate(
  "what is sent with one reply is what the file was at one time",
  { seeds: 200, faults: NETWORK.slice(0, 5) },
  (world) => {
    const { random } = world;
    const bodies: Buffer[] = [SITE["/style.css"]!.body!];
    const tree = world.kernel.files.tree;
    for (let version = 1; version <= 4; version++) {
      world.at(version * 700, () => {
        const body = pattern(random.pick([1_000, 20_000, 90_000]) + version, version);
        bodies.push(body);
        tree.file("/site/style.css", body);
      });
    }
    const ask = request("/style.css", { status: 200, bodies, closes: false });
    for (let i = 0; i < 4; i++) {
      const client = world.client({ sendBuffer: random.magnitude(5_000, 100_000) });
      if (random.chance(0.5)) client.reads(random.magnitude(5_000, 30_000), random.magnitude(1, 30));
      for (let asked = 0; asked < 4; asked++) client.sends(ask).pauses(random.between(0, 900));
    }
  },
);
