/** Merges the `listen` directives of all servers by address, chooses default servers and reports contradictions. */

import type { Sources } from "./files.ts";
import type { ListenAddress, VirtualServer } from "./model.ts";
import type { Position } from "./parts.ts";
import type { Listen, ServerDraft } from "./scope.ts";
import type { Diagnostics } from "./text/diagnostics.ts";
import { elsewhere, quote } from "./text/diagnostics.ts";
import type { ListenOptions } from "./values/listen.ts";
import { parseListenAddress } from "./values/listen.ts";

/** nginx's NGX_LISTEN_BACKLOG on Linux; the kernel lowers it to net.core.somaxconn. */
const DEFAULT_BACKLOG = 511;
/** Ports for a server without `listen`, as in nginx: the second is used where the user may not bind the first. */
const DEFAULT_PORT = 80;
const PORT_FOR_EVERYONE = 8000;

interface Shared {
  readonly address: ListenOptions["address"];
  readonly text: string;
  readonly position: Position;
  readonly servers: ServerDraft[];
  readonly names: Map<string, Position>;
  readonly options: Map<string, { readonly value: unknown; readonly position: Position }>;
  default: { readonly server: ServerDraft; readonly position: Position } | null;
}

type Name = readonly [name: string, position: Position];

export class Addresses {
  private readonly shared = new Map<string, Shared>();

  constructor(
    private readonly diagnostics: Diagnostics,
    private readonly sources: Sources,
  ) {}

  /** Adds a server to all its addresses. A contradiction with an earlier server is an error and marks this one broken. */
  add(server: ServerDraft): void {
    const names = namesOf(server);
    for (const listen of this.listensOf(server)) {
      const shared = this.at(listen);
      this.addNames(shared, names, server);
      this.addOptions(shared, listen, server);
    }
  }

  /** The addresses of the servers in `made`. */
  merged(made: ReadonlyMap<ServerDraft, VirtualServer>): ListenAddress[] {
    return [...this.shared.values()].flatMap((shared) => {
      const servers = shared.servers.flatMap((draft) => made.get(draft) ?? []);
      if (servers.length === 0) return [];
      const option = <T>(name: string, otherwise: T): T => (shared.options.get(name)?.value ?? otherwise) as T;
      return {
        address: shared.address,
        text: shared.text,
        backlog: option("backlog", DEFAULT_BACKLOG),
        reuseport: option("reuseport", false),
        ipv6only: option("ipv6only", true),
        proxyProtocol: option("proxyProtocol", false),
        tls: option("tls", false) || shared.servers.some((draft) => draft.overTls),
        defaultServer: (shared.default && made.get(shared.default.server)) ?? servers[0]!,
        servers,
        position: shared.position,
      };
    });
  }

  private at({ options: { address, text }, word: { position } }: Listen): Shared {
    let shared = this.shared.get(text);
    if (shared === undefined) {
      shared = { address, text, position, servers: [], names: new Map(), options: new Map(), default: null };
      this.shared.set(text, shared);
    }
    return shared;
  }

  private addNames(shared: Shared, names: readonly Name[], server: ServerDraft): void {
    for (const [name, position] of names) {
      const first = shared.names.get(name);
      if (first === undefined) shared.names.set(name, position);
      else {
        // As in nginx, the first server with the name answers.
        const place = elsewhere(first, position);
        this.diagnostics.warning(
          position,
          `conflicting server name ${quote(name)} on ${shared.text} is ignored (first on ${place})`,
        );
      }
    }
    shared.servers.push(server);
  }

  private addOptions(shared: Shared, { options, word }: Listen, server: ServerDraft): void {
    for (const name of ["backlog", "reuseport", "ipv6only", "proxyProtocol", "tls"] as const) {
      const value = options[name];
      const first = shared.options.get(name);
      if (value === null) continue;
      if (first === undefined) shared.options.set(name, { value, position: word.position });
      else if (first.value !== value) {
        const place = elsewhere(first.position, word.position);
        this.refuse(server, word.position, `"${name}" of ${shared.text} is not what it is on ${place}`);
      }
    }
    if (!options.defaultServer) return;
    if (shared.default === null) shared.default = { server, position: word.position };
    else {
      const place = elsewhere(shared.default.position, word.position);
      this.refuse(server, word.position, `a second default server for ${shared.text} (first on ${place})`);
    }
  }

  /** The addresses a server listens on; nginx's default without `listen`. A broken server may have lost its `listen`, so it gets no default. */
  private listensOf({ listens, position, broken }: ServerDraft): readonly Listen[] {
    if (listens.length > 0 || broken) return listens;
    const port = this.sources.mayBind(DEFAULT_PORT) ? DEFAULT_PORT : PORT_FOR_EVERYONE;
    const address = parseListenAddress(String(port), "");
    if (typeof address === "string") throw new Error(address);
    this.diagnostics.warning(position, `this server has no "listen": it listens on port ${port}`);
    const options = {
      ...address,
      defaultServer: false,
      backlog: null,
      reuseport: null,
      ipv6only: null,
      proxyProtocol: null,
      tls: null,
    };
    return [{ options, word: { text: String(port), position } }];
  }

  private refuse(server: ServerDraft, position: Position, message: string): void {
    this.diagnostics.error(position, message, true);
    server.broken = true;
  }
}

/** Every name as written, with its position. A server without names has the empty name, unless it is broken and may have lost its names. */
function namesOf({ names, position, broken }: ServerDraft): Name[] {
  if (names.length === 0) return broken ? [] : [["", position]];
  const written = { exact: "", leading: "*", trailing: "", regex: "~" } as const;
  const all = names.flatMap(({ word, names: forms }) =>
    forms.map(({ kind, text }) => [`${written[kind]}${text}${kind === "trailing" ? "*" : ""}`, word.position] as const),
  );
  return [...new Map([...all].reverse()).entries()].reverse();
}
