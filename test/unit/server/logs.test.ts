/** Opening the logs of a configuration. */
import { expect, test } from "bun:test";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import type { ServerClock } from "../../../src/server/clock.ts";
import { Logs } from "../../../src/server/logs/logs.ts";
import { config } from "../config/fake-files.ts";

/** What is told when all of a configuration's logs are opened, but those in /work/no/ cannot be; and what was opened. */
function open(text: string, errorLog?: string): { problems: string[]; opened: string[] } {
  const opened: string[] = [];
  const kernel: Partial<Kernel> = {
    open: (path): number => (path.startsWith("/work/no/") ? -ERRNO.ENOENT : opened.push(path) + 2),
  };
  const given = config(text, {}, { errorLog });
  const problems = new Logs(kernel as Kernel, {} as ServerClock, given.errorLog).open(given);
  return { problems, opened };
}

const failed = (file: string): string => `error: open() "/work/no/${file}" failed (2: No such file or directory)`;

test("each is opened once, wherever it is written, and what fails is told where it is written first", () => {
  const text = `error_log no/e;
access_log yes/a;
server {
  listen 1; access_log   no/a; error_log yes/e;
  location / { access_log no/a; access_log yes/a json; location /b { error_log no/b debug; } }
  location /c { if ($uri) { access_log yes/c; } }
}`;
  expect(open(text)).toEqual({
    problems: [
      `conf/site.conf:1:11: ${failed("e")}`,
      `conf/site.conf:4:26: ${failed("a")}`,
      `conf/site.conf:5:80: ${failed("b")}`,
    ],
    opened: ["/work/yes/e", "/work/yes/a", "/work/yes/c"],
  });
});

test("one of the command line has no line", () => {
  expect(open("server { }", "no/e").problems).toEqual([`-e: ${failed("e")}`]);
});

/** Logs whose error log is a pipe that takes nothing before its reader has been waited for `waits` times, 20 ms each. */
function closing(waits: number): { written: string; slept: number; closed: number[] } {
  const found = { written: "", slept: 0, closed: [] as number[] };
  const kernel: Partial<Kernel> = {
    open: () => 5,
    epollCreate: () => 6,
    close: (fd) => found.closed.push(fd) * 0,
    getpid: () => 1,
    monotonic: () => found.slept * 20,
    epollWait: (_epoll, _events, _capacity, timeout) => (found.slept += timeout / 20) * 0,
    write(_fd, block, offset, length) {
      if (found.slept < waits) return -ERRNO.EAGAIN;
      found.written += block.bytes.latin1Slice(offset, offset + length);
      return length;
    },
  };
  const given = config("error_log a.pipe; server { listen 1; }");
  const logs = new Logs(kernel as Kernel, { second: 0 } as ServerClock, given.errorLog);
  expect(logs.open(given)).toEqual([]);
  logs.error(given.errorLog, "error", "the last words");
  logs.close();
  return found;
}

test("at the end a slow reader gets what waits for it", () => {
  expect(closing(7)).toEqual({ written: expect.stringContaining("the last words\n"), slept: 7, closed: [6, 5] });
});

test("one that does not read is waited for a second, no longer", () => {
  expect(closing(Number.POSITIVE_INFINITY)).toEqual({ written: "", slept: 50, closed: [6, 5] });
});

test("what is told of a log while it is written is written too", () => {
  const written: string[] = [];
  let room = 0;
  const kernel: Partial<Kernel> = {
    open: (path) => (path.endsWith("e") ? 5 : 6),
    getpid: () => 1,
    write(fd, block, offset, length) {
      if (fd === 6 && room === 0) return -ERRNO.EAGAIN;
      written.push(`${fd} ${block.bytes.latin1Slice(offset, offset + length)}`);
      return length;
    },
  };
  const given = config("error_log e; server { listen 1; error_log p; }");
  const logs = new Logs(kernel as Kernel, { second: 0 } as ServerClock, given.errorLog);
  logs.open(given);
  const pipe = given.servers[0]!.scope.settings.errorLog;
  for (let i = 0; i < 1200; i++) logs.error(pipe, "error", "x".repeat(1000));
  logs.flush();
  room = 1;
  logs.flush();
  logs.flush();
  expect(written.filter((text) => text.startsWith("5 ")).join("")).toContain(' lines for "/work/p" were lost');
});
