/** Which paths do not exist for clients, whatever lies there. */
import type { Settings } from "../../config/model.ts";
import { namesStaging } from "../../config/parts.ts";

/** Whether `path` (decoded, starts with "/") leads into what is hidden: dot files, unless they are allowed, and unfinished uploads. */
export function isHidden(path: string, dotfiles: Settings["dotfiles"]): boolean {
  const dot = path.indexOf("/.");
  if (dot < 0) return false;
  return dotfiles === "deny" ? hasDotComponent(path, dot) : namesStaging(path);
}

/** Whether a name in a folder is shown where dot files are, or are not, allowed. */
export const isHiddenName = (name: string, dotfiles: Settings["dotfiles"]): boolean =>
  name.startsWith(".") && (dotfiles === "deny" || namesStaging(name));

/** `/.well-known/` (RFC 8615) is public by definition. */
function hasDotComponent(path: string, first: number): boolean {
  return first > 0 || !/^\/\.well-known(\/|$)/.test(path) || path.indexOf("/.", 1) > 0;
}
