/**
 * docs/behaviour.md, Programs, on the virtual clock: the time limits of scripts, of their clients and of queued requests. The configuration says
 * cgi_timeout 12 s, client_body_timeout 8 s, send_timeout 9 s.
 */
import type { Client } from "./client.ts";
import type { Fault } from "./faults.ts";
import { cgi, machine } from "./machine.ts";
import { ask } from "./programs.ts";
import { get, pattern, type Request } from "./site.ts";
import { simulate } from "./webserv.ts";
import type { World } from "./world.ts";

const SEEDS = 20;
const FAULTS: readonly Fault[] = ["EAGAIN", "EINTR", "short recv", "short send", "short read", "short write"];
/** Timers may be late by a turn; the network and the start of a program need time. */
const LATE = 800;
const CGI_TIMEOUT = 12_000;
/** From SIGTERM to SIGKILL. */
const PATIENCE = 5_000;
const closing = { fields: ["Connection: close"] };

const isAbout = (actual: number, expected: number): boolean => actual >= expected - 1 && actual <= expected + LATE;

/** When the last script was reaped, ms since the world began. */
function reaped(world: World): () => number {
  let at = Number.NaN;
  let left = 0;
  world.afterEachTurn(() => {
    const now = world.kernel.processes.left().length;
    if (left > 0 && now === 0) at = world.kernel.clock.now;
    left = now;
  });
  return () => at;
}

interface Outcome {
  readonly statuses: readonly number[];
  /** When the server closes its descriptor, ms from the client's SYN. */
  readonly after: number;
  /** When the script is reaped, also from the SYN; by default within LATE of the close. */
  readonly reaped?: number;
  readonly server?: string;
}

/** A client whose connection the server ends after exactly these statuses. */
function ended(name: string, outcome: Outcome, script: (client: Client) => void): void {
  const { statuses, after, server = "" } = outcome;
  simulate(name, { seeds: SEEDS, faults: FAULTS, server: `${server} ${cgi()}`, tolerates: [408] }, (world) => {
    machine(world);
    const at = reaped(world);
    const client = world.client({ receiveBuffer: 200_000, sendBuffer: 50_000 }).impolitely();
    script(client);
    world.promises(`statuses ${statuses}`, () => String(client.replies.statuses) === String(statuses) || client);
    world.promises(`closed after ${after} ms`, () => isAbout(client.kept, after) || client.kept);
    const end = outcome.reaped ?? after;
    world.promises(`reaped after ${end} ms`, () => isAbout(at() - client.startedAt, end) || at() - client.startedAt);
  });
}

ended("a script that says nothing is 504 after cgi_timeout", { statuses: [504], after: CGI_TIMEOUT }, (client) =>
  client.sends(ask("never-begins", closing)).awaitsTheEnd(),
);

ended("a script that stops within its reply is cut off", { statuses: [200], after: CGI_TIMEOUT }, (client) =>
  client.sends(ask("never-ends", closing)).awaitsTheEnd(),
);

simulate(
  "a reply within which a signal ends its script is cut off",
  { seeds: 100, faults: FAULTS, server: cgi() },
  (world) => {
    machine(world);
    const client = world.client().impolitely().sends(ask("dies-within-its-chunks")).awaitsTheEnd();
    world.promises(
      "the reply has no end",
      () => (client.replies.inside && client.replies.statuses[0] === 200) || client,
    );
  },
);

ended(
  "a script that ignores SIGTERM is killed 5 s later, and what it has started with it",
  { statuses: [504], after: CGI_TIMEOUT, reaped: CGI_TIMEOUT + PATIENCE },
  (client) => client.sends(ask("never-ends-and-never-dies", { ...closing, body: pattern(500) })).awaitsTheEnd(),
);

ended(
  "a script that takes no more of a body is no fault of its client",
  { statuses: [200], after: CGI_TIMEOUT, reaped: CGI_TIMEOUT + PATIENCE },
  (client) => client.sends(ask("never-reads", { ...closing, body: pattern(400_000) })).awaitsTheEnd(),
);

ended("what a script has started ends with it, SIGTERM or not", { statuses: [504], after: CGI_TIMEOUT }, (client) =>
  client.sends(ask("leaves-one-who-never-dies", closing)).awaitsTheEnd(),
);

ended("a script whose output is no reply is heard no longer", { statuses: [502], after: 0 }, (client) =>
  client.sends(ask("babbles", closing)).awaitsTheEnd(),
);

/** Scripts start after this many bytes of a body were received. */
const EARLY = "client_body_buffer_size 1k;";

ended(
  "a client that stops within a body gets 408, and its script ends",
  { statuses: [408], after: 8_000, server: EARLY },
  (client) => client.begins(ask("collects", { ...closing, body: pattern(5_000) }), 2_000).awaitsTheEnd(),
);

ended(
  "a client that stops within a body is cut off when the reply has begun",
  { statuses: [200], after: 8_000, server: EARLY },
  (client) => client.begins(ask("echoes", { ...closing, body: pattern(5_000) }), 2_000).awaitsTheEnd(),
);

ended(
  "a client that takes nothing is cut off after send_timeout, and its script ends",
  { statuses: [], after: 9_000 },
  (client) => client.reads(0, 0).sends(ask("writes-much", closing)).vanishes(),
);

/** A client that gets its complete reply, however long it takes. */
function served(name: string, server: string, script: (world: World, client: Client) => void): void {
  simulate(name, { seeds: SEEDS, faults: FAULTS, server: `${server} ${cgi()}` }, (world) => {
    machine(world);
    world.patient = true;
    const client = world.client({ receiveBuffer: 20_000, sendBuffer: 20_000 });
    script(world, client);
    world.promises("every reply is right", () => client.satisfied || client);
  });
}

served("a script that writes a byte now and then is no fault of its client", "", (_world, client) =>
  client.sends(ask("drips", { size: 10_000 })),
);

served(
  "a script that reads a little now and then is no fault of its client",
  "client_body_timeout 3s;",
  (world, client) => {
    // The server sees that a script reads when its pipe has room again: what is in there already may take no longer than cgi_timeout.
    world.kernel.processes.pages = () => 1;
    client.sends(ask("sips", { size: 5_500, body: pattern(100_000) }));
  },
);

served("a spooled body is read as slowly as cgi_timeout allows", "", (_world, client) =>
  client.sends(ask("sips", { size: 450, body: pattern(90_000), chunks: 5_000 })),
);

served("a slow reader's time is not the script's", "send_timeout 60s; send_min_rate 0;", (_world, client) =>
  client.reads(100_000, 20_000).sends(ask("writes-much")),
);

for (const size of ["1k", "16k"]) {
  const server = `client_body_timeout 60s; client_min_rate 0; client_body_buffer_size ${size};`;
  served(`a slow sender's time is not the script's, of whom ${size} are read first`, server, (_world, client) => {
    const request = ask("collects", { body: pattern(5_000) });
    client.begins(request, 1_000);
    for (let at = 1_000; at < request.bytes.length; at += 1_000)
      client.pauses(20_000).raw(request.bytes.subarray(at, at + 1_000));
  });
}

served("a client that has shut its side gets its reply", "", (_world, client) =>
  client.sends(ask("sleeps", { size: 5_000 })).halfCloses(),
);

served("a connection goes on after a script's reply", "", (_world, client) =>
  client
    .sends(ask("collects", { body: pattern(100) }), get("/hello.txt"))
    .awaits()
    .pauses(10_000)
    .sends(ask("reads-nothing")),
);

/** A client that leaves after `after` ms; the script ends `then` ms later. */
function gone(name: string, request: Request, after: number, then: number): void {
  simulate(name, { seeds: SEEDS, faults: FAULTS, server: cgi() }, (world) => {
    machine(world);
    const at = reaped(world);
    const client = world.client({ latency: 1 }).impolitely().sends(request).pauses(after).resets();
    world.promises(
      `its end comes ${then} ms later`,
      () => isAbout(at() - client.endedAt, then) || at() - client.endedAt,
    );
  });
}

gone("a script ends with its client", ask("never-begins"), 4_000, 0);
gone("a script ends with its client within the reply", ask("never-ends"), 4_000, 0);
gone(
  "a script ends with its client although its body is stuck",
  ask("never-reads", { body: pattern(400_000) }),
  4_000,
  PATIENCE,
);
gone("a script that ignores its client's end is killed", ask("never-ends-and-never-dies"), 4_000, PATIENCE);

/** At most two scripts run, and two requests may wait 3 s in the queue. */
const PLACES = `cgi_max_processes 2; cgi_queue 2 3s; ${cgi()}`;

/** Clients that send requests at intervals of 50 ms, and their final statuses. */
function queue(
  name: string,
  statuses: readonly (readonly number[])[],
  request: (i: number) => Request,
  more: (clients: Client[], world: World) => unknown = () => {},
): void {
  simulate(name, { seeds: SEEDS, faults: FAULTS, server: PLACES, tolerates: [503] }, (world) => {
    machine(world, 2);
    world.patient = true;
    const clients = statuses.map((_, i) => world.client({ start: i * 50, latency: 1 }).sends(request(i)));
    more(clients, world);
    world.promises("the statuses", () => {
      const actual = clients.map(({ replies }) => replies.statuses);
      return JSON.stringify(actual) === JSON.stringify(statuses) || JSON.stringify(actual);
    });
    world.promises("whom to ask again, and when", () =>
      clients.every(({ replies }) => replies.statuses[0] !== 503 || replies.lastFields.get("retry-after") === "5"),
    );
  });
}

queue(
  "who finds the queue full gets 503 at once",
  [[200], [200], [200], [200], [503]],
  () => ask("sleeps", { size: 1_000 }),
  ([, , , , last], world) =>
    world.promises("at once", () => last!.endedAt - last!.startedAt < LATE || last!.endedAt - last!.startedAt),
);

queue(
  "who waits too long gets 503",
  [[200], [200], [503], [503]],
  () => ask("sleeps", { size: 8_000 }),
  (clients, world) =>
    world.promises("after 3 s", () => {
      const times = clients.slice(2).map(({ startedAt, endedAt }) => endedAt - startedAt);
      return times.every((time) => isAbout(time, 3_000)) || times;
    }),
);

queue("who waits may have sent a body, in either framing", [[200], [200], [200], [200]], (i) =>
  i < 2 ? ask("sleeps", { size: 2_000 }) : ask("collects", { body: pattern(90_000), chunks: i === 2 ? 7_000 : 0 }),
);

queue("what is refused takes its body with it", [[200], [200], [503], [503]], (i) =>
  i < 2 ? ask("sleeps", { size: 8_000 }) : ask("collects", { body: pattern(90_000), chunks: i === 2 ? 7_000 : 0 }),
);

queue(
  "who leaves makes room for the next in the queue",
  [[200], [200], [], [200], [200]],
  (i) => ask("sleeps", { size: i < 2 ? 2_000 : 100 }),
  ([, , third]) => third!.impolitely().pauses(60).resets(),
);

queue(
  "who leaves takes a spooled body with it",
  [[200], [200], []],
  (i) => (i < 2 ? ask("sleeps", { size: 2_000 }) : ask("collects", { body: pattern(90_000), chunks: 7_000 })),
  ([, , third]) => third!.impolitely().pauses(500).resets(),
);

queue("a script that another has redirected to is not refused", [[200], [200], [200], [200]], (i) =>
  i < 2 ? ask("redirects-to-a-script") : ask("sleeps", { size: 1_000 }),
);

/** Clients that announce a body and send one byte of it, and one that requests a script, if at most two scripts may run. */
simulate("slow bodies take no place", { seeds: SEEDS, faults: FAULTS, server: PLACES, tolerates: [408] }, (world) => {
  machine(world, 1);
  const started = () => world.kernel.processes.most;
  const request = ask("collects", { body: pattern(10_000) });
  const head = request.bytes.length - 10_000;
  for (let i = 0; i < 70; i++)
    world
      .client({ start: i, latency: 1 })
      .impolitely()
      .begins(request, head + 1)
      .awaitsTheEnd();
  const other = world.client({ start: 500, latency: 1 }).sends(ask("sleeps", { size: 100 }));
  world.promises("the other is served", () => other.replies.statuses[0] === 200 || other);
  world.promises("at once", () => other.endedAt - other.startedAt < LATE || other.endedAt - other.startedAt);
  world.promises("no other script has started", () => started() === 1 || started());
});

queue("the time in the queue is not the script's", [[200], [200], [200], [200]], (i) =>
  ask("sleeps", { size: i < 2 ? 2_500 : 11_000 }),
);

simulate("a script that cannot be started gives its place back", { seeds: SEEDS, server: PLACES }, (world) => {
  machine(world, 2);
  world.kernel.files.tree.file("/programs/sleeps.cgi", "#!", 0o644);
  const unstartable = { ...ask("sleeps"), expected: { status: 502, closes: false } };
  const client = world.client();
  for (let i = 0; i < 5; i++) client.sends(unstartable).awaits();
  client.sends(ask("sleeps", { by: "sh" }));
});

simulate(
  "places of those who leave before they are started are free again",
  { seeds: 100, server: `cgi_max_processes 20; cgi_queue 0; ${cgi()}`, tolerates: [503] },
  (world) => {
    machine(world, 20);
    const { random } = world;
    const together = { start: 500, latency: 1, receiveBuffer: 20_000, sendBuffer: 20_000 };
    for (let i = 0; i < 40; i++) {
      const leaves = random.chance(0.5);
      const client = world.client(together).sends(ask(leaves ? "never-begins" : "reads-nothing"));
      if (!leaves) continue;
      const moment = 1 + random.fraction() * 0.5;
      client.impolitely().pauses(moment).resets();
    }
    const late = Array.from({ length: 20 }, () => world.client({ ...together, start: 5_000 }).sends(ask("sleeps")));
    const statuses = () => late.map(({ replies }) => replies.statuses[0]);
    world.promises("all places are used", () => statuses().every((status) => status === 200) || statuses());
  },
);

simulate("static clients beside 64 sleeping scripts wait for none", { seeds: SEEDS, server: cgi() }, (world) => {
  machine(world);
  for (let i = 0; i < 64; i++) world.client({ start: 0 }).sends(ask("sleeps", { size: 7_000 }));
  world.promises("all scripts run at once", () => world.kernel.processes.most === 64 || world.kernel.processes.most);
  const readers = Array.from({ length: 50 }, () =>
    world
      .client({ start: world.random.between(500, 6_000), latency: 1, receiveBuffer: 100_000, sendBuffer: 400_000 })
      .gets("/hello.txt", "/style.css", "/big.bin"),
  );
  world.promises("nobody waited", () => {
    const longest = Math.max(...readers.map(({ startedAt, endedAt }) => endedAt - startedAt));
    return longest < 50 || longest;
  });
});
