/** Password files: a line `user:hash` for each user, as htpasswd writes them and nginx reads them. */
import { O_RDONLY, S_IFMT, S_IFREG } from "../../../ffi/abi.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";

/** Bytes. A larger file is refused, because it is searched from its start for each password that is not remembered. */
const MOST_BYTES = 1 << 20;
/** Most files in memory; the one that was read first is dropped for a new one. */
const MOST_FILES = 64;
const LINE_FEED = 10;

/** The content of a password file. */
export class UserFile {
  /**
   * @param bytes a line feed, then the file's content, then a line feed
   * @param version another number each time the file is read
   */
  constructor(
    private readonly bytes: Buffer,
    readonly version: number,
  ) {}

  /** The stored hash of a user (octets); undefined: there is no such user. As in nginx, the first line of a user counts. */
  hash(user: string): string | undefined {
    if (user.startsWith("#")) return undefined; // a comment
    const at = this.bytes.indexOf(`\n${user}:`, 0, "latin1");
    return at < 0 ? undefined : this.hashAt(at + user.length + 2);
  }

  /** The first hash in the file, which is computed for unknown users. */
  anyHash(): string | undefined {
    for (let at = 0, end = 0; at < this.bytes.length - 1; at = end) {
      end = this.bytes.indexOf(LINE_FEED, at + 1);
      const colon = this.bytes.indexOf(":", at + 1);
      if (colon >= 0 && colon < end && this.bytes[at + 1] !== HASH_SIGN) return this.hashAt(colon + 1);
    }
    return undefined;
  }

  /** Up to the next colon or the line's end. */
  private hashAt(start: number): string {
    const line = this.bytes.latin1Slice(start, this.bytes.indexOf(LINE_FEED, start));
    return /^[^:\r]*/.exec(line)![0];
  }
}

const HASH_SIGN = 35;

interface Kept {
  readonly file: UserFile;
  readonly identity: string;
  /** Time of the loop when the file was last compared with the disk. */
  checkedAt: number;
}

/** The password files of a server. Each is compared with the disk once in a turn of the loop, and read again if it has changed. */
export class UserFiles {
  private readonly kept = new Map<string, Kept>();
  private readonly status = new FileStatus();
  private versions = 0;

  constructor(private readonly kernel: Kernel) {}

  /**
   * The current content of a file, or -errno (-EISDIR: not a regular file, -EFBIG: larger than 1 MB).
   * @param now time of this turn of the loop, ms
   */
  get(path: string, now: number): UserFile | number {
    const kept = this.kept.get(path);
    if (kept?.checkedAt === now) return kept.file;
    const fd = this.kernel.open(path, O_RDONLY, 0);
    if (fd < 0) return this.gone(path, fd);
    try {
      const found = this.current(fd, kept);
      if (typeof found === "number") return this.gone(path, found);
      found.checkedAt = now;
      if (found !== kept) this.keep(path, found);
      return found.file;
    } finally {
      this.kernel.close(fd);
    }
  }

  private gone(path: string, error: number): number {
    this.kept.delete(path);
    return error;
  }

  private keep(path: string, found: Kept): void {
    this.kept.delete(path);
    if (this.kept.size >= MOST_FILES) this.kept.delete(this.kept.keys().next().value!);
    this.kept.set(path, found);
  }

  /** The content in memory if the file has not changed, else its new content. */
  private current(fd: number, kept: Kept | undefined): Kept | number {
    const { status } = this;
    const n = this.kernel.fstat(fd, status);
    if (n < 0) return n;
    if ((status.mode & S_IFMT) !== S_IFREG) return -ERRNO.EISDIR;
    if (status.size > MOST_BYTES) return -ERRNO.EFBIG;
    const identity = identityOf(status);
    if (kept?.identity === identity) return kept;
    const bytes = this.content(fd, status.size);
    return typeof bytes === "number" ? bytes : { file: new UserFile(bytes, ++this.versions), identity, checkedAt: 0 };
  }

  /** The content between two line feeds, so that every line has one before it and one after it. */
  private content(fd: number, size: number): Buffer | number {
    const block = new Block(size + 2);
    block.bytes[0] = LINE_FEED;
    let length = 0;
    while (length < size) {
      const n = this.kernel.read(fd, block, length + 1, size - length, length);
      if (n < 0) return n;
      if (n === 0) break;
      length += n;
    }
    block.bytes[length + 1] = LINE_FEED;
    return block.bytes.subarray(0, length + 2);
  }
}

const identityOf = (status: FileStatus): string =>
  `${status.device}.${status.inode}.${status.size}.${status.mtimeSeconds}.${status.mtimeNanoseconds}.${status.ctimeSeconds}.${status.ctimeNanoseconds}`;
