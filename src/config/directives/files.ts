/** Files: which are served, and what is cached of them. */

import type { Settings } from "../model.ts";
import type { Template } from "../parts.ts";
import type { Context, Scope } from "../scope.ts";
import { append } from "../scope.ts";
import type { Row } from "../table.ts";
import { directive, store } from "../table.ts";
import { quote } from "../text/diagnostics.ts";
import type { Word } from "../text/parser.ts";
import { flag, kind, oneOf, parseTime, template, time, words } from "../values/arguments.ts";
import { checkNamedLocation, parseStatus } from "../values/statuses.ts";
import { absoluteTemplate, variablesOf } from "../values/template.ts";
import { DISABLE_SYMLINKS } from "./core/symlinks.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

const cacheOption = kind("max=N [inactive=TIME] | off", "max=N, inactive=TIME, or off", parseCacheOption);

export const FILES: readonly Row[] = [
  directive("root", {
    in: anywhere,
    takes: [template("DIR")],
    default: "html",
    help: "Files are looked for beneath this folder, by the whole path.",
    set: (scope, [folder], { args }) => setFolder(scope, "root", folder, args[0]!),
  }),
  directive("alias", {
    in: ["location"],
    takes: [template("DIR")],
    default: null,
    help: "Replaces the location's prefix in the path; in a regex location it replaces the whole path.",
    set: (scope, [folder], { args }) => setAlias(scope, folder, args[0]!),
  }),
  directive("index", {
    in: anywhere,
    takes: [words("FILE...")],
    default: "index.html",
    repeats: true,
    help: "What a folder shows: the first of these that exists. The last may be an absolute path.",
    set: (scope, [files]) => {
      for (const word of files) addIndex(scope, word, word === files.at(-1));
    },
  }),
  directive("autoindex", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Lists folders that have no index file.",
    set: store("autoindex"),
  }),
  directive("autoindex_format", {
    in: anywhere,
    takes: [oneOf("html", "xml", "json", "jsonp")],
    default: "html",
    help: "The format of a listing: an HTML page, or nginx's XML or JSON `[{name,type,mtime,size}]`; `jsonp` with the callback that the argument `callback` names.",
    set: store("autoindexFormat"),
  }),
  directive("autoindex_exact_size", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Whether the HTML page shows sizes in bytes, or with units. In the other formats they are bytes. nginx's default is `on`.",
    set: store("autoindexExactSize"),
  }),
  directive("autoindex_localtime", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Whether the HTML page shows times of the server's zone, or UTC. In the other formats they are UTC.",
    set: store("autoindexLocaltime"),
  }),
  directive("try_files", {
    in: ["server", "location"],
    takes: [words("FILE... URI | =CODE | @NAME", 2)],
    default: null,
    help: "Serves the first file that exists (a folder, where the name ends in `/`); if none does, the last argument: another path, a status, or a named location.",
    set: setTryFiles,
  }),
  directive("symlinks", {
    in: anywhere,
    takes: [oneOf("inside", "follow", "deny")],
    default: "inside",
    help: "Symbolic links: followed while they stay beneath the root, followed anywhere, or refused.",
    set: (scope, [value]) => {
      scope.own.symlinks = value;
      scope.own.symlinksFrom = null;
    },
  }),
  DISABLE_SYMLINKS,
  directive("dotfiles", {
    in: anywhere,
    takes: [oneOf("allow", "deny")],
    default: "deny",
    help: "With `deny`, paths with a component that starts with a dot are not found (`/.well-known/` excepted).",
    set: store("dotfiles"),
  }),
  directive("open_file_cache", {
    in: anywhere,
    takes: [words("max=N [inactive=TIME] | off", 1, 2)],
    default: "max=1000 inactive=60s",
    help: "How many files are cached, and for how long after their last use.",
    set: setCache,
  }),
  directive("open_file_cache_valid", {
    in: anywhere,
    takes: [time],
    default: "1s",
    help: "How long a cached file is used without a check whether it has changed.",
    set: store("openFileCacheValid"),
  }),
  directive("open_file_cache_errors", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Whether missing files are cached for the same time; else every request checks again.",
    set: store("openFileCacheErrors"),
  }),
  directive("etag", {
    in: anywhere,
    takes: [flag],
    default: "on",
    help: "Sends `ETag` with files.",
    set: store("etag"),
  }),
  directive("if_modified_since", {
    in: anywhere,
    takes: [oneOf("exact", "before", "off")],
    default: "exact",
    help: "When a file counts as unmodified: `exact`: its time equals the field's; `before`: it is not later; `off`: never.",
    set: store("ifModifiedSince"),
  }),
];

/** Variables that are themselves made from the root. */
const CIRCULAR: readonly string[] = ["document_root", "request_filename"];

/** Stores an absolute folder. Circular variables are refused. A folder may be created later, and "root /dev/null" serves nothing on purpose. */
function setFolder(scope: Scope, name: "root" | "alias", folder: Template, { position }: Word): void {
  const circular = variablesOf(folder).find((variable) => CIRCULAR.includes(variable));
  if (circular !== undefined) return scope.error(position, `"$${circular}" cannot be used in "${name}"`);
  const other = name === "root" ? "alias" : "root";
  if (scope.seen.has(other)) return scope.error(position, `"root" and "alias" exclude each other in one location`);
  const absolute = absoluteTemplate(folder, scope.draft.prefix, name === "root");
  scope.own[name] = absolute;
  if (absolute.constant !== null) scope.draft.later(() => checkFolder(scope, name, absolute.constant!, position));
}

function checkFolder(scope: Scope, name: "root" | "alias", folder: string, position: Word["position"]): void {
  const problem = scope.draft.sources.folderProblem(folder, name === "alias");
  if (problem !== null) scope.warning(position, `${name} ${quote(folder)} ${problem.text}`);
}

function setAlias(scope: Scope, folder: Template, word: Word): void {
  const location = scope.location!;
  if (location.modifier === "@") return scope.error(word.position, '"alias" cannot be used in a named location');
  if (word.text === "") return scope.error(word.position, '"alias" expects a path, not ""');
  setFolder(scope, "alias", folder, word);
  scope.own.aliasPrefix = location.regex === null ? location.pattern : null;
  const isFolder = location.regex === null && location.pattern.endsWith("/") && location.modifier !== "=";
  if (isFolder && folder.constant !== null && !folder.constant.endsWith("/")) {
    scope.warning(
      word.position,
      `alias ${quote(word.text)} lacks the "/" at its end that location ${quote(location.pattern)} has: no file is found`,
    );
  }
}

function addIndex(scope: Scope, word: Word, last: boolean): void {
  if (word.text === "") return scope.error(word.position, '"index" expects the name of a file, not ""');
  if (word.text.startsWith("/") && !last) {
    scope.warning(word.position, `index ${quote(word.text)} is absolute, so what follows it is never tried`);
  }
  const file = scope.template(word);
  if (file !== null) append(scope, "index", file);
}

function setTryFiles(scope: Scope, [args]: [readonly Word[]]): void {
  const last = args.at(-1)!;
  const files = args.slice(0, -1).map((word) => scope.template(word));
  const status = last.text.startsWith("=") ? parseStatus(last.text.slice(1), 200) : null;
  if (status === undefined) {
    return scope.error(last.position, `"try_files" expects =CODE between 200 and 599, not ${quote(last.text)}`);
  }
  checkNamedLocation(scope, last);
  const uri = status === null ? scope.template(last) : null;
  const end: NonNullable<Settings["tryFiles"]>["last"] | null = status !== null ? { status } : uri && { uri };
  if (end !== null && !files.includes(null)) scope.own.tryFiles = { files: files as Template[], last: end };
}

type CacheOption = { readonly max: number } | { readonly inactive: number } | "off";

function parseCacheOption(text: string): CacheOption | undefined {
  if (text === "off") return "off";
  const max = /^max=([1-9]\d{0,8})$/.exec(text);
  if (max !== null) return { max: Number(max[1]) };
  const inactive = text.startsWith("inactive=") ? parseTime(text.slice(9)) : undefined;
  return inactive === undefined ? undefined : { inactive };
}

function setCache(
  scope: Scope,
  [args]: [readonly Word[]],
  { name, position }: { name: string; position: Word["position"] },
): void {
  const options = args.map((word) => cacheOption.read([word], name, scope));
  if (options.some((option) => typeof option === "symbol")) return;
  if (options.includes("off")) {
    scope.own.openFileCache = null;
    if (options.length > 1) scope.error(position, '"open_file_cache off" takes no further options');
    return;
  }
  const merged: { max?: number; inactive?: number } = Object.assign({}, ...options);
  if (merged.max === undefined) return scope.error(position, '"open_file_cache" needs max=N, or off');
  scope.own.openFileCache = { max: merged.max, inactive: merged.inactive ?? 60_000 };
}
