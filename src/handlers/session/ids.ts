/**
 * The content of a session's cookie: 128 random bits, which are the id; the time the cookie was sent; and a MAC of both. So the
 * server recognises its cookies and their age without storing anything for visitors whose sessions have no data.
 */
import { sameText } from "../auth/schemes/constant-time.ts";

/** Lengths of the parts in hexadecimal digits: 16 bytes, milliseconds since 1970, and HMAC-SHA256 cut to 16 bytes (RFC 2104 §5). */
const ID = 32;
const TIME = 12;
const MAC = 32;
const VALUE = new RegExp(`^[0-9a-f]{${ID + TIME + MAC}}$`);

/** Number of random bytes of an id. */
export const ID_BYTES = ID / 2;
/** Number of random bytes of the secret key of the MACs. */
export const SECRET_BYTES = 32;

/** Makes and checks the cookies of one group of sessions. */
export class Ids {
  /** The hash after the scope; copied to continue with the rest. */
  private readonly start: Bun.CryptoHasher;

  /**
   * @param secret key of the MACs, known only to this server
   * @param scope name of the group; cookies of another group are not accepted
   */
  constructor(secret: string, scope: string) {
    this.start = new Bun.CryptoHasher("sha256", secret).update(`${scope}\0`);
  }

  /** The cookie's value for an id, sent at `now` (ms since 1970). */
  cookie(id: string, now: number): string {
    const text = id + Math.trunc(now).toString(16).padStart(TIME, "0");
    return text + this.mac(text);
  }

  /** When a cookie with this value was sent; -1: this server did not send it. */
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
