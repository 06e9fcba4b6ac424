/** limit_req and limit_conn on the virtual clock: delays, bursts, dry runs, and clients that leave meanwhile. */
import { setDefaultTimeout } from "bun:test";
import { loadConfig } from "../../src/config/load.ts";
import { VARIABLES } from "../../src/exchange/variables/variables.ts";
import type { Client } from "./client.ts";
import type { Fault } from "./faults.ts";
import { CONFIG_FILE, fileReply, request } from "./site.ts";
import { pass, Upstream } from "./upstream.ts";
import { simulate, type Webserv } from "./webserv.ts";
import type { World } from "./world.ts";

setDefaultTimeout(60_000);

const NETWORK: readonly Fault[] = ["EAGAIN", "EINTR", "short recv", "short send", "short sendfile"];
const SEEDS = 12;
/** The network needs time, and timers may be late by a turn. */
const LATE = 700;

const ZONES = `
  limit_req_zone $http_x_client zone=one:32k rate=2r/s;
  limit_req_zone $host zone=all:32k rate=10r/s;
  limit_conn_zone $http_x_client zone=conn:32k;
  log_format limits "$uri $limit_req_status $limit_conn_status $status";`;

const file = (path: string, name: string, status: number) =>
  request(
    `${path}hello.txt`,
    status === 200 ? fileReply("/hello.txt") : { status, closes: false },
    name === "" ? {} : { fields: [`X-Client: ${name}`] },
  );

const inFolder = (path: string, directives: string): string =>
  `location ${path} { alias /site/; access_log /var/log/limits.log limits; ${directives} }`;

const took = (client: Client): number => client.endedAt - client.startedAt;
const between = (client: Client, least: number, most = least + LATE): boolean | number =>
  (took(client) >= least && took(client) < most) || took(client);

/** The lines of the log with the statuses of limits. */
function logged({ kernel, subject }: World): string[] {
  (subject as Webserv).server.logs.flush();
  return kernel.files.tree.at("/var/log/limits.log")!.content.latin1Slice().trim().split("\n");
}

const errors = ({ kernel, subject }: World): string => {
  (subject as Webserv).server.logs.flush();
  return kernel.files.tree.at("/var/log/error.log")?.content.latin1Slice() ?? "";
};

const QUICK = { latency: 1, receiveBuffer: 200_000, sendBuffer: 400_000 };

simulate(
  "a burst is delayed to the rate, what exceeds it is rejected at once",
  { seeds: SEEDS, faults: NETWORK, main: ZONES, server: inFolder("/slow/", "limit_req zone=one burst=3;") },
  (world) => {
    const client = world.client(QUICK);
    for (let i = 0; i < 4; i++) client.sends(file("/slow/", "a", 200)).awaits();
    const other = world
      .client({ ...QUICK, start: 0 })
      .sends(file("/slow/", "b", 200))
      .awaits();
    const uncounted = world.client({ ...QUICK, start: 0 });
    for (let i = 0; i < 8; i++) uncounted.sends(file("/slow/", "", 200)).awaits();
    world.promises("four requests take 1.5 s", () => between(client, 1500));
    world.promises("another key does not wait, an empty one is not counted", () =>
      [other, uncounted].every((one) => took(one) < LATE),
    );
  },
);

simulate(
  "many at once: nodelay admits the burst, the rest is rejected, and the log says so",
  {
    seeds: SEEDS,
    main: ZONES,
    server: inFolder(
      "/burst/",
      "limit_req zone=one burst=3 nodelay; limit_req_status 429; error_log /var/log/error.log warn;",
    ),
    tolerates: [429],
  },
  (world) => {
    const clients = Array.from({ length: 9 }, () =>
      world.client({ ...QUICK, start: 10 }).sends(file("/burst/", "a", 200)),
    );
    world.promises("four pass, at once", () => {
      const statuses = clients.flatMap((client) => client.replies.statuses);
      return (
        (statuses.filter((status) => status === 200).length === 4 && clients.every((one) => took(one) < LATE)) ||
        String(statuses)
      );
    });
    world.promises("each line says what was decided", () => {
      const lines = logged(world).toSorted();
      const wanted = [
        ...Array(4).fill("/burst/hello.txt PASSED - 200"),
        ...Array(5).fill("/burst/hello.txt REJECTED - 429"),
      ];
      return String(lines) === String(wanted) || String(lines);
    });
    world.promises(
      "as nginx words it",
      () =>
        /\[error\] .* limiting requests, excess: [34]\.\d{3} by zone "one", client: /.test(errors(world)) ||
        errors(world),
    );
  },
);

simulate(
  "delay=1: one beyond the rate passes at once, the next ones wait",
  { seeds: SEEDS, main: ZONES, server: inFolder("/part/", "limit_req zone=one burst=4 delay=1;") },
  (world) => {
    const clients = Array.from({ length: 4 }, () =>
      world.client({ ...QUICK, start: 10 }).sends(file("/part/", "a", 200)),
    );
    world.promises("0, 0, 0.5 and 1 s", () => {
      const times = clients.map(took).toSorted((a, b) => a - b);
      return [0, 0, 500, 1000].every((least, i) => times[i]! >= least && times[i]! < least + 300) || String(times);
    });
    world.promises("the delays are logged one level lower", () => !errors(world).includes("delaying") || errors(world));
  },
);

simulate(
  "dry runs only count and log",
  {
    seeds: SEEDS,
    main: ZONES,
    server: `error_log /var/log/error.log info;
      ${inFolder("/dry/", "limit_req zone=one burst=1; limit_req_dry_run on; limit_conn conn 1; limit_conn_dry_run on;")}`,
  },
  (world) => {
    const client = world.client(QUICK);
    for (let i = 0; i < 4; i++) client.sends(file("/dry/", "a", 200)).awaits();
    world.promises("nobody waits", () => between(client, 0));
    world.promises("what would have been", () => {
      const statuses = logged(world).map((line) => line.split(" ")[1]);
      return String(statuses) === "PASSED,DELAYED_DRY_RUN,REJECTED_DRY_RUN,REJECTED_DRY_RUN" || String(statuses);
    });
    world.promises(
      "as nginx words it",
      () =>
        (/\[warn\] .* delaying request, dry run, excess: 0\.\d{3}, by zone "one", client: /.test(errors(world)) &&
          /\[error\] .* limiting requests, dry run, excess: 1\.\d{3} by zone "one", client: /.test(errors(world))) ||
        errors(world),
    );
  },
);

simulate(
  "two limits: the stricter one decides, and what one rejects the other does not count",
  {
    seeds: SEEDS,
    main: ZONES,
    server: inFolder("/two/", "limit_req zone=all burst=20 nodelay; limit_req zone=one burst=1;"),
    tolerates: [503],
  },
  (world) => {
    const clients = Array.from({ length: 6 }, (_, i) =>
      world.client({ ...QUICK, start: 10 }).sends(file("/two/", i < 4 ? "a" : "b", 200)),
    );
    world.promises("two of each pass, half a second apart", () => {
      const passed = clients.filter((client) => client.replies.statuses[0] === 200);
      const times = passed.map(took).toSorted((a, b) => a - b);
      return (passed.length === 4 && times[1]! < 300 && times[2]! >= 500 && times[3]! < 900) || String(times);
    });
  },
);

simulate(
  "whoever leaves while its request is delayed leaves nothing behind",
  {
    seeds: 40,
    faults: [...NETWORK, "ECONNRESET"],
    main: ZONES,
    server: inFolder("/slow/", "limit_req zone=one burst=50; limit_conn conn 30;"),
    tolerates: [503],
    closing: true,
  },
  (world) => {
    for (let i = 0; i < 12; i++) {
      const client = world.client({ start: world.random.between(0, 300) }).impolitely();
      client.sends(file("/slow/", "a", 200)).pauses(world.random.between(0, 4_000));
      if (i % 3 === 0) client.resets();
      else if (i % 3 === 1) client.halfCloses();
    }
    world.promises("no connection is counted any more", () => (world.subject as Webserv).isUncounted("a"));
  },
);

simulate(
  "limit_conn: as many at once as it says, and a place is free when its reply has been sent or its client has left",
  {
    seeds: SEEDS,
    faults: NETWORK,
    main: ZONES,
    server: inFolder("/files/", "limit_conn conn 2;"),
    tolerates: [503],
    closing: true,
  },
  (world) => {
    const slow = [0, 1].map(() =>
      world
        .client({ start: 0, latency: 1, sendBuffer: 20_000 })
        .reads(2_000, 20)
        .sends(request("/files/big.bin", fileReply("/big.bin"), { fields: ["X-Client: a"] })),
    );
    slow[0]!.pauses(500).resets();
    const third = world.client({ ...QUICK, start: 200 }).sends(file("/files/", "a", 503));
    const other = world.client({ ...QUICK, start: 200 }).sends(file("/files/", "b", 200));
    const later = world
      .client({ ...QUICK, start: 1_500 })
      .sends(file("/files/", "a", 200))
      .awaits();
    later.sends(file("/files/", "a", 200)).awaits();
    world.promises("the third is rejected, another key and a later one are not", () => {
      const statuses = [third, other, later].map((client) => client.replies.statuses.join());
      return String(statuses) === "503,200,200,200" || String(statuses);
    });
  },
);

simulate(
  "a reload keeps the states while name, key and size stay",
  { seeds: SEEDS, main: ZONES, server: inFolder("/slow/", "limit_req zone=one;"), tolerates: [503] },
  (world) => {
    const { kernel } = world;
    let reloads = 0;
    const reload = (from: string, to: string): void => {
      reloads++;
      const { tree } = kernel.files;
      const text = tree.at(CONFIG_FILE)!.content.latin1Slice().replace(from, to);
      tree.remove(CONFIG_FILE);
      tree.file(CONFIG_FILE, text);
      const { config } = loadConfig({ kernel, variables: VARIABLES, file: CONFIG_FILE, prefix: "/" });
      (world.subject as Webserv).server.reload(config!);
    };
    const ask = (start: number) => world.client({ ...QUICK, start }).sends(file("/slow/", "a", 200));
    const clients = [ask(0), ask(200)];
    world.afterEachTurn(() => {
      if (reloads === 0 && clients[0]!.over) reload("rate=2r/s", "rate=1r/s");
      if (reloads === 1 && clients[1]!.over) reload("one:32k", "one:64k");
    });
    clients.push(ask(400));
    world.promises("200, rejected, and 200 by the new zone", () => {
      const statuses = clients.map((client) => client.replies.statuses[0]);
      return String(statuses) === "200,503,200" || String(statuses);
    });
  },
);

const paced = (path: string, target: "/style.css" | "/big.bin" | "/hello.txt", fields: string[] = []) =>
  request(`${path}${target.slice(1)}`, fileReply(target), { fields });

simulate(
  "limit_rate: kept and large files, one after the other on a connection, take the time that their bytes need",
  {
    seeds: SEEDS,
    faults: NETWORK,
    main: ZONES,
    server: `${inFolder("/paced/", "limit_rate 5k;")} ${inFolder("/later/", "limit_rate 50k; limit_rate_after 100000;")}
      ${inFolder("/asked/", "limit_rate $http_x_rate;")} ${inFolder("/crawl/", "limit_rate 10;")}`,
  },
  (world) => {
    world.patient = true;
    const kept = world.client(QUICK).sends(paced("/paced/", "/style.css")).awaits();
    const large = world.client(QUICK).sends(paced("/later/", "/big.bin")).awaits();
    const asked = world
      .client(QUICK)
      .sends(paced("/asked/", "/style.css", ["X-Rate: 10000"]))
      .awaits();
    asked.sends(paced("/asked/", "/style.css"), paced("/asked/", "/style.css", ["X-Rate: fast"])).awaits();
    const crawling = world.client(QUICK).sends(paced("/crawl/", "/hello.txt"), paced("/crawl/", "/hello.txt")).awaits();
    world.promises("20,000 bytes and a head at 5,120 a second, of which the first second's are sent at once", () =>
      between(kept, 2_900),
    );
    world.promises("200,000 bytes, half of them free", () => between(large, 950));
    world.promises("the request decides", () => between(asked, 1_000));
    world.promises("slower than send_min_rate, which is for clients", () => between(crawling, 40_000, 60_000));
  },
);

simulate(
  "limit_rate: clients that read slowly, and some that leave",
  {
    seeds: 30,
    faults: [...NETWORK, "ECONNRESET"],
    main: ZONES,
    server: inFolder("/paced/", "limit_rate 20k; limit_rate_after 1k;"),
    closing: true,
  },
  (world) => {
    const { random } = world;
    world.patient = true;
    for (let i = 0; i < 6; i++) {
      const client = world.client({ sendBuffer: 20_000 }).reads(random.magnitude(500, 20_000), random.magnitude(1, 50));
      client.sends(paced("/paced/", "/style.css"), paced("/paced/", "/hello.txt"), paced("/paced/", "/big.bin"));
      if (i % 2 === 0) client.pauses(random.between(0, 5_000)).resets();
    }
  },
);

simulate(
  "set $limit_rate, in an if as nginx's documentation has it",
  {
    seeds: SEEDS,
    main: ZONES,
    server: `if ($http_x_slow) { set $limit_rate 4k; }
      ${inFolder("/set/", "limit_rate 1g;")} ${inFolder("/wrong/", "set $limit_rate soon;")}`,
  },
  (world) => {
    const slow = world
      .client(QUICK)
      .sends(paced("/set/", "/style.css", ["X-Slow: 1"]))
      .awaits();
    const fast = world.client(QUICK).sends(paced("/set/", "/style.css"), paced("/wrong/", "/style.css")).awaits();
    world.promises("20,000 bytes at 4,096 a second", () => between(slow, 3_900));
    world.promises("the others have all they take", () => between(fast, 0));
    world.promises("what is no size is logged", () => /invalid \$limit_rate "soon", client/.test(errors(world)));
  },
);

simulate(
  "requests within requests are counted once, with their request, and released with the last of them",
  {
    seeds: 40,
    faults: [...NETWORK, "ECONNRESET"],
    main: ZONES,
    server: `location = /ask { limit_req zone=all burst=100 nodelay; limit_conn conn 100; return 204; }
      location = /copy { limit_conn conn 100; proxy_pass http://10.0.0.1:8080/p/hangs-in-head?2000; proxy_read_timeout 2s; }
      ${inFolder("/asked/", "limit_conn conn 20; limit_req zone=one burst=100 nodelay; auth_request /ask; mirror /copy; mirror /ask;")}
      ${inFolder("/inner/", "auth_request /ask; mirror /copy;")}`,
    tolerates: [500, 503],
    closing: true,
  },
  (world) => {
    const { kernel, random } = world;
    new Upstream(kernel, random.fork(), "10.0.0.1", 8080);
    world.awaits(() => (world.subject as Webserv).server.subrequests.count === 0);
    for (let i = 0; i < 6; i++) {
      const client = world.client();
      for (let n = random.between(1, 3); n > 0; n--) client.sends(file(random.pick(["/asked/", "/inner/"]), "a", 200));
      if (i % 3 === 0) client.impolitely().pauses(random.between(0, 100)).resets();
    }
    world.promises("no connection is counted any more", () => (world.subject as Webserv).isUncounted("a"));
  },
);

simulate(
  "limit_rate: what another server sends, with a length, in chunks and until its end, kept back in memory and a file",
  {
    seeds: 30,
    faults: NETWORK,
    server: `limit_rate 20k; limit_rate_after 5k; proxy_buffers 2 4k; proxy_busy_buffers_size 4k;
      location /p/ { proxy_pass http://10.0.0.1:8080; }`,
    closing: true,
  },
  (world) => {
    const { kernel, random } = world;
    world.patient = true;
    new Upstream(kernel, random.fork(), "10.0.0.1", 8080);
    const clients = (["length", "chunks", "until-the-end"] as const).map((mode) =>
      world.client(QUICK).sends(pass(mode, 60_000)).awaits(),
    );
    world.promises(
      "60,000 bytes, 5,120 of them free",
      () => clients.every((one) => took(one) >= 1_600) || String(clients.map(took)),
    );
  },
);

simulate(
  "the server stops: requests that are delayed are answered first",
  {
    seeds: SEEDS,
    faults: NETWORK,
    main: ZONES,
    server: inFolder("/slow/", "limit_req zone=one burst=9;"),
    closing: true,
  },
  (world) => {
    const clients = Array.from({ length: 4 }, () =>
      world.client({ ...QUICK, start: 0 }).sends(file("/slow/", "a", 200)),
    );
    let quit = false;
    world.afterEachTurn(() => {
      if (quit || clients.filter((client) => client.replies.complete > 0).length !== 2) return;
      quit = true;
      (world.subject as Webserv).server.quit();
    });
    world.promises("each in its turn", () => quit && clients.every((client) => client.replies.complete === 1));
  },
);
