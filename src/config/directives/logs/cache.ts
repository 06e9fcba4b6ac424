/** `open_log_file_cache`. */
import type { Scope } from "../../scope.ts";
import type { OpenLogFileCache } from "../../settings/logs.ts";
import { directive } from "../../table.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Directive, Word } from "../../text/parser.ts";
import { parseTime, words } from "../../values/arguments.ts";

export const openLogFileCache = directive("open_log_file_cache", {
  in: ["http", "server", "location"],
  takes: [words("max=N [inactive=TIME] [min_uses=N] [valid=TIME] | off", 1, 4)],
  default: "off",
  help: "Keeps files of access logs with variables in their path open: at most `max`, those that were used `min_uses` times (1) within `inactive` (10s); whether a path still leads to its file is looked at after `valid` (60s).",
  set: setCache,
});

/** Each option's reader; undefined: not a value. */
const READERS = { max: parseCount, inactive: parseTime, min_uses: parseCount, valid: parseTime } as const;

function parseCount(text: string): number | undefined {
  const count = Number(text);
  return /^\d{1,9}$/.test(text) && count > 0 ? count : undefined;
}

function setCache(scope: Scope, [args]: [readonly Word[]], { position }: Directive): void {
  if (args.length === 1 && args[0]!.text === "off") {
    scope.own.openLogFileCache = null;
    return;
  }
  const given = new Map<string, number>();
  for (const word of args) {
    const [, name = "", value = ""] = /^(max|inactive|min_uses|valid)=(.*)$/s.exec(word.text) ?? [];
    const read = name === "" ? undefined : READERS[name as keyof typeof READERS](value);
    if (read === undefined) {
      return scope.error(
        word.position,
        `"open_log_file_cache" expects max=N, inactive=TIME, min_uses=N, valid=TIME or off, not ${quote(word.text)}`,
      );
    }
    given.set(name, read);
  }
  const max = given.get("max");
  if (max === undefined) return scope.error(position, '"open_log_file_cache" needs "max="');
  const { inactive = 10_000, min_uses: minUses = 1, valid = 60_000 } = Object.fromEntries(given);
  const cache: OpenLogFileCache = { max, inactive, minUses, valid };
  scope.own.openLogFileCache = cache;
}
