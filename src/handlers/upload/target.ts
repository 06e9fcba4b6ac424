/** Where in the store a request's path leads, as names alone: nothing here looks at the file system. */
import type { Settings } from "../../config/model.ts";
import { namesStaging, type Upload } from "../../config/parts.ts";
import { encodePath } from "../../http/request/target.ts";
import { isSafeName } from "./names.ts";

/** Folders beneath the store, at most: what a path can make the server walk through and make. */
const MOST_FOLDERS = 64;

export interface Target {
  /** The folders beneath the store, outermost first. */
  readonly folders: readonly string[];
  /** The file's name; "" where the path ends with its folder. */
  readonly name: string;
}

/** The target of a path (decoded, starts with "/"); null: there can be none, or one of its names is not safe. */
export function requestTarget(settings: Settings, path: string): Target | null {
  const { prefix } = settings.upload!;
  if (!path.startsWith(prefix)) return null;
  const rest = path.slice(prefix.length);
  if (prefix.endsWith("/") || rest === "") return relativeTarget(settings, rest);
  return rest.startsWith("/") ? relativeTarget(settings, rest.slice(1)) : null; // `location /up`: /upper is no target
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

/** The target relative to the store, as messages and the file system have it. */
export const pathOf = ({ folders, name }: Target): string => [...folders, name].join("/");

/** The URL's path, percent-encoded; that of the folder where the name is "". */
export const urlOf = (upload: Upload, target: Target): string => encodePath(requestPathOf(upload, target));

/** The same as requests have it when it is decoded. */
export const requestPathOf = ({ prefix }: Upload, target: Target): string =>
  (prefix.endsWith("/") ? prefix : `${prefix}/`) + pathOf(target);
