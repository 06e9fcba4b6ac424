/** The names of error numbers: messages say only number and text, tables of tests read better with the name. */
import { ERRNO } from "../ffi/errno.ts";

export type ErrnoName = keyof typeof ERRNO;

const names = new Map<number, string>(Object.entries(ERRNO).map(([name, number]) => [number, name]));

/** The name of an error number (positive or negated): `ENOENT`, or `errno 999`. */
export function errnoName(number: number): string {
  return names.get(Math.abs(number)) ?? `errno ${Math.abs(number)}`;
}
