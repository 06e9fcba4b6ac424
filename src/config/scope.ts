/** The directives of each block while a configuration is read; build.ts makes Settings from them. */

import { Locations } from "../routing/locations.ts";
import { LockZonesDraft } from "./directives/dav/draft.ts";
import { GatewayDraft, type LookUp, type UpstreamDraft } from "./directives/gateway/draft.ts";
import { LimitZonesDraft } from "./directives/limits/draft.ts";
import type { Sources } from "./files.ts";
import type { CacheSettings, Family } from "./gateway.ts";
import type { Location, ServerName, Settings } from "./model.ts";
import type { Position, Template } from "./parts.ts";
import type { LogBuffer, LogFormat } from "./settings/logs.ts";
import type { VariableTable } from "./tables/tables.ts";
import type { Diagnostics } from "./text/diagnostics.ts";
import { elsewhere, quote } from "./text/diagnostics.ts";
import { Origins } from "./text/origins.ts";
import type { Directive, Word } from "./text/parser.ts";
import { suggestion } from "./text/suggest.ts";
import type { ListenOptions } from "./values/listen.ts";
import { groupNames } from "./values/regex.ts";
import { compileTemplate, variablesOf } from "./values/template.ts";
import type { Variables } from "./variables.ts";

/** The kinds of blocks. "http" is also the top level of a file without `http { }`; "if" is that of a server. */
export type Context =
  | "main"
  | "events"
  | "http"
  | "server"
  | "location"
  | "limit_except"
  | "if"
  | "if in location"
  | "types"
  | "table"
  | "upstream";

/** The settings that are groups, of which a block inherits what it does not set itself. */
export type Group = Family | "proxyOnly" | "fastcgiOnly" | "uwsgiOnly" | "scgiOnly";

/** The part of a group that a block sets. */
export type GroupOwn<T> = {
  -readonly [K in keyof T]?: K extends "cache" ? GroupOwn<CacheSettings> : K extends "tls" ? Partial<T[K]> : T[K];
};

/** The settings written in the block itself. */
export type Own = { -readonly [K in keyof Settings]?: K extends Group ? GroupOwn<Settings[K]> : Settings[K] };

/** A `listen` as written. */
export interface Listen {
  readonly options: ListenOptions;
  readonly word: Word;
}

/** A `server` block while it is read. */
export interface ServerDraft {
  readonly scope: Scope;
  readonly position: Position;
  readonly listens: Listen[];
  readonly names: { readonly word: Word; readonly names: readonly ServerName[] }[];
  /** All of its addresses are with TLS (`ssl on`). */
  overTls: boolean;
  /** An error was found in it. */
  broken: boolean;
}

/** A `location` block while it is read. */
export interface LocationDraft {
  readonly scope: Scope;
  /** The nested locations; the same as `scope.locations`, under the name that routing uses. */
  readonly locations: readonly LocationDraft[];
  readonly modifier: Location["modifier"];
  readonly pattern: string;
  readonly regex: RegExp | null;
  readonly position: Position;
}

/** What all blocks of one configuration share. */
export class Draft {
  readonly servers: ServerDraft[] = [];
  /** From `log_format`, each with its position. */
  readonly formats = new Map<string, { readonly format: LogFormat; readonly position: Position }>();
  /** `map` and its like, by the names of their variables. */
  readonly tables = new Map<string, VariableTable>();
  /** How access logs are buffered, by their files. */
  readonly logBuffers = new Map<string, LogBuffer>();
  pidFile: string | null = null;
  workerConnections: number | null = null;
  eager = true;
  /** `compat nginx`: the defaults are nginx's. */
  isCompatible = false;
  workerRlimitNofile: number | null = null;
  shutdownTimeout = 0;
  readonly gateway: GatewayDraft;
  readonly origins = new Origins();
  readonly limits = new LimitZonesDraft();
  readonly lockZones = new LockZonesDraft();
  private readonly checks: (() => void)[] = [];
  private readonly routes = new Map<ServerDraft, Locations<Scope>>();

  constructor(
    readonly diagnostics: Diagnostics,
    readonly sources: Sources,
    readonly prefix: string,
    readonly variables: Variables,
    lookUp?: LookUp,
  ) {
    this.gateway = new GatewayDraft(lookUp);
  }

  /** Runs `check` when everything has been read, for names that may be defined further down. */
  later(check: () => void): void {
    this.checks.push(check);
  }

  finish(): void {
    for (const check of this.checks) check();
  }

  /** Every block with settings, outer ones first. */
  scopes(): Scope[] {
    const found = new Set<Scope>();
    const add = (scope: Scope): void => {
      if (scope.parent !== null && !found.has(scope.parent)) add(scope.parent);
      found.add(scope);
      for (const inner of scope.locations) add(inner.scope);
      for (const inner of scope.conditions) add(inner);
    };
    for (const { scope } of this.servers) add(scope);
    return [...found];
  }

  /** The block of a server that will answer for a decoded, normalised path. For checks that run when every location has been read. */
  blockOf(server: ServerDraft, path: string): Scope {
    let routes = this.routes.get(server);
    if (routes === undefined) {
      routes = Locations.of(server.scope.locations, ({ scope }) => scope);
      this.routes.set(server, routes);
    }
    return routes.find(path)?.route ?? server.scope;
  }

  /** Defines the variables that an expression's named groups are. One that is refused is told once, not again for each use of its groups. */
  addGroups(source: string): void {
    for (const name of groupNames(source)) this.variables.define(name);
  }
}

export class Scope {
  readonly own: Own = {};
  /** The directives of the block that were taken, in order. */
  readonly given: Directive[] = [];
  /** Where each directive occurred first. */
  readonly seen = new Map<string, Position>();
  readonly locations: LocationDraft[] = [];
  /** The `if` blocks of a location, in the order written. */
  readonly conditions: Scope[] = [];
  /** The enclosing server; set right after a server's scope is made. */
  server: ServerDraft | null;
  /** The enclosing location; set likewise. */
  location: LocationDraft | null;
  /** The `upstream` block that this is. */
  upstream: UpstreamDraft | null = null;

  constructor(
    readonly context: Context,
    readonly draft: Draft,
    readonly parent: Scope | null,
  ) {
    this.server = parent?.server ?? null;
    this.location = parent?.location ?? null;
  }

  /** The block whose value of a setting applies here: this one or the nearest enclosing one that sets it; undefined: none does. */
  stating(key: keyof Settings): Scope | undefined {
    return this.own[key] === undefined ? this.parent?.stating(key) : this;
  }

  /** The value of an inherited setting here; undefined: the default applies. */
  setting<K extends Exclude<keyof Settings, Group>>(key: K): Settings[K] | undefined {
    return this.stating(key)?.own[key] as Settings[K] | undefined;
  }

  /** What the block itself sets of a group, for directives to add to. */
  ownGroup<K extends Group>(key: K): GroupOwn<Settings[K]> {
    return (this.own[key] ??= {} as Own[K]) as GroupOwn<Settings[K]>;
  }

  /** Whether this is the block `outer`, or lies in it. */
  isWithin(outer: Scope): boolean {
    return this === outer || (this.parent?.isWithin(outer) ?? false);
  }

  /** The value of an inherited setting of a group here; undefined: the default applies. */
  groupSetting<K extends Group, N extends keyof GroupOwn<Settings[K]>>(
    key: K,
    name: N,
  ): GroupOwn<Settings[K]>[N] | undefined {
    const group = this.own[key] as GroupOwn<Settings[K]> | undefined;
    return group?.[name] === undefined ? this.parent?.groupSetting(key, name) : group[name];
  }

  error(position: Position, message: string): void {
    this.draft.diagnostics.error(position, message, this.server !== null);
    if (this.server !== null) this.server.broken = true;
  }

  warning(position: Position, message: string): void {
    this.draft.diagnostics.warning(position, message);
  }

  /** Reports an error and gives false when the directive occurred in this block before. */
  once({ name, position }: Pick<Directive, "name" | "position">): boolean {
    const first = this.seen.get(name);
    if (first === undefined) {
      this.seen.set(name, position);
      return true;
    }
    this.error(position, `duplicate directive "${name}" (first on ${elsewhere(first, position)})`);
    return false;
  }

  /** The template of a word; null after an error. Unknown variables are reported when everything has been read. */
  template(word: Word): Template | null {
    const compiled = compileTemplate(word.text);
    if (typeof compiled === "string") {
      this.error(word.position, `${compiled} in ${quote(word.text)}`);
      return null;
    }
    return this.checked(compiled, word.position);
  }

  /** The variable whose name is a whole word without its `$`, a "-" included: `if` reads `$arg_a-b` like this. */
  variable({ text, position }: Word): Template {
    return this.checked({ text, parts: [{ variable: text.slice(1) }], constant: null }, position);
  }

  private checked(compiled: Template, position: Position): Template {
    const names = variablesOf(compiled);
    for (const name of names) this.draft.variables.used.add(name);
    if (names.length > 0) this.draft.later(() => this.checkVariables(names, position));
    return compiled;
  }

  private checkVariables(names: readonly string[], position: Position): void {
    const { variables } = this.draft;
    for (const name of names) {
      if (variables.has(name)) continue;
      this.error(position, `unknown variable "$${name}"${suggestion(name, variables.names, "$")}`);
    }
  }
}

/** The settings that are lists; repeating the directive in one block adds to them. */
type ListKey =
  | "access"
  | "accessLogs"
  | "addHeaders"
  | "cgi"
  | "cgiParams"
  | "cgiPassEnv"
  | "errorPages"
  | "gzipDisable"
  | "index"
  | "limitConn"
  | "limitReq"
  | "realIpFrom"
  | "sslCertificate"
  | "sslCertificateKey"
  | "sslConfCommand"
  | "sslSessionTicketKey";

/** Adds to a list of the block. The first item replaces an inherited list, as in nginx. */
export function append<K extends ListKey>(scope: Scope, key: K, item: Settings[K][number]): void {
  const lists: Record<string, unknown> = scope.own;
  const list = (lists[key] ??= []) as Settings[K][number][];
  list.push(item);
}
