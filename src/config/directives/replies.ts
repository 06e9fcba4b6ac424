/** Replies: error pages, media types, fields. */

import { checkErrorPage } from "../checks/promises.ts";
import type { Template } from "../parts.ts";
import type { Context, Scope } from "../scope.ts";
import { append } from "../scope.ts";
import { parseExpires } from "../settings/expires.ts";
import type { Row } from "../table.ts";
import { block, directive, store } from "../table.ts";
import { quote } from "../text/diagnostics.ts";
import type { Directive, Word } from "../text/parser.ts";
import { fieldName, kind, oneOf, optional, template, words } from "../values/arguments.ts";
import { checkNamedLocation, parseStatus } from "../values/statuses.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

const mediaType = kind("TYPE", "a media type such as text/html", parseMediaType);

export const REPLIES: readonly Row[] = [
  directive("error_page", {
    in: anywhere,
    takes: [words("CODE... [=[CODE]] URI", 2)],
    default: null,
    shownDefault: "built-in pages",
    repeats: true,
    help: "What is shown for errors, and for the redirects of `return` and to a folder's slash: a path, a named location, or a URL to redirect to. `=CODE` changes the status, `=` takes the one the page itself has.",
    set: addErrorPage,
  }),
  block("types", "types", {
    in: anywhere,
    takes: [],
    repeats: true,
    help: "Media types by extension, one line each: `text/html html htm;`. Replaces the built-in table, which conf/mime.types also holds; an empty one leaves only `default_type`.",
    open: (scope, _, directive) => {
      scope.own.types ??= new Map();
      for (const entry of directive.block ?? []) addType(scope, entry);
      return null;
    },
  }),
  directive("default_type", {
    in: anywhere,
    takes: [mediaType],
    default: "text/plain",
    help: "The media type where the extension is unknown.",
    set: store("defaultType"),
  }),
  directive("add_header", {
    in: anywhere,
    takes: [fieldName, template("VALUE"), optional(oneOf("always"))],
    default: null,
    repeats: true,
    help: "Adds a field to replies with 200, 201, 204, 206, 301, 302, 303, 304, 307 and 308; with `always` to all. A field that a reply has only once (Content-Type, ETag, Expires, Last-Modified, Location, Server and their like) replaces the server's or a script's; an empty ETag or Last-Modified removes it. Fields of the connection and the framing, and Date, are the server's.",
    set: (scope, [name, value, always], { args }) => {
      const reason = OUR_OWN.get(name.toLowerCase());
      if (reason !== undefined) {
        scope.own.addHeaders ??= []; // as any other, it stands in place of those of the outer block
        return scope.warning(args[0]!.position, `"add_header ${name}" has no effect here (${reason})`);
      }
      append(scope, "addHeaders", { name, value: onOneLine(value), always: always !== undefined });
    },
  }),
  directive("expires", {
    in: anywhere,
    takes: [words("[modified] TIME | off | epoch | max", 1, 2)],
    default: "off",
    help: "Sends `Expires` and `Cache-Control`: so long after now (negative: no caching), after the file's change (`modified`), or at a time of day (`@15h30m`). Variables may give any of these when the reply is there: `$sent_http_content_type` is known, without its charset.",
    set: setExpires,
  }),
  directive("server_tokens", {
    in: anywhere,
    takes: [oneOf("on", "off", "build")],
    default: "on",
    help: "Whether the `Server` field contains the version; error pages never show it. `build` is the same as `on`: no build has a name.",
    set: (scope, [value]) => {
      scope.own.serverTokens = value !== "off";
    },
  }),
];

/** Joins the lines of a value: it may be written on several lines, but a field has only one. */
function onOneLine({ text, parts, constant }: Template): Template {
  const joined = (part: string): string => part.replace(/[ \t]*[\r\n]+[ \t]*/g, " ");
  return {
    text: joined(text),
    parts: parts.map((part) => (typeof part === "string" ? joined(part) : part)),
    constant: constant === null ? null : joined(constant),
  };
}

const FRAMING = "the server says itself where a reply ends";
const OF_THE_CONNECTION = "it is about the connection, which is the server's";
const KEEP_ALIVE = 'use "keepalive_timeout"; 0 closes after each reply';

/** Fields that only the server may set, in small letters, and why: another value would break the reply or the connection. */
const OUR_OWN: ReadonlyMap<string, string> = new Map([
  ["connection", KEEP_ALIVE],
  ["content-length", FRAMING],
  ["content-range", "it says which part of a file is sent"],
  ["date", "it is the server's clock"],
  ["keep-alive", KEEP_ALIVE],
  ["proxy-connection", OF_THE_CONNECTION],
  ["te", OF_THE_CONNECTION],
  ["trailer", FRAMING],
  ["transfer-encoding", FRAMING],
  ["upgrade", OF_THE_CONNECTION],
]);

function addErrorPage(scope: Scope, [args]: [readonly Word[]]): void {
  const uriWord = args.at(-1)!;
  const change = args.at(-2)!.text.startsWith("=") ? args.at(-2)! : null;
  const codes = args.slice(0, change === null ? -1 : -2);
  if (codes.length === 0) return scope.error(change!.position, '"error_page" needs at least one status before "="');
  const statuses = codes.map((word) => errorStatus(scope, word));
  const status = change === null ? null : change.text === "=" ? 0 : parseStatus(change.text.slice(1), 200);
  if (status === undefined)
    scope.error(change!.position, `"error_page" expects =CODE between 200 and 599, not ${quote(change!.text)}`);
  if (/^(?:=(?:\d*$)|\d{3}$)/.test(uriWord.text)) {
    return scope.error(
      uriWord.position,
      `"error_page" expects a path, @NAME or a URL at its end, not ${quote(uriWord.text)}`,
    );
  }
  if (!/^(?:[/@$]|https?:\/\/)/.test(uriWord.text)) {
    scope.warning(
      uriWord.position,
      `${quote(uriWord.text)} is sent as a redirect: a page of this server starts with "/"`,
    ); // as in nginx
  }
  checkNamedLocation(scope, uriWord);
  const uri = scope.template(uriWord);
  if (uri === null || status === undefined || statuses.includes(undefined)) return;
  scope.draft.later(() => checkErrorPage(scope, uri, uriWord.position));
  append(scope, "errorPages", { statuses: statuses as number[], status, uri });
}

function errorStatus(scope: Scope, { text, position }: Word): number | undefined {
  const status = parseStatus(text, 300);
  if (status === undefined)
    scope.error(position, `"error_page" expects statuses between 300 and 599, not ${quote(text)}`);
  return status;
}

function parseMediaType(text: string): string | undefined {
  return /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:\s*;\s*[\w!#$&^.+-]+=[\w!#$&^.+-]+)*$/.test(text) || text === ""
    ? text
    : undefined;
}

/** Adds a line of `types`: a media type, then its extensions. */
function addType(scope: Scope, { name, position, args, block: inner }: Directive): void {
  if (inner !== null)
    return scope.error(position, `unexpected block ${quote(name)} in "types" (expected TYPE EXTENSION...;)`);
  if (parseMediaType(name) === undefined || name === "") {
    return scope.error(position, `"types" expects a media type such as text/html, not ${quote(name)}`);
  }
  if (args.length === 0) return scope.error(position, `${quote(name)} in "types" needs at least 1 extension`);
  const types = scope.own.types as Map<string, string>;
  for (const word of args) {
    const extension = word.text.toLowerCase();
    if (/[/.]/.test(extension))
      scope.error(word.position, `"types" expects extensions without dot and slash, not ${quote(word.text)}`);
    else if (types.has(extension))
      scope.warning(word.position, `extension ${quote(extension)} has had the type "${types.get(extension)}"`);
    types.set(extension, name);
  }
}

const EXPIRES = "off, epoch, max, a time with or without sign, modified TIME, or @TIME before 24h";

function setExpires(scope: Scope, [args]: [readonly Word[]], { name }: Directive): void {
  const [first] = args as [Word];
  const modified = first.text === "modified" && args.length === 2;
  const word = modified ? args[1]! : (args[1] ?? first);
  const isAlone = args.length === (modified ? 2 : 1);
  if (isAlone && word.text.includes("$")) return setVariableExpires(scope, word, modified);
  const expires = isAlone ? parseExpires(word.text, modified) : undefined;
  if (expires !== undefined) scope.own.expires = expires.kind === "off" ? null : expires;
  else scope.error(word.position, `"${name}" expects ${EXPIRES}, not ${quote(word.text)}`);
}

function setVariableExpires(scope: Scope, word: Word, isModified: boolean): void {
  const value = scope.template(word);
  if (value !== null) scope.own.expires = { kind: "variable", value, isModified };
}
