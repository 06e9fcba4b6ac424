/**
 * The origin of the scenario `tunnels`: `bun run bench/servers/tunnels.ts PORT`. It answers every request for an upgrade with 101
 * and then sends nothing; any other request with 200.
 */
const GREETING = `HTTP/1.1 101 Switching Protocols\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
\r
`;

Bun.listen({
  hostname: "127.0.0.1",
  port: Number(Bun.argv[2]),
  socket: {
    data(socket, bytes) {
      const upgrades = /\r\nupgrade: websocket\r\n/i.test(bytes.toString("latin1"));
      socket.write(upgrades ? GREETING : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    },
    end: (socket) => void socket.end(),
  },
});

export {}; // makes this a module
