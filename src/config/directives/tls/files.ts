/** What the directives of both sides of TLS share. */
import { join } from "../../paths.ts";
import type { Scope } from "../../scope.ts";
import type { TlsFile } from "../../settings/tls.ts";
import type { Word } from "../../text/parser.ts";

/** nginx's names of the versions. */
export const PROTOCOLS = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;

/** As in nginx, relative to the folder of the main file. */
export function fileOf(scope: Scope, { text: given, position }: Word): TlsFile {
  const { prefix, sources } = scope.draft;
  const beside = sources.beside(given);
  const path = sources.isMissing(beside) && !sources.isMissing(join(prefix, given)) ? join(prefix, given) : beside;
  return { path, position };
}
