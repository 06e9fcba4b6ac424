/** Logs: where they go, and the format of the access log. */
import type { Context } from "../../scope.ts";
import type { Row } from "../../table.ts";
import { directive } from "../../table.ts";
import { words } from "../../values/arguments.ts";
import { addAccessLog } from "./access-log.ts";
import { openLogFileCache } from "./cache.ts";
import { addErrorLog } from "./error-log.ts";
import { addFormat } from "./format.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

export const LOGS: readonly Row[] = [
  directive("access_log", {
    in: [...anywhere, "limit_except"],
    takes: [words("TARGET [FORMAT] [OPTION...]")],
    default: null,
    shownDefault: "off",
    syntax:
      "PATH | stdout | stderr | syslog:server=ADDRESS[,...] [FORMAT] [buffer=SIZE] [flush=TIME] [gzip[=LEVEL]] [if=CONDITION] | off",
    repeats: true,
    help: "Writes a line per request, in `combined`, `json` or a format of `log_format`. Several may be given. Without `buffer=` a line waits a second at most. See [logs.md](logs.md).",
    set: addAccessLog,
  }),
  directive("log_format", {
    in: ["http"],
    takes: [words("NAME [escape=default | json | none] TEXT...", 2)],
    default: null,
    syntax: "NAME [escape=default | json | none] TEXT... | NAME json",
    repeats: true,
    help: "Names a format for `access_log`: its texts, put together, with variables. `json` alone is the built-in JSON line.",
    set: addFormat,
  }),
  openLogFileCache,
  directive("error_log", {
    in: ["main", "http", "server", "location"],
    takes: [words("TARGET [LEVEL]")],
    default: "stderr error",
    syntax:
      "FILE | stdout | stderr | syslog:server=ADDRESS[,...] [debug | info | notice | warn | error | crit | alert | emerg]",
    repeats: true,
    help: "Where messages go, and from which level on. Several may be given.",
    set: addErrorLog,
  }),
];
