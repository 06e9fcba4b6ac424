/** The names of `server_name`: exact, `*.x.org`, `x.*`, `.x.org`, `~regex`. */

import { compileRegex } from "../../routing/pcre/compile.ts";
import type { ServerName } from "../model.ts";

/** The names of one word (`.x.org` gives two); a string tells what is wrong with it. */
export function parseServerName(word: string): ServerName[] | string {
  if (word.startsWith("~")) return regexName(word.slice(1));
  const name = word.toLowerCase();
  if (/[\x00-\x20\x7f]/.test(name)) return "a host name has no blanks and no control characters";
  if (name.startsWith("*.")) return wildcard("leading", name.slice(1));
  if (name.endsWith(".*")) return wildcard("trailing", name.slice(0, -1));
  if (name.startsWith(".")) {
    const leading = wildcard("leading", name);
    return typeof leading === "string" ? leading : [plain("exact", name.slice(1)), ...leading];
  }
  return name.includes("*") ? misplaced : [plain("exact", name)];
}

/** Why no request has a name, although nginx takes it; null: it may. */
export function whyNever(word: string): string | null {
  if (word.startsWith("~")) return null;
  if (/[^\x21-\x7e]/.test(word)) return "host names are ASCII: write others in their xn-- form";
  const isHost = !/[/\\,@]/.test(word) && (!word.includes(":") || word.startsWith("["));
  return isHost ? null : "a host name without scheme, port and path is expected";
}

const misplaced = 'a "*" stands for whole labels, at the start ("*.x.org") or at the end ("x.*")';

function wildcard(kind: "leading" | "trailing", text: string): ServerName[] | string {
  return text.includes("*") || text === "." || text.includes("..") ? misplaced : [plain(kind, text)];
}

function plain(kind: ServerName["kind"], text: string): ServerName {
  return { kind, text, regex: null };
}

/** An expression as name. It ignores case, because host names do. */
function regexName(source: string): ServerName[] | string {
  if (source === "") return "the regular expression is empty";
  const regex = compileRegex(source, true);
  return typeof regex === "string" ? `invalid regular expression: ${regex}` : [{ kind: "regex", text: source, regex }];
}
