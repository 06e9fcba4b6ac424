/**
 * Maps a URI to a file by `root` and `alias`, as nginx does: to a folder that must not be left, and a path beneath it.
 */
import type { Settings } from "../config/model.ts";
import type { Template } from "../config/parts.ts";
import type { Exchange } from "./exchange.ts";
import { evaluate, evaluatePath } from "./templates.ts";

export interface Place {
  /** An absolute folder; the kernel ensures that `path` does not leave it (openat2). */
  readonly root: string;
  /** Relative to `root`; "." is the folder itself. A slash at the end requires a folder. */
  readonly path: string;
}

/** The file of `path` (decoded, starts with "/") in a location; null: there can be none. */
export function place(settings: Settings, path: string, exchange: Exchange): Place | null {
  const found = placeByRoot(settings, path, exchange);
  const from = settings.symlinksFrom;
  return from === null || found === null ? found : beneathFolder(found, evaluate(from, exchange));
}

/** The same file, by a folder from which on links are looked for; the whole path is, if the file is not beneath the folder (as in nginx). */
function beneathFolder(found: Place, from: string): Place {
  const whole = filename(found);
  const start = from.replace(/\/+$/, "");
  const path = whole.startsWith(`${start}/`) ? whole.slice(start.length) : whole;
  return { root: path === whole ? "/" : start, path: path.replace(/^\/+/, "") || "." };
}

function placeByRoot(settings: Settings, path: string, exchange: Exchange): Place | null {
  const { alias, aliasPrefix } = settings;
  if (!path.startsWith("/")) return null; // a `rewrite` may leave it out: no name of a file is meant
  if (alias === null) {
    const root = folder(settings.root, exchange);
    return root === null ? null : { root, path: relative(path) };
  }
  if (aliasPrefix === null && exchange.beneathAlias) return beneathAlias(alias, path, exchange);
  // In a regex location the alias is the whole file name, made of the request's own path. A file beneath it (an index) is appended.
  if (aliasPrefix === null) {
    const beneath = path.startsWith(exchange.path) ? path.slice(exchange.path.length) : "";
    return split(alias, fixedLength(alias), exchange, beneath);
  }
  const rest = path.startsWith(aliasPrefix) ? path.slice(aliasPrefix.length) : path.slice(1);
  return beneathAlias(alias, rest, exchange);
}

/** The file of a name in `try_files`. With an `alias` in a regex location the whole name is beneath the alias, as in nginx. */
export function triedPlace(settings: Settings, name: string, exchange: Exchange): Place | null {
  const { alias, aliasPrefix } = settings;
  if (alias === null || aliasPrefix !== null) return place(settings, name, exchange);
  const found = beneathAlias(alias, name, exchange);
  const from = settings.symlinksFrom;
  return from === null || found === null ? found : beneathFolder(found, evaluate(from, exchange));
}

/** The file's name for messages and $request_filename. */
export function filename({ root, path }: Place): string {
  const top = root.endsWith("/") ? root : root + "/";
  return path === "." ? root : top + path;
}

/** A path without the slashes at its start, of which `merge_slashes off` leaves several. */
const relative = (path: string): string => (path.startsWith("//") ? path.replace(/^\/+/, "") : path.slice(1)) || ".";

function beneathAlias(alias: Template, rest: string, exchange: Exchange): Place | null {
  const root = folder(alias, exchange);
  if (root === null) return null;
  if (rest === "") return root.endsWith("/") ? { root, path: "." } : split(alias, root.lastIndexOf("/") + 1, exchange);
  if (rest.startsWith("/")) return { root, path: relative(rest) };
  // `location /i { alias /data; }` would map /images to /datamages, outside of the folder.
  return root.endsWith("/") ? { root, path: rest } : null;
}

/** Splits a path after `cut` characters into root and rest, and appends `beneath` to the rest. */
function split(template: Template, cut: number, exchange: Exchange, beneath = ""): Place | null {
  const whole = folder(template, exchange);
  return whole === null ? null : { root: whole.slice(0, cut), path: whole.slice(cut) + beneath || "." };
}

/** The configured folder with its variables replaced; null when their values contain "." or ".." components or a NUL. */
function folder(template: Template, exchange: Exchange): string | null {
  if (template.constant !== null) return template.constant;
  const text = evaluatePath(template, exchange);
  const free = text.slice(fixedLength(template));
  return text.startsWith("/") && !/(^|\/)\.{1,2}(\/|$)|\0/.test(free) ? text : null;
}

/** Length of the constant start of a path template: the folders before the first variable, with their slash. */
function fixedLength(template: Template): number {
  const first = template.constant ?? template.parts[0];
  return typeof first === "string" ? first.lastIndexOf("/") + 1 : 0;
}
