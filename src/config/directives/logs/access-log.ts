/** `access_log`. */
import { append, type Scope } from "../../scope.ts";
import type { AccessLog, LogBuffer } from "../../settings/logs.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { parseSize, parseTime } from "../../values/arguments.ts";
import { COMBINED, setFormat } from "./format.ts";
import { accessTarget } from "./targets.ts";

/** nginx's buffer where only `gzip` is given. */
const GZIP_BUFFER = 64 * 1024;
const FASTEST = 1;
/** Larger buffers than this are hardly meant: the lines of a whole day would be lost at once. */
const MOST_BUFFER = 1024 ** 3;

/** The options as written. */
interface Options {
  size: number;
  flush: number | null;
  gzip: number;
  condition: AccessLog["condition"];
}

const NAME = "access_log";

/** Adds an access log to a block. */
export function addAccessLog(scope: Scope, values: [readonly Word[]]): void {
  add(scope, values);
  if (scope.context === "limit_except") scope.parent!.own.limitedLogs = scope.own.accessLogs ?? [];
}

function add(scope: Scope, [args]: [readonly Word[]]): void {
  const [word, ...rest] = args as [Word, ...Word[]];
  if (word.text === "off") return turnOff(scope, word, rest);
  const target = accessTarget(word, scope);
  const [first] = rest;
  const format = first !== undefined && !isOption(first) ? first : null;
  const options = readOptions(scope, format === null ? rest : rest.slice(1));
  if (target === null || options === null) return;
  const buffer = bufferOf(options);
  const problem = buffer === null ? "" : bufferProblem(scope, target, buffer);
  if (problem !== "") return scope.error(word.position, problem);
  const whole = target.kind === "file" ? { ...target, buffer } : target;
  const log = { target: whole, format: COMBINED, condition: options.condition, position: word.position };
  if (!scope.seen.has(OFF)) append(scope, "accessLogs", log);
  if (format !== null) scope.draft.later(() => setFormat(scope, log, format));
}

/** Marks a block with `access_log off`, which, as in nginx, also turns off the logs that the same block names. */
const OFF = "access_log off";

function turnOff(scope: Scope, { position }: Word, [extra]: readonly Word[]): void {
  if (extra !== undefined)
    return scope.error(extra.position, `unexpected argument ${quote(extra.text)} after "access_log off"`);
  scope.seen.set(OFF, position);
  scope.own.accessLogs = [];
}

const isOption = ({ text }: Word): boolean => /^(?:(?:buffer|flush|if)=.*|gzip(?:=.*)?)$/s.test(text);

/** Null after an error. */
function readOptions(scope: Scope, words: readonly Word[]): Options | null {
  const options: Options = { size: 0, flush: null, gzip: 0, condition: null };
  const problems = words.map((word) => readOption(scope, options, word));
  return problems.includes(false) ? null : options;
}

/** Whether it is good; else it has been told. */
function readOption(scope: Scope, options: Options, word: Word): boolean {
  const [name, value] = parts(word.text);
  const expects = (what: string): boolean => {
    scope.error(word.position, `"${NAME}" expects ${what}, not ${quote(word.text)}`);
    return false;
  };
  switch (name) {
    case "buffer":
      options.size = parseSize(value) ?? 0;
      return (options.size > 0 && options.size <= MOST_BUFFER) || expects("a size above 0 behind buffer=");
    case "flush":
      options.flush = parseTime(value) ?? 0;
      return options.flush > 0 || expects("a time above 0 behind flush=");
    case "gzip":
      options.gzip = word.text === "gzip" ? FASTEST : Number(value);
      return /^(?:gzip|gzip=[1-9])$/.test(word.text) || expects("a level from 1 to 9 behind gzip=");
    case "if":
      options.condition = scope.template({ text: value, position: word.position });
      return options.condition !== null;
    default:
      return expects("a format, then buffer=SIZE, flush=TIME, gzip[=LEVEL] or if=CONDITION");
  }
}

function parts(text: string): [name: string, value: string] {
  const mark = text.indexOf("=");
  return mark < 0 ? [text, ""] : [text.slice(0, mark), text.slice(mark + 1)];
}

function bufferOf({ size, flush, gzip }: Options): LogBuffer | null {
  if (size === 0 && flush === null && gzip === 0) return null;
  return { size: size === 0 && gzip > 0 ? GZIP_BUFFER : size, flush, gzip };
}

/** What prevents a buffer; as in nginx, one file has the same wherever it is named. */
function bufferProblem(scope: Scope, target: AccessLog["target"], buffer: LogBuffer): string {
  if (target.kind === "path") return "logs with variables in their path cannot have a buffer";
  if (target.kind === "syslog") return "logs to syslog cannot have a buffer";
  if (buffer.size === 0) return '"flush=" needs "buffer=" or "gzip" beside it';
  const { logBuffers } = scope.draft;
  const before = logBuffers.get(target.file) ?? buffer;
  logBuffers.set(target.file, before);
  return sameBuffer(before, buffer)
    ? ""
    : `"access_log" has ${quote(target.file)} already, with another buffer=, flush= or gzip=`;
}

const sameBuffer = (a: LogBuffer, b: LogBuffer): boolean =>
  a.size === b.size && a.flush === b.flush && a.gzip === b.gzip;
