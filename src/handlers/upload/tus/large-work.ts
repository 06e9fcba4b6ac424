/** Files that are copied inside the server, or removed, one piece in each turn of the loop, however many there are. */
import { O_NOFOLLOW, O_WRONLY } from "../../../../ffi/abi.ts";
import { FileStatus, type Kernel } from "../../../../ffi/kernel.ts";
import type { Services } from "../../../exchange/services.ts";

/** Given back in one turn, in bytes: about 1 ms. */
const BYTES_PER_TURN = 16 * 1024 * 1024;

/** Something that works on a large file. */
export interface LargeWork {
  /** Does the next piece; false: it is over. */
  step(): boolean;
  /** `step` has thrown. */
  crash(error: unknown): void;
}

/** They take turns. */
export class LargeWorkQueue {
  private readonly waiting: LargeWork[] = [];

  constructor(private readonly services: Services) {}

  /** It begins in the next turn. */
  add(work: LargeWork): void {
    this.waiting.push(work);
    if (this.waiting.length === 1) this.services.reactor.again(this);
  }

  onTurn(): void {
    const first = this.waiting[0]!; // it stays there meanwhile, so that `add` knows that there is a next turn
    const goesOn = this.goesOn(first);
    this.waiting.shift();
    if (goesOn) this.waiting.push(first);
    if (this.waiting.length > 0) this.services.reactor.again(this);
  }

  private goesOn(work: LargeWork): boolean {
    try {
      return work.step();
    } catch (error) {
      work.crash(error);
      return false;
    }
  }
}

/**
 * Removes a file of a folder at once, and gives its room back a piece in each turn: 128 MB took the kernel 12 ms in one call,
 * while nobody else was served. 0 or -errno, as of unlink(2).
 */
export function removeInPieces(kernel: Kernel, queue: LargeWorkQueue, folder: number, name: string): number {
  const fd = kernel.openBeneath(folder, name, O_WRONLY | O_NOFOLLOW, 0, "deny"); // without it the kernel removes it in one piece
  const status = new FileStatus();
  const isLarge = fd >= 0 && kernel.fstat(fd, status) >= 0 && status.size > BYTES_PER_TURN;
  const n = kernel.unlink(folder, name);
  if (isLarge && n >= 0) queue.add(new Removal(kernel, fd, status.size));
  else if (fd >= 0) kernel.close(fd);
  return n;
}

/** A file without a name, which becomes shorter until nothing is left. */
class Removal implements LargeWork {
  /** @param fd its last descriptor */
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
