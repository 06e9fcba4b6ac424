/** `$apr1$SALT$HASH` of Apache's htpasswd, and `$1$` of crypt(3), which differs only in its name: 1,000 rounds of MD5. */
import { sameText } from "./constant-time.ts";
import { cryptBase64, digestBy, Message, type RoundsCheck, shareFor } from "./rounds.ts";

const FORM = /^(\$apr1\$|\$1\$)([^$:]{0,8})\$([./0-9A-Za-z]{22})$/;
const ROUNDS = 1000;
const ORDER = [0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 5, -1, -1, 11];

const md5 = (bytes: Uint8Array): Uint8Array => digestBy(Bun.MD5, bytes);

/** Starts checking a password; null: `hash` is not of this scheme. */
export function md5Crypt(password: Uint8Array, hash: string): RoundsCheck | null {
  const [, magic, salt, expected] = FORM.exec(hash) ?? [];
  return expected === undefined ? null : new Md5Crypt(password, magic!, Buffer.from(salt!, "latin1"), expected);
}

class Md5Crypt implements RoundsCheck {
  readonly share: number;
  private readonly message: Message;
  private digest: Uint8Array;
  private round = 0;

  constructor(
    private readonly password: Uint8Array,
    magic: string,
    private readonly salt: Uint8Array,
    private readonly expected: string,
  ) {
    this.message = new Message(3 * password.length + 64);
    this.share = shareFor(password.length + salt.length);
    this.digest = this.first(Buffer.from(magic, "latin1"));
  }

  /** Password, name and salt, as much of the digest of both as the password is long, and a byte for each bit of that length. */
  private first(magic: Uint8Array): Uint8Array {
    const { message, password, salt } = this;
    const { length } = password;
    const inner = md5(message.add(password).add(salt).add(password).take());
    message.add(password).add(magic).add(salt).add(inner, length);
    for (let bits = length; bits > 0; bits >>= 1) message.add((bits & 1) === 1 ? ZERO : password, 1);
    return md5(message.take());
  }

  step(rounds: number): boolean | undefined {
    const end = Math.min(ROUNDS, this.round + rounds);
    for (; this.round < end; this.round++) this.digest = this.next(this.round);
    return this.round < ROUNDS ? undefined : sameText(cryptBase64(this.digest, ORDER, 22), this.expected);
  }

  private next(round: number): Uint8Array {
    const { message, password, salt, digest } = this;
    const odd = (round & 1) === 1;
    message.add(odd ? password : digest);
    if (round % 3 !== 0) message.add(salt);
    if (round % 7 !== 0) message.add(password);
    return md5(message.add(odd ? digest : password).take());
  }
}

const ZERO = new Uint8Array(1);
