/** Tracks objects that the server's pools give out. Releasing one twice, or one never given out, would corrupt another client's bytes. */
import { Misuse } from "./descriptors.ts";

export class Loans<T> {
  private readonly out = new Set<T>();
  /** The first mistake. Stored, because the server may catch an exception. */
  mistake: Misuse | null = null;

  constructor(private readonly what: string) {}

  lend(thing: T): T {
    if (this.out.has(thing)) this.complain("lent twice");
    this.out.add(thing);
    return thing;
  }

  back(thing: T): void {
    if (!this.out.delete(thing)) this.complain("given back twice, or never lent");
  }

  /** A released object must not be used. */
  use(thing: T): void {
    if (!this.out.has(thing)) this.complain("used after it was given back");
  }

  /** Number of objects not yet released. */
  get size(): number {
    return this.out.size;
  }

  private complain(how: string): never {
    this.mistake ??= new Misuse(`${this.what} was ${how}`);
    throw this.mistake;
  }
}
