/**
 * Many idle WebSockets: `bun run bench/tunnel-client.ts PORT COUNT`. Each asks for an upgrade as a browser does, reads the 101 and
 * keeps the connection open. Prints `ready` when all are open, and ends at the end of its standard input.
 */
const [port, count] = [Number(Bun.argv[2]), Number(Bun.argv[3])];
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
/** Most connections opened at the same time; less than any server's backlog. */
const AT_ONCE = 100;

/** Resolves when the client has the head of its 101. */
function becomeTunnel(): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let received = "";
  Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => void socket.write(REQUEST),
      data(_, bytes) {
        received += bytes.toString("latin1");
        if (!received.endsWith("\r\n\r\n")) return;
        if (received.startsWith("HTTP/1.1 101 ")) resolve();
        else reject(new Error(`no tunnel: ${received}`));
      },
      close: () => reject(new Error("the server closed an idle tunnel")),
    },
  }).catch(reject);
  return promise;
}

for (let opened = 0; opened < count; opened += AT_ONCE) {
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - opened) }, becomeTunnel));
}
console.log("ready");
await Bun.stdin.text();
process.exit(0);

export {}; // makes this a module, which top-level await needs
