/** `log_format`, and the formats that exist without it. */
import type { Scope } from "../../scope.ts";
import type { AccessLog, LogFormat } from "../../settings/logs.ts";
import { elsewhere, quote } from "../../text/diagnostics.ts";
import type { Directive, Word } from "../../text/parser.ts";
import { suggestion } from "../../text/suggest.ts";
import { compileTemplate } from "../../values/template.ts";

const COMBINED_TEXT =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

export const COMBINED: LogFormat = { name: "combined", template: builtIn(COMBINED_TEXT), escape: "default" };

/** `json` may be defined again: many files of nginx do. */
const JSON_LINE: LogFormat = { name: "json", template: null, escape: "json" };

function builtIn(text: string): LogFormat["template"] {
  const compiled = compileTemplate(text);
  if (typeof compiled === "string") throw new Error(compiled);
  return compiled;
}

/** Gives a log its format when everything has been read, because it may be defined further down. */
export function setFormat(
  scope: Scope,
  log: { -readonly [K in keyof AccessLog]: AccessLog[K] },
  { text, position }: Word,
): void {
  const { formats } = scope.draft;
  const known = new Map([
    [COMBINED.name, COMBINED],
    [JSON_LINE.name, JSON_LINE],
    ...[...formats].map(([name, { format }]) => [name, format] as const),
  ]);
  const format = known.get(text);
  if (format !== undefined) log.format = format;
  else scope.error(position, `unknown log format ${quote(text)}${suggestion(text, [...known.keys()])}`);
}

export function addFormat(scope: Scope, [[word, ...rest]]: [readonly Word[]], { position }: Directive): void {
  const { formats } = scope.draft;
  const { text: name, position: at } = word!;
  const first = formats.get(name)?.position;
  if (name === COMBINED.name) return scope.error(at, `log format ${quote(name)} is built in`);
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
