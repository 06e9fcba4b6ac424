/** Logs on the virtual clock: what waits how long, files whose names requests decide, syslog servers, and faults in all of it. */
import { gunzipSync } from "node:zlib";
import { Block } from "../../ffi/memory.ts";
import { encodeAddress } from "../../src/network/address.ts";
import { get, SITE } from "./site.ts";
import { simulate } from "./webserv.ts";
import type { World } from "./world.ts";

const FORMAT = "log_format path '$uri';";

const content = (world: World, path: string): Buffer | undefined => world.kernel.files.tree.at(path)?.content;
const text = (world: World, path: string): string => content(world, path)?.latin1Slice() ?? "none";
/** What the client asks for: a file that is there, with a query of its own. */
const hello = (query: string) => ({
  ...get("/hello.txt"),
  bytes: Buffer.from(`GET /hello.txt?${query} HTTP/1.1\r\nHost: a\r\n\r\n`),
});

/** When a log that should have `lines` lines had them first, by virtual ms; the world goes on until it has. */
function whenWritten(world: World, path: string, isThere: (bytes: Buffer) => boolean): () => number {
  let at = Number.NaN;
  world.afterEachTurn(() => {
    if (Number.isNaN(at) && isThere(content(world, path) ?? Buffer.alloc(0))) at = world.kernel.clock.now;
  });
  world.awaits(() => !Number.isNaN(at));
  return () => at;
}

simulate(
  "flush= is how long the first line of a buffer waits; without buffer= it is a second",
  {
    seeds: 20,
    main: FORMAT,
    server: `access_log /var/log/usual path;
      access_log /var/log/five path buffer=4k flush=5s;
      access_log /var/log/zip path gzip=9 flush=3s;`,
  },
  (world) => {
    world.client({ start: 0, latency: 0 }).gets("/hello.txt").pauses(500).gets("/hello.txt");
    const start = world.kernel.clock.now;
    const usual = whenWritten(world, "/var/log/usual", (bytes) => bytes.length > 0);
    const five = whenWritten(world, "/var/log/five", (bytes) => bytes.length > 0);
    const zip = whenWritten(world, "/var/log/zip", (bytes) => bytes.length > 0);
    const near = (at: number, after: number) => (at - start >= after && at - start < after + 300) || at - start;
    world.promises("a second", () => near(usual(), 1000));
    world.promises("flush=5s", () => near(five(), 5000));
    world.promises("flush=3s", () => near(zip(), 3000));
    const lines = "/hello.txt\n/hello.txt\n";
    world.atEnd("whole", () => text(world, "/var/log/usual") === lines && text(world, "/var/log/five") === lines);
    world.atEnd("readable", () => gunzipSync(content(world, "/var/log/zip")!).toString() === lines);
  },
);

simulate(
  "a buffer without flush= is written when it is full, and at the end",
  { seeds: 10, main: FORMAT, server: "access_log /var/log/full path buffer=32;" },
  (world) => {
    world.patient = true;
    const client = world.client({ start: 0 });
    for (let i = 0; i < 4; i++) client.gets("/hello.txt").pauses(3_000);
    const sizes = new Set<number>();
    world.afterEachTurn(() => sizes.add(content(world, "/var/log/full")!.length));
    world.promises("two lines at a time", () => String([...sizes]) === "0,22" || [...sizes]);
    world.atEnd("nothing is lost", () => text(world, "/var/log/full") === "/hello.txt\n".repeat(4));
  },
);

simulate(
  "files that requests name have each line once, with a cache that is too small for them, and faults",
  {
    seeds: 40,
    faults: ["EINTR", "EMFILE", "short write", "short recv"],
    main: FORMAT,
    server: "open_log_file_cache max=2 inactive=3s valid=2s; access_log /var/log/by-$arg_f path;",
  },
  (world) => {
    const { random } = world;
    world.patient = true;
    const expected = new Map<string, number>();
    for (let i = 0; i < 5; i++) {
      const client = world.client();
      for (let n = random.between(1, 5); n > 0; n--) {
        const name = random.pick(["a", "b", "c", "d"]);
        expected.set(name, (expected.get(name) ?? 0) + 1);
        client.sends(hello(`f=${name}`)).pauses(random.between(0, 4_000));
      }
    }
    world.atEnd("each line", () => {
      const lost = /open\(\) ".*by-.*failed/.test(text(world, "/var/log/error.log")); // EMFILE
      const found = [...expected].map(([name]) => [name, text(world, `/var/log/by-${name}`).length / 11]);
      return lost || String(found) === String([...expected]) || String(found);
    });
  },
);

simulate(
  "names that clients make up stay in the folder",
  { seeds: 20, main: FORMAT, server: "access_log /var/log/x-$arg_f path;" },
  (world) => {
    world.kernel.files.tree.folder("/var/log/x-");
    const before = world.kernel.files.tree.at("/etc/passwd")!.content;
    const client = world.client();
    for (const name of ["/../../../etc/passwd", "/..", "a/../../b", ".", "", "/deep/er"])
      client.sends(hello(`f=${name}`));
    world.awaits(() => world.kernel.clock.now > 5_000);
    world.atEnd("untouched", () => world.kernel.files.tree.at("/etc/passwd")!.content.equals(before));
    world.atEnd("none elsewhere", () => {
      const names = [...world.kernel.files.tree.at("/var/log")!.entries.keys()].sort();
      return String(names) === "access.log,error.log,x-,x-." || String(names);
    });
  },
);

const SERVER = { family: "ipv4", host: "10.0.0.9", port: 514 } as const;

/** The datagrams that a syslog server gets. */
function syslogServer(world: World): string[] {
  const block = new Block(128);
  const got: string[] = [];
  const length = encodeAddress(SERVER, block);
  world.kernel.network.answerDatagrams(Buffer.from(block.bytes.subarray(0, length)), (datagram) =>
    got.push(datagram.latin1Slice()),
  );
  world.awaits(() => world.kernel.clock.now > 3_000);
  return got;
}

const TO_SYSLOG = "access_log syslog:server=10.0.0.9,tag=w,nohostname path; error_log /var/log/error.log;";

simulate("a syslog server gets each request", { seeds: 20, main: FORMAT, server: TO_SYSLOG }, (world) => {
  const got = syslogServer(world);
  world.client({ start: 0 }).gets("/hello.txt", "/empty.txt");
  world.atEnd("two", () => {
    const shown = got.map((each) => each.replace(/^(<190>)[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d w: /, "$1")).sort();
    return String(shown) === "<190>/empty.txt,<190>/hello.txt" || String(got);
  });
});

simulate(
  "what a syslog server's socket does not take is counted, and stops nobody",
  { seeds: 40, faults: ["EAGAIN", "EMFILE"], main: FORMAT, server: TO_SYSLOG },
  (world) => {
    const got = syslogServer(world);
    for (let i = 0; i < 5; i++) world.client().gets("/hello.txt", "/hello.txt", "/hello.txt");
    world.awaits(() => world.kernel.clock.now > 125_000);
    world.atEnd("all are accounted for", () => {
      const told = [...text(world, "/var/log/error.log").matchAll(/(\d+) messages for the syslog server/g)];
      const lost = told.reduce((sum, [, count]) => sum + Number(count), 0);
      return got.length + lost === 15 || `${got.length} came, ${lost} lost`;
    });
  },
);

simulate(
  "a full disk loses lines of every kind of log, never a request",
  {
    seeds: 30,
    faults: ["ENOSPC", "short write"],
    main: FORMAT,
    server: `access_log /var/log/zip path gzip buffer=64; access_log /var/log/by-$arg_f path;
      access_log /var/log/buffer path buffer=40 flush=1s; error_page 404 /hello.txt;`,
  },
  (world) => {
    for (let i = 0; i < 4; i++) world.client().gets("/hello.txt", "/empty.txt").pauses(2_000).gets("/hello.txt");
    const isLine = (line: string) => Object.keys(SITE).includes(line) || line === "";
    world.atEnd("what is there is readable", () => {
      const zip = content(world, "/var/log/zip")!;
      return zip.length === 0 || gunzipSync(zip).toString().split("\n").every(isLine);
    });
  },
);
