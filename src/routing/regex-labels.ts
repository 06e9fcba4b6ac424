/**
 * Names of groups that tell their numbers, for expressions in which JavaScript counts others than PCRE: `(?>a)` needs a group that
 * PCRE does not have, and in `(?|(a)|(b))` two have one number.
 */

/** The number of a group that PCRE does not have. */
export const ATOMIC_NUMBER = 0;

/** @param serial makes the label unique */
export const groupLabel = (number: number, serial: number, name: string | null): string =>
  `$${number}$${serial}${name === null ? "" : `$${name}`}`;

/** Number and name in a label; null: it is a name as such. */
export function readLabel(label: string): { number: number; name: string | null } | null {
  const found = /^\$(\d+)\$\d+(?:\$(\w+))?$/.exec(label);
  return found && { number: Number(found[1]), name: found[2] ?? null };
}
