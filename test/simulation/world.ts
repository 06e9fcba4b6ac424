/**
 * A world is a kernel, a server and its clients, for one seed. A scenario adds clients, files and promises. The world runs the
 * server's turns until all clients have ended. After each turn it checks two invariants: every open descriptor has exactly one
 * owner, and each client has received a prefix of correct replies. At the end it checks that nothing is left open.
 */
import { Client } from "./client.ts";
import type { ConnectionOptions } from "./environment.ts";
import type { Fault } from "./faults.ts";
import { SimulatedKernel } from "./kernel.ts";
import { OpenFile } from "./open-file.ts";
import { Random } from "./random.ts";
import { build } from "./site.ts";
import type { Start, Subject } from "./subject.ts";

export interface Options {
  /** Number of fixed seeds. `seedsOf` chooses how many of them are run, and new ones. */
  readonly seeds: number;
  readonly faults?: readonly Fault[];
  /** Directives for the server block, and outside of it. */
  readonly server?: string;
  readonly main?: string;
  /** Statuses that clients may get instead of what they expect. */
  readonly tolerates?: readonly number[];
  /** Replies may end connections for reasons unknown to the client. */
  readonly closing?: boolean;
}

/** Longest time for a polite client if no fault but short counts happens, virtual ms. */
const POLITE_TIME = 8_000;
/** Most turns of a run. A longer run is considered endless. */
const TURNS = 200_000;

/** Faults that break connections, so that a client may miss replies although the server is correct. */
const BREAKING: readonly Fault[] = ["ECONNRESET", "EPIPE", "ECONNABORTED", "EIO"];

/** Adds clients, files and promises to a world. */
export type Scenario = (world: World) => void;

interface Check {
  readonly text: string;
  /** Gives true, or what it found instead. */
  readonly holds: () => unknown;
}

function keep(promises: readonly Check[]): void {
  for (const { text, holds } of promises) {
    const found = holds();
    if (found !== true) throw new Error(`broken promise: ${text} (${found})`);
  }
}

export class World {
  readonly kernel: SimulatedKernel;
  /** For the scenario's own choices. */
  readonly random: Random;
  readonly clients: Client[] = [];
  subject: Subject;
  private readonly checks: Check[] = [];
  private readonly onlookers: (() => void)[] = [];
  private readonly lastChecks: Check[] = [];
  private readonly awaited: (() => boolean)[] = [];
  private readonly atStart: number;

  constructor(
    seed: number,
    private readonly options: Options,
    private readonly startServer: Start,
  ) {
    this.kernel = new SimulatedKernel(seed, options.faults);
    this.random = this.kernel.random.fork();
    this.atStart = this.kernel.descriptors.size;
    build(this.kernel, options.server, options.main);
    this.subject = startServer(this.kernel);
  }

  /** A client that starts within the first second. Buffers and latency are random unless given. */
  client(options: Partial<ConnectionOptions> & { readonly start?: number } = {}): Client {
    const { random, kernel } = this;
    const connection = {
      receiveBuffer: random.magnitude(2_000, 200_000),
      sendBuffer: random.magnitude(2_000, 400_000),
      latency: random.fraction() * 20,
      ...options,
    };
    const now = () => (kernel.faults.includes("clock step") || this.clockSteps ? Number.NaN : kernel.clock.realtime);
    const client = new Client(kernel, random.fork(), connection, this.tolerance(), now);
    client.start(options.start ?? random.between(0, 1000));
    this.clients.push(client);
    return client;
  }

  /** Declares that the scenario changes the clock, so dates are not checked. */
  clockSteps = false;
  /** Declares that the scenario makes even polite clients wait. */
  patient = false;

  /** Adds a check for the end of the run. It fails if `holds` gives anything but true; the failure shows the value. */
  promises(text: string, holds: () => unknown): void {
    this.checks.push({ text, holds });
  }

  /** Like `promises`, but checked after the server has stopped. */
  atEnd(text: string, holds: () => unknown): void {
    this.lastChecks.push({ text, holds });
  }

  /** Calls `look` after each turn of the server. */
  afterEachTurn(look: () => void): void {
    this.onlookers.push(look);
  }

  /** The run does not end before this is true, even without clients. */
  awaits(isDone: () => boolean): void {
    this.awaited.push(isDone);
  }

  /** Schedules `action` at this virtual time from the start, ms. */
  at(milliseconds: number, action: () => void): void {
    this.kernel.clock.after(milliseconds, action);
  }

  /** Kills the server (kill -9) between two turns and starts it again on the same machine. No faults happen during start-up, which has its own tests. */
  crash(): void {
    const { descriptors, faults, processes } = this.kernel;
    for (const fd of [...descriptors.numbers()]) descriptors.close(fd).closed();
    processes.orphan();
    faults.active = false;
    this.subject = this.startServer(this.kernel);
    faults.active = true;
  }

  private tolerance() {
    const { faults } = this.kernel;
    const statuses = new Set(this.options.tolerates);
    if (faults.includes("EMFILE", "ENFILE")) statuses.add(503);
    if (faults.includes("EIO")) statuses.add(500);
    return { statuses, closing: this.options.closing ?? false };
  }

  /** Runs the server's turns until all clients have ended, then stops it. Throws the first failure. */
  run(): void {
    this.kernel.faults.active = true;
    for (let turns = 0; this.goesOn(); turns++) {
      if (turns > TURNS) throw new Error("the run does not end");
      this.turn();
    }
    this.kernel.faults.active = false;
    this.checkClients();
    keep(this.checks);
    this.subject.stop();
    this.checkMisuse();
    const left = [...this.kernel.descriptors.numbers()].map(
      (fd) => `${fd} ${this.kernel.descriptors.get(fd).describe()}`,
    );
    if (left.length > this.atStart) throw new Error(`still open after the stop: ${left.join(", ")}`);
    const children = this.kernel.processes.left();
    if (children.length > 0) throw new Error(`not reaped when the server had stopped: ${children.join(", ")}`);
    const complaint = this.subject.lastComplaint?.();
    if (complaint !== undefined) throw new Error(complaint);
    keep(this.lastChecks);
  }

  private goesOn(): boolean {
    return this.clients.some((client) => !client.finished) || this.awaited.some((isDone) => !isDone());
  }

  /** Runs one turn of the server and checks the invariants. */
  turn(): void {
    this.subject.turn(1000);
    this.checkMisuse();
    this.checkOwners();
    for (const { violation } of this.clients) if (violation) throw violation;
    for (const look of this.onlookers) look();
  }

  private checkMisuse(): void {
    if (this.kernel.misuse) throw this.kernel.misuse;
    const complaint = this.subject.complaint?.();
    if (complaint !== undefined) throw new Error(complaint);
  }

  /**
   * Files are an exception: a file that is being sent may have been evicted from the cache, so only a reply owns it. The check at
   * the end of the run shows that it was closed.
   */
  private checkOwners(): void {
    const { descriptors } = this.kernel;
    const owned = [...this.subject.descriptors()].sort((a, b) => a - b);
    const open = new Set(descriptors.numbers());
    const twice = owned.filter((fd, i) => fd === owned[i - 1]);
    const dead = owned.filter((fd) => !open.delete(fd) && !twice.includes(fd));
    const lost = [...open].filter((fd) => !(descriptors.get(fd) instanceof OpenFile)).map((fd) => this.name(fd));
    if (twice.length + dead.length + lost.length === 0) return;
    throw new Error(`descriptors: open without owner [${lost}], owned twice [${twice}], owned but closed [${dead}]`);
  }

  private name(fd: number): string {
    return `${fd} ${this.kernel.descriptors.get(fd).describe()}`;
  }

  private checkClients(): void {
    const broken = this.kernel.faults.includes(...BREAKING);
    const slow = this.kernel.faults.includes("EMFILE", "ENFILE");
    for (const client of this.clients) {
      if (!client.polite) continue;
      const time = client.endedAt - client.startedAt;
      if (!broken && (!client.satisfied || client.replies.inside))
        throw new Error(`a polite client missed replies: ${client}`);
      if (!slow && !this.patient && time > POLITE_TIME)
        throw new Error(`a polite client waited ${Math.round(time)} ms: ${client}`);
    }
  }
}

/** Number that chooses the new seeds of this run. RUN=n in the environment repeats another run's. */
const RUN = Number(process.env.RUN ?? crypto.getRandomValues(new Uint32Array(1))[0]);
/** The share of a scenario's fixed seeds that is run; SEEDS=1 in the environment runs all of them. */
const SHARE = Number(process.env.SEEDS ?? 0.25);
/** Number of new seeds for each fixed seed that is run. */
const NEW = 0.1;

if (process.env.SEED === undefined) console.log(`simulation: RUN=${RUN} repeats the new seeds of this run`);

/** The seeds of a run: SEED alone if it is set; else the first of `count` seeds that depend on the scenario's name, and some new ones. */
export function* seedsOf(name: string, count: number): Iterable<number> {
  const { SEED } = process.env;
  if (SEED !== undefined) return yield Number(SEED);
  const fixed = Math.ceil(count * SHARE);
  yield* seedsFrom(Number(Bun.hash.crc32(name)), fixed);
  yield* seedsFrom(Number(Bun.hash.crc32(`${RUN} ${name}`)), Math.ceil(fixed * NEW));
}

function* seedsFrom(start: number, count: number): Iterable<number> {
  const random = new Random(start);
  for (let i = 0; i < count; i++) yield random.bits();
}

/** Runs one seed; gives the trace's hash. The exception has all that is needed to investigate a failure. */
export function runSeed(name: string, seed: number, options: Options, scenario: Scenario, start: Start): string {
  let world: World | undefined;
  try {
    world = new World(seed, options, start);
    scenario(world);
    world.run();
    return world.kernel.trace.hash;
  } catch (error) {
    throw new Error(report(name, seed, world, error as Error), { cause: error });
  }
}

function report(name: string, seed: number, world: World | undefined, error: Error): string {
  const faults = [...(world?.kernel.faults.counts ?? [])].map(([fault, count]) => `${count}x ${fault}`).join(", ");
  return [
    `seed ${seed}: ${error.message}`,
    `replay: SEED=${seed} bun test test/simulation -t ${JSON.stringify(name)}`,
    `faults: ${faults || "none"}`,
    ...(world?.clients ?? []).slice(-30).map((client, i) => `client ${i + 1}: ${client}`),
    `the last calls:\n${world?.kernel.trace ?? "none"}`,
  ].join("\n");
}
