/** The content and target of uploads, and the client process that sends them. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { LOAD_CPU, type RunningServer } from "./servers/server.ts";
import type { Site } from "./site.ts";

/** The content of one of many small files. Each file's content is different. */
export function smallUpload(number: number): Buffer {
  const content = Buffer.alloc(100_000, `content of upload ${number}; `);
  content.writeUInt32LE(Math.imul(number + 1, 2654435761) >>> 0, 50_000 + (number % 40_000));
  return content;
}

/** The names of files whose stored content differs from the sent content. */
export function damaged(folder: string, count: number): string[] {
  const wrong: string[] = [];
  for (let number = 0; number < count; number++) {
    const path = join(folder, `upload-${number}`);
    if (!existsSync(path) || Bun.hash(readFileSync(path)) !== Bun.hash(smallUpload(number))) wrong.push(path);
  }
  return wrong;
}

/** Files within `folder` except locks: leftovers of uploads. */
export function leftovers(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (path) => !path.endsWith(".lock") && statSync(join(folder, path)).isFile(),
  );
}

/** A folder that receives uploads. */
export interface StoreFolder {
  readonly path: string;
  /** Kind of storage, for a title. */
  readonly kind: string;
  remove(): void;
}

/**
 * The folders in which to store `bytes`: next to the site, usually on a disk, and in memory, where no disk affects the result.
 * A folder without enough space is left out.
 */
export function makeStores(site: Site, bytes: number): StoreFolder[] {
  const places = [
    [site.folder, "beside the site"],
    ["/dev/shm", "in memory"],
  ] as const;
  return places.filter(([folder]) => existsSync(folder) && room(folder) > 2 * bytes).map(makeStore);
}

function makeStore([folder, kind]: readonly [string, string]): StoreFolder {
  const path = mkdtempSync(join(folder, "webserv-bench-"));
  return { path, kind, remove: () => rmSync(path, { recursive: true, force: true }) };
}

function room(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Runs the client with the port and these arguments. Throws its output if an upload fails. */
export async function upload(server: RunningServer, ...args: (string | number)[]): Promise<void> {
  const script = join(import.meta.dir, "upload-client.ts");
  const command = [
    "taskset",
    "-c",
    `${LOAD_CPU}`,
    process.execPath,
    "run",
    script,
    `${server.port}`,
    ...args.map(String),
  ];
  const client = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const errors = await client.stderr.text();
  if ((await client.exited) !== 0) throw new Error(`${server.peer.name}: ${args.join(" ")}: ${errors.trim()}`);
}
