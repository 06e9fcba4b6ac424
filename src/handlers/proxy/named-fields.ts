/** A set of field names that is asked with bytes, without making strings of them. */
import { ascii, equalsIgnoringCase } from "../../http/bytes.ts";

export class NamedFields {
  /** The names in small letters, by their length. */
  private readonly byLength: (readonly Uint8Array[] | undefined)[] = [];

  /** @param names in any case */
  constructor(names: Iterable<string>) {
    for (const name of new Set(Array.from(names, (each) => each.toLowerCase())))
      this.byLength[name.length] = [...(this.byLength[name.length] ?? []), ascii(name)];
  }

  /** Whether bytes[start, end) is one of the names, in any case. */
  has(bytes: Uint8Array, start: number, end: number): boolean {
    const names = this.byLength[end - start];
    if (names === undefined) return false;
    for (const name of names) if (equalsIgnoringCase(bytes, start, end, name)) return true;
    return false;
  }
}
