/**
 * A real server process for one test file: its own folder, its own configuration, a port of the kernel's choice.
 * `bun run src/main.ts` by default; the environment variable WEBSERV names another program, such as dist/webserv.
 */
import { afterAll, beforeAll } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { openSsl } from "../../ffi/openssl/library.ts";

export const PROJECT = resolve(import.meta.dir, "../..");

/** Whether the system has the library that HTTPS needs. */
export const HAS_OPENSSL = typeof openSsl() !== "string";

/** A file's content, a link's target, or the size of a file full of zeros that takes no room on the disk. */
export type Entry = string | Uint8Array | { readonly link: string } | { readonly size: number };

export interface Site {
  /** The configuration's text; or `file`, an existing one. */
  readonly configuration?: string;
  readonly file?: string;
  /** What is in the folder that relative paths start from: path to entry. */
  readonly files?: Record<string, Entry>;
  /** Relative paths start here instead of the site's own folder. */
  readonly prefix?: string;
  /** Further arguments of the command line. */
  readonly args?: readonly string[];
  /** The program and its first arguments instead of the usual ones. */
  readonly program?: readonly string[];
  /** The folder the process is started in. */
  readonly cwd?: string;
  /** How many addresses it will announce; by default as many as the configuration has. */
  readonly addresses?: number;
}

/** How the server is started: the words before its own arguments. */
export const PROGRAM: readonly string[] = process.env.WEBSERV
  ? [resolve(PROJECT, process.env.WEBSERV)]
  : [process.execPath, "run", join(PROJECT, "src/main.ts")];

/** A new folder beneath the system's temporary one, filled with `files`. The caller removes it. */
export function makeFolder(files: Record<string, Entry> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "webserv-"));
  for (const [path, entry] of Object.entries(files)) makeEntry(join(folder, path), entry);
  return folder;
}

function makeEntry(path: string, entry: Entry): void {
  mkdirSync(path.endsWith("/") ? path : dirname(path), { recursive: true });
  if (path.endsWith("/")) return;
  if (typeof entry === "string" || entry instanceof Uint8Array) return writeFileSync(path, entry);
  if ("link" in entry) return symlinkSync(entry.link, path);
  writeFileSync(path, "");
  truncateSync(path, entry.size);
}

/** How many addresses a configuration listens on: the distinct first arguments of its `listen`s. */
function countAddresses(configuration: string): number {
  const listens = configuration.replace(/#.*$/gm, "").matchAll(/\blisten\s+([^\s;]+)/g);
  return Math.max(1, new Set([...listens].map((match) => match[1])).size);
}

/** One server process. `port` and `urls` are known once `start` has resolved. */
export class ServerProcess {
  readonly folder: string;
  /** The addresses it announced, in order. */
  urls: string[] = [];
  stdout = "";
  stderr = "";
  private process: Bun.Subprocess<"ignore", "pipe", "pipe"> | null = null;
  private readers: Promise<void>[] = [];

  constructor(private readonly site: Site) {
    this.folder = makeFolder(site.files);
    if (site.configuration !== undefined) writeFileSync(join(this.folder, "test.conf"), site.configuration);
  }

  /** The port of the first address. */
  get port(): number {
    return this.ports[0]!;
  }

  get ports(): number[] {
    return this.urls.map((url) => Number(/:(\d+)\/?$/.exec(url)?.[1]));
  }

  get pid(): number {
    return this.process!.pid;
  }

  /** Resolves with the exit status once the process has ended; a signal counts as 128 and its number. */
  get exited(): Promise<number> {
    return this.process!.exited;
  }

  /** Starts the process and waits until it has announced every address. Rejects with its messages if it ends before. */
  async start(): Promise<void> {
    const file = this.site.file ?? join(this.folder, "test.conf");
    const { addresses, configuration } = this.site;
    const wanted = addresses ?? countAddresses(configuration ?? (await Bun.file(file).text()));
    const prefix = this.site.prefix ?? this.folder;
    this.process = Bun.spawn([...(this.site.program ?? PROGRAM), "-p", prefix, ...(this.site.args ?? []), file], {
      cwd: this.site.cwd ?? this.folder,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.readers = [
      this.collect(this.process.stdout, (text) => (this.stdout += text)),
      this.collect(this.process.stderr, (text) => (this.stderr += text)),
    ];
    await this.untilStdout((text) => this.findUrls(text) >= wanted);
  }

  /** Waits until what the process has printed satisfies `isEnough`. */
  async untilStdout(isEnough: (text: string) => boolean): Promise<void> {
    const ended = this.process!.exited.then(() => "ended" as const);
    while (!isEnough(this.stdout)) {
      const next = await Promise.race([ended, Bun.sleep(5)]);
      if (next === "ended" && !isEnough(this.stdout)) {
        await Promise.all(this.readers);
        throw new Error(`the server ended with ${this.process!.exitCode}:\n${this.stdout}${this.stderr}`);
      }
    }
  }

  /** Ends the process, waits for it, removes the folder; gives the exit status. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    const status = await this.end(signal);
    rmSync(this.folder, { recursive: true, force: true });
    return status;
  }

  /** Ends the process and starts another in the same folder: on the same port, if the configuration names one. */
  async restart(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.end(signal);
    this.stdout = "";
    await this.start();
  }

  /** Ends the process and waits for it; the folder stays. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    if (this.process === null) return 0;
    this.process.kill(signal);
    const status = await this.process.exited;
    await Promise.all(this.readers);
    return status;
  }

  private findUrls(text: string): number {
    const lines = text.slice(0, text.lastIndexOf("\n") + 1);
    this.urls = [...lines.matchAll(/(?:https?:\/\/[^\s/]+:\d+\/|unix:\/[^\s]+)$/gm)].map((match) => match[0]);
    return this.urls.length;
  }

  private async collect(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) add(decoder.decode(chunk, { stream: true }));
  }
}

/** A server for all tests of the calling file or describe block: started before them, ended after them. */
export function useServer(site: Site): ServerProcess {
  const server = new ServerProcess(site);
  beforeAll(() => server.start());
  afterAll(async () => {
    await server.stop();
  });
  return server;
}

/** Waits until `isTrue`, for what another process does in its own time; after 30 s it fails with what there is instead. */
export async function until(isTrue: () => boolean, instead: () => string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error(`waited in vain; there is: ${instead()}`);
    await Bun.sleep(5);
  }
}

export interface Finished {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the server's program with these arguments until it ends by itself. */
export async function run(args: readonly string[], cwd: string = PROJECT): Promise<Finished> {
  const child = Bun.spawn([...PROGRAM, ...args], { cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, stdout, stderr };
}
