/** nginx's permissions of files that the server creates: `user:rw group:r all:r`. */
import type { Scope } from "../scope.ts";
import { quote } from "../text/diagnostics.ts";
import type { Word } from "../text/parser.ts";

const SHIFTS: Readonly<Record<string, number>> = { user: 6, group: 3, all: 0 };

/** The mode of such words: as in nginx, files are never executable, and the owner can always read and write. undefined after an error. */
export function accessMode(scope: Scope, name: string, given: readonly Word[]): number | undefined {
  let mode = 0o600;
  for (const { text, position } of given) {
    const [, who, what] = /^(user|group|all):(r|w|rw)$/.exec(text) ?? [];
    if (who === undefined) {
      scope.error(position, `"${name}" expects user:, group: or all: with r, w or rw, not ${quote(text)}`);
      return undefined;
    }
    mode |= ((what!.includes("r") ? 4 : 0) | (what!.includes("w") ? 2 : 0)) << SHIFTS[who]!;
  }
  return mode;
}
