/**
 * Sends uploads to 127.0.0.1. Exit status 1: a reply is not 201 or 204.
 *
 *     bun run bench/upload-client.ts PORT put NAME BYTES         one body of BYTES bytes, as fast as the server reads it
 *     bun run bench/upload-client.ts PORT form NAME BYTES        the same as the only file of a form
 *     bun run bench/upload-client.ts PORT many COUNT CLIENTS     COUNT files `upload-N` by CLIENTS keep-alive clients at once
 */
import { smallUpload } from "./uploads.ts";

const [port, kind, first, second] = Bun.argv.slice(2);
const BOUNDARY = "----bench-boundary";
/** Sent repeatedly. The client shares the machine with the server, so it must be cheap. */
const PIECE = Buffer.alloc(1024 * 1024, "The quick brown fox jumps over the lazy dog.\n");

function headOfForm(name: string): string {
  return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n`;
}

/** Sends one upload; gives the status line. */
function sendOne(name: string, bytes: number, asForm: boolean): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const before = asForm ? headOfForm(name) : "";
  const after = Buffer.from(asForm ? `\r\n--${BOUNDARY}--\r\n` : "");
  const head = [
    asForm ? "POST / HTTP/1.1" : `PUT /${name} HTTP/1.1`,
    "Host: 127.0.0.1",
    `Content-Length: ${before.length + bytes + after.length}`,
    ...(asForm ? [`Content-Type: multipart/form-data; boundary=${BOUNDARY}`] : []),
  ];
  let left = bytes;
  let tail: Buffer = after;
  const pump = (socket: Bun.Socket): void => {
    while (left > 0) {
      const wanted = Math.min(left, PIECE.length);
      const taken = socket.write(PIECE.subarray(0, wanted));
      left -= Math.max(0, taken);
      if (taken < wanted) return;
    }
    if (tail.length > 0) tail = tail.subarray(Math.max(0, socket.write(tail)));
  };
  Bun.connect({
    hostname: "127.0.0.1",
    port: Number(port),
    socket: {
      open(socket) {
        socket.write(`${head.join("\r\n")}\r\n\r\n${before}`);
        pump(socket);
      },
      drain: pump,
      data(socket, data) {
        resolve(data.toString("latin1").split("\r\n", 1)[0]!);
        socket.end();
      },
      close: () => reject(new Error("the server closed without a reply")),
    },
  }).catch(reject);
  return promise;
}

/** One of the clients; it sends its share of the files, one after the other. */
async function sendMany(count: number, clients: number, client: number): Promise<void> {
  for (let number = client; number < count; number += clients) {
    const url = `http://127.0.0.1:${port}/upload-${number}`;
    const reply = await fetch(url, { method: "PUT", body: smallUpload(number) });
    await reply.bytes();
    if (reply.status !== 201) throw new Error(`upload ${number}: ${reply.status}`);
  }
}

if (kind === "many") {
  const clients = Number(second);
  await Promise.all(Array.from({ length: clients }, (_, client) => sendMany(Number(first), clients, client)));
} else {
  const line = await sendOne(first!, Number(second), kind === "form");
  if (!/^HTTP\/1\.1 20[14] /.test(line)) throw new Error(line);
}
process.exit(0);
