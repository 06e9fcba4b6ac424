/** Words of nginx's error log about servers that requests are passed to. */

import { SP } from "../../http/bytes.ts";

/** What the gateway waits for. */
export enum Waiting {
  Connect = "while connecting to upstream",
  Handshake = "while SSL handshaking to upstream",
  Send = "while sending request to upstream",
  Head = "while reading response header from upstream",
  Body = "while reading upstream",
}

/**
 * The URL of a request to a server: `http://127.0.0.1:81/path`, `fastcgi://unix:/run/php.sock:`.
 * @param head of the request, if the protocol is HTTP: its request line has the URI
 */
export function peerUrl(scheme: string, name: string, head: Buffer | null): string {
  const colon = name.startsWith("unix:") ? ":" : "";
  return scheme + name + colon + (head === null ? "" : uriIn(head));
}

/** The URI in a request line. Not a part of a longer text, which would live as long: a tunnel keeps it. */
function uriIn(head: Buffer): string {
  const start = head.indexOf(SP) + 1;
  return head.latin1Slice(start, Math.max(start, head.indexOf(SP, start)));
}
