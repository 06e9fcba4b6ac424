/** Loads a configuration file: makes a Config and collects everything that is wrong with it. */
import type { Kernel } from "../../ffi/kernel.ts";
import { Addresses } from "./addresses.ts";
import { apply } from "./apply.ts";
import { Builder, defaultSettings } from "./build.ts";
import { checkBuffers } from "./checks/buffers.ts";
import { checkEffects } from "./checks/effects.ts";
import { checkExposure } from "./checks/exposure.ts";
import { checkPrograms } from "./checks/programs.ts";
import { checkPromises } from "./checks/promises.ts";
import { checkSessions } from "./checks/sessions.ts";
import { tlsRules } from "./checks/tls.ts";
import type { LookUp } from "./directives/gateway/draft.ts";
import { errorLog } from "./directives/logs/error-log.ts";
import { fileTarget } from "./directives/logs/targets.ts";
import { isDirective } from "./directives.ts";
import type { FileKernel } from "./files.ts";
import { Sources } from "./files.ts";
import type { Config, VirtualServer } from "./model.ts";
import type { Position } from "./parts.ts";
import { collapse, folderOf, join } from "./paths.ts";
import type { ServerDraft } from "./scope.ts";
import { Draft, Scope } from "./scope.ts";
import type { ErrorLog } from "./settings/logs.ts";
import type { Diagnostic } from "./text/diagnostics.ts";
import { Diagnostics, formatDiagnostic } from "./text/diagnostics.ts";
import type { Origins } from "./text/origins.ts";
import type { Directive } from "./text/parser.ts";
import { parse } from "./text/parser.ts";
import { type DeclaredVariable, Variables } from "./variables.ts";

export { formatDiagnostic } from "./text/diagnostics.ts";

export interface LoadOptions {
  readonly kernel: Kernel | FileKernel;
  /** The variables that the server provides; templates may use these and the groups of expressions. */
  readonly variables: readonly DeclaredVariable[];
  /** The main file as the user named it; messages show this name. */
  readonly file: string;
  /** The base of relative paths; by default the parent of the file's folder. */
  readonly prefix?: string | undefined;
  /** `-g`: directives inserted before those of the file. */
  readonly globalText?: string | undefined;
  /** `-e`: the error log if the configuration names none. */
  readonly errorLog?: string | undefined;
  /** PATH, where programs are looked up; by default the system's usual folders. */
  readonly searchPath?: string | undefined;
  /** Looks up a name in `*_pass` and `upstream` (waits for the answer): numeric addresses, IPv4 first, or why there are none. Without it only `localhost` is known. */
  readonly lookUp?: LookUp | undefined;
  /** `--keep-going`: leave servers with errors out instead of refusing to start. */
  readonly keepGoing?: boolean | undefined;
}

export interface Loaded {
  /** null: there are errors (with `keepGoing`: errors outside of all servers, or in every server). */
  readonly config: Config | null;
  /** Sorted by position. */
  readonly diagnostics: readonly Diagnostic[];
  /** Every file read, in order, without repeats. */
  readonly files: readonly { readonly name: string; readonly text: string }[];
  /** Where the parts of the configuration come from. */
  readonly origins: Origins;
}

/** The name of `-g`'s text in messages. */
const GLOBAL = "-g";

/** Reads, checks and builds a configuration. Never throws because of its content. */
export function loadConfig(options: LoadOptions): Loaded {
  const diagnostics = new Diagnostics();
  const sources = new Sources(options.kernel, options.file, options.searchPath);
  const folder = sources.workingFolder();
  const prefix = prefixOf(options, folder);
  const draft = new Draft(diagnostics, sources, prefix, new Variables(options.variables), options.lookUp);
  const main = new Scope("main", draft, null);
  apply(readTree(options, sources, diagnostics), main);
  draft.finish();
  checkEffects(draft);
  checkBuffers(draft);
  checkExposure(draft);
  checkPrograms(draft);
  checkSessions(draft);
  checkPromises(draft);
  const config = diagnostics.fatal ? null : build(options, main, draft);
  const order = [GLOBAL, ...sources.files.map(({ name }) => name)];
  return { config, diagnostics: diagnostics.sorted(order), files: sources.files, origins: draft.origins };
}

/** All messages as text, one line each. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((diagnostic) => `${formatDiagnostic(diagnostic)}\n`).join("");
}

/** The configuration as `-T` prints it: every file under its name, in nginx's form. */
export function dumpFiles(files: Loaded["files"]): string {
  return files
    .map(({ name, text }) => `# configuration file ${name}:\n${text.endsWith("\n") ? text : `${text}\n`}`)
    .join("\n");
}

/** The prefix, made absolute if the working folder is known. */
function prefixOf({ file, prefix }: LoadOptions, folder: string): string {
  const absolute = (path: string): string =>
    path.startsWith("/") || folder !== "" ? collapse(join(folder, path)) : path;
  return prefix === undefined ? folderOf(folderOf(absolute(file))) || "/" : absolute(prefix);
}

function readTree({ file, globalText }: LoadOptions, sources: Sources, diagnostics: Diagnostics): Directive[] {
  const context = { diagnostics, sources, isDirective };
  const first = globalText === undefined ? [] : parse(globalText, GLOBAL, context);
  const text = sources.read(file);
  if (text.error !== null) {
    diagnostics.error(text.at ?? { file, line: 0, column: 0 }, text.error);
    return first;
  }
  return [...first, ...parse(text.text, file, context)];
}

const start = (file: string): Position => ({ file, line: 1, column: 1 });

/** The Config of all servers; with `keepGoing`, of those without errors. Null after errors that prevent a start. */
function build(options: LoadOptions, main: Scope, draft: Draft): Config | null {
  const { diagnostics } = draft;
  const { file, errorLog: fromCommand, keepGoing = false } = options;
  if (draft.servers.length === 0) {
    // As in nginx, a file of comments alone is valid, but serves nothing.
    if (!diagnostics.hasErrors) diagnostics.warning(start(file), 'no "server" block is configured: nothing is served');
  }
  const addresses = new Addresses(diagnostics, draft.sources);
  for (const server of draft.servers) if (!(keepGoing && server.broken)) addresses.add(server);
  const kept = draft.servers.filter((server) => !server.broken);
  if (diagnostics.hasErrors && !(keepGoing && kept.length > 0)) return null;
  for (const { broken, position } of draft.servers) {
    if (broken) diagnostics.warning(position, "this server is left out: it has errors");
  }
  const defaults = defaultSettings(draft);
  const log = fromCommand === undefined ? defaults.errorLog : givenLog(fromCommand, draft);
  const builder = new Builder({ ...defaults, errorLog: log });
  const made = new Map<ServerDraft, VirtualServer>(kept.map((server) => [server, builder.server(server)]));
  const tls = tlsRules(addresses.merged(made), draft.sources, diagnostics, (server) => {
    for (const [one, other] of made) if (other === server) made.delete(one);
  });
  if (diagnostics.hasErrors && !(keepGoing && made.size > 0)) return null;
  return {
    file,
    prefix: draft.prefix,
    pidFile: draft.pidFile,
    workerConnections: draft.workerConnections,
    eager: draft.eager,
    workerRlimitNofile: draft.workerRlimitNofile,
    shutdownTimeout: draft.shutdownTimeout,
    errorLog: builder.settings(main).errorLog,
    addresses: addresses.merged(made),
    servers: [...made.values()],
    upstreams: draft.gateway.groups,
    caches: draft.gateway.caches,
    tables: draft.tables,
    assigned: draft.variables.assigned,
    usedVariables: draft.variables.used,
    limitZones: [...draft.limits.defined.values()],
    tls,
  };
}

/** The error log given by `-e`. */
function givenLog(file: string, { prefix }: Draft): ErrorLog {
  const position = { file: "-e", line: 0, column: 0 };
  return errorLog([{ target: fileTarget(file, prefix), level: "error", position }]);
}
