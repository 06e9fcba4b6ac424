/** The layers beneath connections: the PROXY protocol, and TLS with the contexts of each configuration. */

import { TlsContext } from "../../ffi/openssl/context.ts";
import { openSsl } from "../../ffi/openssl/library.ts";
import type { Config, ListenAddress, VirtualServer } from "../config/model.ts";
import type { ErrorLog, LogLevel } from "../config/settings/logs.ts";
import type { HostedConnection } from "../connection/host.ts";
import { ProxiedTransport } from "../network/proxy-protocol/proxied-transport.ts";
import type { TlsShared } from "../network/tls/shared.ts";
import { TlsTransport } from "../network/tls/tls-transport.ts";
import type { Transport } from "../network/transport.ts";

/** The server. */
interface TlsOwner {
  readonly services: { readonly tls: TlsShared };
  log(level: LogLevel, message: string, to: ErrorLog): void;
}

export class Tls {
  /** The keys of tickets, by what identifies a server's sessions: a reload keeps them. */
  private ticketKeys = new Map<string, Uint8Array>();

  constructor(private readonly server: TlsOwner) {}

  /** The transport of a new connection: its socket, beneath what its address needs. @param client the connection, once it is made */
  layers(socket: Transport, { proxyProtocol, tls }: ListenAddress, client: () => HostedConnection): Transport {
    const inner = proxyProtocol
      ? new ProxiedTransport(socket, (problem) =>
          this.failed(client(), "error", `${problem} while reading PROXY protocol`),
        )
      : socket;
    if (!tls) return inner;
    return new TlsTransport(inner, this.server.services.tls, {
      contextFor: (name) => client().endpoint.contextFor(name), // a reload may have replaced the endpoint
      failed: (words) =>
        this.failed(client(), "info", words === "" ? "SSL_read() failed" : `SSL_read() failed (SSL: ${words})`),
    });
  }

  /** As nginx logs it. */
  private failed({ info, endpoint }: HostedConnection, level: LogLevel, what: string): void {
    const where = `client: ${info.remoteAddress}, server: ${endpoint.listen.text}`;
    this.server.log(level, `*${info.number} ${what}, ${where}`, endpoint.settings.errorLog);
  }

  /** Makes the contexts of a configuration, which has tried its rules already. */
  make({ tls }: Config): ReadonlyMap<VirtualServer, TlsContext> {
    const contexts = new Map<VirtualServer, TlsContext>();
    const keys = new Map<string, Uint8Array>();
    for (const [server, rules] of tls) {
      const ssl = openSsl();
      if (typeof ssl === "string") throw new Error(ssl);
      const context = TlsContext.server(ssl, rules, this.ticketKeys);
      if (!(context instanceof TlsContext)) throw new Error(`TLS: ${context.part}: ${context.text}`);
      contexts.set(server, context);
      keys.set(context.identity, context.ticketKeys());
    }
    this.ticketKeys = keys;
    return contexts;
  }
}
