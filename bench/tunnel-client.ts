/**
 * Many idle WebSockets: `bun run bench/tunnel-client.ts PORT COUNT`. Each asks for an upgrade as a browser does, reads the 101 and
 * keeps the connection open. Prints `ready` when all are open, and ends at the end of its standard input.
 */
import { crowd } from "./crowd.ts";

const REQUEST = `GET /chat/room/42?user=somebody HTTP/1.1\r
Host: www.example.org\r
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r
Accept: */*\r
Accept-Language: en-GB,en;q=0.5\r
Accept-Encoding: gzip, deflate, br, zstd\r
Sec-WebSocket-Version: 13\r
Origin: http://www.example.org\r
Sec-WebSocket-Extensions: permessage-deflate\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Connection: keep-alive, Upgrade\r
Sec-Fetch-Dest: empty\r
Sec-Fetch-Mode: websocket\r
Sec-Fetch-Site: same-origin\r
Pragma: no-cache\r
Cache-Control: no-cache\r
Upgrade: websocket\r
\r
`;

/** The client has the head of its 101. */
function isTunnel(received: Buffer): boolean {
  const text = received.toString("latin1");
  if (!text.endsWith("\r\n\r\n")) return false;
  if (!text.startsWith("HTTP/1.1 101 ")) throw new Error(`no tunnel: ${text}`);
  return true;
}

await crowd({ request: REQUEST, isReady: isTunnel });
