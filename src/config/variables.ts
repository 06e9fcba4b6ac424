/**
 * The variables that exist. The server declares its own (exchange/variables/ has a row for each), and main passes them in,
 * because the configuration may not import what computes them. Named groups of the configuration's expressions are added.
 */

/** A variable, as far as the configuration needs it. */
export interface DeclaredVariable {
  /** Without its `$`. */
  readonly name: string;
  /** The name is a prefix: `http_` means `$http_user_agent` and all others. */
  readonly isFamily: boolean;
  /** Its meaning, as a phrase for the reference. */
  readonly help: string;
}

/** The server's own variables that a configuration may define, as in nginx. */
const CHANGEABLE: readonly string[] = ["args", "limit_rate", "uid_reset", "proxy_host", "proxy_port"];

/** The variables that templates of one configuration may use. */
export class Variables {
  private readonly fixed: readonly string[];
  private readonly families: readonly string[];
  private readonly defined = new Set<string>();
  private readonly given = new Set<string>();
  /** The names that templates of the configuration have. */
  readonly used = new Set<string>();

  constructor(declared: readonly DeclaredVariable[]) {
    const names = (isFamily: boolean) => declared.filter((one) => one.isFamily === isFamily).map(({ name }) => name);
    this.fixed = names(false);
    this.families = names(true);
  }

  /** Adds a name that the configuration itself defines: a named group, which in nginx is a variable everywhere. */
  define(name: string): void {
    this.defined.add(name);
  }

  /** Adds a name that `set` gives values. */
  assign(name: string): void {
    this.given.add(name);
  }

  /** The names that `set` gives values; true: nothing else does. */
  get assigned(): ReadonlyMap<string, boolean> {
    return new Map([...this.given].map((name) => [name, !this.defined.has(name)]));
  }

  /** Whether the server provides a variable of exactly this name, which the configuration cannot define. */
  isFixed(name: string): boolean {
    return this.fixed.includes(name) && !CHANGEABLE.includes(name);
  }

  /** Whether a variable exists: declared, defined, a member of a family, or a group's number. */
  has(name: string): boolean {
    return (
      /^[1-9]$/.test(name) ||
      this.fixed.includes(name) ||
      this.defined.has(name) ||
      this.given.has(name) ||
      this.families.some((family) => name.startsWith(family) && name.length > family.length)
    );
  }

  /** Names to suggest for a misspelt one. */
  get names(): readonly string[] {
    return [...this.fixed, ...this.defined, ...this.given];
  }
}
