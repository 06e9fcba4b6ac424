/** The arguments of `listen`: an address in any of nginx's forms, and options. */
import { formatAddress, parseAddress, type SocketAddress } from "../../../ffi/inet.ts";
import type { Position } from "../parts.ts";
import { join } from "../paths.ts";
import { quote } from "../text/diagnostics.ts";
import type { Word } from "../text/parser.ts";

export interface ListenOptions {
  readonly address: SocketAddress;
  /** The address in canonical form; two `listen` with the same text share a socket. */
  readonly text: string;
  readonly defaultServer: boolean;
  /** null: not given. */
  readonly backlog: number | null;
  readonly reuseport: boolean | null;
  readonly ipv6only: boolean | null;
  /** Connections begin with a header of the PROXY protocol; null: not said. */
  readonly proxyProtocol: boolean | null;
  /** Connections begin with a TLS handshake; null: not said. */
  readonly tls: boolean | null;
}

/** What the parser needs of the block that the `listen` stands in: the folder that paths are relative to, and where it reports. */
interface Block {
  readonly draft: { readonly prefix: string };
  error(position: Position, message: string): void;
  warning(position: Position, message: string): void;
}

type Parsed = Pick<ListenOptions, "address" | "text">;

export const LISTEN_SYNTAX =
  "[ADDRESS:]PORT | ADDRESS | unix:PATH [default_server] [backlog=N] [reuseport] [ipv6only=on|off] [proxy_protocol] [ssl]";

/** The port of an address without a port, as in nginx. */
const DEFAULT_PORT = 80;
/** sizeof(sun_path) less its NUL. */
const MAX_UNIX_PATH = 107;

const REFUSED: Readonly<Record<string, string>> = {
  quic: "Webserv speaks HTTP/1.1",
};
const IGNORED = /^(?:deferred|bind|http2|spdy|(?:rcvbuf|sndbuf|fastopen|setfib|accept_filter|so_keepalive)=.*)$/;

/** Parses the words of a `listen`; null after an error. */
export function parseListen([first, ...options]: readonly Word[], block: Block): ListenOptions | null {
  const address = parseListenAddress(first!.text, block.draft.prefix);
  if (typeof address === "string") block.error(first!.position, address);
  const given = new Map<string, string>();
  const refused = options.filter(({ text }) => REFUSED[text] !== undefined).slice(1); // one message is enough
  const good = options
    .filter((word) => !refused.includes(word))
    .map((word) => readOption(word, given, block))
    .every((result) => result);
  if (typeof address === "string" || !good) return null;
  return {
    ...address,
    defaultServer: given.has("default_server"),
    backlog: given.has("backlog") ? Number(given.get("backlog")) : null,
    reuseport: given.has("reuseport") ? true : null,
    proxyProtocol: given.has("proxy_protocol") ? true : null,
    tls: given.has("ssl") ? true : null,
    ipv6only: given.has("ipv6only") ? given.get("ipv6only") === "on" : null,
  };
}

/** Stores a valid option in `given`; false after an error. */
function readOption({ text, position }: Word, given: Map<string, string>, block: Block): boolean {
  const [name, value] = splitAt(text === "default" ? "default_server" : text, "=");
  const valid =
    name === "backlog"
      ? /^[1-9]\d{0,5}$/.test(value ?? "")
      : name === "ipv6only"
        ? /^(?:on|off)$/.test(value ?? "")
        : value === undefined;
  if (valid && /^(?:default_server|reuseport|backlog|ipv6only|proxy_protocol|ssl)$/.test(name)) {
    if (given.has(name)) block.error(position, `duplicate option "${name}" of "listen"`);
    else given.set(name, value ?? "");
    return true;
  }
  const refusal = REFUSED[text];
  if (IGNORED.test(text)) block.warning(position, `option ${quote(text)} of "listen" has no effect here`);
  else if (refusal !== undefined) block.error(position, `option "${text}" of "listen" is not supported (${refusal})`);
  else
    block.error(
      position,
      `unknown option ${quote(text)} of "listen" (expected default_server, backlog=N, reuseport, ipv6only=on|off, proxy_protocol or ssl)`,
    );
  return IGNORED.test(text);
}

/** Parses `8080`, `1.2.3.4:80`, `1.2.3.4`, `*:80`, `[::1]:80`, `[::1]`, `localhost:80`, `unix:/path`; a string tells what is wrong. */
export function parseListenAddress(text: string, prefix: string): Parsed | string {
  if (text.startsWith("unix:")) return unixAddress(text.slice(5), prefix);
  if (/^\d+$/.test(text)) return internetAddress("*", text);
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/s.exec(text);
  if (match === null || match[1] === "") return notAnAddress(text);
  return internetAddress(match[1]!, match[2] ?? String(DEFAULT_PORT));
}

function internetAddress(host: string, digits: string): Parsed | string {
  const port = /^\d{1,9}$/.test(digits) ? Number(digits) : -1;
  if (port < 0) return `"listen" expects a port, not ${quote(digits)}`;
  if (port > 65535) return `port ${port} is out of range (0 to 65535)`;
  const bytes = hostBytes(host);
  if (bytes === null) return notAnAddress(host);
  const name = formatAddress(bytes, 0, bytes.length as 4 | 16);
  const v4 = bytes.length === 4;
  return {
    address: { family: v4 ? "ipv4" : "ipv6", host: name, port },
    text: v4 ? `${name}:${port}` : `[${name}]:${port}`,
  };
}

function hostBytes(host: string): number[] | null {
  if (host === "*") return [0, 0, 0, 0];
  if (host.toLowerCase() === "localhost") return [127, 0, 0, 1];
  const bracketed = host.startsWith("[");
  const bytes = parseAddress(bracketed ? host.slice(1, -1) : host);
  return bytes !== null && bracketed === (bytes.length === 16) ? bytes : null;
}

function notAnAddress(text: string): string {
  return `"listen" expects PORT, ADDRESS:PORT, [IPV6]:PORT, *:PORT, localhost:PORT or unix:PATH, not ${quote(text)}`;
}

function unixAddress(given: string, prefix: string): Parsed | string {
  if (given === "") return '"listen" expects a path after "unix:"';
  const path = join(prefix, given);
  if (Buffer.byteLength(path) > MAX_UNIX_PATH) {
    return `the path of a unix socket has at most ${MAX_UNIX_PATH} bytes, ${quote(path)} has ${Buffer.byteLength(path)}`;
  }
  return { address: { family: "unix", path }, text: `unix:${path}` };
}

function splitAt(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
