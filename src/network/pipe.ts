/** Our end of a pipe under epoll: `ready` until a call would block, and again with the next event. */
import { EPOLLOUT } from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import type { Block } from "../../ffi/memory.ts";
import type { Reactor, Source } from "./reactor.ts";

export class PipeEnd implements Source {
  /** Whether a read or write may move something, as far as is known: a new pipe is empty, and is not written to yet if the reactor is not eager. */
  ready: boolean;

  /**
   * @param fd non-blocking, and from now on this object's
   * @param events what is watched: EPOLLIN or EPOLLOUT; with EPOLLET only the moments when it becomes ready
   * @param onReady it can be read or written again, or the other end is gone
   */
  constructor(
    private readonly kernel: Kernel,
    private readonly reactor: Reactor,
    readonly fd: number,
    private readonly events: number,
    private readonly onReady: () => void,
  ) {
    this.ready = reactor.eager && (events & EPOLLOUT) !== 0;
  }

  /** Registers with the reactor. 0, or -errno. */
  watch(): number {
    return this.reactor.add(this, this.events);
  }

  onEvents(): void {
    this.ready = true;
    this.onReady();
  }

  /** read(2): bytes; 0 at the end; -EAGAIN when nothing waits; other -errno. */
  read(block: Block, offset: number, length: number): number {
    if (!this.ready && !this.reactor.eager) return -ERRNO.EAGAIN;
    return this.moved(this.kernel.read(this.fd, block, offset, length, -1));
  }

  /** write(2): bytes taken, perhaps fewer than given; -EAGAIN when it is full; -EPIPE when nobody reads; other -errno. */
  write(block: Block, offset: number, length: number): number {
    if (!this.ready && !this.reactor.eager) return -ERRNO.EAGAIN;
    return this.moved(this.kernel.write(this.fd, block, offset, length));
  }

  private moved(n: number): number {
    if (n === -ERRNO.EAGAIN) this.ready = false;
    return n;
  }

  close(): void {
    this.reactor.close(this);
  }
}
