/** The value of a `geo` (ngx_http_geo_module): that of the narrowest network with the address. */
import { formatAddress, parseAddress } from "../../../ffi/inet.ts";
import type { GeoTable, Networks } from "../../config/tables/tables.ts";
import { isWithin, mappedStart } from "../../routing/networks.ts";
import type { Evaluator, Exchange, Templates } from "../exchange.ts";
import { forwardedAddress } from "../passing/forwarded-address.ts";
import type { ValueObserver } from "./observer.ts";

/** Stands for what is no internet address, as in nginx: 255.255.255.255. */
const NO_ADDRESS = Uint8Array.of(255, 255, 255, 255);

/** Makes the evaluator of a geo's variable. */
export function geoValue(table: GeoTable, templates: Templates, told?: ValueObserver): Evaluator {
  const { values } = table;
  const source = table.source === null ? null : templates.evaluator(table.source);
  return (exchange) => {
    const given = source === null ? exchange.connection.remoteBytes : bytesOf(source(exchange));
    const bytes = given === null ? NO_ADDRESS : clientOf(table, given, exchange);
    const value = values[valueIn(table, bytes)]!;
    told?.(bytes.length === 0 ? "unix:" : formatAddress(bytes, 0, bytes.length as 4 | 16), value);
    return value;
  };
}

/** Index of the value of an address. */
function valueIn({ ipv4, ipv6 }: GeoTable, bytes: Uint8Array): number {
  const from = bytes.length === 16 ? mappedStart(bytes) : 0;
  if (bytes.length - from === 4) return ipv4.values[indexOf(ipv4, bytes, from)]!;
  if (bytes.length === 16 && ipv6 !== null) return ipv6.values[indexOf(ipv6, bytes, 0)]!;
  return ipv4.values[indexOf(ipv4, NO_ADDRESS, 0)]!;
}

function bytesOf(text: string): Uint8Array | null {
  const bytes = parseAddress(text);
  return bytes === null ? null : Uint8Array.from(bytes);
}

/** The client that a trusted front server names; else `bytes` itself. */
function clientOf({ proxies, recursive }: GeoTable, bytes: Uint8Array, { request }: Exchange): Uint8Array {
  if (proxies.length === 0) return bytes;
  const isTrusted = (address: Uint8Array): boolean => proxies.some((proxy) => isWithin(proxy, address));
  const list = isTrusted(bytes) ? request.fieldAll("x-forwarded-for").join(",") : "";
  return list === "" ? bytes : (forwardedAddress(list, recursive, isTrusted)?.bytes ?? bytes);
}

/** Index of the interval of an address, by halves: at most as many steps as an address has bits, and one. */
function indexOf({ starts, values }: Networks, bytes: Uint8Array, from: number): number {
  const words = starts.length / values.length;
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (isBehind(starts, middle * words, words, bytes, from)) high = middle - 1;
    else low = middle;
  }
  return low;
}

/** Whether a start is greater than the address. */
function isBehind(starts: Uint32Array, at: number, words: number, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < words; i++) {
    const start = starts[at + i]!;
    const word = wordOf(bytes, from + 4 * i);
    if (start !== word) return start > word;
  }
  return false;
}

const wordOf = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
