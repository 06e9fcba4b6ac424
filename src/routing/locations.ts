/**
 * Finds the location of a path with nginx's algorithm (ngx_http_core_find_location), nested locations included. The server uses
 * it for each request, and the configuration's checks use it on drafts, so the rules exist only once.
 */
import type { Location } from "../config/model.ts";
import { octets } from "../http/octets.ts";
import { SureRegex } from "./sure-regex.ts";

/** The properties of a location that the search uses. */
interface LocationLike<L> extends Pick<Location, "modifier" | "pattern" | "regex"> {
  /** Nested locations, in the order written. */
  readonly locations: readonly L[];
}

/** The route of a path. `captures` are the groups of the regular expression that matched, as octets, if one did. */
export interface RouteMatch<R> {
  readonly route: R;
  readonly captures: RegExpExecArray | null;
  /** It is unknown whether the location's expression matches (see SureRegex). The expression may be meant to refuse the path, so it is not skipped. */
  readonly undecided?: true;
}

/** A match. If it is final, the expressions beside the enclosing location are not tried. */
interface Found<R> {
  readonly match: RouteMatch<R>;
  readonly endsSearch: boolean;
}

interface Prefix<R> {
  readonly pattern: string;
  readonly found: Found<R>;
  /** `^~`: no expression beside it is tried. */
  readonly isFinal: boolean;
  readonly inner: Locations<R>;
}

/** The locations of one level (of a server, or nested in one location), mapped to their routes. */
export class Locations<R> {
  private readonly exact = new Map<string, Found<R>>();
  /** Longest prefix first. */
  private readonly prefixes: Prefix<R>[] = [];
  private readonly regexes: { readonly regex: SureRegex; readonly route: R; readonly inner: Locations<R> }[] = [];
  private readonly routes: { readonly route: R; readonly inner: Locations<R> }[] = [];

  /** @param make gives the route of a location; called once for each, except for named ones (`@`), which no path reaches */
  static of<L extends LocationLike<L>, R>(locations: readonly L[], make: (location: L) => R): Locations<R> {
    const level = new Locations<R>();
    for (const location of locations) {
      if (location.modifier !== "@") level.add(location, make(location), Locations.of(location.locations, make));
    }
    level.prefixes.sort((a, b) => b.pattern.length - a.pattern.length);
    return level;
  }

  /** All routes that a path can lead to. */
  *all(): Iterable<R> {
    for (const { route, inner } of this.routes) {
      yield route;
      yield* inner.all();
    }
  }

  /** The match for a decoded, normalised path; null: no location matches. */
  find(path: string): RouteMatch<R> | null {
    return this.search(path)?.match ?? null;
  }

  private add({ modifier, pattern, regex }: LocationLike<unknown>, route: R, inner: Locations<R>): void {
    this.routes.push({ route, inner });
    const found = { match: { route, captures: null }, endsSearch: modifier === "=" };
    if (regex !== null) this.regexes.push({ regex: new SureRegex(regex), route, inner });
    else if (modifier === "=") this.exact.set(pattern, found);
    else this.prefixes.push({ pattern, found, isFinal: modifier === "^~", inner });
  }

  private search(path: string): Found<R> | null {
    const exact = this.exact.get(path);
    if (exact !== undefined) return exact;
    const prefix = this.longestPrefix(path);
    // Regular expressions nested in the prefix location are tried before those beside it.
    const nested = prefix === null ? null : prefix.inner.search(path);
    if (nested?.endsSearch) return nested;
    if (prefix === null || !prefix.isFinal) {
      const match = this.findRegex(path);
      if (match !== null) return { match, endsSearch: true };
    }
    return nested ?? prefix?.found ?? null;
  }

  private longestPrefix(path: string): Prefix<R> | null {
    for (const prefix of this.prefixes) if (path.startsWith(prefix.pattern)) return prefix;
    return null;
  }

  private findRegex(path: string): RouteMatch<R> | null {
    if (this.regexes.length === 0) return null;
    const text = octets(path);
    for (const { regex, route, inner } of this.regexes) {
      const captures = regex.exec(text);
      if (captures === null) continue;
      if (captures === undefined) return { route, captures: null, undecided: true };
      const nested = inner.find(path);
      if (nested?.undecided) return nested;
      return { route: nested?.route ?? route, captures: nested?.captures ?? captures };
    }
    return null;
  }
}
