/**
 * The lowest possible cost of a server on this runtime: a loop that waits, receives and sends by the same ffi, and sends constant
 * bytes for each empty line. `bun run bench/floor.ts PORT`. A real server's additional cost is its own work.
 */
import { AF_INET, EPOLL_EVENT, EPOLLIN, IPPROTO_TCP, SOCK_STREAM, SOCKADDR_IN, TCP_NODELAY } from "../ffi/abi.ts";
import { linux } from "../ffi/linux.ts";
import { Block } from "../ffi/memory.ts";
import { page } from "./site.ts";

const BATCH = 64;
const CAPACITY = 256;
const body = page(1024);
const head = `HTTP/1.1 200 OK
Server: floor/0.1.0
Date: Sun, 06 Nov 1994 08:49:37 GMT
Content-Type: text/html
Content-Length: ${body.length}
Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT
ETag: "2ebc9451-400"
Accept-Ranges: bytes
Connection: keep-alive

`.replaceAll("\n", "\r\n");
const length = head.length + body.length;
const replies = new Block(BATCH * length);
for (let i = 0; i < BATCH; i++) {
  replies.bytes.write(head, i * length, "latin1");
  replies.bytes.set(body, i * length + head.length);
}

const address = new Block(SOCKADDR_IN);
new Uint16Array(address.bytes.buffer)[0] = AF_INET;
address.bytes.writeUInt16BE(Number(Bun.argv[2]), 2);
address.bytes.set([127, 0, 0, 1], 4);
const listener = linux.socket(AF_INET, SOCK_STREAM);
linux.setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, 1);
if (linux.bind(listener, address, SOCKADDR_IN) < 0) throw new Error("cannot bind");
linux.listen(listener, 4096);
const epoll = linux.epollCreate();
linux.epollAdd(epoll, listener, EPOLLIN, 0);

const input = new Block(65536);
const peer = new Block(SOCKADDR_IN);
const events = new Block(CAPACITY * EPOLL_EVENT.words * 4);
const words = new Int32Array(events.bytes.buffer);
for (;;) {
  const ready = linux.epollWait(epoll, events, CAPACITY, 1000);
  for (let i = 0; i < ready; i++) {
    const fd = words[i * EPOLL_EVENT.words + EPOLL_EVENT.fd];
    if (fd === listener) linux.epollAdd(epoll, linux.accept(listener, peer), EPOLLIN, 0);
    else answer(fd);
  }
}

/** Reads once and sends one reply per empty line; closes the connection at its end. */
function answer(fd: number): void {
  const n = linux.recv(fd, input, 0, input.bytes.length);
  if (n <= 0) {
    linux.close(fd);
    return;
  }
  let requests = 0;
  const { bytes } = input;
  for (let i = 3; i < n; i++) if (bytes[i] === 10 && bytes[i - 2] === 10 && bytes[i - 1] === 13) requests++;
  if (requests > 0) linux.send(fd, replies, 0, Math.min(requests, BATCH) * length);
}
