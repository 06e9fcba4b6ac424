/** Logs: their files, and the format of the access log. */

import type { LogFormat } from "../parts.ts";
import { LOG_LEVELS } from "../parts.ts";
import type { Context, Scope } from "../scope.ts";
import { append } from "../scope.ts";
import type { Row } from "../table.ts";
import { directive } from "../table.ts";
import { elsewhere, quote } from "../text/diagnostics.ts";
import type { Directive, Word } from "../text/parser.ts";
import { suggestion } from "../text/suggest.ts";
import { kind, logFile, oneOf, optional, parseSize, parseTime, words } from "../values/arguments.ts";
import { compileTemplate } from "../values/template.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

const COMBINED =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

/** The formats that exist without `log_format`. */
const BUILT_IN_FORMATS: ReadonlyMap<string, LogFormat> = new Map([
  ["combined", { name: "combined", template: builtIn(COMBINED), escape: "default" }],
  ["json", { name: "json", template: null, escape: "json" }],
]);

function builtIn(text: string): LogFormat["template"] {
  const compiled = compileTemplate(text);
  if (typeof compiled === "string") throw new Error(compiled);
  return compiled;
}

export const LOGS: readonly Row[] = [
  directive("access_log", {
    in: anywhere,
    takes: [words("FILE [FORMAT]")],
    default: null,
    shownDefault: "off",
    syntax: "FILE | stdout | stderr [FORMAT] | off",
    repeats: true,
    help: "Writes a line per request, in `combined`, `json` or a format of `log_format`. Several may be given. Lines are buffered and written at least once a second; nginx's `buffer=` and `flush=` are read and make no difference.",
    set: addAccessLog,
  }),
  directive("log_format", {
    in: ["http"],
    takes: [words("NAME [escape=default | json | none] TEXT...", 2)],
    default: null,
    syntax: "NAME [escape=default | json | none] TEXT... | NAME json",
    repeats: true,
    help: "Names a format for `access_log`: its texts, put together, with variables. `json` alone is the built-in JSON line.",
    set: addFormat,
  }),
  directive("error_log", {
    in: ["main", "http", "server", "location"],
    takes: [logFile, optional(oneOf(...LOG_LEVELS))],
    default: "stderr error",
    help: "Where messages go, and from which level on: debug, info, notice, warn, error, crit, alert, emerg.",
    set: (scope, [file, level], { args }) => {
      scope.own.errorLog = { file, level: level ?? "error", position: args[0]!.position };
    },
  }),
];

const option = kind("OPTION", "buffer=SIZE or flush=TIME", (text) => {
  const [name, value = ""] = text.split("=", 2) as [string, string?];
  const good = name === "buffer" ? parseSize(value) : name === "flush" ? parseTime(value) : undefined;
  return good === undefined ? undefined : true;
});

/** Adds an access log. The format is looked up when everything has been read, because it may be defined further down. */
function addAccessLog(scope: Scope, [args]: [readonly Word[]], { name }: Directive): void {
  const [target, ...rest] = args as [Word, ...Word[]];
  if (target.text === "off") {
    if (rest.length > 0)
      return scope.error(rest[0]!.position, `unexpected argument ${quote(rest[0]!.text)} after "access_log off"`);
    scope.own.accessLogs ??= [];
    return;
  }
  const file = logFile.read([target], name, scope);
  const isOption = (word: Word): boolean => /^(?:\w+=.*|gzip)$/s.test(word.text);
  for (const word of rest.filter((other, i) => i > 0 || isOption(other))) option.read([word], name, scope);
  const format = rest[0] !== undefined && !isOption(rest[0]) ? rest[0] : null;
  if (typeof file === "symbol") return;
  const log = { file, format: BUILT_IN_FORMATS.get("combined")!, position: target.position };
  append(scope, "accessLogs", log);
  if (format !== null) scope.draft.later(() => setFormat(scope, log, format));
}

function setFormat(scope: Scope, log: { format: LogFormat }, { text, position }: Word): void {
  const { formats } = scope.draft;
  const format = BUILT_IN_FORMATS.get(text) ?? formats.get(text)?.format;
  const names = [...BUILT_IN_FORMATS.keys(), ...formats.keys()];
  if (format !== undefined) log.format = format;
  else scope.error(position, `unknown log format ${quote(text)}${suggestion(text, names)}`);
}

function addFormat(scope: Scope, [[word, ...rest]]: [readonly Word[]], { position }: Directive): void {
  const { formats } = scope.draft;
  const { text: name, position: at } = word!;
  const first = formats.get(name)?.position;
  if (BUILT_IN_FORMATS.has(name)) return scope.error(at, `log format ${quote(name)} is built in`);
  if (first !== undefined) {
    return scope.error(at, `duplicate log format ${quote(name)} (first on ${elsewhere(first, at)})`);
  }
  const escaping = parseEscape(scope, rest[0]!);
  const texts = rest[0]!.text.startsWith("escape=") ? rest.slice(1) : rest;
  if (texts.length === 0) return scope.error(position, '"log_format" needs a text behind "escape="');
  const text = texts.map((part) => part.text).join("");
  const isJson = texts.length === 1 && text === "json";
  const template = isJson ? null : scope.template({ text, position: texts[0]!.position });
  formats.set(name, { format: { name, template, escape: isJson ? "json" : escaping }, position: at });
}

function parseEscape(scope: Scope, { text, position }: Word): LogFormat["escape"] {
  const given = text.startsWith("escape=") ? text.slice(7) : "default";
  if (given === "default" || given === "json" || given === "none") return given;
  scope.error(position, `"log_format" expects escape=default, escape=json or escape=none, not ${quote(text)}`);
  return "default";
}
