/**
 * Access logs with variables in their path (nginx's ngx_http_log_script_write). Lines wait a second at most, so that a file is
 * opened once for many of them. What clients send decides about names, so: the file is beneath the folder that the configuration
 * names; it is only written for requests whose `root` exists, as in nginx, or every name of a host that anyone makes up would
 * become a file.
 */
import { S_IFDIR, S_IFMT } from "../../../ffi/abi.ts";
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import { FileStatus, type Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import type { ErrorLog, LogLevel, OpenLogFileCache, PathTarget } from "../../config/settings/logs.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { place } from "../../exchange/place.ts";
import { evaluate } from "../../exchange/templates.ts";
import { Alarm } from "../../network/timers.ts";
import { cutBack } from "./descriptor.ts";
import type { Schedule } from "./output.ts";
import { type FilePlace, openBeneath, PathFiles } from "./path-files.ts";

/** When lines are written: after this time in ms, or if there are so many bytes or files. */
const LONGEST_WAIT = 1000;
const MOST_BYTES = 32 * 1024;
const MOST_FILES = 64;

/** Lines for one file. */
interface Waiting extends FilePlace {
  /** The `root` of their requests. */
  readonly root: string;
  readonly cache: OpenLogFileCache | null;
  readonly errorLog: ErrorLog;
  lines: string;
}

const status = new FileStatus();

export class PathLogs {
  /** By root and path. */
  private readonly waiting = new Map<string, Waiting>();
  private bytes = 0;
  private readonly caches = new Map<OpenLogFileCache, PathFiles>();
  private readonly block = new Block(MOST_BYTES);
  private readonly alarm = new Alarm(() => this.flush());
  /** The last write failed; reported once until one succeeds. */
  private failing = false;

  constructor(
    private readonly kernel: Kernel,
    private readonly report: (log: ErrorLog, level: LogLevel, message: string) => void,
    private readonly schedule: Schedule,
  ) {}

  /** Adds the line of a request, which ends with a line feed. */
  write({ path }: PathTarget, exchange: Exchange, line: string): void {
    const { settings } = exchange;
    const whole = evaluate(path, exchange);
    const fixed = (path.parts[0] as string).lastIndexOf("/") + 1;
    const name = whole.slice(fixed).replace(/^\/+/, "");
    const root = place(settings, exchange.path, exchange)?.root;
    if (root === undefined) return; // nginx does not log either where variables make no path
    if (/(^|\/)\.{1,2}(\/|$)|\0/.test(name))
      return exchange.log("error", `the access log's name "${whole}" has a "." or ".." folder or a NUL`, true);
    const key = `${root}\0${whole}`;
    const waiting = this.waiting.get(key);
    if (waiting !== undefined) waiting.lines += line;
    else
      this.add(key, {
        folder: whole.slice(0, fixed),
        name,
        root,
        cache: settings.openLogFileCache,
        errorLog: settings.errorLog,
        lines: line,
      });
    this.bytes += line.length;
    if (this.bytes > MOST_BYTES || this.waiting.size > MOST_FILES) this.flush();
  }

  private add(key: string, waiting: Waiting): void {
    if (this.waiting.size === 0) this.schedule(this.alarm, LONGEST_WAIT);
    this.waiting.set(key, waiting);
  }

  flush(): void {
    const all = [...this.waiting.values()];
    this.waiting.clear();
    this.bytes = 0;
    for (const waiting of all) if (this.rootExists(waiting)) this.append(waiting);
  }

  private rootExists({ root, errorLog }: Waiting): boolean {
    const n = this.kernel.stat(root, status);
    const error = n < 0 ? n : (status.mode & S_IFMT) === S_IFDIR ? 0 : -ERRNO.ENOTDIR;
    if (error < 0) this.report(errorLog, "error", `testing "${root}" existence failed (${errnoText(error)})`);
    return error === 0;
  }

  private append(waiting: Waiting): void {
    const { kernel } = this;
    const now = kernel.monotonic();
    const files = waiting.cache === null ? null : this.filesOf(waiting.cache);
    files?.sweep(now);
    const fd = files === null ? openBeneath(kernel, waiting) : files.take(waiting, now);
    if (fd < 0) {
      const path = waiting.folder + waiting.name;
      return this.report(waiting.errorLog, "crit", `open() "${path}" failed (${errnoText(fd)})`);
    }
    this.writeAll(fd, waiting);
    if (files === null) kernel.close(fd);
    else files.done(waiting);
  }

  private filesOf(cache: OpenLogFileCache): PathFiles {
    let files = this.caches.get(cache);
    if (files === undefined) this.caches.set(cache, (files = new PathFiles(this.kernel, cache)));
    return files;
  }

  private writeAll(fd: number, waiting: Waiting): void {
    const { lines } = waiting;
    for (let at = 0; at < lines.length; ) {
      const length = this.block.bytes.latin1Write(lines.slice(at, at + MOST_BYTES), 0);
      const n = this.kernel.write(fd, this.block, 0, length);
      if (n <= 0) return this.lose(fd, waiting, at, n);
      at += n;
    }
    this.failing = false;
  }

  /** Removes a line that was written in part. */
  private lose(fd: number, { folder, name, lines, errorLog }: Waiting, written: number, error: number): void {
    const partial = written - (lines.lastIndexOf("\n", written - 1) + 1);
    if (written > 0 && partial > 0) cutBack(this.kernel, fd, partial);
    const known = this.failing;
    this.failing = true;
    if (!known) this.report(errorLog, "alert", `write to "${folder}${name}" failed (${errnoText(error)})`);
  }

  /** Closes the files of all caches but these. */
  keep(caches: ReadonlySet<OpenLogFileCache | null>): void {
    for (const [cache, files] of this.caches) {
      if (caches.has(cache)) continue;
      files.close();
      this.caches.delete(cache);
    }
  }

  /** Closes every file: those that were moved are not written to any more. */
  reopen(): void {
    this.flush();
    for (const files of this.caches.values()) files.close();
  }

  sweep(): void {
    for (const files of this.caches.values()) files.sweep(this.kernel.monotonic());
  }

  *descriptors(): Iterable<number> {
    for (const files of this.caches.values()) yield* files.descriptors();
  }

  close(): void {
    this.reopen();
    this.caches.clear();
  }
}
