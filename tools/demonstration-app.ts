/**
 * The application behind the demonstration's page /live.html: a slow page, and an echo over a WebSocket. `npm run start:app`
 * starts it; the configuration passes /live/ on to it.
 */
const DEFAULT_PORT = 8090;
/** How long the slow page takes, ms, and how long it may be kept, s. */
const SLOWNESS = 1500;
const LIFETIME = 20;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env.PORT ?? DEFAULT_PORT),
  async fetch(request, server) {
    const { pathname } = new URL(request.url);
    if (pathname === "/live/echo" && server.upgrade(request)) return undefined;
    if (pathname !== "/live/slow") return new Response("no such page\n", { status: 404 });
    await Bun.sleep(SLOWNESS);
    return Response.json({ made: new Date().toISOString() }, { headers: { "Cache-Control": `max-age=${LIFETIME}` } });
  },
  websocket: {
    message(socket, message) {
      socket.send(message);
    },
  },
});
console.log(`the demonstration's application listens on ${server.url}`);
