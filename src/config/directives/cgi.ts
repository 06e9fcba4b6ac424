/** CGI: which files are programs, their interpreters, environment and limits. */

import type { CgiLimit, CgiRule } from "../parts.ts";
import type { Context, Scope } from "../scope.ts";
import { append } from "../scope.ts";
import type { Row } from "../table.ts";
import { directive, store } from "../table.ts";
import { elsewhere, quote } from "../text/diagnostics.ts";
import type { Directive, Word } from "../text/parser.ts";
import {
  duration,
  environmentName,
  flag,
  kind,
  many,
  number,
  optional,
  parseSize,
  parseTime,
  template,
  words,
} from "../values/arguments.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

/** Any that a client may send. */
const methodName = kind("METHOD", "a method in capitals", (word) => (/^[A-Z][A-Z-]*$/.test(word) ? word : undefined));

/** Default for how long a request waits in the queue (`cgi_queue`), ms. */
const QUEUE_WAIT = 10_000;

export const CGI: readonly Row[] = [
  directive("cgi", {
    in: ["server", "location"],
    takes: [words("EXT [INTERPRETER [ARG...]] | off", 1)],
    default: null,
    shownDefault: "off",
    repeats: true,
    help: "Runs files with this extension (`.py`, `py`; `*`: every file) as CGI programs (RFC 3875), by an interpreter, which is a path or found in PATH at start, or, without one, as executables that begin with `#!` or are compiled. The first that fits counts. A block that says `cgi` inherits none; `off` runs nothing.",
    set: addRule,
  }),
  directive("cgi_methods", {
    in: anywhere,
    takes: [many(methodName)],
    default: null,
    shownDefault: "every method that the location allows",
    help: "The methods that programs answer, in capitals; GET includes HEAD. Any other is answered as if nothing here were a program: GET of a program's file then shows its source. With `cgi_check_script off` programs answer them for files that do not exist, too.",
    set: (scope, [methods]) => {
      scope.own.cgiMethods = [...new Set(methods.includes("GET") ? [...methods, "HEAD"] : methods)];
    },
  }),
  directive("cgi_timeout", {
    in: anywhere,
    takes: [duration],
    default: "60s",
    help: "Time without progress on a program's input or output. Then the program is terminated, and the reply is 504 if there was no output yet. Waiting for a slow client does not count.",
    set: store("cgiTimeout"),
  }),
  directive("cgi_max_processes", {
    in: anywhere,
    takes: [number("N", 1)],
    default: "64",
    help: "Most programs at once, in the whole server; further requests wait.",
    set: store("cgiMaxProcesses"),
  }),
  directive("cgi_queue", {
    in: anywhere,
    takes: [number("N", 0), optional(duration)],
    default: "256 10s",
    help: "How many requests may wait for a program to end, and how long; beyond either 503 with Retry-After.",
    set: (scope, [length, wait = QUEUE_WAIT]) => {
      scope.own.cgiQueue = { length, wait };
    },
  }),
  directive("cgi_param", {
    in: anywhere,
    takes: [environmentName, template("VALUE")],
    default: null,
    repeats: true,
    help: "An environment variable for programs, like nginx's fastcgi_param. It overrides the server's own value.",
    set: (scope, [name, value], { args }) => {
      if (scope.own.cgiParams?.some((other) => other.name === name)) {
        return scope.error(args[0]!.position, `cgi_param ${quote(name)} is set twice in this block`);
      }
      remember(scope, "cgi_param", args[0]!);
      append(scope, "cgiParams", { name, value });
    },
  }),
  directive("cgi_pass_env", {
    in: anywhere,
    takes: [many(environmentName)],
    default: null,
    repeats: true,
    help: "Variables of the server's own environment that are passed to programs; no others are. Unless `PATH` is named, programs get a safe constant for it.",
    set: (scope, [names], { args }) => {
      remember(scope, "cgi_pass_env", args[0]!);
      for (const name of names) append(scope, "cgiPassEnv", name);
    },
  }),
  directive("cgi_pass_authorization", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Whether programs get the field Authorization, which holds passwords.",
    set: store("cgiPassAuthorization"),
  }),
  directive("cgi_check_script", {
    in: anywhere,
    takes: [flag],
    default: "on",
    help: "Whether a program's file must exist. If not, the interpreter is run for any path with the extension, and decides itself.",
    set: store("cgiCheckScript"),
  }),
  directive("cgi_limit", {
    in: anywhere,
    takes: [words("[cpu=TIME] [memory=SIZE] [files=N] | off", 1, 3)],
    default: "off",
    help: "What each program may use: seconds of processor time, bytes of address space, open files (setrlimit(2)).",
    set: setLimit,
  }),
];

/** Records where a repeatable directive stood first; the table records this only for others. */
function remember(scope: Scope, name: string, { position }: Word): void {
  if (!scope.seen.has(name)) scope.seen.set(name, position);
}

function addRule(scope: Scope, [given]: [readonly Word[]]): void {
  const [first, program, ...args] = given as [Word, Word?, ...Word[]];
  const before = scope.seen.get("cgi");
  remember(scope, "cgi", first);
  if (first.text === "off" && program === undefined) {
    if (before !== undefined) return scope.error(first.position, `"cgi off" beside other "cgi" of this block`);
    scope.own.cgi = [];
    return;
  }
  if (before !== undefined && scope.own.cgi?.length === 0) {
    return scope.error(first.position, `"cgi" beside "cgi off" (${elsewhere(before, first.position)})`);
  }
  const extension = extensionOf(scope, first);
  const interpreter = program === undefined ? null : interpreterOf(scope, program);
  for (const word of args) checkArgument(scope, word);
  if (extension === undefined || interpreter === undefined) return;
  append(scope, "cgi", { extension, interpreter, args: args.map(({ text }) => text) });
}

/** The extension with its dot: `.py` for `.py` or `py`. Undefined after an error: malformed, or given twice. */
function extensionOf(scope: Scope, { text, position }: Word): string | undefined {
  if (text !== "*" && !/^\.?[^./*?$\s]+(?:\.[^./*?$\s]+)*$/.test(text)) {
    scope.error(position, `"cgi" expects an extension such as .py, "*" or "off", not ${quote(text)}`);
    return undefined;
  }
  const extension = text === "*" || text.startsWith(".") ? text : `.${text}`;
  const rules: readonly CgiRule[] = scope.own.cgi ?? [];
  if (rules.some((rule) => rule.extension === extension)) {
    scope.error(position, `duplicate extension ${quote(extension)} of "cgi"`);
    return undefined;
  }
  const hiding = rules.find((rule) => rule.extension === "*" || extension.endsWith(rule.extension));
  if (hiding !== undefined) {
    scope.warning(position, `this "cgi" is never used: ${quote(hiding.extension)} before it fits all its files`);
  }
  return extension;
}

/** The absolute path of a program. Undefined after an error: not found, or not executable. */
function interpreterOf(scope: Scope, { text, position }: Word): string | undefined {
  const { sources, prefix } = scope.draft;
  if (text === "" || text.includes("$")) {
    scope.error(position, `"cgi" expects a program (without variables), not ${quote(text)}`);
    return undefined;
  }
  const found = sources.findProgram(text, prefix);
  if (found.path !== null) return found.path;
  scope.error(position, `cgi interpreter ${quote(text)} ${found.problem}`);
  return undefined;
}

/** Reports variables in an argument. A `$` alone is allowed, as in shell texts. */
function checkArgument(scope: Scope, { text, position }: Word): void {
  const name = scope.draft.variables.names.find((variable) =>
    new RegExp(`\\$(?:${variable}\\b|\\{${variable}\\})`).test(text),
  );
  if (name === undefined) return;
  scope.warning(position, `variables do not work in the arguments of "cgi": $${name} is passed on as it stands`);
}

/** Each limit's key and the parser of its value, which gives undefined for a malformed value. */
const LIMITS: Readonly<Record<keyof CgiLimit, { readonly expected: string; parse(text: string): number | undefined }>> =
  {
    cpu: { expected: "whole seconds", parse: (text) => wholeSeconds(parseTime(text)) },
    memory: { expected: "a size of at least 1m", parse: (text) => atLeast(2 ** 20, parseSize(text)) },
    files: {
      expected: "a number of at least 4",
      parse: (text) => atLeast(4, /^\d{1,7}$/.test(text) ? Number(text) : 0),
    },
  };

function wholeSeconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined || milliseconds === 0 || milliseconds % 1000 !== 0
    ? undefined
    : milliseconds / 1000;
}

function atLeast(least: number, value: number | undefined): number | undefined {
  return value !== undefined && value >= least ? value : undefined;
}

function setLimit(scope: Scope, [given]: [readonly Word[]], { name }: Directive): void {
  if (given.length === 1 && given[0]!.text === "off") {
    scope.own.cgiLimit = null;
    return;
  }
  const limit: { -readonly [K in keyof CgiLimit]: number | null } = { cpu: null, memory: null, files: null };
  for (const { text, position } of given) {
    const [, key, value] = /^(cpu|memory|files)=(.*)$/s.exec(text) ?? [];
    if (key === undefined) {
      return scope.error(position, `"${name}" expects cpu=TIME, memory=SIZE, files=N or "off", not ${quote(text)}`);
    }
    const resource = key as keyof CgiLimit;
    if (limit[resource] !== null) return scope.error(position, `"${name}" has ${key} twice`);
    const amount = LIMITS[resource].parse(value!);
    if (amount === undefined) {
      return scope.error(
        position,
        `"${name}" expects ${LIMITS[resource].expected} after "${key}=", not ${quote(value!)}`,
      );
    }
    limit[resource] = amount;
  }
  scope.own.cgiLimit = limit;
}
