/** The real server on a simulated kernel, and `simulate`: a test that runs a scenario on it, once per seed. */
import { test } from "bun:test";
import { formatDiagnostics, loadConfig } from "../../src/config/load.ts";
import { Server } from "../../src/server/server.ts";
import type { SimulatedKernel } from "./kernel.ts";
import { CONFIG_FILE } from "./site.ts";
import type { Subject } from "./subject.ts";
import { type Options, runSeed, type Scenario, seedsOf } from "./world.ts";

export class Webserv implements Subject {
  readonly server: Server;

  constructor(kernel: SimulatedKernel) {
    const { config, diagnostics } = loadConfig({ kernel, file: CONFIG_FILE, prefix: "/" });
    if (config === null || diagnostics.length > 0) throw new Error(formatDiagnostics(diagnostics));
    this.server = new Server(kernel, config, "webserv/simulated");
    const problems = this.server.start();
    if (problems.length > 0) throw new Error(problems.join("; "));
  }

  turn(timeout: number): void {
    this.server.reactor.turn(timeout);
  }

  descriptors(): Iterable<number> {
    return this.server.descriptors();
  }

  stop(): void {
    this.server.stop();
  }
}

export const startWebserv = (kernel: SimulatedKernel): Webserv => new Webserv(kernel);

/** A test: `scenario` in a world of its own for each seed. A failure tells its seed and how to replay it. */
export function simulate(name: string, options: Options, scenario: Scenario): void {
  const run = () => {
    for (const seed of seedsOf(name, options.seeds)) runSeed(name, seed, options, scenario, startWebserv);
  };
  test(name, run, 120_000);
}
