/** A server with scripts, and what must be left of them: nothing. */
import { beforeAll, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { type Entry, type ServerProcess, type Site, until, useServer } from "./server.ts";

/** What every script that says nothing special begins with. */
export const TEXT = String.raw`printf 'Content-Type: text/plain\r\n\r\n'`;

export interface ScriptSite extends Omit<Site, "configuration" | "files"> {
  /** Beneath www/, name to text. All are executable, and those that end in .sh are run by /bin/sh. */
  readonly scripts: Readonly<Record<string, string>>;
  /** Directives of the server block, besides `cgi .sh /bin/sh`. */
  readonly directives?: string;
  /** The server block's content instead of `root www; cgi .sh /bin/sh;`. */
  readonly server?: string;
  /** Other files. */
  readonly files?: Record<string, Entry>;
}

const atStart = new WeakMap<ServerProcess, readonly string[]>();

/** A server for all tests of the calling file or describe block, whose scripts are at /NAME. */
export function useScripts(site: ScriptSite): ServerProcess {
  const { scripts, directives = "", server = "root www; cgi .sh /bin/sh;" } = site;
  const configuration = `server { listen 127.0.0.1:0; client_max_body_size 0; ${server} ${directives} }`;
  const texts = Object.entries(scripts).map(([name, text]) => [join("www", name), text] as const);
  const running = useServer({ ...site, configuration, files: { ...site.files, ...Object.fromEntries(texts) } });
  for (const [path] of texts) chmodSync(join(running.folder, path), 0o755);
  beforeAll(() => void atStart.set(running, descriptors(running.pid)));
  return running;
}

/** Processes of which `pid` is the parent, those that ended and were not reaped included. */
export function children(pid: number): string[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(" ").filter(Boolean));
}

/** "" for what has just ended. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** What the open descriptors of a process are, but for files and folders with a name, which caches keep open. */
export function descriptors(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`)
    .map((fd) => target(`/proc/${pid}/fd/${fd}`))
    .filter((path) => path !== "" && (!path.startsWith("/") || path.endsWith(" (deleted)")))
    .map((path) => path.replace(/\[\d+\]$/, ""))
    .sort();
}

/** "" for one that was closed meanwhile. */
function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}

/** Waits until the server has no child, no zombie and no descriptor more than when it had started. */
export async function untilQuiet(server: ServerProcess): Promise<void> {
  const extra = () => [
    ...children(server.pid).map(about),
    ...difference(descriptors(server.pid), atStart.get(server)!),
  ];
  await until(
    () => extra().length === 0,
    () => extra().join("; "),
  );
}

/** To be called at the end of a file: its last test is that the scripts have left nothing behind. */
export function leavesNothing(server: ServerProcess): void {
  test("nothing is left: no child, no zombie, no descriptor", async () => {
    await untilQuiet(server);
  });
}

function difference(now: readonly string[], before: readonly string[]): string[] {
  const left = [...before];
  return now.filter((one) => {
    const at = left.indexOf(one);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

const about = (pid: string): string => `child ${pid}: ${read(`/proc/${pid}/stat`).slice(0, 60)}`;

/** Whether a process runs: one that only waits to be reaped does not. */
export function runs(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== "" && !/^\d+ \(.*\) [ZX]/s.test(stat);
}

/** Waits until none of these processes runs. */
export function untilEnded(...pids: number[]): Promise<void> {
  const running = () => pids.filter(runs);
  return until(
    () => running().length === 0,
    () => `still running: ${running().join(", ")}`,
  );
}

/** Waits for a line of the error log, which is written a second late at most. */
export function untilLogged(server: ServerProcess, line: RegExp): Promise<void> {
  return until(
    () => line.test(server.stderr),
    () => server.stderr,
  );
}

/** Waits until a file in the server's folder is there and complete: its last line has an end. Gives its lines. */
export async function untilWritten(server: ServerProcess, name: string, lines = 1): Promise<string[]> {
  const path = join(server.folder, name);
  const found = () => (existsSync(path) ? readFileSync(path, "latin1").split("\n").slice(0, -1) : []);
  await until(
    () => found().length >= lines,
    () => found().join("\n"),
  );
  return found();
}
