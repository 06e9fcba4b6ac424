/** CGI: 100 MB through a script and back, and the memory that this and a gigabyte of output take while they pass. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Spent, spending, startAll, stopTargets, type Target } from "../cgi.ts";
import { median, readHighest, readOwnResident } from "../measure.ts";
import { isAvailable, type Options } from "../scenario.ts";
import { type CgiFolders, streamingPeers } from "../servers/cgi.ts";
import { LOAD_CPU } from "../servers/server.ts";
import { atMost, type Check, describe, type Report, verdict } from "../table.ts";

const BYTES = 100_000_000;
const OUTPUT = 1_000_000_000;
const MEGABYTE = 1024 * 1024;
const MUST = { lighttpd: 1.2, growth: 8 };

type Framing = "chunked" | "length";

/** Both ways to frame a body, each compared with the cheapest of lighttpd's ways to stream; then memory. */
export async function largeBodies(folders: CgiFolders, options: Options): Promise<Report[]> {
  const peers = streamingPeers(folders).filter((peer) => isAvailable(peer, options));
  const targets = await startAll(peers, options.site);
  const reports = [];
  for (const framing of ["chunked", "length"] as const) reports.push(await echoed(targets, framing, options));
  const ours = targets.find(({ server }) => server.peer.family === "webserv");
  if (ours !== undefined) reports.push(await gigabyte(ours));
  await stopTargets(targets);
  return reports;
}

interface Candidate {
  readonly target: Target;
  readonly samples: Spent[];
  /** Bytes of memory that the server had before, and has had at most. */
  before: number;
  most: number;
  /** Why it was left out. */
  problem: string;
}

async function echoed(targets: readonly Target[], framing: Framing, options: Options): Promise<Report> {
  const candidates = targets.map((target): Candidate => ({ target, samples: [], before: 0, most: 0, problem: "" }));
  for (let round = 0; round <= options.rounds; round++) {
    for (const candidate of candidates.filter(({ problem }) => problem === ""))
      await measureOnce(candidate, framing, round);
  }
  const kind = framing === "chunked" ? "chunked" : "with Content-Length";
  const title = `a POST of ${BYTES / 1e6} MB, ${kind}, through cat and back, median of ${options.rounds}`;
  return { scenario: "cgi", title, columns: COLUMNS, ...compared(candidates) };
}

async function measureOnce(candidate: Candidate, framing: Framing, round: number): Promise<void> {
  const { target, samples } = candidate;
  if (round === 1) {
    candidate.before = readOwnResident(target.server.pid);
    writeFileSync(`/proc/${target.server.pid}/clear_refs`, "5"); // the highest so far is forgotten (proc(5))
  }
  const spent = await spending(target, async () => {
    candidate.problem = await client(target, framing, "/cgi-bin/echo.sh", BYTES);
  });
  if (candidate.problem !== "" && target.server.peer.family === "webserv") throw new Error(candidate.problem);
  if (round === 0) return;
  samples.push(spent);
  candidate.most = readHighest(target.server.pid);
}

/** Runs the client; gives what went wrong, "" for nothing. */
async function client({ server }: Target, ...args: (string | number)[]): Promise<string> {
  const script = join(import.meta.dir, "../cgi-client.ts");
  const command = ["taskset", "-c", LOAD_CPU, process.execPath, "run", script, server.port, ...args].map(String);
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const errors = await child.stderr.text();
  return (await child.exited) === 0 ? "" : `${server.peer.name}: ${args.join(" ")}: ${errors.trim()}`;
}

const COLUMNS = [
  "server",
  "CPU ms",
  "user",
  "system",
  "its own",
  "RSS MB before",
  "most",
  "growth",
  "webserv/it",
  "must",
  "",
];

function compared(candidates: readonly Candidate[]): Pick<Report, "rows" | "checks" | "notes"> {
  const cost = ({ samples }: Candidate): number => median(samples.map(({ tree }) => tree.total));
  const well = candidates.filter(({ problem }) => problem === "");
  const of = (family: string): Candidate[] => well.filter(({ target }) => target.server.peer.family === family);
  const ours = of("webserv")[0];
  const cheapest = of("lighttpd").toSorted((a, b) => cost(a) - cost(b))[0];
  const checks: Check[] = [];
  if (ours !== undefined) checks.push(atMost("MB of RSS grown", growth(ours), MUST.growth));
  const rows = well.map((one) => {
    const ratio = ours === undefined ? Number.NaN : cost(ours) / cost(one);
    const check =
      one === cheapest && ours !== undefined
        ? atMost(`webserv / ${one.target.server.peer.name}`, ratio, MUST.lighttpd)
        : undefined;
    if (check !== undefined) checks.push(check);
    const compares = ours !== undefined && one !== ours;
    return [
      one.target.server.peer.name,
      ...figures(one),
      compares ? `${ratio.toFixed(2)}x` : "",
      ...verdict(check, "x", 2),
    ];
  });
  const failures = candidates
    .filter(({ problem }) => problem !== "")
    .map(({ problem }) => `note: left out: ${problem}`);
  return { rows, checks, notes: [...failures, ...checks.map(describe)] };
}

const growth = ({ before, most }: Candidate): number => Math.max(0, most - before) / MEGABYTE;

function figures(one: Candidate): string[] {
  const of = (figure: (spent: Spent) => number): string => (median(one.samples.map(figure)) / 1000).toFixed(0);
  const times = [of(({ tree }) => tree.total), of(({ tree }) => tree.user), of(({ tree }) => tree.system)];
  const memory = [one.before / MEGABYTE, one.most / MEGABYTE, growth(one)].map((megabytes) => megabytes.toFixed(1));
  return [...times, of(({ alone }) => alone.total), ...memory];
}

async function gigabyte(target: Target): Promise<Report> {
  const candidate: Candidate = {
    target,
    samples: [],
    before: readOwnResident(target.server.pid),
    most: 0,
    problem: "",
  };
  writeFileSync(`/proc/${target.server.pid}/clear_refs`, "5");
  candidate.samples.push(
    await spending(target, async () => {
      candidate.problem = await client(target, "none", "/cgi-bin/gigabyte.sh", OUTPUT);
    }),
  );
  if (candidate.problem !== "") throw new Error(candidate.problem);
  candidate.most = readHighest(target.server.pid);
  const checks = [atMost("MB of RSS grown", growth(candidate), MUST.growth)];
  const row = [target.server.peer.name, ...figures(candidate), "", "", ""];
  const title = `a script that writes ${OUTPUT / 1e9} GB, once`;
  return { scenario: "cgi", title, columns: COLUMNS, rows: [row], checks, notes: checks.map(describe) };
}
