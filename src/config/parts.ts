/** The types that settings consist of (src/config/model.ts): positions, templates, rules. Data only. */

/** A position in a configuration file; line and column count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A position for the start of a message: `conf/site.conf:12:5`. Line 0 means the whole file. */
export function formatPosition({ file, line, column }: Position): string {
  return line === 0 ? file : `${file}:${line}:${column}`;
}

/** Text with variables. `parts` alternates between texts and variables, in order; a variable part has its name without `$`, and capture groups are "1".."9". */
export interface Template {
  /** As written in the configuration. */
  readonly text: string;
  readonly parts: readonly (string | { readonly variable: string })[];
  /** The whole text if it contains no variable, else null. */
  readonly constant: string | null;
  /** Of a path that begins with a variable: the folder that a value without a slash at its start is beneath. */
  readonly base?: string;
}

export interface CgiRule {
  /** With its dot, such as `.py`; "*" matches every file. */
  readonly extension: string;
  /** An absolute path; null: the script itself is executed. */
  readonly interpreter: string | null;
  /** Arguments of the interpreter before the script's path. */
  readonly args: readonly string[];
}

/** Resource limits of a script (setrlimit(2)); null: no limit. */
export interface CgiLimit {
  /** Seconds. */
  readonly cpu: number | null;
  /** Bytes. */
  readonly memory: number | null;
  /** Open descriptors. */
  readonly files: number | null;
}

/** `upload_store`: the target is `folder` plus the part of the path after `prefix`. */
export interface Upload {
  /** Absolute. */
  readonly folder: string;
  /** The prefix of the location that sets it (nested ones inherit it); "/" if that location is a regular expression. */
  readonly prefix: string;
}

/** The hidden folder in every `upload_store` that contains unfinished files. */
export const STAGING = ".webserv";

/**
 * Whether a path has the staging folder as a component: nothing there is served, listed, stored to or deleted. Also recognises
 * spellings that name the same folder on file systems that ignore case or a final dot or space.
 */
export const namesStaging = (path: string): boolean => path.includes(".") && /(^|\/)\.webserv[. ]*(\/|$)/iu.test(path);

export interface TryFiles {
  /** A name that ends in `/` must be a folder. */
  readonly files: readonly Template[];
  /** Used when no file exists: `=CODE`, or an internal redirect to a URI or a `@name`. */
  readonly last: { readonly status: number } | { readonly uri: Template };
}

/** `return CODE TEXT`, `return CODE URL` (301 302 303 307 308), `return URL` (302). 444 closes without a reply. */
export interface Return {
  readonly status: number;
  readonly text: Template | null;
}

export interface ErrorPage {
  readonly statuses: readonly number[];
  /** null: keep the error's status. 0 (`=`): use the status of the page's own reply. Else: `=CODE`. */
  readonly status: number | null;
  /** A path for an internal redirect, a `@name`, or an absolute URL for a redirect (302 unless `status`). */
  readonly uri: Template;
}

/** `limit_except`: rules for every method except `methods`. */
export interface LimitExcept {
  readonly methods: readonly string[];
  readonly rules: readonly AccessRule[];
  /** The password settings written in the block; those missing are the location's. */
  readonly auth: { readonly authBasic?: Template | null; readonly authUserFile?: Template | null };
}

export interface AccessRule {
  readonly allow: boolean;
  /** "all", "unix:", or an address with its prefix length; an IPv4 address has 4 bytes, an IPv6 address 16. */
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
