/** The two files of a resumable upload in the staging folder: `<id>.part` has its bytes, `<id>.json` its description. */

import { O_NOFOLLOW, O_PATH, O_RDONLY } from "../../../../ffi/abi.ts";
import { FileStatus, type Kernel } from "../../../../ffi/kernel.ts";
import { Block } from "../../../../ffi/memory.ts";
import type { Staging } from "../staging.ts";

/** The stored description of an upload: mostly the data of its creation. */
export interface Description {
  /** Length of the whole file in bytes; null: the client has not sent it yet. */
  readonly length: number | null;
  /** Path of the future file relative to the store. Not used for a partial upload. */
  readonly path: string;
  /** The field Upload-Metadata, unchanged. */
  readonly metadata: string;
  /** How long after its last byte it can be resumed, in seconds, by the settings of the location that created it. */
  readonly lifetime: number;
  /** "partial": a partial upload, for a concatenation. "": the upload becomes a file itself. */
  readonly concat: "" | "partial";
  /** Number of valid bytes while a PATCH with a checksum adds more, which are not verified yet; null: all bytes are valid. */
  readonly verified: number | null;
}

/** Most bytes read of a description; the server writes no longer one. */
const MOST_BYTES = 1024 * 1024;

export const partName = (id: string): string => `${id}.part`;
export const infoName = (id: string): string => `${id}.json`;

/** Reads a description. null: it is malformed; -ENOENT: there is none; other -errno. */
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

/** stat of an upload's part into `into`. 0 or -errno. */
export function lookAtPart(kernel: Kernel, staging: Staging, id: string, into: FileStatus): number {
  const fd = kernel.openBeneath(staging.fd, partName(id), O_PATH | O_NOFOLLOW, 0, "deny");
  if (fd < 0) return fd;
  const n = kernel.fstat(fd, into);
  kernel.close(fd);
  return n;
}

function parse(text: string): Description | null {
  try {
    // Older versions of the server wrote descriptions without the last two.
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
