/**
 * The cost of a process, read from /proc (see proc(5)).
 *
 * CPU time is the scheduler's count in nanoseconds (the first field of /proc/PID/task/TID/schedstat), so the load generator and
 * other processes are not included. A server is its whole process tree with all threads.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** A reading of the CPU time of a process tree. */
export interface CpuReading {
  /** Nanoseconds on a CPU, by thread. */
  readonly threads: ReadonlyMap<string, number>;
  /** Clock ticks in user mode and in the kernel. They are coarse, so only their ratio is used. */
  readonly userTicks: number;
  readonly systemTicks: number;
}

/** CPU time between two readings, in microseconds. */
export interface CpuTime {
  readonly total: number;
  readonly user: number;
  readonly system: number;
}

/** Reads the CPU time of `pid` and its descendants. */
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

/** Voluntary context switches of each thread in the tree. Each one follows a wake-up, so they count wake-ups. */
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
 * Sum of the threads' counts between two readings. It subtracts per thread: the count of a thread that has ended disappears, and
 * must not reduce the counts of the others.
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

/** Resident memory of this process alone, and its peak, in bytes. */
export const readOwnResident = (pid: number): number => statusField(read(`/proc/${pid}/status`), "VmRSS") * 1024;
/** Makes the peak the resident memory of now. */
export const resetHighest = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, "5");
export const readHighest = (pid: number): number => statusField(read(`/proc/${pid}/status`), "VmHWM") * 1024;

/** Open descriptors of the tree. */
export function readDescriptors(pid: number): number {
  let count = 0;
  for (const member of processTree(pid)) count += list(`/proc/${member}/fd`).length;
  return count;
}

/** The median: the middle value, or the mean of the two middle ones. NaN: there are no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** User and system ticks of a /proc/PID/stat line. The process name may contain spaces, so fields are counted after it. */
export function ticks(stat: string): [user: number, system: number] {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return stat === "" ? [0, 0] : [Number(fields[11]), Number(fields[12])];
}

/** The number in a `Name:  123 kB` line of /proc/PID/status; 0: there is no such line. */
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

/** The file's text; "": the process or thread has just ended. */
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
