/** Logs in the form the server uses. */
import type { SocketAddress } from "../../../ffi/inet.ts";
import type { Position, Template } from "../parts.ts";

/** The settings that say where lines go. */
export interface LogSettings {
  readonly accessLogs: readonly AccessLog[];
  /** The access logs of methods that `limit_except` does not except; null: as the location says. */
  readonly limitedLogs: readonly AccessLog[] | null;
  readonly errorLog: ErrorLog;
  /** The files of logs with variables in their path that stay open; null: they are opened for each write. */
  readonly openLogFileCache: OpenLogFileCache | null;
}

export interface AccessLog {
  readonly target: FileTarget | PathTarget | SyslogTarget;
  readonly format: LogFormat;
  /** A request is not logged where this is "" or "0"; null: each is logged. */
  readonly condition: Template | null;
  /** Position of the target. */
  readonly position: Position;
}

export interface LogFormat {
  readonly name: string;
  /** null: the built-in JSON format. */
  readonly template: Template | null;
  readonly escape: "default" | "json" | "none";
}

export const LOG_LEVELS = ["debug", "info", "notice", "warn", "error", "crit", "alert", "emerg"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The error logs of a block. */
export interface ErrorLog {
  readonly outputs: readonly ErrorOutput[];
  /** The lowest level of them: messages below it are dropped. */
  readonly level: LogLevel;
}

export interface ErrorOutput {
  readonly target: FileTarget | SyslogTarget;
  /** Messages below this level are dropped. */
  readonly level: LogLevel;
  /** Position of the target; line 0 if the command line gave it. */
  readonly position: Position;
}

/** A file, a pipe or a terminal. */
export interface FileTarget {
  readonly kind: "file";
  /** An absolute path, "stdout" or "stderr". */
  readonly file: string;
  /** null: as the server sees fit. */
  readonly buffer: LogBuffer | null;
}

/** `buffer=`, `flush=` and `gzip=` of `access_log`. */
export interface LogBuffer {
  /** Most bytes that wait. */
  readonly size: number;
  /** How long they wait at most, ms; null: until the buffer is full. */
  readonly flush: number | null;
  /** 1 to 9; 0: what is written is not compressed. */
  readonly gzip: number;
}

/** A path with variables. */
export interface PathTarget {
  readonly kind: "path";
  readonly path: Template;
}

/** A syslog server that takes datagrams. */
export interface SyslogTarget {
  readonly kind: "syslog";
  /** The address as written, for messages. */
  readonly server: string;
  readonly address: SocketAddress;
  readonly facility: number;
  /** Severity of access log lines; a message of the error log has that of its level. */
  readonly severity: number;
  readonly tag: string;
  /** Whether messages have this machine's name. */
  readonly hostname: boolean;
}

/** `open_log_file_cache`. Times are ms. */
export interface OpenLogFileCache {
  readonly max: number;
  readonly inactive: number;
  readonly minUses: number;
  readonly valid: number;
}
