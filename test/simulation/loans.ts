/** What a server lends to its clients and takes back: to give back twice, or what was never lent, corrupts another client's bytes. */
import { Misuse } from "./descriptors.ts";

export class Loans<T> {
  private readonly out = new Set<T>();
  /** Remembered, because the server may catch what is thrown in the middle of its work. */
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

  /** Whoever has it back may not use it. */
  use(thing: T): void {
    if (!this.out.has(thing)) this.complain("used after it was given back");
  }

  /** How many are out. */
  get size(): number {
    return this.out.size;
  }

  private complain(how: string): never {
    this.mistake ??= new Misuse(`${this.what} was ${how}`);
    throw this.mistake;
  }
}
