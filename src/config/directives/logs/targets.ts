/** Where a log goes: a file, a path with variables, standard output or error, or a syslog server. */
import type { Template } from "../../parts.ts";
import { join } from "../../paths.ts";
import type { Scope } from "../../scope.ts";
import type { FileTarget, PathTarget, SyslogTarget } from "../../settings/logs.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { absoluteTemplate } from "../../values/template.ts";
import { parseSyslog } from "./syslog.ts";

/** Other names of standard output and error, as container images use them. Opened as files they could block, or not be opened at all. */
const STANDARD: Readonly<Record<string, string>> = {
  "/dev/stdout": "stdout",
  "/dev/stderr": "stderr",
  "/proc/self/fd/1": "stdout",
  "/proc/self/fd/2": "stderr",
};

/** A file by its path or as `stdout` or `stderr`. */
export function fileTarget(text: string, prefix: string): FileTarget {
  const file = text === "stdout" || text === "stderr" ? text : (STANDARD[text] ?? join(prefix, text));
  return { kind: "file", file, buffer: null };
}

/** The target of a log without variables; null after an error. */
export function fixedTarget(word: Word, directive: string, scope: Scope): FileTarget | SyslogTarget | null {
  const { text, position } = word;
  if (text.startsWith("syslog:")) {
    const parsed = parseSyslog(text.slice(7), scope);
    if (typeof parsed !== "string") return parsed;
    scope.error(position, `${quote(text)} ${parsed}`);
    return null;
  }
  if (text !== "" && !text.includes("$")) return fileTarget(text, scope.draft.prefix);
  scope.error(
    position,
    `"${directive}" expects a path (without variables), stdout, stderr or syslog:, not ${quote(text)}`,
  );
  return null;
}

/** The target of an access log; null after an error. */
export function accessTarget(word: Word, scope: Scope): FileTarget | PathTarget | SyslogTarget | null {
  if (!word.text.includes("$") || word.text.startsWith("syslog:")) return fixedTarget(word, "access_log", scope);
  const path = scope.template(word);
  return path === null ? null : { kind: "path", path: anchored(path, scope.draft.prefix) };
}

/** As in nginx, a path that begins with a variable is beneath the prefix too. */
function anchored(path: Template, prefix: string): Template {
  if (typeof path.parts[0] === "string") return absoluteTemplate(path, prefix, false);
  return { ...path, parts: [`${prefix === "/" ? "" : prefix}/`, ...path.parts] };
}
