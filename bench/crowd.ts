/** A process that holds many connections open: `PORT COUNT` on its command line, `ready` on its output, and the end of its input as its end. */

/** Most connections opened at the same time; less than any server's backlog. */
const AT_ONCE = 100;

/** A client's request, and what it makes of the bytes received so far: whether it is ready; throws if it never will be. */
export interface Visitor {
  readonly request: string;
  isReady(received: Buffer): boolean;
}

/** Opens the connections, says so, and waits for the end. */
export async function crowd(visitor: Visitor): Promise<never> {
  const [port, count] = [Number(Bun.argv[2]), Number(Bun.argv[3])];
  for (let opened = 0; opened < count; opened += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - opened) }, () => enter(port, visitor)));
  }
  console.log("ready");
  await Bun.stdin.text();
  process.exit(0);
}

/** Resolves when the client is ready. */
function enter(port: number, visitor: Visitor): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let received = Buffer.alloc(0);
  Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => void socket.write(visitor.request),
      data(_, bytes) {
        received = Buffer.concat([received, bytes]);
        try {
          if (visitor.isReady(received)) resolve();
        } catch (error) {
          reject(error);
        }
      },
      close: () => reject(new Error("the server closed an idle connection")),
    },
  }).catch(reject);
  return promise;
}
