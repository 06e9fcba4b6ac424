/** The process's table of descriptors, and the error thrown when the server misuses it. */
import { ERRNO } from "../../ffi/errno.ts";

/** A programming error of the server, which a real kernel would accept or answer with EBADF. Fails the run. */
export class Misuse extends Error {
  override readonly name = "Misuse";
}

/** The open file description behind a descriptor: a file, socket, listener or epoll instance. */
export abstract class Description {
  /** For messages. */
  abstract describe(): string;
  /** The last descriptor was closed. */
  abstract closed(): void;
}

const FIRST = 3; // 0 to 2 are the standard streams

export class Descriptors {
  /** The soft RLIMIT_NOFILE. */
  limit = 1024;
  private readonly table = new Map<number, Description>();

  /** Gives the lowest free number, as POSIX requires, so numbers are soon used again. -EMFILE at the limit. */
  open(description: Description): number {
    let fd = FIRST;
    while (this.table.has(fd)) fd++;
    if (fd >= this.limit) return -ERRNO.EMFILE;
    this.table.set(fd, description);
    return fd;
  }

  get full(): boolean {
    return this.table.size + FIRST >= this.limit;
  }

  get(fd: number): Description {
    const description = this.table.get(fd);
    if (!description) throw new Misuse(`descriptor ${fd} is not open`);
    return description;
  }

  /** The description of `fd`, which must be of this kind. */
  expect<T extends Description>(fd: number, kind: abstract new (...args: never[]) => T): T {
    const description = this.get(fd);
    if (!(description instanceof kind)) {
      throw new Misuse(`descriptor ${fd} is ${description.describe()}, not a ${kind.name}`);
    }
    return description;
  }

  /** `fd` becomes another description: connect(2) makes a connection of a socket. */
  replace(fd: number, description: Description): void {
    this.get(fd);
    this.table.set(fd, description);
  }

  close(fd: number): Description {
    const description = this.get(fd);
    this.table.delete(fd);
    return description;
  }

  /** The open descriptors, in no order. */
  numbers(): IterableIterator<number> {
    return this.table.keys();
  }

  get size(): number {
    return this.table.size;
  }
}
