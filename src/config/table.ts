/** The form of the directive table: one row per directive, shared by the parser, the messages and the reference. */

import type { Context, Own, Scope } from "./scope.ts";
import { quote } from "./text/diagnostics.ts";
import type { Directive, Word } from "./text/parser.ts";
import type { Parameter, Wrong } from "./values/arguments.ts";
import { WRONG } from "./values/arguments.ts";

/** The types of the values that a row's parameters give. */
type Values<P extends readonly Parameter<unknown>[]> = {
  -readonly [I in keyof P]: P[I] extends Parameter<infer T> ? T : never;
};

/** The part of a row that is written by hand. */
interface Definition<P extends readonly Parameter<unknown>[]> {
  readonly in: readonly Context[];
  readonly takes: P;
  /** The arguments that apply when the directive is not written; parsed at start like any others. null: no default. */
  readonly default: string | null;
  /** Shown in the reference instead of a default that cannot be written as arguments. */
  readonly shownDefault?: string;
  /** Shown in the reference instead of the parameters. */
  readonly syntax?: string;
  /** Why it makes no difference, if it is accepted for nginx's files alone. */
  readonly idle?: string;
  /** One line for the reference. */
  readonly help: string;
  /** Whether it may occur in a block more than once. */
  readonly repeats?: boolean;
  readonly set: (scope: Scope, values: Values<P>, directive: Directive) => void;
}

export interface Row {
  readonly name: string;
  readonly in: readonly Context[];
  readonly default: string | null;
  readonly shownDefault: string;
  /** The arguments as the reference shows them. */
  readonly syntax: string;
  readonly help: string;
  /** Why it makes no difference; null: it makes one. */
  readonly idle: string | null;
  readonly repeats: boolean;
  /** The kind of block it opens; null: it ends with `;`. */
  readonly block: Context | null;
  /** Checks and applies the arguments. Gives the scope of its block; null: it has none, or reads the block itself. */
  apply(scope: Scope, directive: Directive): Scope | null;
}

/** A directive that ends with `;`. */
export function directive<const P extends readonly Parameter<unknown>[]>(name: string, row: Definition<P>): Row {
  return {
    ...presentation(name, row),
    block: null,
    apply(scope, given) {
      const values = readArguments(row.takes, given, scope);
      if (values !== WRONG) row.set(scope, values as Values<P>, given);
      return null;
    },
  };
}

/** A directive with a block. `open` gives the scope for the block's directives, or null if it has read them itself. */
export function block<const P extends readonly Parameter<unknown>[]>(
  name: string,
  opens: Context,
  row: Omit<Definition<P>, "set" | "default"> & {
    readonly open: (scope: Scope, values: Values<P>, directive: Directive) => Scope | null;
  },
): Row {
  return {
    ...presentation(name, { ...row, default: null }),
    block: opens,
    apply(scope, given) {
      const values = readArguments(row.takes, given, scope);
      return values === WRONG ? null : row.open(scope, values as Values<P>, given);
    },
  };
}

function presentation(name: string, row: Omit<Definition<readonly Parameter<unknown>[]>, "set">) {
  return {
    name,
    in: row.in,
    default: row.default,
    shownDefault: row.shownDefault ?? row.default ?? "",
    syntax: row.syntax ?? row.takes.map((parameter) => parameter.syntax).join(" "),
    help: row.help,
    idle: row.idle ?? null,
    repeats: row.repeats ?? false,
  };
}

/** A `set` that stores the only argument as that setting. */
export function store<K extends keyof Own>(key: K): (scope: Scope, values: [Exclude<Own[K], undefined>]) => void {
  return (scope, [value]) => {
    scope.own[key] = value;
  };
}

/** Distributes the words over the parameters from left to right; each takes as many as it can. */
function readArguments(takes: readonly Parameter<unknown>[], given: Directive, scope: Scope): unknown[] | Wrong {
  if (!countIsRight(takes, given, scope)) return WRONG;
  const rest = [...given.args];
  const values = takes.map((parameter) => parameter.read(rest.splice(0, parameter.most), given.name, scope));
  return values.includes(WRONG) ? WRONG : values;
}

function countIsRight(
  takes: readonly Parameter<unknown>[],
  { name, position, args, unfinished }: Directive,
  scope: Scope,
): boolean {
  const least = takes.reduce((sum, parameter) => sum + parameter.least, 0);
  const most = takes.reduce((sum, parameter) => sum + parameter.most, 0);
  if (args.length >= least && args.length <= most) return true;
  if (unfinished) return false;
  const shown = takes.length === 0 ? "" : ` (${takes.map((parameter) => parameter.syntax).join(" ")})`;
  const surplus: Word | undefined = args[most];
  const before = args[most - 1]?.position ?? position;
  if (surplus !== undefined && surplus.position.line > before.line) {
    const written = [name, ...args.slice(0, most).map((word) => word.text)].join(" ");
    scope.error(before, `missing ";" after ${quote(written)}`); // the next line begins another directive
    return false;
  }
  const expected = `"${name}" takes ${amount(least, most)}${shown}, not ${args.length}`;
  if (surplus === undefined) scope.error(position, expected);
  else scope.error(surplus.position, `unexpected argument ${quote(surplus.text)}: ${expected}`);
  return false;
}

function amount(least: number, most: number): string {
  if (most === 0) return "no arguments";
  if (least === most) return least === 1 ? "1 argument" : `${least} arguments`;
  if (most === Number.POSITIVE_INFINITY) return `at least ${least} argument${least === 1 ? "" : "s"}`;
  return `${least} to ${most} arguments`;
}
