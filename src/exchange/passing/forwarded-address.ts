/** The client that front servers name in a list such as X-Forwarded-For (ngx_http_get_forwarded_addr). */
import { parseAddress } from "../../../ffi/inet.ts";

export interface Remote {
  readonly bytes: Uint8Array;
  readonly port: number;
}

/**
 * The last address of the list; if `recursive`, the last one that is not a trusted front server's. null: it is not an address.
 * What stands before a malformed element is not trusted.
 */
export function forwardedAddress(
  list: string,
  recursive: boolean,
  isTrusted: (bytes: Uint8Array) => boolean,
): Remote | null {
  let client: Remote | null = null;
  for (const text of list.split(/[ ,]+/).reverse()) {
    if (text === "") continue; // at an end
    const next = parseRemote(text);
    if (next === null) return client;
    client = next;
    if (!recursive || !isTrusted(client.bytes)) return client;
  }
  return client;
}

/** Parses `1.2.3.4`, `1.2.3.4:5`, `::1`, `[::1]` or `[::1]:5`; null: malformed. */
function parseRemote(text: string): Remote | null {
  const match = /^\[([^\]]*)\](?::(\d{1,5}))?$/.exec(text) ?? /^([\d.]+):(\d{1,5})$/.exec(text);
  const address = parseAddress(match?.[1] ?? text);
  return address === null ? null : { bytes: Uint8Array.from(address), port: Number(match?.[2] ?? 0) & 0xffff };
}
