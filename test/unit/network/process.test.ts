/** Real processes under a real reactor: their pipes, their states, their end. */
import { afterAll, afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { ERRNO } from "../../../ffi/errno.ts";
import { linux } from "../../../ffi/linux.ts";
import { Block } from "../../../ffi/memory.ts";
import { ChildProcess, type ProcessOwner, ProcessState } from "../../../src/network/process.ts";
import { Reactor } from "../../../src/network/reactor.ts";

setDefaultTimeout(60_000);

const reactor = new Reactor(linux);
const before = [...reactor.descriptors()].length;
afterAll(() => reactor.dispose());
afterEach(() => {
  reactor.turn(0);
  expect([...reactor.descriptors()].length).toBe(before);
});

const block = new Block(4096);

/** Collects what a shell script says and how it ends. */
class Shell implements ProcessOwner {
  readonly process: ChildProcess;
  holdsInput = false;
  output = "";
  end: { readonly signal: number; readonly asked: boolean } | null = null;
  stalled = false;
  readonly bugs: unknown[] = [];

  constructor(
    private readonly script: string,
    timeout = 60_000,
    private readonly path = "/bin/sh",
  ) {
    this.process = new ChildProcess(linux, reactor, this, timeout);
  }

  start(): number {
    const args = ["/bin/sh", "-c", this.script];
    return this.process.start({ path: this.path, args, environment: [], folder: "/", stdin: null });
  }

  write(text: string): number {
    return this.process.write(block, 0, block.bytes.latin1Write(text, 0));
  }

  onOutput(): void {
    for (let n = 1; n > 0; ) {
      n = this.process.read(block, 0, block.bytes.length);
      if (n > 0) this.output += block.bytes.latin1Slice(0, n);
    }
  }

  onInput(): void {}

  onErrors(): void {}

  onStalled(): void {
    this.stalled = true;
  }

  onEnded(signal: number, asked: boolean): void {
    this.end = { signal, asked };
    this.onOutput();
    this.process.leave();
    this.process.closeErrors();
  }

  onBug(error: unknown): void {
    this.bugs.push(error);
  }

  /** Lets the reactor turn until `isTrue`. */
  until(isTrue: () => boolean): void {
    for (let turns = 0; !isTrue(); turns++) {
      if (turns > 5_000) throw new Error("waited in vain");
      reactor.turn(10);
    }
  }

  untilEnded(): void {
    this.until(() => this.end !== null);
  }
}

test("nothing happens before the start", () => {
  const { process } = new Shell("echo never");
  expect(process.state).toBe(ProcessState.New);
  process.terminate();
  process.kill();
  process.leave();
  expect(process.state).toBe(ProcessState.New);
});

test("input goes in, output comes out, the end is told", () => {
  const shell = new Shell("cat; echo behind it");
  expect([shell.start(), shell.process.state]).toEqual([0, ProcessState.Running]);
  expect(shell.write("some input\n")).toBe(11);
  shell.process.closeInput();
  expect(shell.write("more")).toBe(-ERRNO.EPIPE);
  shell.untilEnded();
  expect([shell.output, shell.end]).toEqual(["some input\nbehind it\n", { signal: 0, asked: false }]);
  expect(shell.process.state).toBe(ProcessState.Reaped);
});

test("a signal of somebody else's is told apart from ours", () => {
  const other = new Shell("kill -9 $$");
  other.start();
  other.untilEnded();
  expect(other.end).toEqual({ signal: 9, asked: false });
  const ours = new Shell("echo ready; exec sleep 100");
  ours.start();
  ours.until(() => ours.output !== "");
  ours.process.terminate();
  expect(ours.process.state).toBe(ProcessState.Ending);
  ours.untilEnded();
  expect(ours.end).toEqual({ signal: 15, asked: true });
});

test("without progress it is stalled and terminated, but not while its owner holds its input", () => {
  const shell = new Shell("exec sleep 100", 30);
  shell.holdsInput = true;
  shell.start();
  const since = reactor.now;
  shell.until(() => reactor.now > since + 100);
  expect([shell.stalled, shell.process.state]).toEqual([false, ProcessState.Running]);
  shell.holdsInput = false;
  shell.untilEnded();
  expect([shell.stalled, shell.end]).toEqual([true, { signal: 15, asked: true }]);
});

test("a program that is not there starts nothing", () => {
  const shell = new Shell("", 60_000, "/nowhere/at/all");
  expect([shell.start(), shell.process.state]).toEqual([-ERRNO.ENOENT, ProcessState.New]);
});

test("an owner that throws is told so, and the process goes on", () => {
  const shell = new Shell("echo x; cat");
  shell.onOutput = () => {
    throw new Error("planned");
  };
  shell.start();
  shell.until(() => shell.bugs.length > 0);
  shell.onOutput = Shell.prototype.onOutput;
  shell.process.closeInput();
  shell.untilEnded();
  expect(shell.end!.signal).toBe(0);
});
