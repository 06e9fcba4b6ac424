/**
 * Connections from a front server (ngx_http_realip_module): logs, rules and scripts see the address of the client that the front
 * server names. Only the addresses in `set_real_ip_from` are trusted to name one.
 */
import { formatAddress } from "../../ffi/inet.ts";
import type { Settings } from "../config/model.ts";
import type { ConnectionInfo } from "../exchange/exchange.ts";
import { forwardedAddress, type Remote } from "../exchange/passing/forwarded-address.ts";
import { allows } from "../handlers/access.ts";
import type { RequestHead } from "../http/request/request.ts";
import type { ProxyAddresses } from "../network/proxy-protocol/header.ts";
import type { TcpInfo } from "../network/transport.ts";

/** The client's connection as a trusted front server describes it; else `direct` itself. */
export function forwarded(direct: ConnectionInfo, request: RequestHead, settings: Settings): ConnectionInfo {
  if (!isTrusted(settings, direct.remoteBytes)) return direct;
  const client = settings.realIpHeader === "proxy_protocol" ? proxiedClient(direct) : namedClient(request, settings);
  const scheme = forwardedScheme(request) ?? direct.scheme;
  return client === null && scheme === direct.scheme ? direct : new Forwarded(direct, client, scheme);
}

const isTrusted = ({ realIpFrom }: Settings, remoteBytes: Uint8Array): boolean => allows(realIpFrom, { remoteBytes });

/** The client of the PROXY protocol's header. */
function proxiedClient({ proxied }: ConnectionInfo): Remote | null {
  return proxied ? { bytes: proxied.sourceBytes, port: proxied.sourcePort } : null;
}

function namedClient(request: RequestHead, settings: Settings): Remote | null {
  const named = request.fieldAll(settings.realIpHeader).join(",");
  if (named === "") return null;
  return forwardedAddress(named, settings.realIpRecursive, (bytes) => isTrusted(settings, bytes));
}

/** The scheme of the client's own connection by the first element of `X-Forwarded-Proto`; undefined: not given. */
function forwardedScheme(request: RequestHead): ConnectionInfo["scheme"] | undefined {
  const [first] = (request.field("x-forwarded-proto") ?? "").split(",");
  const name = first!.trim().toLowerCase();
  return name === "https" || name === "http" ? name : undefined;
}

class Forwarded implements ConnectionInfo {
  constructor(
    readonly direct: ConnectionInfo,
    private readonly client: Remote | null,
    readonly scheme: ConnectionInfo["scheme"],
  ) {}

  get number(): number {
    return this.direct.number;
  }

  get requests(): number {
    return this.direct.requests;
  }

  get remoteAddress(): string {
    const { client, direct } = this;
    return client === null
      ? direct.remoteAddress
      : formatAddress(Buffer.from(client.bytes), 0, client.bytes.length as 4 | 16);
  }

  get remotePort(): number {
    return this.client?.port ?? this.direct.remotePort;
  }

  get remoteBytes(): Uint8Array {
    return this.client?.bytes ?? this.direct.remoteBytes;
  }

  get openedAt(): number {
    return this.direct.openedAt;
  }

  tcpInfo(): TcpInfo | null {
    return this.direct.tcpInfo();
  }

  get proxied(): ProxyAddresses | null {
    return this.direct.proxied ?? null;
  }

  get serverAddress(): string {
    return this.direct.serverAddress;
  }

  get serverPort(): number {
    return this.direct.serverPort;
  }
}
