/** Resumable uploads on a file system that fails once, at any call: the file is whole or not there, and nothing stays open. */
import { describe, expect, test } from "bun:test";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { TusWorld } from "./tus-world.ts";

const CALLS = [
  "open",
  "openBeneath",
  "fstat",
  "read",
  "write",
  "mkdir",
  "rename",
  "fchmod",
  "flock",
  "unlink",
] as const;
const WHOLE = "0123456789";

/** Lets the `nth` of the calls above fail with `errno`; gives how many there were. */
function failing(
  kernel: Kernel,
  nth: number,
  errno: number,
): { readonly count: () => number; readonly heal: () => void } {
  const original = { ...kernel };
  let count = 0;
  for (const name of CALLS) {
    const call = original[name] as (...args: unknown[]) => number;
    Object.assign(kernel, { [name]: (...args: unknown[]) => (++count === nth ? -errno : call(...args)) });
  }
  return { count: () => count, heal: () => void Object.assign(kernel, original) };
}

/** An upload in two pieces; gives its URL, if it came so far as to have one. */
function upload(world: TusWorld): string | undefined {
  const url = world.create(WHOLE.length, { filename: "a.txt", relativePath: "p/q/a.txt" }).field("Location");
  if (url === undefined) return undefined;
  world.patch(url, 0, WHOLE.slice(0, 4));
  world.head(url);
  world.patch(url, 4, WHOLE.slice(4), { piece: 2 });
  return url;
}

/** What a client does that knows no more than the URL. */
function resume(world: TusWorld, url: string): void {
  const offset = Number(world.head(url).field("Upload-Offset"));
  if (offset < WHOLE.length) expect(world.patch(url, offset, WHOLE.slice(offset)).status).toBe(204);
}

function countCalls(): number {
  const world = new TusWorld();
  const { count } = failing(world.services.kernel, 0, 0);
  upload(world);
  expect(world.stored).toEqual({ "p/q/a.txt": WHOLE });
  expect(world.end()).toBe(0);
  return count();
}

const errors = [ERRNO.EIO, ERRNO.ENOSPC, ERRNO.EACCES, ERRNO.EMFILE];

describe.each(Array.from({ length: countCalls() }, (_, i) => i + 1))("call %i fails", (nth) => {
  test.each(errors)("with errno %i", (errno) => {
    const world = new TusWorld();
    const { heal } = failing(world.services.kernel, nth, errno);
    const url = upload(world);
    heal();
    const files = () => Object.entries(world.stored).filter(([path]) => !path.startsWith(".webserv/"));
    const found = files();
    expect(found.length === 0 || (found.length === 1 && found[0]![1] === WHOLE)).toBe(true);
    if (url !== undefined) resume(world, url);
    expect(files()).toEqual(url === undefined ? [] : [["p/q/a.txt", WHOLE]]);
    world.services.pass(1e9); // whatever was left has expired
    world.handler.sweep!();
    expect(world.staged).toEqual([]);
    expect(world.end()).toBe(0);
  });
});
