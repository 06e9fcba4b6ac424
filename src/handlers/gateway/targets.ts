/** Finds the group that a request goes to: that of the configuration, or for `*_pass` with variables the one that their values name. */
import type { SocketAddress } from "../../../ffi/inet.ts";
import { parseAddress } from "../../../ffi/inet.ts";
import type { Pass } from "../../config/gateway.ts";
import type { Settings } from "../../config/model.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { passUrl } from "../../exchange/passing/pass-url.ts";
import { evaluate } from "../../exchange/templates.ts";
import { unicode } from "../../http/octets.ts";
import type { HandlerServices } from "../services.ts";
import type { UpstreamGroup } from "../upstream/upstream.ts";
import { Addresses } from "./addresses.ts";

/** Called once, with the group or with the reason why there is none. */
type Found = (group: UpstreamGroup | string) => void;

/** `host`, `host:port`, `[ipv6]:port`. */
const AUTHORITY = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+))(?::(\d{1,5}))?$/;
const DEFAULT_PORTS = { http: 80, https: 443 } as const;
const NOTHING = (): void => {};

export class Targets {
  private readonly pass: Pass;
  private readonly fixed: UpstreamGroup | undefined;
  private readonly groups: HandlerServices["upstreams"]["latest"];

  constructor(
    private readonly settings: Settings,
    private readonly services: HandlerServices,
  ) {
    this.pass = settings.pass!;
    this.groups = services.upstreams.latest;
    this.fixed = this.pass.upstream === null ? undefined : this.groups.find(this.pass.upstream);
  }

  /** Calls `found`, perhaps later. Gives a function that cancels the search. */
  find(exchange: Exchange, found: Found): () => void {
    if (this.fixed !== undefined) {
      found(this.fixed);
      return NOTHING;
    }
    const isProxy = this.pass.family === "proxy";
    const { server, scheme } = isProxy ? passUrl(exchange, this.pass) : { server: "", scheme: "http" as const };
    const name = isProxy ? unicode(server) : evaluate(this.pass.target!, exchange);
    const group = this.groups.find(name);
    if (group === undefined) return this.look(name, isProxy ? DEFAULT_PORTS[scheme] : 0, found);
    found(group);
    return NOTHING;
  }

  /** An address, or a name that is to be looked up. */
  private look(name: string, defaultPort: number, found: Found): () => void {
    const { services, settings } = this;
    if (/^unix:./i.test(name)) {
      found(this.groupOf(name, [{ family: "unix", path: name.slice("unix:".length) }]));
      return NOTHING;
    }
    const parts = AUTHORITY.exec(name);
    const host = parts?.[1] ?? parts?.[2] ?? "";
    const port = Number(parts?.[3] ?? defaultPort);
    if (parts === null) found(`invalid host in upstream ${JSON.stringify(name)}`);
    else if (port < 1 || port > 65_535) found(`no port in upstream "${name}"`);
    else if (parseAddress(host) !== null)
      found(this.groupOf(name, [{ family: host.includes(":") ? "ipv6" : "ipv4", host, port }]));
    else if (settings.resolver === null) found(`no resolver defined to resolve ${host}`);
    else
      return services.resolver.resolve(host, port, settings.resolver, settings.resolverTimeout, (result) => {
        if ("code" in result) found(`${host} could not be resolved (${result.code}: ${result.text})`);
        else found(this.groupOf(name, result));
      });
    return NOTHING;
  }

  private groupOf(name: string, addresses: readonly SocketAddress[]): UpstreamGroup {
    return new Addresses(name, addresses, this.services.clock);
  }
}
