/** The server: listening sockets, clients, and what they share. It runs one immutable Config on one Kernel. */
import { errnoText } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";
import type { Config, LogLevel } from "../config/model.ts";
import { Connection } from "../connection/connection.ts";
import type { Endpoint } from "../connection/endpoint.ts";
import type { ConnectionHost, HostedConnection } from "../connection/host.ts";
import { LARGE_PIECE } from "../connection/input.ts";
import { Outbox } from "../connection/outbox.ts";
import type { Handler } from "../exchange/handler.ts";
import { exceptionText } from "../handlers/errors.ts";
import { BufferPool } from "../network/buffers.ts";
import { Reactor } from "../network/reactor.ts";
import { Socket } from "../network/socket.ts";
import { Alarm } from "../network/timers.ts";
import type { Route } from "../request/route.ts";
import { ServerExchange } from "../request/server-exchange.ts";
import { ServerClock } from "./clock.ts";
import { Gate, type Site } from "./gate.ts";
import { Generation } from "./generation.ts";
import { Logs } from "./logs/logs.ts";
import { ServerServices } from "./services.ts";

/** Exchanges kept for the next request. */
const MOST_KEPT_EXCHANGES = 1024;
/** Descriptors left for files, logs and the like when clients take the rest. */
const SPARE_DESCRIPTORS = 64;
const SWEEP_INTERVAL = 60_000;

export class Server implements ConnectionHost {
  readonly reactor: Reactor;
  readonly pool = new BufferPool();
  readonly outbox = new Outbox();
  readonly inbox = new Block(LARGE_PIECE);
  readonly clock: ServerClock;
  readonly logs: Logs;
  readonly services: ServerServices;
  /** No new requests: those in progress are the last. */
  stopping = false;
  readonly clients = new Set<HostedConnection>();
  private readonly generation: Generation;
  private readonly gate: Gate;
  private readonly exchanges: ServerExchange[] = [];
  private readonly flushAlarm: Alarm;
  private readonly sessionAlarm: Alarm;
  private readonly sweepAlarm: Alarm;
  private connections = 0;
  private disposed = false;

  /**
   * @param serverToken the Server field's value where `server_tokens` is on: `webserv/VERSION`
   * @param environment the process' environment, of which scripts get what `cgi_pass_env` names
   */
  constructor(
    readonly kernel: Kernel,
    readonly config: Config,
    serverToken: string,
    environment: Readonly<Record<string, string | undefined>> = {},
  ) {
    this.reactor = new Reactor(kernel);
    this.clock = new ServerClock(kernel);
    this.logs = new Logs(kernel, this.clock, config.errorLog);
    this.services = new ServerServices(
      kernel,
      this.clock,
      this.reactor,
      serverToken,
      environment,
      (level, message, to) => this.log(level, message, to),
    );
    this.generation = new Generation(config, this.services, () => {});
    this.gate = new Gate(
      kernel,
      this.reactor,
      (endpoint, fd, peer) => this.accept(endpoint, fd, peer),
      (message) => this.log("alert", message),
    );
    this.reactor.onTurnStart = () => this.clock.update(this.reactor.now);
    this.reactor.onTurnEnd = () => this.afterTurn();
    this.reactor.onError = (error) => this.reportBug(error, null);
    this.flushAlarm = new Alarm(() => this.logs.flush());
    this.sessionAlarm = new Alarm(() => this.services.sessions.flush());
    this.sweepAlarm = new Alarm(() => this.sweep());
  }

  /**
   * Opens the logs, binds every address and begins to listen. Gives what went wrong. Then nothing is bound, unless
   * `keepGoing`: then the addresses that could be bound are served, and a log that can't be opened is done without.
   */
  start(keepGoing = false): string[] {
    const problems = this.logs.open(this.config);
    problems.push(...this.gate.bind(this.config.addresses, this.generation));
    if (problems.length > 0 && !(keepGoing && this.gate.bound)) this.dispose();
    else {
      this.raiseDescriptorLimit();
      this.services.sessions.start();
      for (const handler of this.handlers()) handler.start?.();
      this.gate.open(this.clientLimit());
    }
    return problems;
  }

  /** Whether it listens. */
  get listening(): boolean {
    return this.gate.bound;
  }

  /** The addresses it listens on, as URLs (a port 0 shows the port the kernel chose), with their default servers. */
  get sites(): Site[] {
    return this.gate.sites;
  }

  /** Serves until `stop` or, after `quit`, the last client has its reply. */
  run(): Promise<void> {
    return this.reactor.run();
  }

  /** Ends now: whatever is in progress is cut off. */
  stop(): void {
    this.stopping = true;
    this.reactor.stop();
    for (const client of this.clients) client.abort();
    this.dispose();
  }

  /** Accepts no more, lets requests in progress end, and stops when the last has. */
  quit(): void {
    if (this.stopping) return;
    this.stopping = true;
    this.gate.close();
    for (const client of this.clients) client.stopWhenIdle();
    if (this.clients.size === 0) this.reactor.stop();
  }

  /** Gives back every descriptor. After `quit`, once `run` has ended. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.gate.close();
    this.services.scripts.stop();
    for (const handler of this.handlers()) handler.close?.();
    this.services.sessions.close();
    this.logs.close();
    this.reactor.dispose();
  }

  // What clients ask for

  beginExchange(connection: HostedConnection): ServerExchange {
    const exchange = this.exchanges.pop() ?? new ServerExchange(this.services, this.logs);
    connection.endpoint.retain();
    exchange.begin(connection, connection.endpoint);
    return exchange;
  }

  endExchange(exchange: ServerExchange): void {
    const { origin } = exchange;
    exchange.end();
    if (origin.open && this.exchanges.length < MOST_KEPT_EXCHANGES) this.exchanges.push(exchange);
    origin.release();
  }

  connectionClosed(connection: HostedConnection): void {
    this.clients.delete(connection);
    this.gate.freed(this.clients.size);
    if (this.stopping && this.clients.size === 0) this.reactor.stop();
  }

  /** Reports an exception, which is always a fault of ours. */
  reportBug(error: unknown, exchange: ServerExchange | null): void {
    const message = exceptionText(error);
    if (exchange === null) this.log("crit", message);
    else exchange.log("crit", message);
  }

  log(level: LogLevel, message: string, to = this.config.errorLog): void {
    this.logs.error(to, level, message);
  }

  /** The descriptors of sockets, epoll and logs, each once; files are the handlers'. For tests that account for them. */
  *descriptors(): Iterable<number> {
    yield* this.reactor.descriptors();
    yield* this.gate.descriptors();
    yield* this.logs.descriptors();
  }

  private accept(endpoint: Endpoint, fd: number, peer: Block): boolean {
    const socket = new Socket(this.kernel, this.reactor, fd);
    const connection = new Connection(this, endpoint, socket, peer, ++this.connections);
    this.clients.add(connection);
    const n = connection.begin();
    if (n < 0) {
      this.log("alert", `epoll_ctl() failed (${errnoText(n)})`);
      connection.abort();
      return false;
    }
    return this.gate.taken(this.clients.size);
  }

  private afterTurn(): void {
    this.outbox.sendRegions();
    if (this.logs.pending && this.flushAlarm.timerList === null) {
      this.reactor.timers.start(this.flushAlarm, this.logs.delay, this.reactor.now);
    }
    const { sessions } = this.services;
    if (sessions.pending && this.sessionAlarm.timerList === null) {
      this.reactor.timers.start(this.sessionAlarm, sessions.delay, this.reactor.now);
    }
    if (this.sweepAlarm.timerList === null)
      this.reactor.timers.start(this.sweepAlarm, SWEEP_INTERVAL, this.reactor.now);
  }

  /** What one sweep throws keeps none of the others from theirs. */
  sweep(): void {
    for (const handler of [...this.handlers(), this.services.sessions]) {
      try {
        handler.sweep?.();
      } catch (error) {
        this.reportBug(error, null);
      }
    }
  }

  /** Every handler, once per location. */
  handlers(): Iterable<Handler> {
    return this.generation.handlers();
  }

  /** Every location's route. */
  routes(): Iterable<Route> {
    return this.generation.allRoutes();
  }

  /** A limit that may not be raised is reported and lived with, as in nginx. */
  private raiseDescriptorLimit(): void {
    const { workerRlimitNofile } = this.config;
    if (workerRlimitNofile === null) return;
    const n = this.kernel.setDescriptorLimit(workerRlimitNofile);
    if (n < 0) this.log("alert", `setrlimit(RLIMIT_NOFILE, ${workerRlimitNofile}) failed (${errnoText(n)})`);
  }

  /** By default what the descriptors allow; of very few, half are kept for files. */
  private clientLimit(): number {
    const limit = this.kernel.descriptorLimit();
    const most = Math.max(limit - SPARE_DESCRIPTORS, limit >> 1);
    const { workerConnections } = this.config;
    if (workerConnections === null) return most;
    if (workerConnections > most) {
      this.log("warn", `${workerConnections} worker_connections exceed what ${limit} open files allow: ${most}`);
    }
    return workerConnections;
  }
}
