/**
 * docs/behaviour.md, Time and limits, each row on the virtual clock: which clients time out, when and how. The configuration (site.ts) says header 10 s,
 * body 8 s, send 9 s, keep-alive 15 s, lingering 2 s between reads and 6 s in all; rates count from 10 s on.
 */
import type { Client } from "./client.ts";
import { get, pattern, post, postChunked, type Request, request } from "./site.ts";
import { simulate, type Webserv } from "./webserv.ts";
import type { World } from "./world.ts";

const SEEDS = 20;
const FAULTS = ["EAGAIN", "EINTR", "short recv", "short send", "short sendfile"] as const;
/** Timers may be late by a turn, and the network needs time. */
const LATE = 800;

interface Outcome {
  readonly statuses: readonly number[];
  /** When the server closes its descriptor, ms from the client's SYN. */
  readonly after: number;
  readonly atMost?: number;
  /** Directives. */
  readonly server?: string;
  /** Size of the socket's send buffer, bytes. */
  readonly sendBuffer?: number;
  /** No EAGAIN: with an unread byte, close(2) sends a reset, and the client may lose the reply. */
  readonly honest?: boolean;
}

/** A client whose connection the server ends after exactly these statuses. */
function cutOff(name: string, outcome: Outcome, script: (client: Client) => void): void {
  const { statuses, after, atMost = after + LATE, server = "", sendBuffer = 400_000, honest = false } = outcome;
  const faults = honest ? FAULTS.filter((fault) => fault !== "EAGAIN") : FAULTS;
  simulate(name, { seeds: SEEDS, faults, server, tolerates: [408] }, (world: World) => {
    const client = world.client({ latency: world.random.fraction() * 20, receiveBuffer: 200_000, sendBuffer });
    script(client.impolitely());
    world.promises(`statuses ${statuses}`, () => String(client.replies.statuses) === String(statuses) || client);
    world.promises(
      `closed after ${after} ms`,
      () => (client.kept >= after - 1 && client.kept <= atMost) || client.kept,
    );
  });
}

/** A client that is quick, is closed with the reply that says so. */
function closedAtOnce(name: string, server: string, request: Request, status: number): void {
  simulate(name, { seeds: SEEDS, faults: FAULTS, server, closing: true }, (world: World) => {
    const client = world.client().sends(request, small).awaitsTheEnd();
    world.promises("one reply", () => String(client.replies.statuses) === String(status) || client);
  });
}

const small = get("/hello.txt");
const slowPost = post(pattern(90_000));
/** Sends the rest of a request byte by byte. */
const drips = (client: Client, bytes: Buffer, pause: number) => {
  for (const byte of bytes) client.pauses(pause).raw(Buffer.from([byte]));
};

cutOff("a head that stops in the middle gets 408", { statuses: [408], after: 10_000 }, (client) => {
  client.begins(small, 20).awaitsTheEnd();
});

cutOff("a head byte by byte gets 408 when the whole takes too long", { statuses: [408], after: 10_000 }, (client) => {
  client.begins(small, 1);
  drips(client, small.bytes.subarray(1), 900);
  client.awaitsTheEnd();
});

cutOff("the head of a second request has its own time", { statuses: [200, 408], after: 14_000 }, (client) => {
  client.pauses(4_000).gets("/hello.txt").begins(small, 10).awaitsTheEnd();
});

cutOff("a client that says nothing is closed without a word", { statuses: [], after: 10_000 }, (client) => {
  client.awaitsTheEnd();
});

cutOff(
  "a head byte by byte that never ends gets its 408 and no lingering",
  { statuses: [408], after: 10_000 },
  (client) => {
    client.stubbornly().begins(small, 1);
    for (let second = 0; second < 30; second++) client.pauses(900).raw(Buffer.from("a"));
    client.vanishes();
  },
);

cutOff(
  "a client that is quiet in the middle of a head is not lingered for",
  { statuses: [408], after: 10_000 },
  (client) => {
    client.stubbornly().begins(small, 20).pauses(30_000).vanishes();
  },
);

cutOff("a body that stops gets 408", { statuses: [408], after: 8_000 }, (client) => {
  client.begins(slowPost, slowPost.bytes.length - 1).awaitsTheEnd();
});

const chunked = postChunked(pattern(50_000), 1_000);
cutOff("a chunked body that stops gets 408", { statuses: [408], after: 8_000 }, (client) => {
  client.begins(chunked, chunked.bytes.length - 30).awaitsTheEnd();
});

cutOff(
  "a client that is quiet in the middle of a body is not lingered for",
  { statuses: [408], after: 8_000 },
  (client) => {
    client
      .stubbornly()
      .begins(slowPost, slowPost.bytes.length - 1)
      .pauses(30_000)
      .vanishes();
  },
);

cutOff(
  "a body byte by byte falls below the minimum rate",
  { statuses: [408], after: 10_000, atMost: 12_000, honest: true },
  (client) => {
    client.begins(slowPost, 200);
    drips(client, slowPost.bytes.subarray(200, 230), 1_000);
    client.awaitsTheEnd();
  },
);

cutOff(
  "client_min_rate 0: only silence counts",
  { server: "client_min_rate 0;", statuses: [408], after: 38_000 },
  (client) => {
    client.begins(slowPost, 200);
    drips(client, slowPost.bytes.subarray(200, 230), 1_000);
    client.awaitsTheEnd();
  },
);

cutOff("an idle connection is closed without a word", { statuses: [200], after: 15_000 }, (client) => {
  client.sends(small).awaitsTheEnd();
});

cutOff("each reply starts the idle time anew", { statuses: [200, 200], after: 27_000 }, (client) => {
  client.sends(small).pauses(12_000).sends(small).awaitsTheEnd();
});

closedAtOnce("keepalive_timeout 0 ends the connection with its first reply", "keepalive_timeout 0;", small, 200);

simulate(
  "the rate of a body counts from its own start, not from the wait before",
  { seeds: SEEDS, faults: FAULTS },
  (world) => {
    world.patient = true;
    const body = post(pattern(3_000));
    const idle = world
      .client()
      .sends(small)
      .pauses(12_000)
      .begins(body, 1_000)
      .pauses(1_000)
      .raw(body.bytes.subarray(1_000));
    const head = world.client().begins(body, 30).pauses(9_900).raw(body.bytes.subarray(30, 1_000)).pauses(1_000);
    head.raw(body.bytes.subarray(1_000));
    world.promises("both are answered", () => (idle.satisfied && head.satisfied) || `${idle}; ${head}`);
  },
);

cutOff("a client that reads nothing is closed", { statuses: [], after: 9_000, sendBuffer: 20_000 }, (client) => {
  client.reads(0, 0).gets("/big.bin").vanishes();
});

cutOff(
  "a client that reads a little falls below the minimum rate",
  { statuses: [200], after: 10_000, atMost: 19_500, sendBuffer: 3_000 },
  (client) => {
    client.reads(300, 1_000).gets("/big.bin").awaitsTheEnd();
  },
);

const refused = request(
  "/post",
  { status: 413, closes: true },
  { method: "POST", fields: ["Content-Length: 200000"], early: true },
);
cutOff("a refused client that goes quiet is lingered for 2 s", { statuses: [413], after: 2_000 }, (client) => {
  client.stubbornly().sends(refused).awaits().vanishes();
});

cutOff(
  "a refused client that sends on is lingered for 6 s",
  { statuses: [413], after: 6_000, atMost: 6_000 + 1_500 },
  (client) => {
    client.stubbornly().sends(refused).awaits();
    for (let second = 0; second < 30; second++) client.pauses(500).raw(pattern(100));
    client.vanishes();
  },
);

const last = request("/hello.txt", { status: 200, closes: true });
const quiet = request("/hello.txt", { status: 200, closes: true }, { fields: ["Connection: close"] });
cutOff(
  "lingering_close always: a client that has all is lingered for too",
  { statuses: [200], after: 2_000, server: "lingering_close always;" },
  (client) => {
    client.stubbornly().sends(quiet).awaits().pauses(30_000).vanishes();
  },
);
cutOff(
  "lingering_close off: not even a client whose body was refused",
  { statuses: [413], after: 0, server: "lingering_close off;" },
  (client) => {
    client.stubbornly().sends(refused).awaits().vanishes();
  },
);
cutOff(
  "keepalive_time: closed behind the first request that ends later",
  { statuses: [200, 200], after: 6_000, server: "keepalive_time 5s;" },
  (client) => {
    client.gets("/hello.txt").awaits().pauses(6_000).sends(last).awaitsTheEnd();
  },
);

simulate("clients that take long but not too long are served", { seeds: 30, faults: FAULTS }, (world) => {
  world.patient = true;
  const body = post(pattern(90_000));
  const slow = world.client().begins(body, 20_000);
  for (let at = 20_000; at < body.bytes.length; at += 20_000)
    slow.pauses(7_000).raw(body.bytes.subarray(at, at + 20_000));
  const reader = world.client({ sendBuffer: 20_000 }).reads(10_000, 2_000).gets("/big.bin");
  world.promises("both have their replies", () => slow.satisfied && reader.satisfied);
});

simulate(
  "timeouts run on the monotonic clock: a step of the other one moves none",
  { seeds: 20, tolerates: [408] },
  (world) => {
    world.clockSteps = true;
    for (let i = 1; i < 9; i++) world.at(i * 1_000, () => world.kernel.clock.step(world.random.between(-1e9, 1e9)));
    const head = world.client().impolitely().begins(small, 20).awaitsTheEnd();
    const idle = world.client().sends(small).awaitsTheEnd().impolitely();
    world.promises("the head's time", () => head.kept >= 9_999 && head.kept < 10_000 + LATE);
    world.promises("the idle time", () => idle.kept >= 14_999 && idle.kept < 15_000 + LATE);
  },
);

for (const resets of [false, true]) {
  const server = resets ? "reset_timedout_connection on;" : "";
  simulate(
    resets ? "reset_timedout_connection: what a client does not read is discarded" : "without it the kernel keeps it",
    { seeds: SEEDS, server, tolerates: [408] },
    (world) => {
      const stuck = world.client({ sendBuffer: 20_000 }).impolitely().reads(1, 1_000).gets("/big.bin");
      stuck.pauses(14_000).reads(100_000, 1);
      const silent = world.client().impolitely().awaitsTheEnd();
      const idle = world.client().impolitely().gets("/hello.txt").awaitsTheEnd();
      const reset = (client: Client) => client.connection!.wasReset;
      world.promises("whoever reads or says nothing", () => reset(stuck) === resets && reset(silent) === resets);
      world.promises("not whoever is idle between requests", () => !reset(idle) && idle.replies.complete === 1);
    },
  );
}

simulate(
  "keepalive_disable: a POST of an old browser is the last request of its connection",
  { seeds: SEEDS, faults: FAULTS, closing: true },
  (world) => {
    const old = { fields: ["User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.0)"] };
    const reply = { status: 200, body: Buffer.from("fixed answer") };
    const posting = request("/fixed", { ...reply, closes: true }, { ...old, method: "POST" });
    const getting = request("/fixed", { ...reply, closes: false }, old);
    const client = world.client().sends(getting, posting).awaitsTheEnd();
    world.promises("both are answered, and that is all", () => client.replies.complete === 2 && client.replies.closing);
  },
);

simulate(
  "keepalive_min_timeout: who was answered just now may ask once more when the server stops",
  { seeds: SEEDS, faults: FAULTS, server: "keepalive_min_timeout 3s;", closing: true },
  (world) => {
    const again = world.client({ start: 0 }).gets("/hello.txt").awaits().pauses(2_500);
    again.sends(request("/fixed", { status: 200, body: Buffer.from("fixed answer"), closes: true }));
    const idle = world.client({ start: 0 }).gets("/hello.txt").awaits().awaitsTheEnd();
    const silent = world.client({ start: 0 }).impolitely().awaitsTheEnd();
    let quit = false;
    world.afterEachTurn(() => {
      if (quit || world.kernel.clock.now < 2_000) return;
      quit = true;
      (world.subject as Webserv).server.quit();
    });
    world.promises("it is answered", () => again.replies.complete === 2);
    world.promises("the idle one is closed then", () => (idle.kept >= 3_000 && idle.kept < 5_500) || idle.kept);
    world.promises("who has never asked at once", () => silent.kept < 2_500 || silent.kept);
  },
);
