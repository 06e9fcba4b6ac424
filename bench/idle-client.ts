/**
 * Many idle keep-alive clients: `bun run bench/idle-client.ts PORT COUNT`. Each sends one request, reads the reply and keeps the
 * connection open. Prints `ready` when all are connected, and ends at the end of its standard input.
 */
const [port, count] = [Number(Bun.argv[2]), Number(Bun.argv[3])];
const REQUEST = "GET /1k.html HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
/** Most connections opened at the same time; less than any server's backlog. */
const AT_ONCE = 100;

/** Resolves when the client has received the complete reply. */
function becomeIdle(): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let received = 0;
  Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => void socket.write(REQUEST),
      data(_, bytes) {
        received += bytes.length;
        if (received > 1024) resolve();
      },
      close: () => reject(new Error("the server closed an idle client")),
    },
  }).catch(reject);
  return promise;
}

for (let opened = 0; opened < count; opened += AT_ONCE) {
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - opened) }, becomeIdle));
}
console.log("ready");
await Bun.stdin.text();
process.exit(0);

export {}; // makes this a module, which top-level await needs
