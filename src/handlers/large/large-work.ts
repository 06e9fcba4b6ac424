/** Copies and removes large files, one piece in each turn of the loop, however many files wait. */
import { O_NOFOLLOW, O_WRONLY } from "../../../ffi/abi.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import type { Services } from "../../exchange/services.ts";

/** Most bytes freed in one turn; they take about 1 ms. */
const BYTES_PER_TURN = 16 * 1024 * 1024;

/** A job that copies or removes a large file. */
export interface LargeWork {
  /** Does the next piece; false: the job has ended. */
  step(): boolean;
  /** Called if `step` has thrown. */
  crash(error: unknown): void;
}

/** A round-robin queue of jobs. */
export class LargeWorkQueue {
  private readonly waiting: LargeWork[] = [];

  constructor(private readonly services: Services) {}

  /** Adds a job. It begins in the next turn. */
  add(work: LargeWork): void {
    this.waiting.push(work);
    if (this.waiting.length === 1) this.services.reactor.again(this);
  }

  onTurn(): void {
    const first = this.waiting[0]!; // stays in the queue during the step, so that `add` does not ask for a second turn
    const unfinished = this.runStep(first);
    this.waiting.shift();
    if (unfinished) this.waiting.push(first);
    if (this.waiting.length > 0) this.services.reactor.again(this);
  }

  private runStep(work: LargeWork): boolean {
    try {
      return work.step();
    } catch (error) {
      work.crash(error);
      return false;
    }
  }
}

/**
 * Removes a file's name at once, and frees its disk space in pieces, one in each turn. Freeing 128 MB in one call took the
 * kernel 12 ms, while other clients had to wait. 0 or -errno of unlink(2).
 */
export function removeInPieces(kernel: Kernel, queue: LargeWorkQueue, folder: number, name: string): number {
  const fd = kernel.openBeneath(folder, name, O_WRONLY | O_NOFOLLOW, 0, "deny"); // if this fails, unlink(2) frees the space in one call
  const status = new FileStatus();
  const isLarge = fd >= 0 && kernel.fstat(fd, status) >= 0 && status.size > BYTES_PER_TURN;
  const n = kernel.unlink(folder, name);
  if (isLarge && n >= 0) queue.add(new Removal(kernel, fd, status.size));
  else if (fd >= 0) kernel.close(fd);
  return n;
}

/** Truncates a file without a name piece by piece until it is empty. */
class Removal implements LargeWork {
  /** @param fd the only descriptor of the file; the removal closes it */
  constructor(
    private readonly kernel: Kernel,
    private readonly fd: number,
    private size: number,
  ) {}

  step(): boolean {
    this.size = Math.max(0, this.size - BYTES_PER_TURN);
    if (this.size > 0 && this.kernel.truncate(this.fd, this.size) >= 0) return true;
    this.kernel.close(this.fd);
    return false;
  }

  crash(): void {
    this.kernel.close(this.fd);
  }
}
