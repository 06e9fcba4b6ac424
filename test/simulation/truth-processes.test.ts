/** Checks simulated children: each program below runs as a shell script on Linux and as a simulated program. */
import { afterAll, expect, test } from "bun:test";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as abi from "../../ffi/abi.ts";
import type { Kernel, Program } from "../../ffi/kernel.ts";
import { linux } from "../../ffi/linux.ts";
import { Block } from "../../ffi/memory.ts";
import { errnoName } from "../errno-name.ts";
import { SimulatedKernel } from "./kernel.ts";
import type { Behaviour } from "./process.ts";

const block = new Block(1 << 17);
const small = new Block(512);
/** Longest wait for an expected event, and the wait to check that no event comes, ms. */
const PATIENCE = 10_000;
const SILENCE = 60;
const SIGNALS = { TERM: abi.SIGTERM, KILL: abi.SIGKILL } as const;
const SHELL = "/bin/sh";

const disk = fs.mkdtempSync(join(tmpdir(), "webserv-processes-"));
afterAll(() => fs.rmSync(disk, { recursive: true }));

const result = (n: number): string => (n < 0 ? errnoName(n) : String(n));

function eventNames(events: number): string {
  const names = Object.entries({ IN: abi.EPOLLIN, OUT: abi.EPOLLOUT, HUP: abi.EPOLLHUP, ERR: abi.EPOLLERR });
  return names.flatMap(([name, bit]) => (events & bit ? [name] : [])).join("|");
}

/** A child with its three pipes and its pidfd, each in its own epoll instance. */
class Child {
  private readonly pid: number;
  private readonly fds = new Map<string, number>();
  private readonly epolls = new Map<string, number>();

  constructor(
    private readonly kernel: Kernel,
    args: readonly string[],
  ) {
    const theirs: number[] = [];
    for (const [name, ours, events] of [
      ["stdin", 1, abi.EPOLLOUT],
      ["stdout", 0, abi.EPOLLIN],
      ["stderr", 0, abi.EPOLLIN],
    ] as const) {
      const pair: number[] = [];
      expect(kernel.pipe(pair, ours)).toBe(0);
      this.watch(name, pair[ours]!, events);
      theirs.push(pair[1 - ours]!);
    }
    const [stdin, stdout, stderr] = theirs as [number, number, number];
    const program = { path: SHELL, args, environment: ["PATH=/usr/bin:/bin"], folder: "/" };
    this.pid = kernel.spawn({ ...program, stdin, stdout, stderr });
    for (const fd of theirs) kernel.close(fd);
    this.watch("end", kernel.pidfdOpen(this.pid), abi.EPOLLIN);
  }

  private watch(name: string, fd: number, events: number): void {
    const epoll = this.kernel.epollCreate();
    expect(this.kernel.epollAdd(epoll, fd, events | abi.EPOLLET, 1)).toBe(0);
    this.fds.set(name, fd);
    this.epolls.set(name, epoll);
  }

  /** Makes one call of a script; gives its result. */
  perform(call: string): string {
    const { kernel } = this;
    const [verb = "", what = "", count = "0"] = call.split(" ");
    switch (verb) {
      case "awaits":
        return this.waits(what, PATIENCE);
      case "nothing":
        return this.waits(what, SILENCE);
      case "write":
        return result(kernel.write(this.fds.get("stdin")!, block, 0, Number(what)));
      case "read":
        return result(kernel.read(this.fds.get(what)!, block, 0, Number(count), -1));
      case "close":
        return result(this.close(what));
      case "kill":
        return result(kernel.kill(-this.pid, SIGNALS[what as keyof typeof SIGNALS]));
      case "wait":
        return result(kernel.wait(this.pid));
      default:
        throw new Error(`no such call: ${call}`);
    }
  }

  private waits(name: string, time: number): string {
    const n = this.kernel.epollWait(this.epolls.get(name)!, small, 1, time);
    return n === 0 ? "none" : eventNames(small.bytes.readInt32LE(abi.EPOLL_EVENT.events * 4));
  }

  private close(name: string): number {
    const fd = this.fds.get(name)!;
    this.fds.delete(name);
    return this.kernel.close(fd);
  }

  closeAll(): void {
    for (const fd of [...this.fds.values(), ...this.epolls.values()]) this.kernel.close(fd);
  }
}

interface Twin {
  /** The program for /bin/sh. */
  readonly shell: string;
  readonly simulated: Behaviour;
}

function simulatedChild({ simulated }: Twin): Child {
  const kernel = new SimulatedKernel(1);
  kernel.processes.pages = () => 16;
  kernel.processes.install(SHELL, simulated);
  return new Child(kernel, ["sh"]);
}

/** Lines of a script, `call = result`; both kernels must give these results. */
function tells(name: string, twin: Twin, script: readonly string[]): void {
  test(name, () => {
    for (const child of [new Child(linux, ["sh", "-c", twin.shell]), simulatedChild(twin)]) {
      const actual = script.map((line) => line.replace(/ = .*/, "")).map((call) => `${call} = ${child.perform(call)}`);
      child.closeAll();
      expect(actual).toEqual([...script]);
    }
  });
}

const cat: Twin = {
  shell: "exec cat",
  *simulated(process) {
    for (let bytes: Buffer; (bytes = yield* process.reads()).length > 0; ) yield* process.writes(bytes);
    return 0;
  },
};

tells("a child runs until it ends, and its status is told once", cat, [
  "wait = EAGAIN",
  "nothing end = none",
  "awaits stdin = OUT",
  "write 5 = 5",
  "awaits stdout = IN",
  "read stdout 100 = 5",
  "read stdout 100 = EAGAIN",
  "close stdin = 0",
  "awaits stdout = HUP",
  "read stdout 100 = 0",
  "awaits end = IN",
  "wait = 0",
]);

tells(
  "the exit status is in the second byte, what was written before is there",
  {
    shell: "echo hello; exit 3",
    *simulated(process) {
      yield* process.writes("hello\n");
      return 3;
    },
  },
  [
    "awaits end = IN",
    "wait = 768",
    "awaits stdout = IN|HUP",
    "read stdout 100 = 6",
    "read stdout 100 = 0",
    "awaits stderr = HUP",
  ],
);

tells(
  "the input of one that has ended is an error, and EPIPE",
  {
    shell: "exit 0",
    *simulated(process) {
      yield* process.sleeps(0);
      return 0;
    },
  },
  ["awaits end = IN", "awaits stdin = OUT|ERR", "write 5 = EPIPE", "wait = 0"],
);

tells("SIGTERM ends it, its signal is the status, and a zombie's group can still be killed", cat, [
  "kill TERM = 0",
  "awaits end = IN",
  "kill KILL = 0",
  "wait = 15",
]);

tells(
  "one that ignores SIGTERM goes on, and SIGKILL always works",
  {
    shell: "trap '' TERM; echo; while :; do sleep 1; done",
    *simulated(process) {
      process.ignores(abi.SIGTERM);
      yield* process.writes("\n");
      return yield* process.waitsForEver();
    },
  },
  [
    "awaits stdout = IN",
    "kill TERM = 0",
    "nothing end = none",
    "wait = EAGAIN",
    "kill KILL = 0",
    "awaits end = IN",
    "wait = 9",
  ],
);

tells(
  "a grandchild keeps the pipes open, and ends with the group",
  {
    shell: "sleep 1000 & echo x",
    *simulated(process) {
      process.forks(function* (grandchild) {
        yield* grandchild.sleeps(1_000_000);
        return 0;
      });
      yield* process.writes("x\n");
      return 0;
    },
  },
  [
    "awaits end = IN",
    "read stdout 100 = 2",
    "read stdout 100 = EAGAIN",
    "nothing stdout = none",
    "kill KILL = 0",
    "awaits stdout = HUP",
    "read stdout 100 = 0",
    "wait = 0",
  ],
);

tells(
  "what nobody reads is SIGPIPE",
  {
    shell: "read line; echo x",
    *simulated(process) {
      yield* process.reads();
      yield* process.writes("x\n");
      return 0;
    },
  },
  ["close stdout = 0", "close stdin = 0", "awaits end = IN", "wait = 13"],
);

tells(
  "an input that it closes is an error while it goes on",
  {
    shell: "exec <&-; echo; read never <&1; sleep 1000",
    *simulated(process) {
      process.closes("stdin");
      yield* process.writes("\n");
      return yield* process.waitsForEver();
    },
  },
  [
    "awaits stdout = IN",
    "awaits stdin = OUT|ERR",
    "write 1 = EPIPE",
    "wait = EAGAIN",
    "kill KILL = 0",
    "awaits end = IN",
    "wait = 9",
  ],
);

/** The result of spawn for these arguments, with the kernel's own pipes. */
function refusals(kernel: Kernel, folder: string): string[] {
  const programs: readonly Partial<Program>[] = [
    { path: `${folder}/missing` },
    { path: `${folder}/missing/program` },
    { path: `${folder}/plain` },
    { path: folder },
    { path: `${folder}/plain/program` },
    { folder: `${folder}/missing` },
    { folder: `${folder}/plain` },
  ];
  const pipes: number[] = [];
  kernel.pipe(pipes, 1);
  const output: number[] = [];
  kernel.pipe(output, 0);
  const [stdin = -1] = pipes;
  const [, stdout = -1] = output;
  const good = { path: `${folder}/program`, args: ["program"], environment: [], folder, stdin, stdout, stderr: stdout };
  const answers = programs.map((program) => result(kernel.spawn({ ...good, ...program })));
  for (const fd of [...pipes, ...output]) kernel.close(fd);
  return answers;
}

test("what cannot be executed, or where it is to be", () => {
  fs.writeFileSync(join(disk, "plain"), "x", { mode: 0o644 });
  fs.writeFileSync(join(disk, "program"), "#!/bin/sh\n", { mode: 0o755 });
  const kernel = new SimulatedKernel(1);
  kernel.files.tree.file("/d/plain", "x", 0o644);
  kernel.processes.install("/d/program", cat.simulated);
  const truth = refusals(linux, disk);
  expect(refusals(kernel, "/d")).toEqual(truth);
  expect(truth).toEqual(["ENOENT", "ENOENT", "EACCES", "EACCES", "ENOTDIR", "ENOENT", "ENOTDIR"]);
});
