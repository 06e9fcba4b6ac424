/** A real Chromium for the tests; CHROMIUM names another one than the system's. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const executable = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== undefined && existsSync(path));

/** False where there is none: the tests then skip by name. */
export const hasBrowser = executable !== undefined;

/** Starts it without anything that reaches for the network by itself. The caller closes it. */
export function launch(): Promise<Browser> {
  const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"];
  return chromium.launch({
    executablePath: executable!,
    args: ["--no-sandbox", "--disable-gpu", "--disable-sync", ...quiet],
  });
}
