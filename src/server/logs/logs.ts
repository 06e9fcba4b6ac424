/** All log files of a server, each opened once, and the lines written to them. */
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

/** What could steer a terminal, and the escaped bytes of a name that is not UTF-8 (ffi/text.ts). */
const UNSAFE = /[\x00-\x1f\x7f-\x9f\udc80-\udcff]/gu;

const severity = new Map<LogLevel, number>(LOG_LEVELS.map((level, i) => [level, i]));

/** ms between two tries on a pipe whose reader is slow. */
const RETRY = 20;
/** How long readers are waited for at the end, ms: a slow one gets all, one that does not read holds nobody up. */
const PATIENCE = 1000;

export class Logs {
  private readonly files = new Map<string, LogFile>();
  private readonly lines = new Map<AccessLog, LineMaker>();
  private dirty = false;
  /** The main error log of the configuration in force, where also what goes wrong with the logs is told. */
  main: ErrorLog;

  constructor(
    private readonly kernel: Kernel,
    private readonly clock: ServerClock,
    main: ErrorLog,
  ) {
    this.main = main;
  }

  /**
   * Opens every log of a configuration; what is open already is opened anew, for it may have been moved away. What is wrong
   * with them, a sentence each, with the place that names the file first: those that were open go on as they were.
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

  /** Goes on with the logs of these configurations, the first of which is in force; other files are closed. */
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

  /** Opens every file anew (SIGUSR1, after logs were moved away). */
  reopen(): void {
    for (const file of this.files.values()) {
      const n = file.open();
      if (n < 0) this.error(this.main, "alert", `open() "${file.name}" failed (${errnoText(n)})`);
    }
  }

  /** Whether a message of `level` would be written: ask before composing a costly one. */
  wants(log: ErrorLog, level: LogLevel): boolean {
    return severity.get(level)! >= severity.get(log.level)!;
  }

  /** One line as nginx writes it: `2026/11/22 05:16:14 [error] 17: message`. `message` is Unicode; what could steer a terminal is escaped. */
  error(log: ErrorLog, level: LogLevel, message: string): void {
    if (!this.wants(log, level)) return;
    const time = errorTime(this.clock.second);
    const text = message.replace(UNSAFE, (c) => `\\x${(c.charCodeAt(0) & 0xff).toString(16).padStart(2, "0")}`);
    this.write(log.file, `${time} [${level}] ${this.kernel.getpid()}: ${octets(text)}\n`);
  }

  /** One line for a request that has ended, in each access log of its location. */
  access(exchange: Exchange): void {
    for (const log of exchange.settings.accessLogs) {
      let line = this.lines.get(log);
      if (line === undefined) this.lines.set(log, (line = accessLine(log.format)));
      this.write(log.file, line(exchange));
    }
  }

  private write(name: string, line: string): void {
    this.files.get(name)?.write(line);
    this.dirty = true;
  }

  /** Whether lines wait to be written. */
  get pending(): boolean {
    return this.dirty;
  }

  /** How long they may wait at most, in ms: less where a reader has a backlog, so that it comes as fast as it is read. */
  get delay(): number {
    return this.waits ? RETRY : 1000;
  }

  /** A pipe's reader was too slow for some of them. */
  private get waits(): boolean {
    for (const file of this.files.values()) if (file.waits) return true;
    return false;
  }

  /** Writes what has gathered. */
  flush(): void {
    this.dirty = false; // what a file complains of meanwhile is a line as well
    for (const file of this.files.values()) file.flush();
    if (this.waits) this.dirty = true;
  }

  *descriptors(): Iterable<number> {
    for (const file of this.files.values()) if (file.descriptor >= 0) yield file.descriptor;
  }

  close(): void {
    this.flush();
    if (this.waits) this.waitForReaders();
    // The main error log is closed last: what goes wrong with the others is told there.
    for (const file of this.files.values()) if (file.name !== this.main.file) file.close();
    this.files.get(this.main.file)?.close();
    this.files.clear();
  }

  private waitForReaders(): void {
    const epoll = this.kernel.epollCreate();
    if (epoll < 0) return;
    const events = new Block(64);
    for (const end = this.kernel.monotonic() + PATIENCE; this.waits && this.kernel.monotonic() < end; this.flush()) {
      this.kernel.epollWait(epoll, events, 1, RETRY); // of nothing: it is how a Kernel sleeps
    }
    this.kernel.close(epoll);
  }
}

/** Every log of a configuration, the main error log first; some of them may be the same file. */
function* logsOf(config: Config): Iterable<AccessLog | ErrorLog> {
  yield config.errorLog;
  for (const { settings } of locations(config)) {
    yield settings.errorLog;
    yield* settings.accessLogs;
  }
}

/** Every location of a configuration, the servers' own scopes included. */
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

/** The second in local time, as the error log shows it: `2026/11/22 05:16:14`. */
function errorTime(second: number): string {
  const d = new Date(second * 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${d.getFullYear()}/${two(d.getMonth() + 1)}/${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}
