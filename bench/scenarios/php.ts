/** PHP: what it costs to pass requests to php-fpm, beside nginx. Only the gateway is counted. */
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Options } from "../scenario.ts";
import { phpGateways } from "../servers/gateways.ts";
import { LOAD_CPU, onCpu } from "../servers/server.ts";
import type { Report } from "../table.ts";
import { type Case, compareGateways } from "./proxy.ts";

const CASES: readonly Case[] = [
  ["hello.php through php-fpm, 16 clients", { requests: 10_000, clients: 16, paths: ["/hello.php"] }, 0.85],
];
const FOLDER = "/usr/sbin";

/** The scenario `php`. Without php-fpm there is nothing to measure. */
export async function php(options: Options): Promise<Report[]> {
  const program = readdirSync(FOLDER).find((name) => /^php-fpm[\d.]*$/.test(name));
  if (program === undefined) {
    console.error("php: there is no php-fpm");
    return [];
  }
  const { folder, root } = options.site;
  const page = join(root, "hello.php");
  writeFileSync(page, `<?php header("Content-Type: text/plain"); echo "Hello, ", $_SERVER["REMOTE_ADDR"];`);
  const socket = join(folder, "php.sock");
  const fpm = await startFpm(join(FOLDER, program), folder, socket);
  try {
    return await compareGateways("php", phpGateways(socket), CASES, options);
  } finally {
    fpm.kill("SIGTERM");
    await fpm.exited;
    rmSync(page);
  }
}

/** php-fpm beside the load, so that the gateway has its CPU for itself. */
async function startFpm(program: string, folder: string, socket: string): Promise<Bun.Subprocess> {
  const file = join(folder, "fpm.conf");
  const pool = ["[www]", `listen = ${socket}`, "user = root", "group = root", "pm = static", "pm.max_children = 4"];
  writeFileSync(file, ["[global]", "error_log = /dev/null", "daemonize = no", ...pool].join("\n"));
  const command = onCpu(LOAD_CPU, [program, "-n", "-R", "-F", "-p", folder, "-y", file]);
  const process = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  for (let i = 0; i < 500 && !existsSync(socket); i++) await Bun.sleep(10);
  return process;
}
