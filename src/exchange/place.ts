/**
 * Where a URI's file is: `root` and `alias` as nginx has them, as a folder that is never left and a path beneath it.
 */
import type { Settings } from "../config/model.ts";
import type { Template } from "../config/parts.ts";
import type { Exchange } from "./exchange.ts";
import { evaluate } from "./templates.ts";

export interface Place {
  /** An absolute folder: the root that the kernel guards. */
  readonly root: string;
  /** Relative to it; "." for the folder itself. A slash at its end asks for a folder. */
  readonly path: string;
}

/** The place of `path` (decoded, starts with "/") in a location; null: there can be none. */
export function place(settings: Settings, path: string, exchange: Exchange): Place | null {
  const { alias, aliasPrefix } = settings;
  if (alias === null) {
    const root = folder(settings.root, exchange);
    return root === null ? null : { root, path: path.slice(1) || "." };
  }
  if (aliasPrefix === null && exchange.beneathAlias) return beneathAlias(alias, path, exchange);
  // Its variables are of the request's own path: that is all of the place, and a file beneath it (an index) goes on from there.
  if (aliasPrefix === null) {
    const beneath = path.startsWith(exchange.path) ? path.slice(exchange.path.length) : "";
    return split(alias, fixedLength(alias), exchange, beneath);
  }
  const rest = path.startsWith(aliasPrefix) ? path.slice(aliasPrefix.length) : path.slice(1);
  return beneathAlias(alias, rest, exchange);
}

/** The place of a name that `try_files` tries: beneath an expression's `alias` it is the whole name, as in nginx. */
export function triedPlace(settings: Settings, name: string, exchange: Exchange): Place | null {
  const { alias, aliasPrefix } = settings;
  return alias !== null && aliasPrefix === null ? beneathAlias(alias, name, exchange) : place(settings, name, exchange);
}

/** The file's name as messages and $request_filename show it. */
export function filename({ root, path }: Place): string {
  const top = root.endsWith("/") ? root : root + "/";
  return path === "." ? root : top + path;
}

function beneathAlias(alias: Template, rest: string, exchange: Exchange): Place | null {
  const root = folder(alias, exchange);
  if (root === null) return null;
  if (rest === "") return root.endsWith("/") ? { root, path: "." } : split(alias, root.lastIndexOf("/") + 1, exchange);
  if (rest.startsWith("/")) return { root, path: rest.slice(1) || "." };
  // `location /i { alias /data; }`: /images would be /datamages, a neighbour of the folder that was meant.
  return root.endsWith("/") ? { root, path: rest } : null;
}

/** A path whose first `cut` characters are the root and the rest, with `beneath` at its end, what lies beneath it. */
function split(template: Template, cut: number, exchange: Exchange, beneath = ""): Place | null {
  const whole = folder(template, exchange);
  return whole === null ? null : { root: whole.slice(0, cut), path: whole.slice(cut) + beneath || "." };
}

/** The configured folder, its variables filled in; null when they would climb out of what is written around them. */
function folder(template: Template, exchange: Exchange): string | null {
  if (template.constant !== null) return template.constant;
  const text = evaluate(template, exchange);
  const free = text.slice(fixedLength(template));
  return text.startsWith("/") && !/(^|\/)\.{1,2}(\/|$)|\0/.test(free) ? text : null;
}

/** How much of a path template is certain: its folders before the first variable, with their slash. */
function fixedLength(template: Template): number {
  const first = template.constant ?? template.parts[0];
  return typeof first === "string" ? first.lastIndexOf("/") + 1 : 0;
}
