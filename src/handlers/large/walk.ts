/** Goes through a folder and all within, one member at a time, so that the loop can do other work in between. No link is followed. */
import {
  DT_DIR,
  directoryEntries,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  S_IFDIR,
  S_IFMT,
} from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";

/** Most folders within each other; the walk has each of them open. Clients cannot make deeper ones. */
const MOST_LEVELS = 64;
/** Bytes of names that are read at once. */
const NAMES = 8 * 1024;

export interface Member {
  /** `enter` and `leave`: a folder, before and after its members. `failed`: a folder that could not be read. */
  readonly what: "file" | "enter" | "leave" | "failed";
  /** Relative to the folder that is walked. */
  readonly path: string;
  readonly name: string;
  /** The descriptor of the folder that has it. Closed when the walk goes on. */
  readonly folder: number;
  /** -errno of `failed`, else 0. */
  readonly error: number;
}

/** A walk gives members, and is told of each folder that it enters whether to skip its members: then there is no `leave`. */
export type Walk = Generator<Member, void, boolean | undefined>;

/** Walks through the members of the folder `top`, a descriptor that stays the caller's. `return` ends a walk early. */
export function* walk(kernel: Kernel, top: number): Walk {
  yield* members(kernel, top, "", ".", 0);
}

function* members(kernel: Kernel, parent: number, path: string, name: string, level: number): Walk {
  const fd = level > MOST_LEVELS ? -ERRNO.ELOOP : openToRead(kernel, parent, name);
  if (fd < 0) return void (yield { what: "failed", path, name, folder: parent, error: fd });
  const block = new Block(NAMES);
  try {
    let n = kernel.getdents(fd, block);
    for (; n > 0; n = kernel.getdents(fd, block)) {
      for (const entry of directoryEntries(block, n)) {
        const member = {
          path: path === "" ? entry.name : `${path}/${entry.name}`,
          name: entry.name,
          folder: fd,
          error: 0,
        };
        if (!isFolder(kernel, fd, entry)) {
          yield { ...member, what: "file" };
          continue;
        }
        const skips = yield { ...member, what: "enter" };
        if (skips === true) continue;
        yield* members(kernel, fd, member.path, entry.name, level + 1);
        yield { ...member, what: "leave" };
      }
    }
    if (n < 0) yield { what: "failed", path, name, folder: fd, error: n };
  } finally {
    kernel.close(fd);
  }
}

const openToRead = (kernel: Kernel, folder: number, name: string): number =>
  kernel.openBeneath(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, "deny");

function isFolder(
  kernel: Kernel,
  folder: number,
  { name, type }: { readonly name: string; readonly type: number },
): boolean {
  if (type !== 0) return type === DT_DIR;
  const fd = kernel.openBeneath(folder, name, O_PATH | O_NOFOLLOW, 0, "deny");
  if (fd < 0) return false;
  const status = new FileStatus();
  const n = kernel.fstat(fd, status);
  kernel.close(fd);
  return n >= 0 && (status.mode & S_IFMT) === S_IFDIR;
}
