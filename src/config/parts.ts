/** What the settings of a configuration are made of (src/config/model.ts): places, texts with variables, rules. Pure data. */

/** Where something stands in a configuration file; line and column count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A place as messages begin with it: `conf/site.conf:12:5`. Line 0 is the file as a whole. */
export function formatPosition({ file, line, column }: Position): string {
  return line === 0 ? file : `${file}:${line}:${column}`;
}

/** Text with variables: `parts` alternates as written; a variable part has its name without the `$`, capture groups are "1".."9". */
export interface Template {
  /** As written in the configuration. */
  readonly text: string;
  readonly parts: readonly (string | { readonly variable: string })[];
  /** The whole text when it contains no variable, else null. */
  readonly constant: string | null;
}

export interface CgiRule {
  /** With its dot, as `.py`; "*" is every file. */
  readonly extension: string;
  /** An absolute path, or null: the script itself is executed. */
  readonly interpreter: string | null;
  /** What stands before the script's path in the interpreter's arguments. */
  readonly args: readonly string[];
}

/** What a script may use (setrlimit(2)); null: no limit. */
export interface CgiLimit {
  /** Seconds. */
  readonly cpu: number | null;
  /** Bytes. */
  readonly memory: number | null;
  /** Open descriptors. */
  readonly files: number | null;
}

/** `upload_store`: a target is `folder` plus what follows `prefix` in the path. */
export interface Upload {
  /** Absolute. */
  readonly folder: string;
  /** The prefix of the location that wrote it, which nested ones inherit; "/" where that is a regular expression. */
  readonly prefix: string;
}

/** The hidden folder in every `upload_store` where unfinished files lie. */
export const STAGING = ".webserv";

/**
 * Whether a path has the staging folder as a component: nothing there is served, listed, stored to or deleted. Also in the
 * spellings that a file system without regard to case, or to a final dot or space, takes for the same.
 */
export const namesStaging = (path: string): boolean => path.includes(".") && /(^|\/)\.webserv[. ]*(\/|$)/iu.test(path);

export interface TryFiles {
  /** A name that ends in `/` means a folder. */
  readonly files: readonly Template[];
  /** What happens when none exists: `=CODE`, or an internal redirect to a URI or a `@name`. */
  readonly last: { readonly status: number } | { readonly uri: Template };
}

/** `return CODE TEXT`, `return CODE URL` (301 302 303 307 308), `return URL` (302). 444 closes without a reply. */
export interface Return {
  readonly status: number;
  readonly text: Template | null;
}

export interface ErrorPage {
  readonly statuses: readonly number[];
  /** null: keep the error's status. 0: `=`, the status the page itself gives. Else: `=CODE`. */
  readonly status: number | null;
  /** A path for an internal redirect, a `@name`, or an absolute URL for a redirect (302 unless `status`). */
  readonly uri: Template;
}

/** What `limit_except` asks of every method but `methods`. */
export interface LimitExcept {
  readonly methods: readonly string[];
  readonly rules: readonly AccessRule[];
  /** What it says itself of passwords; what it does not is the location's. */
  readonly auth: { readonly authBasic?: Template | null; readonly authUserFile?: Template | null };
}

export interface AccessRule {
  readonly allow: boolean;
  /** "all", "unix:", or an address with its prefix length; IPv4 has 4 bytes, IPv6 16. */
  readonly match: "all" | "unix" | { readonly address: readonly number[]; readonly bits: number };
}

export type StaticPolicy = "on" | "off" | "always";

/** `gzip_proxied`. */
export const PROXIED_RULES = [
  "off",
  "expired",
  "no-cache",
  "no-store",
  "private",
  "no_last_modified",
  "no_etag",
  "auth",
  "any",
] as const;
export type ProxiedRule = (typeof PROXIED_RULES)[number];

export interface AddHeader {
  readonly name: string;
  readonly value: Template;
  readonly always: boolean;
}

/** `seconds` from now, or from the file's mtime (`modified`); `at`: seconds after local midnight (`@15h30m`). */
export type Expires =
  | { readonly kind: "off" | "epoch" | "max" }
  | { readonly kind: "in" | "modified" | "at"; readonly seconds: number };

export interface AccessLog {
  /** An absolute path, "stdout" or "stderr". */
  readonly file: string;
  readonly format: LogFormat;
  /** Of the file's name. */
  readonly position: Position;
}

export interface LogFormat {
  readonly name: string;
  /** null: the built-in JSON line. */
  readonly template: Template | null;
  readonly escape: "default" | "json" | "none";
}

export const LOG_LEVELS = ["debug", "info", "notice", "warn", "error", "crit", "alert", "emerg"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface ErrorLog {
  /** An absolute path, "stdout" or "stderr". */
  readonly file: string;
  /** Messages below it are dropped. */
  readonly level: LogLevel;
  /** Of the file's name; line 0 where the command line gave it. */
  readonly position: Position;
}
