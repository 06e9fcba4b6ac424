/**
 * Servers with `resolve`: their names are looked up while the server runs, and the group's peers follow the answers. The resolver
 * remembers an answer as long as it counts, so asking it often costs nothing.
 */
import type { SocketAddress } from "../../../ffi/inet.ts";
import type { UpstreamConfig, UpstreamServer } from "../../config/gateway.ts";
import type { Services } from "../../exchange/services.ts";
import { Alarm } from "../../network/timers.ts";

type NameServices = Pick<Services, "reactor" | "resolver" | "log">;

/** How often the resolver is asked whether an answer still holds, ms. */
const INTERVAL = 1000;
/** Codes of DNS: there is no such name (RFC 1035 §4.1.1). */
const NO_NAME = 3;

export class ServerNames {
  private readonly known = new Map<UpstreamServer, readonly SocketAddress[]>();
  /** After an error: when the name is looked up again. */
  private readonly retries = new Map<UpstreamServer, number>();
  private readonly questions = new Set<() => void>();
  private readonly alarm = new Alarm(() => this.ask());
  private running = false;

  /** @param changed called when the addresses of some server are others than before */
  constructor(
    private readonly config: UpstreamConfig,
    private readonly services: NameServices,
    private readonly changed: () => void,
  ) {}

  /** The addresses of a server; none before its name was first looked up. */
  addresses(server: UpstreamServer): readonly SocketAddress[] {
    return server.resolve === null ? server.addresses : (this.known.get(server) ?? []);
  }

  /** Whether some name has had no answer yet. */
  get pending(): boolean {
    return this.names.some((server) => !this.known.has(server));
  }

  private get names(): readonly UpstreamServer[] {
    return this.config.servers.filter((server) => server.resolve !== null);
  }

  start(): void {
    if (this.running || this.names.length === 0) return;
    this.running = true;
    this.ask();
  }

  /** Asks no more; the addresses stay. */
  stop(): void {
    this.running = false;
    this.services.reactor.timers.stop(this.alarm);
    for (const cancel of [...this.questions]) cancel();
    this.questions.clear();
  }

  private ask(): void {
    const { reactor } = this.services;
    const isDue = (server: UpstreamServer): boolean => (this.retries.get(server) ?? 0) <= reactor.now;
    if (this.questions.size === 0) for (const server of this.names.filter(isDue)) this.askFor(server);
    reactor.timers.start(this.alarm, INTERVAL, reactor.now);
  }

  private askFor(server: UpstreamServer): void {
    const { resolver, resolverTimeout } = this.config;
    const { host, port } = server.resolve!;
    if (resolver === null) return;
    let cancel: () => void = () => {}; // the answer may come before `resolve` returns
    let isOver = false;
    cancel = this.services.resolver.resolve(host, port, resolver, resolverTimeout, (result) => {
      isOver = true;
      this.questions.delete(cancel);
      if ("code" in result) this.failed(server, host, result);
      else this.found(server, result);
    });
    if (!isOver) this.questions.add(cancel);
  }

  /** As nginx: when there is no such name the server has no addresses, on other errors it keeps those it had. */
  private failed(server: UpstreamServer, host: string, error: { readonly code: number; readonly text: string }): void {
    const { reactor } = this.services;
    this.retries.set(server, reactor.now + Math.max(this.config.resolverTimeout, INTERVAL));
    this.services.log("error", `${host} could not be resolved (${error.code}: ${error.text})`);
    if (error.code === NO_NAME) this.found(server, []);
  }

  private found(server: UpstreamServer, addresses: readonly SocketAddress[]): void {
    const before = this.known.get(server);
    // The resolver gives another order each time; the hashes need the same.
    const sorted = addresses.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
    this.known.set(server, sorted);
    if (before === undefined || JSON.stringify(before) !== JSON.stringify(sorted)) this.changed();
  }
}
