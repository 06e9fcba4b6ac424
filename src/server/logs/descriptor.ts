/** What a log is written to: a file, a pipe, a terminal or a socket. No write waits for a reader. */
import {
  EPOLLOUT,
  O_APPEND,
  O_CREAT,
  O_WRONLY,
  S_IFCHR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";

const STANDARD: { readonly [name: string]: number } = { stdout: 1, stderr: 2 };
/** Bytes that a pipe takes at once if epoll says that it takes any (PIPE_BUF). */
const PIPE_PIECE = 4096;

const status = new FileStatus();
const events = new Block(64);

export class LogDescriptor {
  private constructor(
    private readonly kernel: Kernel,
    private readonly fd: number,
    /** Whether it opened `fd` itself. */
    private readonly isOwn: boolean,
    private readonly isSocket = false,
    /** An epoll descriptor that watches a pipe or terminal whose writes may block; -1: none may. */
    private readonly guard = -1,
  ) {}

  /** Opens a log by its path, and creates the file if needed; or "stdout", "stderr". -errno: it cannot be opened. */
  static open(kernel: Kernel, name: string): LogDescriptor | number {
    const standard = STANDARD[name];
    if (standard !== undefined) return LogDescriptor.openStandard(kernel, standard);
    const fd = kernel.open(name, O_WRONLY | O_APPEND | O_CREAT, 0o644);
    return fd < 0 ? fd : new LogDescriptor(kernel, fd, true);
  }

  /**
   * Opens a pipe or a terminal again, to get an open file description that can be non-blocking: a reader that does not read must
   * not stop the server, and other users of the original must not get the flag. A socket can't be opened, but send(2) has a flag
   * for not blocking. A pipe of another user can't be opened either: then epoll is asked before each write.
   */
  private static openStandard(kernel: Kernel, standard: number): LogDescriptor {
    const type = kernel.fstat(standard, status) < 0 ? 0 : status.mode & S_IFMT;
    const mayBlock = type === S_IFIFO || type === S_IFCHR;
    const own = mayBlock ? kernel.open(`/proc/self/fd/${standard}`, O_WRONLY | O_APPEND, 0o644) : -1;
    if (own >= 0) return new LogDescriptor(kernel, own, true);
    return new LogDescriptor(kernel, standard, false, type === S_IFSOCK, mayBlock ? watch(kernel, standard) : -1);
  }

  /** The descriptors it has opened itself. */
  *descriptors(): Iterable<number> {
    if (this.isOwn) yield this.fd;
    if (this.guard >= 0) yield this.guard;
  }

  /** Bytes written of block[start, start + length); -EAGAIN: the reader is slow; -errno. */
  write(block: Block, start: number, length: number): number {
    const { kernel, fd } = this;
    if (this.isSocket) return kernel.send(fd, block, start, length);
    if (this.guard < 0) return kernel.write(fd, block, start, length);
    if (kernel.epollWait(this.guard, events, 1, 0) <= 0) return -ERRNO.EAGAIN;
    return kernel.write(fd, block, start, Math.min(length, PIPE_PIECE));
  }

  cutBack(bytes: number): void {
    cutBack(this.kernel, this.fd, bytes);
  }

  close(): void {
    for (const fd of this.descriptors()) this.kernel.close(fd);
  }
}

/** An epoll descriptor that watches `fd`; -1: it cannot be watched, so it does not block. */
function watch(kernel: Kernel, fd: number): number {
  const epoll = kernel.epollCreate();
  if (epoll < 0) return -1;
  if (kernel.epollAdd(epoll, fd, EPOLLOUT, 0) >= 0) return epoll;
  kernel.close(epoll);
  return -1;
}

/** Removes the last `bytes` bytes of a file: a line of which only the beginning could be written. Other processes append whole lines. */
export function cutBack(kernel: Kernel, fd: number, bytes: number): void {
  if (kernel.fstat(fd, status) < 0 || (status.mode & S_IFMT) !== S_IFREG) return;
  kernel.truncate(fd, Math.max(0, status.size - bytes));
}
