/**
 * Many idle keep-alive clients: `bun run bench/idle-client.ts PORT COUNT`. Each sends one request, reads the reply and keeps the
 * connection open. Prints `ready` when all are connected, and ends at the end of its standard input.
 */
import { crowd } from "./crowd.ts";

await crowd({
  request: "GET /1k.html HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
  isReady: (received) => received.length > 1024,
});
