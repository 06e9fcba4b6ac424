/** Limits, fairness, signals and changing files: promises of docs/behaviour.md that need a clock to test. */
import { get, pattern, post, request, SITE } from "./site.ts";
import { simulate, type Webserv } from "./webserv.ts";
import type { World } from "./world.ts";

const NETWORK = ["EAGAIN", "EINTR", "short recv", "short send", "short sendfile"] as const;
const webserv = (world: World) => world.subject as Webserv;

simulate(
  "running out of descriptors pauses accepting; everybody is served in the end",
  { seeds: 60, faults: NETWORK, tolerates: [503] },
  (world) => {
    world.patient = true;
    world.kernel.descriptors.limit = 12;
    for (let i = 0; i < 30; i++) world.client().gets("/hello.txt", "/big.bin");
    world.promises("all are satisfied", () => world.clients.every((client) => client.satisfied));
  },
);

simulate(
  "worker_connections reached: accepting pauses, the others do not notice",
  { seeds: 60, faults: NETWORK, main: "worker_connections 3;" },
  (world) => {
    world.patient = true;
    for (let i = 0; i < 12; i++) world.client().gets("/hello.txt").pauses(500).gets("/style.css");
    let most = 0;
    world.afterEachTurn(() => (most = Math.max(most, webserv(world).server.clients.size)));
    world.promises("never more than 3 at once", () => most === 3);
    world.promises("all are satisfied", () => world.clients.every((client) => client.satisfied));
  },
);

simulate("a pipelining hog does not starve others", { seeds: 30 }, (world) => {
  const hog = world.client({ start: 0, receiveBuffer: 200_000, sendBuffer: 4_000_000, latency: 0.1 });
  hog.sends(...Array.from({ length: 990 }, () => get("/hello.txt")));
  const other = world.client({ start: world.random.between(1, 5), latency: 0.1 }).gets("/hello.txt");
  let turns = 0;
  world.afterEachTurn(() => other.connection && other.replies.sent > 0 && other.replies.complete === 0 && turns++);
  world.promises("the other waits a few turns", () => turns < 12);
});

simulate("a greedy reader of a large file does not starve others", { seeds: 30 }, (world) => {
  world.kernel.files.tree.file("/site/huge.bin", Buffer.alloc(8_000_000));
  const huge = { status: 200, body: Buffer.alloc(8_000_000), closes: false };
  world.client({ start: 0, sendBuffer: 20_000_000, latency: 0.1 }).sends(request("/huge.bin", huge));
  const other = world.client({ start: world.random.between(1, 3), latency: 0.1 }).gets("/hello.txt");
  let turns = 0;
  world.afterEachTurn(() => other.connection && other.replies.sent > 0 && other.replies.complete === 0 && turns++);
  world.promises("the other waits a few turns", () => turns < 12);
});

simulate("idle clients cost at most one wake a second", { seeds: 5 }, (world) => {
  for (let i = 0; i < 50; i++) world.client().impolitely().gets("/hello.txt").awaitsTheEnd();
  let before = 0;
  world.at(3_000, () => (before = world.kernel.waits));
  let during = 0;
  world.at(13_000, () => (during = world.kernel.waits - before));
  world.promises("10 quiet seconds", () => during <= 12);
});

simulate(
  "keepalive_requests ends the connection with the last one",
  { seeds: 20, faults: NETWORK, server: "keepalive_requests 3;", closing: true },
  (world) => {
    const client = world.client().gets("/hello.txt", "/fixed", "/missing", "/hello.txt", "/hello.txt");
    world.promises("three replies", () => String(client.replies.statuses) === "200,200,404" && client.replies.closing);
  },
);

simulate(
  "quit: what is in progress ends, what is idle closes, nobody new comes in",
  { seeds: 100, faults: NETWORK, closing: true },
  (world) => {
    const busy = world.client({ start: 0, sendBuffer: 20_000 }).reads(20_000, 50).gets("/big.bin");
    const late = world
      .client({ start: 0 })
      .begins(post(pattern(5_000)), 1_000)
      .pauses(1_500);
    late.raw(post(pattern(5_000)).bytes.subarray(1_000));
    const idle = world.client({ start: 0 }).gets("/hello.txt").awaits().awaitsTheEnd();
    const tooLate = world.client({ start: 2_000 }).impolitely().gets("/hello.txt");
    let quit = false;
    world.afterEachTurn(() => {
      if (quit || world.kernel.clock.now < 2_000) return;
      quit = true;
      webserv(world).server.quit();
    });
    world.promises("the reply in progress is whole", () => busy.satisfied);
    world.promises("the request in progress is answered", () => late.satisfied);
    world.promises("the idle one is closed at once", () => idle.kept < 2_200);
    world.promises("the late one is refused", () => tooLate.connection === null);
  },
);

simulate("stop: everything ends at once and nothing stays open", { seeds: 100, faults: NETWORK }, (world) => {
  for (let i = 0; i < 6; i++)
    world
      .client({ start: i * 100 })
      .impolitely()
      .reads(1_000, 100)
      .gets("/big.bin", "/hello.txt");
  let stopped = false;
  world.afterEachTurn(() => {
    if (stopped || world.kernel.clock.now < 1_400) return;
    stopped = true;
    world.subject.stop();
    world.subject.turn = (timeout) => void world.kernel.clock.advanceTo(world.kernel.clock.now + timeout);
    world.subject.descriptors = () => [];
    world.subject.stop = () => {};
  });
});

simulate("a file cut short while it is sent ends the connection soon", { seeds: 60, faults: NETWORK }, (world) => {
  const { files } = world.kernel;
  const client = world
    .client({ start: 0, sendBuffer: 20_000, latency: 1 })
    .impolitely()
    .reads(5_000, 20)
    .gets("/big.bin");
  world.at(200, () => files.truncate(files.tree.at("/site/big.bin")!, 100_000));
  world.promises("it got half, and the end", () => client.replies.inside && client.replies.received > 90_000);
  world.promises("without waiting for send_timeout", () => client.kept < 3_000);
});

simulate("a file replaced while it is sent is sent as it was", { seeds: 60, faults: NETWORK }, (world) => {
  const old = world.client({ start: 0, sendBuffer: 20_000 }).reads(5_000, 20).gets("/big.bin");
  const content = pattern(150_000, 77);
  world.at(300, () => world.kernel.files.tree.file("/site/big.bin", content));
  const expected = { ...SITE["/big.bin"]!, body: content };
  const fresh = world.client({ start: 3_500 }).sends(request("/big.bin", expected));
  world.promises("both whole", () => old.satisfied && fresh.satisfied);
});

simulate("a full disk loses log lines, never a request", { seeds: 30, faults: ["ENOSPC", "short write"] }, (world) => {
  for (let i = 0; i < 5; i++) world.client().gets("/hello.txt", "/missing").pauses(2_000).gets("/hello.txt");
});

simulate("each request has its own line in the access log", { seeds: 60, faults: NETWORK }, (world) => {
  const expected: string[] = [];
  for (let i = 1; i <= 4; i++) {
    const client = world.client();
    for (const path of ["/hello.txt", "/missing", "/big.bin"]) {
      const target = `${path}?${"x".repeat(9 * i)}`;
      const { status, body } = SITE[path]!;
      client.sends(request(target, SITE[path]!));
      expected.push(`GET ${target} HTTP/1.1 ${status} ${body?.length ?? "n"}`);
    }
  }
  world.atEnd("one line each", () => {
    const lines = world.kernel.files.tree.at("/var/log/access.log")!.content.latin1Slice().split("\n").slice(0, -1);
    const shown = lines.map((line) =>
      line.replace(/^.*"(GET .*)" (\d+) (\d+) .*$/, "$1 $2 $3").replace(/404 \d+/, "404 n"),
    );
    return String(shown.sort()) === String(expected.sort()) || lines.join("\n");
  });
});

simulate("a reply that waits for its reader keeps its bytes, whatever others get meanwhile", { seeds: 40 }, (world) => {
  const waiting = world
    .client({ start: 0, sendBuffer: 20, latency: 1 })
    .reads(5, 5)
    .gets("/edge.bin")
    .pauses(60)
    .reads(0, 0);
  waiting.pauses(5_000).reads(1_000_000, 0);
  const other = world.client({ start: 0 });
  for (let i = 0; i < 5; i++) other.pauses(1_000).gets("/edge.bin");
  world.patient = true;
});

simulate("a half-close after the request is no abort", { seeds: 60, faults: NETWORK }, (world) => {
  const client = world.client({ sendBuffer: 10_000 }).reads(5_000, 10).gets("/hello.txt", "/big.bin").halfCloses();
  world.promises("both replies", () => client.satisfied);
});

simulate(
  "a reset at any moment is noticed at once and leaves nothing behind",
  { seeds: 300, faults: ["short recv", "short send", "short sendfile"] },
  (world) => {
    const { random } = world;
    const ask = random.pick([get("/big.bin"), get("/hello.txt"), post(pattern(30_000))]);
    const whole = world.client({ start: 0 }).sends(ask, ask);
    const part = world.client({ start: 0 }).begins(ask, random.between(1, ask.bytes.length - 1));
    for (const client of [whole, part]) {
      client.pauses(random.fraction() * 200).resets();
      world.promises("closed at once", () => client.closedAfter < 100 || client.closedAfter);
    }
  },
);

const LISTENERS = `
server { listen [::]:81; listen unix:/run/web.sock; root /site; return 200 "another"; }
server { listen 127.0.0.1:80; listen 83; return 200 "third"; }`;

simulate(
  "clients of every address family get the server that listens there",
  { seeds: 30, faults: NETWORK, main: LISTENERS },
  (world) => {
    const says = (text: string) => request("/x", { status: 200, body: Buffer.from(text), closes: false });
    world.client().gets("/hello.txt");
    world.client().to(81).sends(says("another"));
    world.client().to(83).sends(says("third"));
    world.client().to("unix").sends(says("another"));
  },
);

const ZERO = `client_header_timeout 1ms; client_body_timeout 1ms; send_timeout 1ms; keepalive_timeout 0; lingering_time 0; lingering_timeout 0;`;

simulate(
  "timeouts of nothing, or next to nothing, neither hang nor spin",
  { seeds: 60, faults: NETWORK, server: ZERO, tolerates: [408], closing: true },
  (world) => {
    const { random } = world;
    for (let i = 0; i < 4; i++) {
      const ask = random.pick([get("/hello.txt"), get("/big.bin"), post(pattern(5_000))]);
      const client = world.client().impolitely().begins(ask, random.between(0, ask.bytes.length));
      if (random.chance(0.5)) client.vanishes();
      else client.awaitsTheEnd();
    }
  },
);
