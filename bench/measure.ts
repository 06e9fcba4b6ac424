/**
 * What a process costs, read from /proc (see proc(5)).
 *
 * CPU time is the scheduler's own account in nanoseconds (the first field of /proc/PID/task/TID/schedstat), so neither
 * the load generator nor anything else that runs on the machine counts. A server is its whole process tree, all threads.
 */
import { readdirSync, readFileSync } from "node:fs";

/** One look at the CPU account of a process tree. */
export interface CpuReading {
  /** Nanoseconds on a CPU, by thread. */
  readonly threads: ReadonlyMap<string, number>;
  /** Clock ticks in user mode and in the kernel; coarse, so only their proportion is used. */
  readonly userTicks: number;
  readonly systemTicks: number;
}

/** CPU time between two readings, in microseconds. */
export interface CpuTime {
  readonly total: number;
  readonly user: number;
  readonly system: number;
}

/** The CPU account of `pid` and its descendants now. */
export function readCpu(pid: number): CpuReading {
  const threads = new Map<string, number>();
  let userTicks = 0;
  let systemTicks = 0;
  for (const member of processTree(pid)) {
    for (const thread of list(`/proc/${member}/task`)) {
      threads.set(thread, Number(firstWord(read(`/proc/${member}/task/${thread}/schedstat`))));
    }
    const [user, system] = ticks(read(`/proc/${member}/stat`));
    userTicks += user;
    systemTicks += system;
  }
  return { threads, userTicks, systemTicks };
}

/** CPU time between two readings. */
export function cpuBetween(before: CpuReading, after: CpuReading): CpuTime {
  const user = after.userTicks - before.userTicks;
  const system = after.systemTicks - before.systemTicks;
  const total = countedBetween(before.threads, after.threads) / 1000;
  const share = user + system > 0 ? user / (user + system) : 0;
  return { total, user: total * share, system: total * (1 - share) };
}

/** Times that each thread of the tree went to sleep by itself, by thread: each one is a wake before it. */
export function readWakes(pid: number): ReadonlyMap<string, number> {
  const threads = new Map<string, number>();
  for (const member of processTree(pid)) {
    for (const thread of list(`/proc/${member}/task`)) {
      threads.set(thread, statusField(read(`/proc/${member}/task/${thread}/status`), "voluntary_ctxt_switches"));
    }
  }
  return threads;
}

/**
 * What the threads counted between two readings. Thread by thread: one that ended in between takes its account with it,
 * and must not make the sum smaller than what the others counted.
 */
export function countedBetween(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const [thread, count] of after) sum += count - (before.get(thread) ?? 0);
  return sum;
}

/** Resident memory of the tree, in bytes. */
export function readResident(pid: number): number {
  let kilobytes = 0;
  for (const member of processTree(pid)) kilobytes += statusField(read(`/proc/${member}/status`), "VmRSS");
  return kilobytes * 1024;
}

/** Resident memory of this process alone, and the highest it has been, in bytes. */
export const readOwnResident = (pid: number): number => statusField(read(`/proc/${pid}/status`), "VmRSS") * 1024;
export const readHighest = (pid: number): number => statusField(read(`/proc/${pid}/status`), "VmHWM") * 1024;

/** Open descriptors of the tree. */
export function readDescriptors(pid: number): number {
  let count = 0;
  for (const member of processTree(pid)) count += list(`/proc/${member}/fd`).length;
  return count;
}

/** The middle value; the mean of the two middle ones of an even number. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** User and system ticks of a /proc/PID/stat line; the name in it may contain anything, so counting starts behind it. */
export function ticks(stat: string): [user: number, system: number] {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return stat === "" ? [0, 0] : [Number(fields[11]), Number(fields[12])];
}

/** The number of a `Name:  123 kB` line of /proc/PID/status; 0 when it is not there. */
export function statusField(status: string, name: string): number {
  const line = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status);
  return line === null ? 0 : Number(line[1]);
}

/** `pid` and its descendants. */
export function processTree(pid: number): number[] {
  const found = [pid];
  for (const member of found) {
    for (const thread of list(`/proc/${member}/task`)) {
      for (const child of read(`/proc/${member}/task/${thread}/children`).split(" ")) {
        if (child !== "") found.push(Number(child));
      }
    }
  }
  return found;
}

/** The file's text, "" when the process or thread has just ended. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function firstWord(text: string): string {
  return text.slice(0, text.indexOf(" "));
}
