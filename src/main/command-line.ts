/** The command line (docs/behaviour.md, Starting). */
import { parseArgs } from "node:util";

export type SignalName = "stop" | "quit" | "reload" | "reopen";

export interface CommandLine {
  readonly config: string;
  readonly prefix: string | undefined;
  readonly globalText: string | undefined;
  readonly errorLog: string | undefined;
  readonly signal: SignalName | undefined;
  readonly test: boolean;
  readonly dump: boolean;
  readonly keepGoing: boolean;
  readonly version: boolean;
  readonly help: boolean;
}

export const USAGE = `usage: webserv [options] [CONFIG]
       webserv passwd FILE USER      make or replace an entry of a password file (webserv passwd --help)

  -c, --config FILE     the configuration (default conf/default.conf)
  -t, --test            check the configuration and exit: 0 good, 1 bad
  -T                    -t, and print the configuration with every include resolved
  -p, --prefix DIR      what relative paths in the configuration start from
                        (default: the folder above the configuration's folder)
  -g, --global TEXT     directives put before the file's
  -e, --error-log FILE  the error log until the configuration names one
  -s, --signal NAME     send stop | quit | reload | reopen to the running server (by its pid file)
      --keep-going      skip server blocks that are invalid or cannot bind, serve the others
  -v, -V, --version     version
  -h, --help            this text
`;

const options = {
  config: { type: "string", short: "c" },
  test: { type: "boolean", short: "t" },
  dump: { type: "boolean", short: "T" },
  prefix: { type: "string", short: "p" },
  global: { type: "string", short: "g" },
  "error-log": { type: "string", short: "e" },
  signal: { type: "string", short: "s" },
  "keep-going": { type: "boolean" },
  version: { type: "boolean", short: "v" },
  Version: { type: "boolean", short: "V" },
  help: { type: "boolean", short: "h" },
} as const;

const SIGNALS: readonly string[] = ["stop", "quit", "reload", "reopen"];

/** @param args without the program's own name. A string: what is wrong with them. */
export function parseCommandLine(args: string[]): CommandLine | string {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true, strict: true });
    const files = [...positionals, ...(values.config === undefined ? [] : [values.config])];
    if (files.length > 1) return `more than one configuration: ${files.join(", ")}`;
    const { signal } = values;
    if (signal !== undefined && !SIGNALS.includes(signal)) {
      return `invalid signal "${signal}": one of ${SIGNALS.join(", ")} is expected`;
    }
    return {
      config: files[0] ?? "conf/default.conf",
      prefix: values.prefix,
      globalText: values.global,
      errorLog: values["error-log"],
      signal: signal as SignalName | undefined,
      test: values.test === true || values.dump === true,
      dump: values.dump === true,
      keepGoing: values["keep-going"] === true,
      version: values.version === true || values.Version === true,
      help: values.help === true,
    };
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
  }
}
