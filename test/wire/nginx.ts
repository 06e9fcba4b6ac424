/** nginx itself, where it is installed: a process of its own for one test file, to compare with. */
import { afterAll, beforeAll } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./free-ports.ts";
import { type Entry, makeFolder } from "./server.ts";

/** null: not installed. */
export const NGINX = Bun.which("nginx", { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` });

/** Starts nginx for the tests of a file; `http` makes what its http block contains, for the port it listens on; `files` are in its prefix. */
export function useNginx(http: (port: number) => string, files: Record<string, Entry> = {}): { port: number } {
  const nginx = { port: 0 };
  let folder = "";
  let running: Bun.Subprocess | null = null;
  beforeAll(async () => {
    if (NGINX === null) return;
    folder = makeFolder({ "logs/": "", ...files });
    nginx.port = await freePort();
    writeFileSync(join(folder, "nginx.conf"), configuration(http(nginx.port)));
    running = Bun.spawn([NGINX, "-p", folder, "-e", join(folder, "error.log"), "-c", join(folder, "nginx.conf")], {
      stderr: "pipe",
    });
    await untilOpen(nginx.port);
  });
  afterAll(async () => {
    running?.kill("SIGQUIT");
    await running?.exited;
    if (folder !== "") rmSync(folder, { recursive: true, force: true });
  });
  return nginx;
}

const PATHS = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
  .map((name) => `${name}_temp_path ${name}_temp;`)
  .join(" ");

const configuration = (http: string): string => `
daemon off; master_process off; pid nginx.pid; error_log error.log info;
events { worker_connections 256; }
http { access_log off; ${PATHS} ${http} }`;

async function untilOpen(port: number): Promise<void> {
  for (;;) {
    const isOpen = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } }).then(
      (socket) => socket.end() === undefined || true,
      () => false,
    );
    if (isOpen) return;
    await Bun.sleep(20);
  }
}
