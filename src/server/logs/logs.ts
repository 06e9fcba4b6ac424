/** All log files of a server, each opened once, and writing of lines to them. */
import { errnoText } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import type { Config, Location } from "../../config/model.ts";
import {
  type AccessLog,
  type ErrorLog,
  formatPosition,
  LOG_LEVELS,
  type LogLevel,
  type Position,
} from "../../config/parts.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { octets } from "../../http/octets.ts";
import type { ServerClock } from "../clock.ts";
import { accessLine, type LineMaker } from "./access-log.ts";
import { LogFile } from "./log-file.ts";

/** Characters that are escaped: those that control a terminal, and escaped bytes of names that are not UTF-8 (ffi/text.ts). */
const UNSAFE = /[\x00-\x1f\x7f-\x9f\udc80-\udcff]/gu;

const severity = new Map<LogLevel, number>(LOG_LEVELS.map((level, i) => [level, i]));

/** Interval between tries on a pipe whose reader is slow, ms. */
const RETRY = 20;
/** How long to wait for slow readers at the end, ms; a reader that does not read at all must not delay the exit further. */
const READER_WAIT = 1000;

export class Logs {
  private readonly files = new Map<string, LogFile>();
  private readonly lines = new Map<AccessLog, LineMaker>();
  private dirty = false;
  /** The main error log of the current configuration; it also gets messages about the logs. */
  main: ErrorLog;

  constructor(
    private readonly kernel: Kernel,
    private readonly clock: ServerClock,
    main: ErrorLog,
  ) {
    this.main = main;
  }

  /**
   * Opens every log of a configuration. Logs that are open already are opened again, because they may have been moved. Gives what
   * is wrong, one sentence each, with the position of the file's name; a log that cannot be opened again stays open.
   */
  open(config: Config): string[] {
    const places = new Map<string, Position>();
    for (const { file, position } of logsOf(config)) if (!places.has(file)) places.set(file, position);
    return [...places].map(([file, position]) => this.openFile(file, position)).filter((problem) => problem !== "");
  }

  private openFile(name: string, position: Position): string {
    const complain = (message: string): void => this.error(this.main, "alert", message);
    const file = this.files.get(name) ?? new LogFile(this.kernel, name, complain);
    const n = file.open();
    if (n < 0) return `${formatPosition(position)}: error: open() "${name}" failed (${errnoText(n)})`;
    this.files.set(name, file);
    return "";
  }

  /** Keeps the logs of these configurations, of which the first is current; closes other files. */
  keep(configs: readonly Config[]): void {
    this.main = configs[0]!.errorLog;
    this.lines.clear();
    const wanted = new Set(configs.flatMap((config) => [...logsOf(config)].map(({ file }) => file)));
    for (const [name, file] of this.files) {
      if (wanted.has(name)) continue;
      file.close();
      this.files.delete(name);
    }
  }

  /** Opens every file again (SIGUSR1, after logs were moved). */
  reopen(): void {
    for (const file of this.files.values()) {
      const n = file.open();
      if (n < 0) this.error(this.main, "alert", `open() "${file.name}" failed (${errnoText(n)})`);
    }
  }

  /** Whether a message of `level` would be written; checked before composing an expensive one. */
  wants(log: ErrorLog, level: LogLevel): boolean {
    return severity.get(level)! >= severity.get(log.level)!;
  }

  /** Writes a line in nginx's form: `2026/11/22 05:16:14 [error] 17: message`. `message` is Unicode; characters that control a terminal are escaped. */
  error(log: ErrorLog, level: LogLevel, message: string): void {
    if (!this.wants(log, level)) return;
    const time = errorTime(this.clock.second);
    const text = message.replace(UNSAFE, (c) => `\\x${(c.charCodeAt(0) & 0xff).toString(16).padStart(2, "0")}`);
    this.write(log.file, `${time} [${level}] ${this.kernel.getpid()}: ${octets(text)}\n`);
  }

  /** Writes a line for a finished request to each access log of its location. */
  access(exchange: Exchange): void {
    for (const log of exchange.settings.accessLogs) {
      let line = this.lines.get(log);
      if (line === undefined) this.lines.set(log, (line = accessLine(log.format, exchange.templates)));
      this.write(log.file, line(exchange));
    }
  }

  private write(name: string, line: string): void {
    this.files.get(name)?.write(line);
    this.dirty = true;
  }

  /** Whether there are unwritten lines. */
  get pending(): boolean {
    return this.dirty;
  }

  /** How long they may wait, ms; less if a slow reader has a backlog. */
  get delay(): number {
    return this.waits ? RETRY : 1000;
  }

  /** Whether a pipe's reader was too slow for some lines. */
  private get waits(): boolean {
    for (const file of this.files.values()) if (file.waits) return true;
    return false;
  }

  /** Writes all buffers. */
  flush(): void {
    this.dirty = false; // set first: complaints of a file are new lines
    for (const file of this.files.values()) file.flush();
    if (this.waits) this.dirty = true;
  }

  *descriptors(): Iterable<number> {
    for (const file of this.files.values()) if (file.descriptor >= 0) yield file.descriptor;
  }

  close(): void {
    this.flush();
    if (this.waits) this.waitForReaders();
    // The main error log is closed last, because it gets messages about the others.
    for (const file of this.files.values()) if (file.name !== this.main.file) file.close();
    this.files.get(this.main.file)?.close();
    this.files.clear();
  }

  private waitForReaders(): void {
    const epoll = this.kernel.epollCreate();
    if (epoll < 0) return;
    const events = new Block(64);
    for (const end = this.kernel.monotonic() + READER_WAIT; this.waits && this.kernel.monotonic() < end; this.flush()) {
      this.kernel.epollWait(epoll, events, 1, RETRY); // an empty epoll: this is how to sleep with a Kernel
    }
    this.kernel.close(epoll);
  }
}

/** Every log of a configuration, the main error log first; some may be the same file. */
function* logsOf(config: Config): Iterable<AccessLog | ErrorLog> {
  yield config.errorLog;
  for (const { settings } of locations(config)) {
    yield settings.errorLog;
    yield* settings.accessLogs;
  }
}

/** Every location of a configuration, including the servers' own scopes. */
function* locations(config: Config): Iterable<Location> {
  const walk = function* (location: Location): Iterable<Location> {
    yield location;
    for (const inner of location.locations) yield* walk(inner);
  };
  for (const server of config.servers) {
    yield server.scope;
    for (const location of server.locations) yield* walk(location);
  }
}

/** The local time for the error log: `2026/11/22 05:16:14`. */
function errorTime(second: number): string {
  const d = new Date(second * 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${d.getFullYear()}/${two(d.getMonth() + 1)}/${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}
