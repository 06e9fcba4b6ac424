/** The address of another server as `*_pass`, `server` (of an upstream) and `resolver` name it. */
import { parseAddress, type SocketAddress } from "../../../ffi/inet.ts";
import { join } from "../paths.ts";
import { quote } from "../text/diagnostics.ts";

/** sizeof(sun_path) less its NUL. */
const MAX_UNIX_PATH = 107;

/** A host and port, or a unix socket. */
export interface PeerAddress {
  /** `host:port`, `[ipv6]:port`, `unix:/path`, or the host alone where no port is known. */
  readonly text: string;
  /** A name or a numeric address, IPv6 in brackets; "" for unix sockets. */
  readonly host: string;
  /** null: not written, and there is no default. */
  readonly port: number | null;
  /** Whether the port is written. */
  readonly hasPort: boolean;
  /** null: `host` is a name, or there is no port. */
  readonly address: SocketAddress | null;
}

/** Parses `host`, `host:port`, `[ipv6]:port` or `unix:/path`; a string tells what is wrong. */
export function parsePeer(text: string, defaultPort: number | null, prefix: string): PeerAddress | string {
  if (text.toLowerCase().startsWith("unix:")) return unixPeer(text.slice(5), prefix);
  const match = /^(\[[^\]]*\]|[^:[\]/?]*)(?::(.*))?$/s.exec(text);
  if (match === null) return `is no address (expected HOST, HOST:PORT, [IPV6]:PORT or unix:PATH)`;
  const host = match[1]!;
  if (host === "") return "has no host";
  const digits = match[2];
  if (digits !== undefined && !(/^\d{1,5}$/.test(digits) && Number(digits) >= 1 && Number(digits) <= 65535)) {
    return `has an invalid port ${quote(digits)} (1 to 65535)`;
  }
  const bytes = parseAddress(host.startsWith("[") ? host.slice(1, -1) : host);
  if (host.startsWith("[") && bytes?.length !== 16) return `has an invalid IPv6 address ${quote(host)}`;
  if (bytes === null && !/^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*)$/.test(host)) return `has an invalid host ${quote(host)}`;
  const port = digits === undefined ? defaultPort : Number(digits);
  const address = bytes === null || port === null ? null : internetAddress(host.replace(/^\[|\]$/g, ""), port);
  return { text: port === null ? host : `${host}:${port}`, host, port, hasPort: digits !== undefined, address };
}

/** The address of a numeric host. */
export function internetAddress(host: string, port: number): SocketAddress {
  return { family: host.includes(":") ? "ipv6" : "ipv4", host, port };
}

function unixPeer(given: string, prefix: string): PeerAddress | string {
  if (given === "") return 'has no path after "unix:"';
  const path = join(prefix, given);
  const length = Buffer.byteLength(path);
  if (length > MAX_UNIX_PATH) return `has a path of ${length} bytes (a unix socket's has at most ${MAX_UNIX_PATH})`;
  return { text: `unix:${path}`, host: "", port: null, hasPort: false, address: { family: "unix", path } };
}
