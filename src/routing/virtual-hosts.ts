/** Finds the server of a host name, in nginx's order (ngx_http_core_module, "Server names"). */
import type { ServerName } from "../config/model.ts";
import { SureRegex } from "./sure-regex.ts";

/** The server of a name; `captures` are the groups of its regular expression. */
interface HostMatch<T> {
  readonly server: T;
  readonly captures: RegExpExecArray | null;
  /** It is unknown whether an expression matches (see SureRegex); the default server is used instead. */
  readonly undecided?: true;
}

interface Pattern<T> {
  readonly text: string;
  readonly match: HostMatch<T>;
}

const longestFirst = (a: Pattern<unknown>, b: Pattern<unknown>): number => b.text.length - a.text.length;

/** The servers of one address by name. */
export class VirtualHosts<T extends { readonly names: readonly ServerName[] }> {
  private readonly exact = new Map<string, HostMatch<T>>();
  private readonly leading: Pattern<T>[] = [];
  private readonly trailing: Pattern<T>[] = [];
  private readonly regexes: { readonly regex: SureRegex; readonly server: T }[] = [];
  /** The default server. */
  readonly fallback: HostMatch<T>;
  /** Whether every name leads to the same server. */
  readonly single: boolean;

  /** @param servers in configuration order, the default server among them */
  constructor(servers: readonly T[], defaultServer: T) {
    this.fallback = { server: defaultServer, captures: null };
    for (const server of servers) for (const name of server.names) this.add(name, server);
    this.leading.sort(longestFirst);
    this.trailing.sort(longestFirst);
    this.single = servers.length === 1 && this.regexes.length === 0;
  }

  private add(name: ServerName, server: T): void {
    const match = { server, captures: null };
    if (name.kind === "exact") {
      if (!this.exact.has(name.text)) this.exact.set(name.text, match);
    } else if (name.kind === "regex") this.regexes.push({ regex: new SureRegex(name.regex!), server });
    else this[name.kind].push({ text: name.text, match });
  }

  /** The server for a host (small letters, no port, no final dot; "" for a request without Host). */
  find(host: string): HostMatch<T> {
    if (this.single) return this.fallback;
    return this.exact.get(host) ?? this.findPattern(host) ?? this.fallback;
  }

  private findPattern(host: string): HostMatch<T> | null {
    for (const { text, match } of this.leading) if (host.length > text.length && host.endsWith(text)) return match;
    for (const { text, match } of this.trailing) if (host.length > text.length && host.startsWith(text)) return match;
    for (const { regex, server } of this.regexes) {
      const captures = regex.exec(host);
      if (captures === undefined) return { ...this.fallback, undecided: true };
      if (captures !== null) return { server, captures };
    }
    return null;
  }
}
