/** The local address of connections to peers (`*_bind`). */
import { parseAddress, type SocketAddress } from "../../../ffi/inet.ts";
import type { FamilySettings } from "../../config/gateway.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { evaluateOctets } from "../../exchange/templates.ts";

const ANY = { from: null, transparent: false } as const;

/** `*_bind` for a request. As in nginx, a value that is no address lets the system choose. */
export function localAddress(
  bind: FamilySettings["bind"],
  exchange: Exchange,
): { readonly from: SocketAddress | null; readonly transparent: boolean } {
  if (bind === null) return ANY;
  const parts = /^(?:\[([^\]]+)\]|([^:]+)|(.*))(?::(\d+))?$/.exec(evaluateOctets(bind.address, exchange));
  const host = parts?.[1] ?? parts?.[2] ?? parts?.[3] ?? "";
  if (parseAddress(host) === null) return ANY;
  const from = { family: host.includes(":") ? "ipv6" : "ipv4", host, port: Number(parts![4] ?? 0) } as const;
  return { from, transparent: bind.transparent };
}
