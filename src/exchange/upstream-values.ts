/** The values of $upstream_* (rows in variables.ts). With several attempts they are lists: `a, b : c`, the colon at an internal redirect. */
import { trimmed } from "../http/octets.ts";
import type { Evaluator } from "./exchange.ts";
import type { Field } from "./reply.ts";
import type { AttemptRecord } from "./upstream.ts";

/** Values of all attempts. */
export const attemptList =
  (value: (attempt: AttemptRecord) => string): Evaluator =>
  ({ upstream }) => {
    let text = "";
    let separator = "";
    for (const attempt of upstream?.attempts ?? []) {
      text += attempt === null ? " : " : separator + value(attempt);
      separator = attempt === null ? "" : ", ";
    }
    return text;
  };

/** A time in seconds; "-": it was not reached. */
export const milliseconds = (ms: number): string => (ms < 0 ? "-" : (ms / 1000).toFixed(3));

/** A field of the last server's reply. */
export const upstreamField =
  (name: string): Evaluator =>
  ({ upstream }) =>
    joined(upstream?.reply, name);

const joined = (fields: readonly Field[] | null | undefined, name: string): string => all(fields, name).join(", ");

/** The values of all lines of a field. */
const all = (fields: readonly Field[] | null | undefined, name: string): string[] =>
  (fields ?? []).filter((field) => field[0].toLowerCase() === name).map((field) => field[1]);

/** A cookie of the last server's reply. Its name counts without regard to case, as in nginx. */
export const upstreamCookie =
  (name: string): Evaluator =>
  ({ upstream }) => {
    for (const line of all(upstream?.reply, "set-cookie")) {
      const pair = line.split(";", 1)[0]!;
      const equals = pair.indexOf("=");
      if (equals > 0 && trimmed(pair, 0, equals).toLowerCase() === name) return trimmed(pair, equals + 1, pair.length);
    }
    return "";
  };
