/** The real server on a simulated kernel, and `simulate`, which makes a test that runs a scenario once per seed. */

import { test } from "bun:test";
import type { Block } from "../../ffi/memory.ts";
import { formatDiagnostics, loadConfig } from "../../src/config/load.ts";
import { VARIABLES } from "../../src/exchange/variables/variables.ts";
import type { ServerExchange } from "../../src/request/server-exchange.ts";
import { Server } from "../../src/server/server.ts";
import type { SimulatedKernel } from "./kernel.ts";
import { Loans } from "./loans.ts";
import { CONFIG_FILE } from "./site.ts";
import type { Subject } from "./subject.ts";
import { type Options, runSeed, type Scenario, seedsOf } from "./world.ts";

/** Virtual time that a thread needs to check a password, ms. */
const BCRYPT_TIME = 300;

export class Webserv implements Subject {
  readonly server: Server;
  private readonly blocks = new Loans<Block>("a block of the pool");
  private readonly exchanges = new Loans<ServerExchange>("an exchange");
  private readonly guarded = new WeakSet<ServerExchange>();

  constructor(private readonly kernel: SimulatedKernel) {
    const { config, diagnostics } = loadConfig({ kernel, variables: VARIABLES, file: CONFIG_FILE, prefix: "/" });
    if (config === null || diagnostics.length > 0) throw new Error(formatDiagnostics(diagnostics));
    this.server = new Server(kernel, config, "webserv/simulated", {}, (password, _hash, done) => {
      kernel.clock.after(BCRYPT_TIME, () => done(Buffer.from(password).equals(Buffer.from("secret"))));
    });
    const problems = this.server.start();
    if (problems.length > 0) throw new Error(problems.join("; "));
    this.watchLoans();
  }

  /** Tracks every block and exchange that the server's pools give to clients. */
  private watchLoans(): void {
    const { server, blocks, exchanges } = this;
    const { pool } = server;
    const take = pool.take.bind(pool);
    const release = pool.release.bind(pool);
    pool.take = (size) => blocks.lend(take(size));
    pool.release = (block) => {
      blocks.back(block);
      release(block);
    };
    const begin = server.beginExchange.bind(server);
    const end = server.endExchange.bind(server);
    server.beginExchange = (client) => this.guard(exchanges.lend(begin(client)));
    server.endExchange = (exchange) => {
      exchanges.back(exchange);
      end(exchange);
    };
  }

  /** An exchange is reused for the next request. A handler that uses it after its request has ended harms another client. */
  private guard(exchange: ServerExchange): ServerExchange {
    if (this.guarded.has(exchange)) return exchange;
    this.guarded.add(exchange);
    for (const name of ["reply", "fail", "redirect", "resume", "log"] as const) {
      const call = exchange[name] as (...args: unknown[]) => void;
      const checked = (...args: unknown[]) => {
        this.exchanges.use(exchange);
        call.apply(exchange, args);
      };
      Object.assign(exchange, { [name]: checked });
    }
    return exchange;
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

  complaint(): string | undefined {
    return this.blocks.mistake?.message ?? this.exchanges.mistake?.message ?? this.unreturned();
  }

  lastComplaint(): string | undefined {
    const log = this.kernel.files.tree.at("/var/log/error.log")?.content.latin1Slice() ?? "";
    return /^.*unexpected exception.*$/m.exec(log)?.[0];
  }

  /** Whether no `limit_conn_zone` counts a connection of this key. */
  isUncounted(key: string): boolean {
    const { config, services } = this.server;
    return config.limitZones
      .filter(({ kind }) => kind === "limit_conn_zone")
      .every((zone) => services.limits.connectionZone(zone).enter(key, 1) > 0);
  }

  /** Blocks and exchanges not released although no client and no subrequest is left. */
  private unreturned(): string | undefined {
    const { blocks, exchanges } = this;
    const { clients, subrequests, services } = this.server;
    // A reply that is stored is read to its end without its client.
    if (services.caches.isWriting) return undefined;
    if (clients.size + subrequests.count > 0 || blocks.size + exchanges.size === 0) return undefined;
    return `not given back: ${blocks.size} blocks, ${exchanges.size} exchanges`;
  }
}

export const startWebserv = (kernel: SimulatedKernel): Webserv => new Webserv(kernel);

/** Makes a test that runs `scenario` in a new world for each seed. A failure shows its seed and the command to replay it. */
export function simulate(name: string, options: Options, scenario: Scenario): void {
  const run = () => {
    for (const seed of seedsOf(name, options.seeds)) runSeed(name, seed, options, scenario, startWebserv);
  };
  test(name, run, 120_000);
}
