/** `events { eager off; }`: nothing is read or written on a socket or pipe before epoll has reported it. strace tells. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, get } from "./client.ts";
import { PROGRAM, ServerProcess, until } from "./server.ts";

setDefaultTimeout(60_000);

const STRACE = Bun.which("strace");
const CALLS = "accept4,pipe2,close,epoll_wait,epoll_pwait,recvfrom,sendto,sendfile,read,write,exit_group";

const site = (events: string) => ({
  configuration: `${events} server { listen 127.0.0.1:0; root .; location /cgi/ { cgi .sh /bin/sh; allowed_methods GET POST; } }`,
  files: {
    "small.txt": "small\n",
    "large.bin": "x".repeat(3_000_000),
    "cgi/echo.sh": "printf 'Content-Type: text/plain\\n\\n'; echo said >&2; exec cat",
  },
});

/**
 * The calls of a trace that read or write a socket or a pipe of ours, each with whether epoll had reported its descriptor
 * since it was opened. A call that a thread is in the middle of is on two lines: the second has the result.
 */
function unreported(trace: string): { readonly calls: number; readonly early: readonly string[] } {
  const reported = new Map<number, boolean>();
  const early: string[] = [];
  let calls = 0;
  for (const line of trace.split("\n")) {
    const accepted = /accept4.* = (\d+)$/.exec(line);
    if (accepted !== null) reported.set(Number(accepted[1]), false);
    for (const fd of /pipe2\(\[(\d+), (\d+)\]/.exec(line)?.slice(1) ?? []) reported.set(Number(fd), false);
    for (const [, fd] of line.matchAll(/\{events=\w+(?:\|\w+)*, data=\{u32=(\d+)/g)) {
      if (reported.has(Number(fd))) reported.set(Number(fd), true);
    }
    const closed = /\bclose\((\d+)/.exec(line);
    if (closed !== null) reported.delete(Number(closed[1]));
    const moved = /\b(?:recvfrom|sendto|sendfile|read|write)\((\d+)/.exec(line);
    if (moved === null || !reported.has(Number(moved[1]))) continue;
    calls++;
    if (reported.get(Number(moved[1])) === false) early.push(line);
  }
  return { calls, early };
}

/** What a server with these `events` did while clients asked for files and ran a script. */
async function traced(events: string) {
  const file = join(tmpdir(), `webserv-trace-${process.pid}-${crypto.randomUUID()}`);
  const program = [STRACE!, "-D", "-f", "-qq", "-s", "8", "-e", `trace=${CALLS}`, "-o", file, ...PROGRAM];
  const server = new ServerProcess({ ...site(events), program });
  await server.start();
  const sizes: number[] = [];
  const body = "y".repeat(200_000);
  const post = `POST /cgi/echo.sh HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  for (const request of [get("/small.txt"), get("/large.bin"), get("/small.txt"), post, get("/cgi/echo.sh"), post]) {
    sizes.push((await ask(server.port, request)).body.length);
  }
  await server.stop();
  // With -D strace is not the parent, and may end after the server.
  await until(
    () => readFileSync(file, "latin1").includes("exit_group"),
    () => readFileSync(file, "latin1").slice(-200),
  );
  const trace = readFileSync(file, "latin1");
  await Bun.file(file).delete();
  return { sizes, ...unreported(trace) };
}

const SIZES = [6, 3_000_000, 6, 200_000, 0, 200_000];

describe.skipIf(STRACE === null)("what is read and written, by strace,", () => {
  test("with `eager off` epoll has reported before", async () => {
    const { sizes, calls, early } = await traced("events { eager off; }");
    expect(sizes).toEqual(SIZES);
    expect(calls).toBeGreaterThan(20);
    expect(early).toEqual([]);
  });

  test("by default a new connection is tried at once", async () => {
    const { sizes, early } = await traced("");
    expect(sizes).toEqual(SIZES);
    expect(early.some((line) => line.includes("recvfrom"))).toBe(true);
  });
});
