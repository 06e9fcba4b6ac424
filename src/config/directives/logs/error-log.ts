/** `error_log`. */
import type { Scope } from "../../scope.ts";
import { type ErrorLog, type ErrorOutput, LOG_LEVELS, type LogLevel } from "../../settings/logs.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { suggestion } from "../../text/suggest.ts";
import { fixedTarget } from "./targets.ts";

/** nginx's levels of debugging by subject, which it takes instead of `debug`. */
const DEBUG_SUBJECT = /^debug_(?:core|alloc|mutex|event|http|mail|stream)$/;

/** Adds an error log to a block; the first replaces those of the blocks around it. */
export function addErrorLog(scope: Scope, [args]: [readonly Word[]]): void {
  const [word, ...rest] = args as [Word, ...Word[]];
  const levels = rest.map((each) => readLevel(scope, each));
  if (levels.includes(null)) return;
  const before = scope.own.errorLog?.outputs ?? [];
  if (word.text.startsWith("memory:")) {
    scope.warning(
      word.position,
      '"memory:" has no effect: such a log could only be read with a debugger; nothing is kept',
    );
    scope.own.errorLog = errorLog(before);
    return;
  }
  const target = fixedTarget(word, "error_log", scope);
  if (target === null) return;
  scope.own.errorLog = errorLog([...before, { target, level: levels[0] ?? "error", position: word.position }]);
}

function readLevel(scope: Scope, { text, position }: Word): LogLevel | null {
  const level = DEBUG_SUBJECT.test(text) ? "debug" : LOG_LEVELS.find((each) => each === text);
  if (level !== undefined) return level;
  scope.error(
    position,
    `unknown log level ${quote(text)}${suggestion(text, LOG_LEVELS)} (one of ${LOG_LEVELS.join(", ")})`,
  );
  return null;
}

/** The log of these outputs. */
export function errorLog(outputs: readonly ErrorOutput[]): ErrorLog {
  const lowest = Math.min(...outputs.map(({ level }) => LOG_LEVELS.indexOf(level)), LOG_LEVELS.length - 1);
  return { outputs, level: LOG_LEVELS[lowest]! };
}
