/** The server: listening sockets, connections, and what they share. It runs one immutable Config at a time on one Kernel. */
import { type CheckBcrypt, checkBcrypt } from "../../ffi/bcrypt.ts";
import { errnoText } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";
import type { Config } from "../config/model.ts";
import type { LogLevel } from "../config/settings/logs.ts";
import { Connection } from "../connection/connection.ts";
import type { Endpoint } from "../connection/endpoint.ts";
import type { ConnectionHost, HostedConnection } from "../connection/host.ts";
import { LARGE_PIECE } from "../connection/input.ts";
import { Outbox } from "../connection/outbox.ts";
import type { Handler } from "../exchange/handler.ts";
import type { ConnectionCounts } from "../exchange/services.ts";
import { exceptionText } from "../handlers/errors.ts";
import type { BufferPool } from "../network/buffers.ts";
import { Reactor } from "../network/reactor.ts";
import { Socket } from "../network/socket.ts";
import type { Route } from "../request/route.ts";
import { ServerExchange } from "../request/server-exchange.ts";
import { Subrequests } from "../request/within/subrequests.ts";
import { ServerClock } from "./clock.ts";
import type { Generation } from "./generation.ts";
import { Generations } from "./generations.ts";
import { connectionLimit } from "./limits.ts";
import type { Site } from "./listeners/addresses.ts";
import { Listeners, type Successor } from "./listeners/listeners.ts";
import { Logs } from "./logs/logs.ts";
import { ServerServices } from "./services.ts";
import { Tls } from "./tls.ts";
import { Upkeep } from "./upkeep.ts";

/** Most Exchange objects kept for reuse. */
const MOST_KEPT_EXCHANGES = 1024;

/** The result of trying a configuration. */
interface Outcome {
  /** Whether it is in use now. */
  readonly adopted: boolean;
  /** What is wrong with it, one sentence each: addresses that can't be bound, logs that can't be opened. */
  readonly problems: readonly string[];
}

export class Server implements ConnectionHost {
  readonly reactor: Reactor;
  readonly pool: BufferPool;
  readonly outbox = new Outbox();
  readonly inbox = new Block(LARGE_PIECE);
  readonly clock: ServerClock;
  readonly logs: Logs;
  readonly services: ServerServices;
  /** The server accepts no new requests; it stops after those in progress. */
  stopping = false;
  readonly clients = new Set<HostedConnection>();
  private readonly tls: Tls;
  private readonly generations: Generations;
  private readonly listeners: Listeners;
  readonly subrequests: Subrequests;
  private readonly exchanges: ServerExchange[] = [];
  /** Connections whose listener has been removed. Each keeps its endpoint, and so the endpoint's generation. */
  private readonly leaving = new Map<HostedConnection, Endpoint>();
  private readonly upkeep: Upkeep;
  private connections = 0;
  private requests = 0;
  private disposed = false;

  /**
   * @param serverToken value of the Server field with `server_tokens on`: `webserv/VERSION`
   * @param environment the process' environment; scripts get the variables that `cgi_pass_env` names
   * @param bcrypt checks passwords outside of the loop's thread
   */
  constructor(
    readonly kernel: Kernel,
    config: Config,
    serverToken: string,
    environment: Readonly<Record<string, string | undefined>> = {},
    bcrypt: CheckBcrypt = checkBcrypt,
  ) {
    this.reactor = new Reactor(kernel);
    this.clock = new ServerClock(kernel);
    const { reactor } = this;
    this.logs = new Logs(kernel, this.clock, config.errorLog, (alarm, delay) =>
      reactor.timers.start(alarm, delay, reactor.now),
    );
    this.services = new ServerServices(
      kernel,
      this.clock,
      this.reactor,
      serverToken,
      environment,
      bcrypt,
      (level, message, to) => this.log(level, message, to),
    );
    this.pool = this.services.buffers;
    this.subrequests = new Subrequests(this.services, this.logs, (error, exchange) => this.reportBug(error, exchange));
    this.services.connections = this;
    this.services.subrequests = this.subrequests;
    this.tls = new Tls(this);
    this.generations = new Generations(config, this.services, this.tls, this.logs, (error) =>
      this.reportBug(error, null),
    );
    this.listeners = new Listeners(
      kernel,
      this.reactor,
      (endpoint, fd, peer) => this.accept(endpoint, fd, peer),
      (message) => this.log("alert", message),
    );
    this.upkeep = new Upkeep(this.reactor, this.services.sessions, () => this.sweep());
    this.reactor.eager = config.eager;
    this.reactor.onTurnStart = () => this.clock.update(this.reactor.now);
    this.reactor.onTurnEnd = () => this.afterTurn();
    this.reactor.onError = (error) => this.reportBug(error, null);
  }

  /** The current configuration. */
  get config(): Config {
    return this.generations.current.config;
  }

  /**
   * Opens the logs, binds every address and begins to listen. Gives what went wrong; then nothing is bound. With `keepGoing` it
   * serves the addresses that could be bound, without the logs that could not be opened.
   */
  start(keepGoing = false): readonly string[] {
    const { adopted, problems } = this.adopt(this.generations.current, keepGoing);
    if (!adopted) this.dispose();
    return problems;
  }

  /**
   * Switches to another configuration. Requests that begin from now on use it, also on open connections; those in progress finish
   * with the old one. If it can't be adopted, nothing changes. `keepGoing` as for `start`.
   */
  reload(config: Config, keepGoing = false): Outcome {
    if (this.stopping) return { adopted: false, problems: ["the server is stopping"] };
    const before = this.generations.current;
    const next = this.generations.make(config);
    const outcome = this.adopt(next, keepGoing);
    if (outcome.adopted) before.release();
    else this.generations.discard(next);
    return outcome;
  }

  private adopt(next: Generation, keepGoing: boolean): Outcome {
    const preparation = this.listeners.prepare(next.config.addresses);
    const problems = [...this.logs.open(next.config), ...preparation.problems];
    if (problems.length > 0 && !(keepGoing && preparation.sockets.size > 0)) {
      this.listeners.abandon(preparation);
      return { adopted: false, problems };
    }
    this.generations.adopt(next);
    this.moveClients(this.listeners.adopt(preparation, next));
    const limit = connectionLimit(this.kernel, next.config, (level, message) => this.log(level, message));
    this.listeners.open(limit, this.clients.size);
    return { adopted: true, problems };
  }

  /** Moves open connections to the endpoint that now has their address. Connections without one end with the request in progress. */
  private moveClients(successor: Successor): void {
    this.exchanges.length = 0; // kept exchanges refer to old routes
    this.subrequests.forget();
    for (const client of this.clients) {
      if (this.leaving.has(client)) continue;
      const endpoint = successor(client.endpoint, client.info.fd);
      if (endpoint !== undefined) client.endpoint = endpoint;
      else {
        this.leave(client);
        if (client.info.requests > 0) client.stopWhenIdle();
      }
    }
  }

  /** Lets a connection whose listener is gone serve the request in progress, or one request if it has had none, and then end. */
  private leave(client: HostedConnection): void {
    client.endpoint.retain();
    this.leaving.set(client, client.endpoint);
  }

  /** Whether it listens. */
  get listening(): boolean {
    return this.listeners.bound;
  }

  /** The addresses it listens on as URLs (with the port the kernel chose for port 0), with their default servers. */
  get sites(): Site[] {
    return this.listeners.sites;
  }

  /** Serves until `stop`, or after `quit` until the last reply is sent. */
  run(): Promise<void> {
    return this.reactor.run();
  }

  /** Stops now; requests in progress are cut off. */
  stop(): void {
    this.stopping = true;
    this.reactor.stop();
    this.abortAll();
    this.dispose();
  }

  private abortAll(): void {
    for (const client of this.clients) client.abort();
  }

  /** Accepts no more connections, lets requests in progress finish, then stops. */
  quit(): void {
    if (this.stopping) return;
    this.stopping = true;
    this.listeners.close();
    for (const client of this.clients) client.stopWhenIdle();
    if (this.clients.size === 0) return this.reactor.stop();
    const { shutdownTimeout } = this.config;
    if (shutdownTimeout > 0) this.upkeep.once(shutdownTimeout, () => this.abortAll());
  }

  /** Closes every descriptor. Called after `run` has ended. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.listeners.close();
    this.services.scripts.stop();
    this.subrequests.close();
    this.services.resolver.close();
    this.generations.close();
    this.services.sessions.close();
    this.logs.close();
    this.reactor.dispose();
  }

  // Called by connections

  beginExchange(client: HostedConnection): ServerExchange {
    const exchange = this.exchanges.pop() ?? new ServerExchange(this.services, this.logs);
    this.requests++;
    client.endpoint.retain();
    exchange.begin(client, client.endpoint);
    return exchange;
  }

  endExchange(exchange: ServerExchange): void {
    const { origin } = exchange;
    exchange.end();
    if (origin.open && this.exchanges.length < MOST_KEPT_EXCHANGES) this.exchanges.push(exchange);
    origin.release();
  }

  connectionClosed(client: HostedConnection): void {
    this.clients.delete(client);
    if (this.leaving.size > 0) this.left(client);
    this.listeners.freed(this.clients.size);
    if (this.stopping && this.clients.size === 0) this.reactor.stop();
  }

  private left(client: HostedConnection): void {
    const endpoint = this.leaving.get(client);
    this.leaving.delete(client);
    endpoint?.release();
  }

  /** Reports an exception, which is always a bug of the server. */
  reportBug(error: unknown, exchange: ServerExchange | null): void {
    const message = exceptionText(error);
    if (exchange === null) this.log("crit", message);
    else exchange.log("crit", message);
  }

  counts(): ConnectionCounts {
    const now = { reading: 0, writing: 0, waiting: 0 };
    for (const client of this.clients) now[client.activity]++;
    return { active: this.clients.size, accepted: this.connections, requests: this.requests, ...now };
  }

  log(level: LogLevel, message: string, to = this.logs.main): void {
    this.logs.error(to, level, message);
  }

  /** The descriptors of sockets, epoll and logs, each once; handlers have those of files. For tests that check for leaks. */
  *descriptors(): Iterable<number> {
    yield* this.reactor.descriptors();
    yield* this.listeners.descriptors();
    yield* this.logs.descriptors();
  }

  private accept(endpoint: Endpoint, fd: number, peer: Block): boolean {
    const socket = new Socket(this.kernel, this.reactor, fd);
    const transport = this.tls.layers(socket, endpoint.listen, () => client);
    const client: Connection = new Connection(this, endpoint, transport, peer, ++this.connections);
    this.clients.add(client);
    if (!client.endpoint.open) this.leave(client); // its listener retires
    const n = client.begin();
    if (n < 0) {
      this.log("alert", `epoll_ctl() failed (${errnoText(n)})`);
      client.abort();
      return false;
    }
    return this.listeners.taken(this.clients.size);
  }

  private afterTurn(): void {
    this.outbox.sendRegions();
    this.upkeep.afterTurn();
  }

  sweep(): void {
    this.logs.sweep();
    this.generations.sweep();
    this.services.sessions.sweep();
  }

  /** Every handler of every location and generation. */
  handlers(): Iterable<Handler> {
    return this.generations.handlers();
  }

  /** The route of every location of the current configuration. */
  routes(): Iterable<Route> {
    return this.generations.current.allRoutes();
  }
}
