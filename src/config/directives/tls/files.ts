/** What the directives of both sides of TLS share. */
import { join } from "../../paths.ts";
import type { Context, Scope } from "../../scope.ts";
import type { TlsFile } from "../../settings/tls.ts";
import { directive, type Row } from "../../table.ts";
import type { Word } from "../../text/parser.ts";
import { words } from "../../values/arguments.ts";

/** nginx's names of the versions. */
export const PROTOCOLS = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;

/** As in nginx, relative to the folder of the main file. */
export function fileOf(scope: Scope, { text: given, position }: Word): TlsFile {
  const { prefix, sources } = scope.draft;
  const beside = sources.beside(given);
  const path = sources.isMissing(beside) && !sources.isMissing(join(prefix, given)) ? join(prefix, given) : beside;
  return { path, position };
}

/** The row of a directive that names one file. */
export const fileRow = (
  name: string,
  contexts: readonly Context[],
  help: string,
  set: (scope: Scope, word: Word) => void,
  repeats = false,
): Row =>
  directive(name, {
    in: contexts,
    takes: [words("FILE", 1, 1)],
    default: null,
    repeats,
    help,
    set: (scope, [[word]]) => set(scope, word!),
  });
