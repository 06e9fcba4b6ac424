/**
 * What a session's cookie holds: 128 random bits, which are the id; when the cookie was sent; and a MAC over both. So the
 * server knows what it issued, and how old it is, without storing anything for visitors who leave nothing to store.
 */

/** Digits of the parts, all hexadecimal: 16 bytes, milliseconds since 1970, and HMAC-SHA256 cut to 16 bytes (RFC 2104 §5). */
const ID = 32;
const TIME = 12;
const MAC = 32;
const VALUE = new RegExp(`^[0-9a-f]{${ID + TIME + MAC}}$`);

/** Random bytes of an id. */
export const ID_BYTES = ID / 2;
/** Random bytes of the secret that the MACs depend on. */
export const SECRET_BYTES = 32;

/** The cookies of one group of sessions. */
export class Ids {
  /** Ready to go on with what follows the scope. */
  private readonly start: Bun.CryptoHasher;

  /**
   * @param secret nobody else knows it
   * @param scope whose cookies these are: another's prove nothing here
   */
  constructor(secret: string, scope: string) {
    this.start = new Bun.CryptoHasher("sha256", secret).update(`${scope}\0`);
  }

  /** The cookie's value for an id, sent at `now` (ms since 1970). */
  cookie(id: string, now: number): string {
    const text = id + Math.trunc(now).toString(16).padStart(TIME, "0");
    return text + this.mac(text);
  }

  /** When a cookie with this value was sent; -1: not by us. */
  sentAt(value: string): number {
    if (value.length !== ID + TIME + MAC || !VALUE.test(value)) return -1;
    if (!sameText(this.mac(value.slice(0, ID + TIME)), value.slice(ID + TIME))) return -1;
    return Number.parseInt(value.slice(ID, ID + TIME), 16);
  }

  private mac(text: string): string {
    return this.start.copy().update(text).digest("hex").slice(0, MAC);
  }
}

/** The id in a cookie's value. */
export const idIn = (value: string): string => value.slice(0, ID);

/** Compares texts of one length in a time that does not tell how much of them is the same. */
function sameText(a: string, b: string): boolean {
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
