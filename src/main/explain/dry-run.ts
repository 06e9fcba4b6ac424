/**
 * Runs a request through the server's own parser, routes, phases and handlers, with a kernel that only reads files and without a
 * connection. Nothing is written, sent or started.
 */
import { checkBcrypt } from "../../../ffi/bcrypt.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import type { Config, ListenAddress, VirtualServer } from "../../config/model.ts";
import { LOG_LEVELS, type LogLevel } from "../../config/settings/logs.ts";
import type { Origins } from "../../config/text/origins.ts";
import { Endpoint } from "../../connection/endpoint.ts";
import type { SubrequestStarter } from "../../handlers/subrequest/subrequest.ts";
import { Reactor } from "../../network/reactor.ts";
import { admit } from "../../request/admission.ts";
import type { RequestLog } from "../../request/request-log.ts";
import { ServerExchange } from "../../request/server-exchange.ts";
import { Subrequests } from "../../request/within/subrequests.ts";
import { losingServers, nameFound, shownName } from "../../routing/candidates.ts";
import { ServerClock } from "../../server/clock.ts";
import { Generation } from "../../server/generation.ts";
import { ServerServices } from "../../server/services.ts";
import { Client } from "./client.ts";
import { type Findings, lineOf } from "./findings.ts";
import type { Asked } from "./question.ts";
import { readingKernel } from "./reading-kernel.ts";
import { Tracer } from "./tracer.ts";

/** Certificates are not needed: nobody shakes hands. */
const NO_TLS = { make: () => new Map() };

/** How long to wait for a password's hash or a long folder, in steps of a ms. */
const MOST_STEPS = 20_000;

export interface Message {
  readonly level: LogLevel;
  readonly text: string;
}

/** What came of a request. */
export interface DryRunResult {
  readonly findings: Findings;
  /** Lines that the error log would get. */
  readonly messages: readonly Message[];
  readonly client: Client;
  readonly exchange: ServerExchange;
  /** Whether a reply was made: not by a server or program that was not asked. */
  readonly isAnswered: boolean;
}

/** The routes of a configuration, for requests to one of its addresses. */
export class DryRun {
  private readonly tracer: Tracer;
  private readonly endpoint: Endpoint;
  private readonly reactor: Reactor;
  private readonly services: ServerServices;
  private readonly log: RequestLog;
  private messages: Message[] = [];
  private failure: unknown = null;

  constructor(
    kernel: Kernel,
    config: Config,
    origins: Origins,
    private readonly listen: ListenAddress,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    this.tracer = new Tracer(origins);
    const reading = readingKernel(kernel, () => (this.tracer.reached = true));
    this.reactor = new Reactor(reading);
    const clock = new ServerClock(reading);
    this.reactor.onTurnStart = () => clock.update(this.reactor.now);
    const write = (level: LogLevel, text: string): void => void this.messages.push({ level, text });
    this.log = {
      wants: ({ level: least }, level) => LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least),
      error: (_log, level, text) => write(level, text),
      access() {},
    };
    const services = new ServerServices(reading, clock, this.reactor, "webserv", environment, checkBcrypt, write);
    const none = { active: 1, accepted: 1, requests: 1, reading: 0, writing: 1, waiting: 0 };
    services.connections = { counts: () => none };
    const subrequests = new Subrequests(services, this.log, (error) => (this.failure = error));
    services.subrequests = this.tracedSubrequests(subrequests);
    this.services = Object.assign(services, { observer: this.tracer });
    const generation = new Generation(config, this.services, NO_TLS, () => {});
    for (const server of listen.servers) this.tracer.routes(generation.routes(server), server.locations);
    this.endpoint = new Endpoint(reading, listen, 0, generation);
  }

  /** Runs a request to its reply, or to what is not asked. Throws what a handler throws. */
  async ask(asked: Asked, clientAddress: string): Promise<DryRunResult> {
    const { tracer } = this;
    const client = new Client(clientAddress, asked);
    const exchange = this.tracedExchange(new ServerExchange(this.services, this.log));
    const findings = tracer.begin();
    this.messages = [];
    await this.run(exchange, client, asked.head);
    const failure = client.failure ?? this.failure;
    if (failure !== null) throw failure;
    return { findings, messages: this.messages, client, exchange, isAnswered: client.seen !== null && !tracer.reached };
  }

  /** Nothing is kept for a second request; what leads elsewhere is told. */
  private tracedExchange(exchange: ServerExchange): ServerExchange {
    const { tracer } = this;
    const fail = exchange.fail.bind(exchange);
    const redirect = exchange.redirect.bind(exchange);
    Object.defineProperty(exchange, "takesWholeReply", { value: false });
    return Object.assign(exchange, {
      fail(...args: Parameters<typeof fail>): void {
        tracer.failed(args[0], exchange, exchange.progress.inErrorPage);
        fail(...args);
      },
      redirect(...args: Parameters<typeof redirect>): void {
        tracer.redirected(`${args[0]}${args[1] ? `?${args[1]}` : ""}`);
        redirect(...args);
      },
    });
  }

  private tracedSubrequests(real: Subrequests): SubrequestStarter {
    const { tracer } = this;
    const within = <T>(text: string, start: () => T): T => {
      tracer.add("subrequest", text);
      tracer.findings.depth++;
      const started = start();
      tracer.findings.depth--;
      return started;
    };
    return {
      start: (of, options, replied) =>
        within(`${options.method} ${options.uri}`, () => real.start(of, options, told(tracer, replied))),
      include: (of, path, query, includer) =>
        within(`${path}${query === "" ? "" : `?${query}`}, to be included`, () =>
          real.include(of, path, query, includer),
        ),
    };
  }

  private async run(exchange: ServerExchange, client: Client, text: string): Promise<void> {
    const { endpoint } = this;
    exchange.begin(client, endpoint);
    const head = Buffer.from(text, "latin1");
    const block = new Block(head.length);
    head.copy(block.bytes);
    const n = exchange.parser.feed(block.bytes, 0, head.length);
    if (n <= 0) return this.refused(exchange, -n || 400);
    this.server(exchange.request.host());
    const status = admit(exchange, endpoint.hosts);
    if (status !== 0) return exchange.fail(status, status === 405 ? [["Allow", exchange.progress.route.allow]] : []);
    exchange.progress.advance();
    await this.untilAnswered(exchange);
  }

  private async untilAnswered(exchange: ServerExchange): Promise<void> {
    const { reactor, tracer } = this;
    for (let step = 0; !exchange.replied && !tracer.reached && step < MOST_STEPS; step++) {
      reactor.turn(0);
      await Bun.sleep(1);
      if (exchange.progress.ready) exchange.progress.advance();
    }
  }

  private refused(exchange: ServerExchange, status: number): void {
    this.tracer.add("error", `the request is refused: ${exchange.parser.reason || "it is not complete"}`);
    exchange.fail(status);
  }

  /** Tells which server the host leads to. */
  private server(host: string): void {
    const { listen, tracer } = this;
    tracer.add("address", listen.text, listen.position);
    const { server: router } = this.endpoint.hosts.find(host);
    const server = listen.servers.find(({ scope }) => scope === router.scope.route.location) ?? listen.defaultServer;
    const name = nameFound(server, host);
    const others = losingServers(listen.servers, host, server).map(({ of, why }) => ({
      text: nameOf(of),
      at: lineOf(of.position)!,
      why,
    }));
    const why =
      name === null
        ? `the default server of ${listen.text}: no server here has the name "${host}"`
        : `by its name ${shownName(name)}`;
    tracer.add("server", `${nameOf(server)}, ${why}`, server.position, others);
  }

  /** Releases what the runtime would wait for. */
  close(): void {
    this.reactor.dispose();
  }
}

type Replied = Parameters<SubrequestStarter["start"]>[2];

/** Tells a subrequest's status, then whoever asked. */
const told = (tracer: Tracer, replied: Replied): Replied =>
  replied &&
  ((reply) => {
    tracer.add("answer", `status ${reply.status}`);
    replied(reply);
  });

const nameOf = ({ name }: VirtualServer): string => (name === "" ? "without a name" : name);
