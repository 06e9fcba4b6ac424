/** Slows the guessing of passwords: delays the replies to wrong ones, and limits the requests of one address that wait at once. */

/** Wrong passwords without a delay: people mistype. */
const FREE = 3;
/** ms. Each delay is twice the one before, so timers need few lists. */
const FIRST_DELAY = 250;
const LONGEST_DELAY = 4_000;
/** ms without a wrong password after which the earlier ones are forgotten. */
const MEMORY = 10 * 60_000;
/** Most addresses and users that are counted; the one with the oldest wrong password is dropped for a new one. */
const MOST_COUNTED = 10_000;
/** Most requests of one address, and of all, that are being checked or delayed. */
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

  /** Counts one more request of an address. False: there are too many, of this address or of all. */
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

  /**
   * Counts a wrong password for each of `names` (an address, a user).
   * @param now time of the loop, ms
   * @returns ms by which the reply is delayed
   */
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

/** The name under which an address is counted. Of IPv6 only the first 64 bits count, because a client can have any address of its network. */
export function guesserOf(address: Uint8Array): string {
  return Buffer.from(address.subarray(0, address.length === 16 && !isMapped(address) ? 8 : 16)).toString("hex");
}

/** ::ffff:a.b.c.d (RFC 4291 §2.5.5.2). */
const isMapped = (address: Uint8Array): boolean =>
  address[10] === 0xff && address[11] === 0xff && address.subarray(0, 10).every((byte) => byte === 0);
