/** Converts a request's path to names within the store. Does not look at the file system. */
import type { Settings } from "../../config/model.ts";
import { namesStaging, type Upload } from "../../config/parts.ts";
import { encodePath } from "../../http/request/target.ts";
import { isSafeName } from "./names.ts";

/** Most folders of a target, because the server opens, and may create, each of them. */
const MOST_FOLDERS = 64;

export interface Target {
  /** The folders beneath the store, outermost first. */
  readonly folders: readonly string[];
  /** The file's name; "" if the path ends with "/". */
  readonly name: string;
}

/** The target of a path (decoded, starts with "/"); null: the path is outside the location, or one of its names is not safe. */
export function requestTarget(settings: Settings, path: string): Target | null {
  const { prefix } = settings.upload!;
  if (!path.startsWith(prefix)) return null;
  const rest = path.slice(prefix.length);
  if (prefix.endsWith("/") || rest === "") return relativeTarget(settings, rest);
  return rest.startsWith("/") ? relativeTarget(settings, rest.slice(1)) : null; // `location /up`: /upper is outside
}

/** The target of a path relative to the store; null: one of its names is not safe, or there are too many. */
export function relativeTarget(settings: Settings, path: string): Target | null {
  const folders = path.split("/");
  const name = folders.pop()!;
  const dots = settings.dotfiles === "allow";
  const isSafe = (component: string): boolean => isSafeName(component, dots);
  if (folders.length > MOST_FOLDERS || namesStaging(path) || !folders.every(isSafe)) return null;
  return name === "" || isSafe(name) ? { folders, name } : null;
}

/** The target's path relative to the store, for messages and syscalls. */
export const pathOf = ({ folders, name }: Target): string => [...folders, name].join("/");

/** The URL's path, percent-encoded; that of the folder if the name is "". */
export const urlOf = (upload: Upload, target: Target): string => encodePath(requestPathOf(upload, target));

/** The URL's path, decoded, as in Exchange.path. */
export const requestPathOf = ({ prefix }: Upload, target: Target): string =>
  (prefix.endsWith("/") ? prefix : `${prefix}/`) + pathOf(target);
