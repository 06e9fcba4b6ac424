/** A variable as a row of a table. */
import type { Evaluator, Lifetime } from "../exchange.ts";

/** A variable, or a family of variables whose names start with `name`. */
export interface Row {
  readonly name: string;
  readonly isFamily: boolean;
  readonly lifetime: Lifetime;
  /** Its meaning, as a phrase for the reference. */
  readonly help: string;
  /** Makes the evaluator. `rest`: the part of the name after the family's prefix, in small letters; "" for a single variable. */
  readonly of: (rest: string) => Evaluator;
}

/** The row of a single variable. */
export const row = (name: string, lifetime: Lifetime, help: string, value: Evaluator): Row => ({
  name,
  isFamily: false,
  lifetime,
  help,
  of: () => value,
});

/** The row of a family. */
export const family = (name: string, lifetime: Lifetime, help: string, of: Row["of"]): Row => ({
  name,
  isFamily: true,
  lifetime,
  help,
  of,
});

/** The name of the field that a variable's name ends with. A "-" in it stands for nothing that a field's name can have, as in nginx. */
export const fieldName = (name: string): string => name.replaceAll("-", " ").replaceAll("_", "-");
