/** `<id>.part` and `<id>.json`, the two files of a resumable upload in the staging folder, and what the second one says. */

import { O_NOFOLLOW, O_PATH, O_RDONLY } from "../../../../ffi/abi.ts";
import { FileStatus, type Kernel } from "../../../../ffi/kernel.ts";
import { Block } from "../../../../ffi/memory.ts";
import type { Staging } from "../staging.ts";

/** What is kept of an upload's creation. */
export interface Description {
  /** Of the whole file, in bytes; null: the client has not said yet. */
  readonly length: number | null;
  /** Where it goes, relative to the store; that of a partial upload is never used. */
  readonly path: string;
  /** The field Upload-Metadata as it came. */
  readonly metadata: string;
  /** How long after its last byte it can be resumed, in seconds: that of the location it was begun in. */
  readonly lifetime: number;
  /** "partial": its bytes become a part of a file. "": it is a file. */
  readonly concat: "" | "partial";
  /** Bytes that count, while more come whose checksum is not known to be right; null: all that are there. */
  readonly verified: number | null;
}

/** The longest description that could be ours, in bytes. */
const MOST_BYTES = 1024 * 1024;

export const partName = (id: string): string => `${id}.part`;
export const infoName = (id: string): string => `${id}.json`;

/** Reads a description. null: it makes no sense; -errno, -ENOENT: there is none. */
export function readDescription(kernel: Kernel, staging: Staging, id: string): Description | null | number {
  const fd = kernel.openBeneath(staging.fd, infoName(id), O_RDONLY | O_NOFOLLOW, 0, "deny");
  if (fd < 0) return fd;
  const status = new FileStatus();
  let n = kernel.fstat(fd, status);
  const block = new Block(Math.max(1, Math.min(status.size, MOST_BYTES)));
  let length = 0;
  for (let more = n >= 0; more && length < block.bytes.length; more = n > 0) {
    n = kernel.read(fd, block, length, block.bytes.length - length, length);
    if (n > 0) length += n;
  }
  kernel.close(fd);
  return n < 0 ? n : parse(block.bytes.utf8Slice(0, length));
}

/** How an upload's part is: fills `into`; -errno. */
export function lookAtPart(kernel: Kernel, staging: Staging, id: string, into: FileStatus): number {
  const fd = kernel.openBeneath(staging.fd, partName(id), O_PATH | O_NOFOLLOW, 0, "deny");
  if (fd < 0) return fd;
  const n = kernel.fstat(fd, into);
  kernel.close(fd);
  return n;
}

function parse(text: string): Description | null {
  try {
    // The last two are missing where an older version wrote it.
    const {
      length,
      path,
      metadata,
      lifetime,
      concat = "",
      verified = null,
    } = JSON.parse(text) as Record<string, unknown>;
    if (typeof path !== "string" || typeof metadata !== "string" || !isCount(lifetime)) return null;
    if (!isCountOrNull(length) || !isCountOrNull(verified) || (concat !== "" && concat !== "partial")) return null;
    return { length, path, metadata, lifetime, concat, verified };
  } catch {
    return null;
  }
}

const isCountOrNull = (value: unknown): value is number | null => value === null || isCount(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
