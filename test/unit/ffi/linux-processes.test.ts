/** Child processes on the real kernel: what they inherit, how they end, and that nothing of them stays. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SIGKILL, SIGTERM } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { linux } from "../../../ffi/linux.ts";
import { Block, StringVector } from "../../../ffi/memory.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "webserv-processes-")));
afterAll(() => rmSync(folder, { recursive: true }));

const block = new Block(65_536);

interface Result {
  readonly out: string;
  readonly status: number;
}

/** Waits for the end of a child, which is near. */
async function reaped(pid: number): Promise<number> {
  for (;;) {
    const status = linux.wait(pid);
    if (status !== -ERRNO.EAGAIN) return status;
    await Bun.sleep(1);
  }
}

async function readAll(fd: number): Promise<string> {
  const pieces: string[] = [];
  for (;;) {
    const n = linux.read(fd, block, 0, block.bytes.length, -1);
    if (n === 0) break;
    if (n > 0) pieces.push(block.bytes.latin1Slice(0, n));
    else await Bun.sleep(1);
  }
  linux.close(fd);
  return pieces.join("");
}

/** Runs `script` in /bin/sh with `input` on its standard input. */
async function shell(script: string, input = "", environment: readonly string[] = []): Promise<Result> {
  const into: number[] = [];
  const from: number[] = [];
  expect([linux.pipe(into, 1), linux.pipe(from, 0)]).toEqual([0, 0]);
  const pid = linux.spawn({
    path: "/bin/sh",
    args: ["sh", "-c", script],
    environment,
    folder,
    stdin: into[0]!,
    stdout: from[1]!,
    stderr: from[1]!,
  });
  linux.close(into[0]!);
  linux.close(from[1]!);
  expect(pid).toBeGreaterThan(0);
  if (input !== "") expect(linux.write(into[1]!, block, 0, block.bytes.latin1Write(input, 0))).toBe(input.length);
  linux.close(into[1]!);
  return { out: await readAll(from[0]!), status: await reaped(pid) };
}

describe("a child", () => {
  test("has its streams, its folder and its end", async () => {
    expect(await shell("cat; pwd; echo err >&2; exit 3", "in\n")).toEqual({
      out: `in\n${folder}\nerr\n`,
      status: 3 << 8,
    });
  });

  test("has the environment it was given and nothing of ours", async () => {
    const { out } = await shell("env", "", ["A=1", "B=\u00c3\u00bc x", "EMPTY="]);
    const own = out.split("\n").filter((line) => /^(A|B|EMPTY|HOME|PATH|USER)=/.test(line));
    expect(own.sort()).toEqual(["A=1", "B=\u00c3\u00bc x", "EMPTY="]);
  });

  test("has no descriptor but the three", async () => {
    const { out } = await shell("ls /proc/self/fd");
    expect(out.trim().split("\n")).toEqual(["0", "1", "2", "3"]); // 3 is ls' own, on that folder
  });

  test("leads its own process group", async () => {
    const { out } = await shell("cut -d' ' -f1,5 /proc/$$/stat");
    const [pid, group] = out.trim().split(" ");
    expect(group).toBe(pid!);
  });

  test("has default signals and none blocked", async () => {
    const { out } = await shell("grep -E '^Sig(Blk|Ign)' /proc/self/status");
    const bits = (name: string): bigint => BigInt(`0x${new RegExp(`${name}:\\s*(\\w+)`).exec(out)![1]}`);
    expect(bits("SigBlk")).toBe(0n);
    expect(bits("SigIgn") & 0x7fffffffn).toBe(0n); // above are glibc's own two
  });

  test("whose output nobody reads dies of SIGPIPE, as programs expect", async () => {
    const from: number[] = [];
    linux.pipe(from, 0);
    const program = { path: "/bin/sh", args: ["sh", "-c", "while :; do echo x; done"], environment: [], folder };
    const pid = linux.spawn({ ...program, stdin: 0, stdout: from[1]!, stderr: from[1]! });
    linux.close(from[0]!);
    linux.close(from[1]!);
    expect((await reaped(pid)) & 0x7f).toBe(13);
  });

  test("dies with its group", async () => {
    const from: number[] = [];
    linux.pipe(from, 0);
    const program = { path: "/bin/sh", args: ["sh", "-c", "sleep 1000 & echo ready; wait"], environment: [], folder };
    const pid = linux.spawn({ ...program, stdin: 0, stdout: from[1]!, stderr: 2 });
    linux.close(from[1]!);
    while (linux.read(from[0]!, block, 0, 6, -1) !== 6) await Bun.sleep(1);
    expect(linux.kill(-pid, SIGTERM)).toBe(0);
    expect(await readAll(from[0]!)).toBe(""); // the end of the pipe: the grandchild is gone too
    expect((await reaped(pid)) & 0x7f).toBe(SIGTERM);
    expect(linux.wait(pid)).toBe(-ERRNO.ECHILD);
  });

  test("is seen to end through its pidfd", async () => {
    const program = { path: "/bin/sleep", args: ["sleep", "1000"], environment: [], folder };
    const pid = linux.spawn({ ...program, stdin: 0, stdout: 1, stderr: 2 });
    const pidfd = linux.pidfdOpen(pid);
    const epoll = linux.epollCreate();
    const events = new Block(64);
    linux.epollAdd(epoll, pidfd, 1, 0);
    expect(linux.epollWait(epoll, events, 1, 0)).toBe(0);
    expect(linux.wait(pid)).toBe(-ERRNO.EAGAIN);
    linux.kill(-pid, SIGKILL);
    expect(linux.epollWait(epoll, events, 1, 20_000)).toBe(1);
    expect(linux.wait(pid)).toBe(SIGKILL);
    linux.close(pidfd);
    linux.close(epoll);
  });

  test("that could not be started leaves no child behind", () => {
    const before = readdirSync("/proc/self/fd").length;
    const program = { path: join(folder, "none"), args: ["x"], environment: [], folder };
    for (let i = 0; i < 20; i++) linux.spawn({ ...program, stdin: 0, stdout: 1, stderr: 2 });
    expect(linux.wait(-1)).toBe(-ERRNO.ECHILD);
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });
});

test("a string vector grows, is used again, and refuses what would be cut", () => {
  const vector = new StringVector();
  const texts = Array.from({ length: 1000 }, (_, i) => `${i}`.repeat(20));
  expect(vector.set(texts)).toBe(true);
  expect(vector.set(["a", ""])).toBe(true);
  expect(vector.textAddress(1) - vector.textAddress(0)).toBe(2);
  expect(vector.textAddress(0) - vector.address).toBe(24); // two pointers and NULL
  expect(vector.set(["a\0b"])).toBe(false);
});
