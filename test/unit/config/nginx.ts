/** Asks nginx, where it is installed, what it takes. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const inHttp = (text: string): string => `events { } http { ${text} }`;
export const inServer = (text: string): string => inHttp(`server { listen 8080; ${text} }`);

export const hasNginx = spawnSync("nginx", ["-v"]).status === 0;

/** Whether nginx takes a configuration (`nginx -t` in a folder of its own); what it says when not. */
export function nginxTakes(text: string): true | string {
  const folder = mkdtempSync(join(tmpdir(), "webserv-nginx-"));
  writeFileSync(join(folder, "nginx.conf"), text.includes("pid ") ? text : `pid ${folder}/nginx.pid; ${text}`);
  const { status, stderr } = spawnSync("nginx", ["-t", "-q", "-p", folder, "-c", "nginx.conf", "-e", "stderr"]);
  rmSync(folder, { recursive: true });
  const said = stderr.toString();
  // Where something else holds a port or a folder is missing, the text was taken all the same.
  return status === 0 || !/\[emerg\](?!.*(?:bind\(\)|open\(\)|mkdir\(\)|socket\(\)))/.test(said) ? true : said;
}
