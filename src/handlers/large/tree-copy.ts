/** Copies what is within a folder to another, which no client sees yet, a piece in each turn of the loop. */
import { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY, S_IFMT, S_IFREG } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import { copyBytes } from "./copying.ts";
import { type Member, type Walk, walk } from "./walk.ts";

/** Bytes copied in one turn, and members; either take a few milliseconds on a slow disk. */
const BYTES_PER_TURN = 1024 * 1024;
const MEMBERS_PER_TURN = 32;
/** What a member costs besides its bytes. */
const BYTES_PER_MEMBER = BYTES_PER_TURN / MEMBERS_PER_TURN;

interface Level {
  readonly fd: number;
  /** The permissions that the folder gets when all is in it. */
  readonly mode: number;
}

/** What a copy leaves to others. */
interface CopyMeans {
  /** Opens what a link leads to, if GET would send that; or -errno. */
  openLinked(path: string): number;
  /** Gives an open file or folder what else the original has. */
  copyAttributes(from: number, to: number): void;
}

/** The file that is being copied. */
interface Current {
  readonly source: number;
  readonly target: number;
  position: number;
}

export class TreeCopy {
  /** Where it failed. */
  failedAt = "";
  private readonly walk: Walk;
  private readonly levels: Level[] = [];
  private readonly status = new FileStatus();
  private current: Current | null = null;
  private skips: boolean | undefined;

  /**
   * @param top descriptor of the folder to copy; `target`: of the one to fill. Both were opened to read, and are closed at the end
   * @param hides names that are not copied
   */
  constructor(
    private readonly kernel: Kernel,
    private readonly top: number,
    target: number,
    private readonly hides: (name: string) => boolean,
    private readonly means: CopyMeans,
  ) {
    this.walk = walk(kernel, top);
    means.copyAttributes(top, target);
    this.levels.push({ fd: target, mode: this.modeOf(top) });
  }

  /** Copies the next piece. 1: there is more; 0: all is copied; -errno: it failed. */
  step(): number {
    for (let room = BYTES_PER_TURN; room > 0; ) {
      const used = this.current === null ? this.next() : this.copy(this.current, room);
      if (used <= 0) return used;
      room -= used;
    }
    return 1;
  }

  /** Ends it, early or not: closes all that it has open. */
  close(): void {
    this.walk.return();
    this.closeCurrent();
    for (const { fd } of this.levels) this.kernel.close(fd);
    this.kernel.close(this.top);
  }

  /** What the next member has cost; 0: there is none; -errno. */
  private next(): number {
    const { done, value } = this.walk.next(this.skips);
    this.skips = undefined;
    if (done === true) return this.finish(this.levels[0]!);
    const n = this.take(value);
    if (n >= 0) return BYTES_PER_MEMBER;
    this.failedAt = value.path;
    return n;
  }

  private take(member: Member): number {
    const { what, name, error } = member;
    if (what === "failed") return error;
    if (what === "leave") return this.leave();
    if (this.hides(name)) {
      this.skips = what === "enter";
      return 0;
    }
    return what === "enter" ? this.enter(member) : this.begin(member);
  }

  private get here(): number {
    return this.levels.at(-1)!.fd;
  }

  private enter({ folder, name }: Member): number {
    const { kernel } = this;
    const source = kernel.openBeneath(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, "deny");
    if (source < 0) return source;
    const mode = this.modeOf(source);
    const n = kernel.mkdir(this.here, name, 0o700);
    const fd = n < 0 ? n : kernel.openBeneath(this.here, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, "deny");
    if (fd >= 0) {
      this.means.copyAttributes(source, fd);
      this.levels.push({ fd, mode });
    }
    kernel.close(source);
    return fd;
  }

  private leave(): number {
    const level = this.levels.pop()!;
    const n = this.finish(level);
    this.kernel.close(level.fd);
    return n;
  }

  private finish({ fd, mode }: Level): number {
    return this.kernel.fchmod(fd, mode);
  }

  /** The permissions of a folder, which its owner keeps. */
  private modeOf(fd: number): number {
    return this.kernel.fstat(fd, this.status) < 0 ? 0o700 : (this.status.mode & 0o777) | 0o700;
  }

  /** Begins to copy a file. What is no file any more, or no regular one, is skipped. */
  private begin({ folder, path, name }: Member): number {
    const { kernel } = this;
    let source = kernel.openBeneath(folder, name, O_RDONLY | O_NOFOLLOW, 0, "deny");
    const isLink = source === -ERRNO.ELOOP;
    if (isLink) source = this.means.openLinked(path);
    if (source < 0) return isLink || source === -ERRNO.ENOENT || source === -ERRNO.ENXIO ? 0 : source;
    const n = kernel.fstat(source, this.status);
    const isRegular = n >= 0 && (this.status.mode & S_IFMT) === S_IFREG;
    const target = isRegular
      ? kernel.openBeneath(this.here, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600, "deny")
      : n;
    if (isRegular && target >= 0) this.current = { source, target, position: 0 };
    else kernel.close(source);
    return target;
  }

  private copy(file: Current, room: number): number {
    const n = copyBytes(this.kernel, file.target, file.source, file.position, room);
    file.position += Math.max(0, n);
    if (n > 0) return n;
    const done = n < 0 ? n : this.complete(file);
    this.closeCurrent();
    return done < 0 ? done : 1;
  }

  /** Permissions and time are those of the original, as in nginx. */
  private complete({ source, target }: Current): number {
    const { kernel, status } = this;
    const n = kernel.fstat(source, status);
    if (n < 0) return n;
    this.means.copyAttributes(source, target);
    kernel.futimens(target, status.mtimeSeconds, status.mtimeNanoseconds);
    return kernel.fchmod(target, status.mode & 0o777);
  }

  private closeCurrent(): void {
    if (this.current === null) return;
    this.kernel.close(this.current.source);
    this.kernel.close(this.current.target);
    this.current = null;
  }
}
