/**
 * Which variables there are. The server declares its own (exchange/variables.ts has a row for each), and main passes the rows in:
 * the configuration may not import what computes them. The expressions of a configuration add the names of their groups.
 */

/** A variable as the configuration knows it. */
export interface DeclaredVariable {
  /** Without its `$`. */
  readonly name: string;
  /** The name goes on: `http_` stands for `$http_user_agent` and all others. */
  readonly isFamily: boolean;
  /** What it stands for, a phrase for the reference. */
  readonly help: string;
}

/** The names that templates of one configuration may use. */
export class Variables {
  private readonly fixed: readonly string[];
  private readonly families: readonly string[];
  private readonly defined = new Set<string>();

  constructor(declared: readonly DeclaredVariable[]) {
    const names = (isFamily: boolean) => declared.filter((one) => one.isFamily === isFamily).map(({ name }) => name);
    this.fixed = names(false);
    this.families = names(true);
  }

  /** Adds a name that the configuration itself gives a value: a named group, which in nginx is a variable everywhere. */
  define(name: string): void {
    this.defined.add(name);
  }

  /** Whether a name has a value: a declared or defined one, a family's member, or a group's number. */
  has(name: string): boolean {
    return (
      /^[1-9]$/.test(name) ||
      this.fixed.includes(name) ||
      this.defined.has(name) ||
      this.families.some((family) => name.startsWith(family) && name.length > family.length)
    );
  }

  /** The names that a misspelt one may have meant. */
  get names(): readonly string[] {
    return [...this.fixed, ...this.defined];
  }
}
