/** The server's end of a pipe, watched by epoll: `ready` is true until a call would block, and again after the next event. */
import { EPOLLOUT } from "../../ffi/abi.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import type { Block } from "../../ffi/memory.ts";
import type { Reactor, Source } from "./reactor.ts";

export class PipeEnd implements Source {
  /** Whether a read or write may succeed, as far as is known. A new pipe is empty; one to write to counts as ready if the reactor is eager. */
  ready: boolean;

  /**
   * @param fd non-blocking; this object owns it from now on
   * @param events EPOLLIN or EPOLLOUT; with EPOLLET only transitions to ready are reported
   * @param onReady called when a read or write is possible again, or the other end has closed
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

  /** read(2): bytes read; 0 at the end; -EAGAIN when the pipe is empty; other -errno. */
  read(block: Block, offset: number, length: number): number {
    if (!this.ready && !this.reactor.eager) return -ERRNO.EAGAIN;
    return this.moved(this.kernel.read(this.fd, block, offset, length, -1));
  }

  /** write(2): bytes written, perhaps fewer than given; -EAGAIN when the pipe is full; -EPIPE when the read end is closed; other -errno. */
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
