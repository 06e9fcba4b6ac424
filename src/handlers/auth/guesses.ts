/** What makes guessing passwords slow: answers to wrong ones are delayed, and no address has many questions open at once. */

/** Wrong passwords that are answered at once: people mistype. */
const FREE = 3;
const FIRST_DELAY = 250;
/** ms. All delays are powers of two of the first, so timers need few lists. */
const LONGEST_DELAY = 4_000;
/** After so many ms without another wrong password, the earlier ones are forgotten. */
const MEMORY = 10 * 60_000;
/** Addresses and users counted; the one that guessed least recently makes room. */
const MOST_COUNTED = 10_000;
/** Requests of one address, and of all, that are being checked or delayed. */
const MOST_OF_ADDRESS = 32;
const MOST_OPEN = 1024;

interface Count {
  wrong: number;
  last: number;
}

export class Guesses {
  private readonly counts = new Map<string, Count>();
  private readonly open = new Map<string, number>();
  private allOpen = 0;

  /** Notes that an address has one more question open. False: it has too many, or all together have. */
  enter(address: string): boolean {
    const open = this.open.get(address) ?? 0;
    if (open >= MOST_OF_ADDRESS || this.allOpen >= MOST_OPEN) return false;
    this.open.set(address, open + 1);
    this.allOpen++;
    return true;
  }

  leave(address: string): void {
    const open = this.open.get(address)! - 1;
    if (open === 0) this.open.delete(address);
    else this.open.set(address, open);
    this.allOpen--;
  }

  /** Counts a wrong password for each of `names` (an address, a user). The ms after which it is answered. @param now the loop's time, ms */
  wrong(names: readonly string[], now: number): number {
    const most = Math.max(...names.map((name) => this.count(name, now)));
    return most <= FREE ? 0 : Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (most - FREE - 1));
  }

  private count(name: string, now: number): number {
    const known = this.counts.get(name);
    const wrong = known !== undefined && now - known.last < MEMORY ? known.wrong + 1 : 1;
    this.counts.delete(name);
    if (this.counts.size >= MOST_COUNTED) this.counts.delete(this.counts.keys().next().value!);
    this.counts.set(name, { wrong, last: now });
    return wrong;
  }
}

/** Who guesses, by the bytes of an address: whoever has one IPv6 address has the 64 bits behind its network. */
export function guesserOf(address: Uint8Array): string {
  return Buffer.from(address.subarray(0, address.length === 16 && !isMapped(address) ? 8 : 16)).toString("hex");
}

/** ::ffff:a.b.c.d (RFC 4291 §2.5.5.2). */
const isMapped = (address: Uint8Array): boolean =>
  address[10] === 0xff && address[11] === 0xff && address.subarray(0, 10).every((byte) => byte === 0);
