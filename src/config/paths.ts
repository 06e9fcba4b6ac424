/** Operations on paths as text, without access to files. */

/** The part before the last slash: "conf/a.conf" gives "conf", "a.conf" gives "". */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === 0 ? "/" : path.slice(0, Math.max(slash, 0));
}

/** `path` relative to `folder` ("" is the current one); an absolute path stays unchanged. */
export function join(folder: string, path: string): string {
  if (path.startsWith("/") || folder === "") return path;
  return folder.endsWith("/") ? folder + path : `${folder}/${path}`;
}

/** Removes ".", ".." and repeated slashes from an absolute path. Symbolic links are not considered. */
export function collapse(path: string): string {
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  return `/${kept.join("/")}`;
}

/** Whether a path is a folder or beneath it. Both are absolute; symbolic links are not considered. */
export function isBeneath(path: string, folder: string): boolean {
  const top = collapse(folder);
  const full = collapse(path);
  return top === "/" || full === top || full.startsWith(`${top}/`);
}

/** A shell pattern for one path component (`*`, `?`, `[a-z]`, `[!a]`, `\x`) as a regular expression; null: it contains no wildcard. */
export function componentPattern(component: string): RegExp | null {
  if (!/[*?[]/.test(component)) return null;
  const source = component.replace(/\\[\s\S]|\[([!^]?)(\]?[^\]]*)\]|[\s\S]/gu, (piece, not?: string, set?: string) => {
    if (set !== undefined && set !== "") return `[${not ? "^" : ""}${set.replace(/[\\\]^[&~]/g, "\\$&")}]`;
    if (piece === "*") return "[^/]*";
    if (piece === "?") return "[^/]";
    const literal = piece.length > 1 && piece[0] === "\\" ? piece.slice(1) : piece;
    return literal.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  });
  try {
    return new RegExp(`^${component.startsWith(".") ? "" : "(?!\\.)"}${source}$`, "su");
  } catch {
    return null; // "[z-a]" and the like are plain names, as in glob(3)
  }
}
