/** TLS to the servers of `proxy_pass https://`: ngx_http_proxy_module's `proxy_ssl_*`. */
import { ERRNO } from "../../../ffi/errno.ts";
import { TlsContext } from "../../../ffi/openssl/context.ts";
import { openSsl } from "../../../ffi/openssl/library.ts";
import { TlsSession } from "../../../ffi/openssl/session.ts";
import type { Settings } from "../../config/model.ts";
import type { UpstreamTlsSettings } from "../../config/settings/tls.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { passUrl } from "../../exchange/passing/pass-url.ts";
import { evaluateOctets } from "../../exchange/templates.ts";
import { TlsTransport } from "../../network/tls/tls-transport.ts";
import type { Transport } from "../../network/transport.ts";
import type { HandlerServices } from "../services.ts";

/** The handshake is in progress. */
export const WANTS_MORE: unique symbol = Symbol("wants more");

/** The TLS of a location's requests, as the scheme of their URLs asks for it. */
export class PassTls {
  private made: UpstreamTls | null = null;

  constructor(
    private readonly settings: Settings,
    private readonly services: HandlerServices,
  ) {}

  /** null: the request goes without TLS. */
  for(exchange: Exchange): UpstreamTls | null {
    const pass = this.settings.pass!;
    if (pass.family !== "proxy") return null;
    const scheme = pass.target === null ? pass.scheme : passUrl(exchange, pass).scheme;
    return scheme === "https" ? (this.made ??= new UpstreamTls(this.settings, this.services)) : null;
  }

  close(): void {
    this.made?.close();
    this.made = null;
  }
}

export class UpstreamTls {
  private readonly context: TlsContext;
  private readonly settings: UpstreamTlsSettings;

  /** The configuration has tried its rules already. */
  constructor(
    settings: Settings,
    private readonly services: HandlerServices,
  ) {
    this.settings = settings.proxyOnly.tls;
    const ssl = openSsl();
    if (typeof ssl === "string") throw new Error(ssl);
    const context = TlsContext.client(ssl, settings.proxyOnly.tls);
    if (!(context instanceof TlsContext)) throw new Error(`proxy_ssl: ${context.part}: ${context.text}`);
    this.context = context;
  }

  /** TLS over a connection, for the name that the request has for its server. */
  over(socket: Transport, exchange: Exchange): TlsTransport {
    const { serverName, verify } = this.settings;
    const name = this.nameFor(exchange);
    const asks = serverName && !isAddress(name) ? name : "";
    const session = new TlsSession(this.context, { asks, verifies: verify ? name : "" });
    const { owner } = socket;
    const transport = new TlsTransport(socket, this.services.tls, session);
    transport.owner = owner;
    return transport;
  }

  /** Without a port, as nginx has it. */
  private nameFor(exchange: Exchange): string {
    const { name } = this.settings;
    const whole = name === null ? (exchange.upstream?.target?.host ?? "") : evaluateOctets(name, exchange);
    return whole.replace(/:\d+$/, "");
  }

  /** Goes on with the handshake: WANTS_MORE; null: it is complete; else what is wrong, in nginx's words. */
  handshake(transport: TlsTransport): string | typeof WANTS_MORE | null {
    const n = transport.handshake();
    if (n === -ERRNO.EAGAIN) return WANTS_MORE;
    return n === 1 ? this.refusal(transport) : `SSL_do_handshake() failed (SSL: ${transport.error})`;
  }

  private refusal({ session }: TlsTransport): string | null {
    if (!this.settings.verify) return null;
    const error = session!.hasCertificate ? session!.verifyError : "no certificate";
    return error === null ? null : `upstream SSL certificate verify error: (${error})`;
  }

  close(): void {
    this.context.release();
  }
}

const isAddress = (name: string): boolean => /^\[|^[\d.]+$/.test(name);
