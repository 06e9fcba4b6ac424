/** The site that every server serves. It is created in a temporary folder, with the same bytes each time. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Site {
  /** Holds the servers' configurations and logs. */
  readonly folder: string;
  /** The document root. */
  readonly root: string;
}

const KILOBYTE = 1024;

/** The files of the site and their sizes in bytes. */
export const FILES: readonly (readonly [path: string, size: number])[] = [
  ["1k.html", KILOBYTE],
  ["100k.html", 100 * KILOBYTE],
  ["10m.html", 10 * KILOBYTE * KILOBYTE],
  ["folder/index.html", KILOBYTE],
];

/** Creates the site. All users may read it, because a server's worker may run as another user. */
export function makeSite(): Site {
  const folder = mkdtempSync(join(tmpdir(), "webserv-bench-"));
  chmodSync(folder, 0o755);
  const root = join(folder, "root");
  mkdirSync(join(root, "folder"), { recursive: true });
  for (const [path, size] of FILES) writeFileSync(join(root, path), page(size));
  return { folder, root };
}

export function removeSite(site: Site): void {
  rmSync(site.folder, { recursive: true, force: true });
}

/** A page of exactly `size` bytes. */
export function page(size: number): Uint8Array {
  const line = "<p>The quick brown fox jumps over the lazy dog.</p>\n";
  return new TextEncoder().encode(line.repeat(Math.ceil(size / line.length)).slice(0, size));
}
