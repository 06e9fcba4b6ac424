/** Applies defaults and inheritance: makes Settings of scopes, and servers and locations of drafts. */
import { BUILT_IN_TYPES } from "../http/mime.ts";
import { DIFFERENCES } from "./directives/core/differences.ts";
import { BARE_GROUPS, inheritGroups } from "./directives/gateway/families.ts";
import { withRedirects } from "./directives/gateway/redirect.ts";
import { DIRECTIVES, isDirective } from "./directives.ts";
import type { Location, Settings, VirtualServer } from "./model.ts";
import type { LocationDraft, ServerDraft } from "./scope.ts";
import { Draft, Scope } from "./scope.ts";
import { Diagnostics } from "./text/diagnostics.ts";
import { parse } from "./text/parser.ts";

/** Values of settings whose default cannot be written as text. */
const BARE: Partial<Settings> = {
  alias: null,
  aliasPrefix: null,
  tryFiles: null,
  internal: false,
  allowedMethods: null,
  limitExcept: null,
  authUserFile: null,
  access: [],
  return: null,
  errorPages: [],
  realIpFrom: [],
  clientBodyTempPath: null,
  types: BUILT_IN_TYPES,
  sourceCharset: null,
  charsetMaps: [],
  subFilters: [],
  addBeforeBody: "",
  addAfterBody: "",
  addTrailers: [],
  gzipDisable: [],
  addHeaders: [],
  expires: null,
  sessionApi: false,
  accessLogs: [],
  limitedLogs: null,
  cgi: [],
  cgiMethods: null,
  cgiParams: [],
  cgiPassEnv: [],
  rewrite: [],
  pass: null,
  limitedPass: null,
  resolver: null,
  authRequestSet: [],
  mirror: [],
  stubStatus: false,
  limitReq: [],
  limitConn: [],
  davLock: null,
  validReferers: null,
  sslCertificate: [],
  sslCertificateKey: [],
  sslPasswordFile: null,
  sslSessionTicketKey: [],
  sslClientCertificate: null,
  sslTrustedCertificate: null,
  sslCrl: null,
  sslConfCommand: [],
  secureLink: null,
  secureLinkMd5: null,
  secureLinkSecret: null,
  useridService: null,
  emptyGif: false,
};

/** Settings that blocks do not inherit. */
const NOT_INHERITED: Partial<Settings> = {
  limitedLogs: null,
  tryFiles: null,
  limitExcept: null,
  return: null,
  rewrite: [],
  pass: null,
  limitedPass: null,
  stubStatus: false,
  emptyGif: false,
};

/** The settings of an empty configuration: the defaults of the table, parsed like any text. */
export function defaultSettings({ sources, prefix, variables, gateway, isCompatible }: Draft): Settings {
  const diagnostics = new Diagnostics();
  const scope = new Scope("http", new Draft(diagnostics, sources, prefix, variables, gateway.lookUp), null);
  const lines = [...DIRECTIVES.values()]
    .filter((row) => row.default !== null)
    .map((row) => `${row.name} ${row.default};`);
  if (isCompatible) lines.push(...DIFFERENCES.map(({ nginx }) => nginx));
  for (const directive of parse(lines.join("\n"), "defaults", { diagnostics, sources, isDirective })) {
    DIRECTIVES.get(directive.name)!.apply(scope, directive);
  }
  if (diagnostics.hasErrors) throw new Error(diagnostics.list[0]!.message);
  return { ...BARE, ...scope.own, ...inheritGroups(BARE_GROUPS, scope.own) } as Settings;
}

/** Makes the immutable parts of one configuration; location ids count up over the whole of it. */
export class Builder {
  private readonly known = new Map<Scope, Settings>();
  private nextId = 0;

  constructor(private readonly defaults: Settings) {}

  /** A block's settings: its own, else those of the blocks around it. */
  settings(scope: Scope): Settings {
    const known = this.known.get(scope);
    if (known !== undefined) return known;
    const outer = scope.parent === null ? this.defaults : this.settings(scope.parent);
    const replaced = scope.own.root === undefined ? {} : { alias: null, aliasPrefix: null };
    const settings = { ...outer, ...NOT_INHERITED, ...replaced, ...scope.own, ...inheritGroups(outer, scope.own) };
    this.known.set(scope, settings);
    return settings;
  }

  server({ scope, names, position }: ServerDraft): VirtualServer {
    return {
      name: shownName(names[0]?.word.text ?? ""),
      names: names.flatMap((given) => given.names),
      scope: this.location({ scope, locations: [], modifier: "", pattern: "", regex: null, position }, []),
      locations: this.level(scope.locations),
      position,
    };
  }

  /** The locations of one level, each with those nested in it, and `= /path` where `/path/` is passed on. */
  private level(drafts: readonly LocationDraft[]): Location[] {
    const missing = drafts.filter((draft) => lacksSlashless(draft, drafts));
    return [
      ...drafts.map((draft) => this.location(draft, this.level(draft.locations))),
      ...missing.map((draft) => this.slashless(draft)),
    ];
  }

  /** As in nginx, what is passed on at `/path/` is redirected there from `/path`. */
  private slashless({ scope, pattern, position }: LocationDraft): Location {
    const text = { text: pattern, parts: [pattern, { variable: "is_args" }, { variable: "args" }], constant: null };
    const settings = {
      ...this.settings(scope),
      ...NOT_INHERITED,
      return: { status: 301, text },
    };
    const exact = { modifier: "=", pattern: pattern.slice(0, -1), regex: null } as const;
    return madeOf(scope, { id: this.nextId++, ...exact, settings, locations: [], conditions: [], position });
  }

  private location({ scope, modifier, pattern, regex, position }: LocationDraft, locations: Location[]): Location {
    const settings = withRedirects(this.settings(scope));
    const conditions = scope.conditions.map((inner) => this.condition(inner, { modifier, pattern, regex, position }));
    const id = this.nextId++;
    return madeOf(scope, { id, modifier, pattern, regex, settings, locations, conditions, position });
  }

  /** An `if`, which as in nginx also inherits who answers. Its steps are part of the program around it. */
  private condition(scope: Scope, place: Pick<Location, "modifier" | "pattern" | "regex" | "position">): Location {
    const { pass, stubStatus, emptyGif } = this.settings(scope.parent!);
    const settings = { ...this.settings(scope), rewrite: [] };
    const answering = { pass: scope.own.pass ?? pass, stubStatus, emptyGif };
    const whole = withRedirects({ ...settings, ...answering });
    return madeOf(scope, { id: this.nextId++, ...place, settings: whole, locations: [], conditions: [] });
  }
}

function madeOf(scope: Scope, location: Location): Location {
  scope.draft.origins.setBlock(location, scope);
  return location;
}

/** Whether `/path/` is passed on, and no location beside it is for `/path`. */
function lacksSlashless({ modifier, pattern, scope }: LocationDraft, beside: readonly LocationDraft[]): boolean {
  if (!scope.own.pass || !["", "^~"].includes(modifier) || !/.\/$/.test(pattern)) return false;
  return !beside.some((other) => other.pattern === pattern.slice(0, -1) && ["", "^~", "="].includes(other.modifier));
}

/** $server_name, as in nginx. */
const shownName = (first: string): string => (first.startsWith("~") ? first : first.toLowerCase().replace(/^\./, ""));
