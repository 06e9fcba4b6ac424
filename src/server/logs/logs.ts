/** All logs of a server, each opened once, and writing of lines to them. */
import { errnoText } from "../../../ffi/errno.ts";
import type { Kernel } from "../../../ffi/kernel.ts";
import { Block } from "../../../ffi/memory.ts";
import type { Config } from "../../config/model.ts";
import { formatPosition } from "../../config/parts.ts";
import {
  type AccessLog,
  type ErrorLog,
  type FileTarget,
  LOG_LEVELS,
  type LogLevel,
  type SyslogTarget,
} from "../../config/settings/logs.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { ServerClock } from "../clock.ts";
import { accessLine } from "./access-log.ts";
import { errorLogLine, syslogTime } from "./error-lines.ts";
import { GzipFile } from "./gzip-file.ts";
import { hostName } from "./host-name.ts";
import { LogFile } from "./log-file.ts";
import { accessLogsOf, locations, logsOf } from "./log-places.ts";
import { type LogOutput, RETRY, type Schedule } from "./output.ts";
import { PathLogs } from "./path-logs.ts";
import { Syslog } from "./syslog.ts";

const severity = new Map<LogLevel, number>(LOG_LEVELS.map((level, i) => [level, i]));
/** The numbers of syslog fall as those above rise. */
const syslogSeverity = (level: LogLevel): number => LOG_LEVELS.length - 1 - severity.get(level)!;

/** How long to wait for slow readers at the end, ms; a reader that does not read at all must not delay the exit further. */
const READER_WAIT = 1000;

/** Writes the line of a finished request, if it is one for this log. */
type AccessWriter = (exchange: Exchange) => void;
/** Writes a line without its line feed. */
type LineWriter = (line: string, level: LogLevel) => void;

export class Logs {
  private readonly outputs = new Map<string, LogOutput>();
  private readonly accessWriters = new Map<AccessLog, AccessWriter>();
  private readonly errorWriters = new Map<ErrorLog, readonly { readonly from: number; readonly write: LineWriter }[]>();
  private readonly paths: PathLogs;
  /** The main error log of the current configuration; it also gets messages about the logs. */
  main: ErrorLog;
  private time = { second: -1, text: "" };
  private host: string | null = null;

  /** @param schedule starts the alarms that write buffers; without it they are written by `flush` and when they are full */
  constructor(
    private readonly kernel: Kernel,
    private readonly clock: ServerClock,
    main: ErrorLog,
    private readonly schedule: Schedule = () => {},
  ) {
    this.main = main;
    this.paths = new PathLogs(kernel, (log, level, message) => this.error(log, level, message), schedule);
  }

  /**
   * Opens every log of a configuration. Logs that are open already are opened again, because they may have been moved. Gives what
   * is wrong, one sentence each, with the position of the file's name; a log that cannot be opened again stays open.
   */
  open(config: Config): string[] {
    const problems: string[] = [];
    const opened = new Set<string>();
    for (const { target, position } of logsOf(config)) {
      if (target.kind === "path" || opened.has(keyOf(target))) continue;
      opened.add(keyOf(target));
      const output = this.outputs.get(keyOf(target)) ?? this.output(target);
      const n = output.open();
      if (n >= 0) this.outputs.set(keyOf(target), output);
      else problems.push(`${formatPosition(position)}: error: open() "${output.name}" failed (${errnoText(n)})`);
    }
    return problems;
  }

  private output(target: FileTarget | SyslogTarget): LogOutput {
    const { kernel, schedule } = this;
    const complain = (message: string): void => this.error(this.main, "alert", message);
    if (target.kind === "syslog") {
      this.host ??= hostName(kernel);
      return new Syslog(kernel, target, this.host, complain, schedule);
    }
    const { file, buffer } = target;
    if (buffer === null) return new LogFile(kernel, file, complain, schedule);
    if (buffer.gzip > 0) return new GzipFile(kernel, file, complain, schedule, buffer);
    return new LogFile(kernel, file, complain, schedule, buffer);
  }

  /** Keeps the logs of these configurations, of which the first is current; closes others. */
  keep(configs: readonly Config[]): void {
    this.main = configs[0]!.errorLog;
    this.accessWriters.clear();
    this.errorWriters.clear();
    const targets = configs.flatMap((config) => [...logsOf(config)].map(({ target }) => target));
    const wanted = new Set(targets.map((target) => (target.kind === "path" ? "" : keyOf(target))));
    for (const [key, output] of this.outputs) {
      if (wanted.has(key)) continue;
      output.close();
      this.outputs.delete(key);
    }
    const all = configs.flatMap((config) => [...locations(config)]);
    this.paths.keep(new Set(all.map(({ settings }) => settings.openLogFileCache)));
  }

  /** Opens every file again (SIGUSR1, after logs were moved). */
  reopen(): void {
    this.paths.reopen();
    for (const output of this.outputs.values()) {
      const n = output.open();
      if (n < 0) this.error(this.main, "alert", `open() "${output.name}" failed (${errnoText(n)})`);
    }
  }

  /** Whether a message of `level` would be written; checked before composing an expensive one. */
  wants(log: ErrorLog, level: LogLevel): boolean {
    return severity.get(level)! >= severity.get(log.level)!;
  }

  /** Writes a message, which is Unicode, to the outputs of an error log that want its level. */
  error(log: ErrorLog, level: LogLevel, message: string): void {
    if (!this.wants(log, level)) return;
    let writers = this.errorWriters.get(log);
    if (writers === undefined) this.errorWriters.set(log, (writers = this.errorWritersOf(log)));
    const line = errorLogLine(this.clock.second, level, this.kernel.getpid(), message);
    for (const { from, write } of writers) if (severity.get(level)! >= from) write(line, level);
  }

  private errorWritersOf({ outputs }: ErrorLog) {
    return outputs.map(({ target, level }) => ({ from: severity.get(level)!, write: this.lineWriter(target) }));
  }

  private lineWriter(target: FileTarget | SyslogTarget): LineWriter {
    const output = this.outputs.get(keyOf(target));
    if (output instanceof Syslog) {
      return (line, level) => output.send(syslogSeverity(level), this.syslogTime(), line);
    }
    return (line) => (output as LogFile | undefined)?.write(`${line}\n`);
  }

  /** Writes a line for a finished request to each access log of its location. */
  access(exchange: Exchange): void {
    for (const log of accessLogsOf(exchange)) {
      let writer = this.accessWriters.get(log);
      if (writer === undefined) this.accessWriters.set(log, (writer = this.accessWriter(log, exchange)));
      writer(exchange);
    }
  }

  private accessWriter({ target, format, condition }: AccessLog, { templates }: Exchange): AccessWriter {
    const line = accessLine(format, templates);
    const write = this.requestWriter(target);
    const always: AccessWriter = (exchange) => write(line(exchange), exchange);
    if (condition === null) return always;
    const value = templates.evaluator(condition);
    return (exchange) => {
      const text = value(exchange);
      if (text !== "" && text !== "0") always(exchange);
    };
  }

  /** Writes a line with its line feed. */
  private requestWriter(target: AccessLog["target"]): (line: string, exchange: Exchange) => void {
    if (target.kind === "path") return (line, exchange) => this.paths.write(target, exchange, line);
    const output = this.outputs.get(keyOf(target));
    if (output instanceof Syslog) {
      const level = (target as SyslogTarget).severity;
      return (line) => output.send(level, this.syslogTime(), line.slice(0, -1));
    }
    const file = output as LogFile | GzipFile | undefined;
    return (line) => file?.write(line);
  }

  private syslogTime(): string {
    const { second } = this.clock;
    if (this.time.second !== second) this.time = { second, text: syslogTime(second) };
    return this.time.text;
  }

  /** Whether a pipe's reader was too slow for some lines. */
  private get waits(): boolean {
    for (const output of this.outputs.values()) if (output.waits) return true;
    return false;
  }

  /** Writes all buffers. */
  flush(): void {
    this.paths.flush();
    for (const output of this.outputs.values()) output.flush();
  }

  /** Closes files that were not used for long. */
  sweep(): void {
    this.paths.sweep();
  }

  *descriptors(): Iterable<number> {
    for (const output of this.outputs.values()) yield* output.descriptors();
    yield* this.paths.descriptors();
  }

  close(): void {
    this.paths.close();
    this.flush();
    if (this.waits) this.waitForReaders();
    // The main error log is closed last, because it gets messages about the others.
    const last = new Set(this.main.outputs.map(({ target }) => keyOf(target)));
    for (const [key, output] of this.outputs) if (!last.has(key)) output.close();
    for (const [key, output] of this.outputs) if (last.has(key)) output.close();
    this.outputs.clear();
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

/** Logs with the same key share an output. A buffer as configured is not shared with the error log, whose lines are not to wait so long. */
function keyOf(target: FileTarget | SyslogTarget): string {
  if (target.kind === "syslog") return JSON.stringify(target);
  const { file, buffer } = target;
  return buffer === null ? file : `${file}\0${buffer.size} ${buffer.flush} ${buffer.gzip}`;
}
