/** Application servers that others wrote, for tests of the gateway: started before the tests of a file, ended after them. */
import { afterAll, beforeAll } from "bun:test";
import { chmodSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Entry, makeFolder, until } from "./server.ts";

/** A folder that other users may enter (some servers give up root), removed after the tests. */
export function useFolder(files: Record<string, Entry>): string {
  const folder = makeFolder(files);
  chmodSync(folder, 0o755);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Starts a program and waits until its sockets are there. An empty command: it is not installed, and its tests are skipped.
 * @param sockets paths of unix sockets
 */
export function useProgram(command: readonly string[], folder: string, sockets: readonly string[]): void {
  if (command.length === 0) return;
  let process: Bun.Subprocess<"ignore", "pipe", "pipe"> | null = null;
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) output = (output + decoder.decode(chunk, { stream: true })).slice(-10_000);
  };
  beforeAll(async () => {
    process = Bun.spawn([...command], { cwd: folder, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    void collect(process.stdout);
    void collect(process.stderr);
    await until(
      () => sockets.every((path) => existsSync(path)),
      () => output,
    );
  });
  afterAll(async () => {
    process?.kill("SIGTERM");
    await process?.exited;
  });
}

/** php-fpm, whose name has PHP's version in Debian; null: it is not installed. */
function phpFpm(): string | null {
  const folder = "/usr/sbin";
  const versions = existsSync(folder) ? readdirSync(folder).filter((name) => /^php-fpm[\d.]*$/.test(name)) : [];
  return Bun.which("php-fpm") ?? (versions[0] === undefined ? null : join(folder, versions[0]));
}

export const HAS_PHP_FPM = phpFpm() !== null;

/**
 * Starts php-fpm on `folder`/php.sock.
 * @param values `php_admin_value`s
 * @param extensions whether the system's php.ini counts, which loads the installed extensions
 */
export function usePhpFpm(folder: string, values: Record<string, string> = {}, extensions = false): void {
  const file = join(folder, "fpm.conf");
  const socket = join(folder, "php.sock");
  const settings = Object.entries(values).map(([name, value]) => `php_admin_value[${name}] = ${value}`);
  const lines = ["[global]", "error_log = fpm.log", "daemonize = no", "[www]", `listen = ${socket}`];
  // Ignored unless it is started as root.
  lines.push("user = root", "group = root", "pm = static", "pm.max_children = 2", ...settings);
  beforeAll(() => Bun.write(file, lines.join("\n")));
  const ini = extensions ? [] : ["-n"];
  useProgram(HAS_PHP_FPM ? [phpFpm()!, ...ini, "-R", "-F", "-p", folder, "-y", file] : [], folder, [socket]);
}
