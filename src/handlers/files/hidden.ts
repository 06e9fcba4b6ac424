/** Paths that clients cannot see. */
import type { Settings } from "../../config/model.ts";
import { namesStaging } from "../../config/parts.ts";

/** Whether `path` (decoded, starts with "/") is hidden: dot files unless they are allowed, and unfinished uploads. */
export function isHidden(path: string, dotfiles: Settings["dotfiles"]): boolean {
  const dot = path.indexOf("/.");
  if (dot < 0) return false;
  return dotfiles === "deny" ? hasDotComponent(path, dot) : namesStaging(path);
}

/** Whether a listing hides a name. */
export const isHiddenName = (name: string, dotfiles: Settings["dotfiles"]): boolean =>
  name.startsWith(".") && (dotfiles === "deny" || namesStaging(name));

/** Exempts `/.well-known/`, which is public by definition (RFC 8615). */
function hasDotComponent(path: string, first: number): boolean {
  return first > 0 || !/^\/\.well-known(\/|$)/.test(path) || path.indexOf("/.", 1) > 0;
}
