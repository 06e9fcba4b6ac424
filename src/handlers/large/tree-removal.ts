/** Removes a folder with all within, some members in each turn of the loop. */
import { O_DIRECTORY, O_NOFOLLOW, O_PATH } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { type LargeWorkQueue, removeInPieces } from "./large-work.ts";
import { type Member, type Walk, walk } from "./walk.ts";

/** Members removed in one turn; they take about a millisecond. */
const MEMBERS_PER_TURN = 64;
/** Most failures that are told. */
const MOST_FAILURES = 100;

/** A member that could not be removed. */
export interface Lasting {
  /** Relative to the folder. */
  readonly path: string;
  /** -errno, or 0 for what clients do not see, which they cannot remove. */
  readonly error: number;
}

export class TreeRemoval {
  /** What could not be removed; the folders that have it stay too, and are not named. */
  readonly lasting: Lasting[] = [];
  private readonly walk: Walk;
  private next: boolean | undefined;

  /** @param queue for the bytes of large files; null: they are freed at once. @param top descriptor of the folder; closed at the end. @param spares names that stay */
  constructor(
    private readonly kernel: Kernel,
    private readonly queue: LargeWorkQueue | null,
    private readonly top: number,
    private readonly spares: (name: string) => boolean,
  ) {
    this.walk = walk(kernel, top);
  }

  /** Removes the next members; false: the folder has only what could not be removed. */
  step(): boolean {
    for (let count = 0; count < MEMBERS_PER_TURN; count++) {
      const { done, value } = this.walk.next(this.next);
      this.next = undefined;
      if (done === true) {
        this.kernel.close(this.top);
        return false;
      }
      this.remove(value);
    }
    return true;
  }

  /** Ends it early. */
  stop(): void {
    this.walk.return();
    this.kernel.close(this.top);
  }

  private remove({ what, path, name, folder, error }: Member): void {
    if (what === "failed") return this.fail(path, error);
    if (what !== "leave" && this.spares(name)) {
      this.next = what === "enter";
      return this.fail(path, 0);
    }
    if (what === "enter") return;
    const n = what === "leave" ? this.kernel.rmdir(folder, name) : this.unlink(folder, name);
    const isDone = n >= 0 || n === -ERRNO.ENOENT || (what === "leave" && n === -ERRNO.ENOTEMPTY);
    if (!isDone) this.fail(path, n);
  }

  private unlink(folder: number, name: string): number {
    const { kernel, queue } = this;
    return queue === null ? kernel.unlink(folder, name) : removeInPieces(kernel, queue, folder, name);
  }

  private fail(path: string, error: number): void {
    if (this.lasting.length < MOST_FAILURES) this.lasting.push({ path, error });
  }
}

/** Removes a folder with all within in one go, where no client waits yet. 0 or -errno. */
export function removeTree(kernel: Kernel, folder: number, name: string): number {
  const top = kernel.openBeneath(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, "deny");
  if (top < 0) return top;
  const removal = new TreeRemoval(kernel, null, top, () => false);
  while (removal.step());
  return kernel.rmdir(folder, name);
}
