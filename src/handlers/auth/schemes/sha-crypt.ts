/** `$5$` and `$6$`: SHA-256 and SHA-512 of crypt(3), with `rounds=N` (Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512"). */
import { sameText } from "./constant-time.ts";
import { cryptBase64, digestBy, Message, type RoundsCheck, shareFor } from "./rounds.ts";

const FORM = /^\$([56])\$(?:rounds=([1-9]\d{0,8})\$)?([^$:]{0,16})\$([./0-9A-Za-z]+)$/;
const DEFAULT_ROUNDS = 5000;
const LEAST_ROUNDS = 1000;
/** Most rounds. The format allows 999,999,999, which would take many minutes. */
const MOST_ROUNDS = 1_000_000;

interface Variant {
  /** Characters of a hash. */
  readonly length: number;
  readonly order: readonly number[];
  readonly digest: (bytes: Uint8Array) => Uint8Array;
}

/** Threes of indices: each begins with the one of the three before that stands `turn` further, and all grow by one. */
function interleaved(first: readonly number[], steps: number, turn: number): number[] {
  const order: number[] = [];
  for (let i = 0, at = [...first]; i < steps; i++, at = at.map((_, j) => at[(j + turn) % 3]! + 1)) order.push(...at);
  return order;
}

const SHA256: Variant = {
  length: 43,
  order: [...interleaved([0, 10, 20], 10, 2), -1, 31, 30],
  digest: (bytes) => digestBy(Bun.SHA256, bytes),
};

const SHA512: Variant = {
  length: 86,
  order: [...interleaved([0, 21, 42], 21, 1), -1, -1, 63],
  digest: (bytes) => digestBy(Bun.SHA512, bytes),
};

/** Starts checking a password; null: `hash` is not of this scheme; a text: why it is not computed. */
export function shaCrypt(password: Uint8Array, hash: string): RoundsCheck | string | null {
  const [, version, given, salt, expected] = FORM.exec(hash) ?? [];
  const variant = version === "5" ? SHA256 : SHA512;
  if (expected?.length !== variant.length) return null;
  const rounds = given === undefined ? DEFAULT_ROUNDS : Math.max(LEAST_ROUNDS, Number(given));
  if (rounds > MOST_ROUNDS) return `${rounds} rounds are more than ${MOST_ROUNDS}`;
  return new ShaCrypt(variant, password, Buffer.from(salt!, "latin1"), rounds, expected);
}

class ShaCrypt implements RoundsCheck {
  readonly share: number;
  private readonly message: Message;
  private digest: Uint8Array;
  /** As many bytes as the password, and as the salt, of digests of each. */
  private readonly passwordBytes: Uint8Array;
  private readonly saltBytes: Uint8Array;
  private round = 0;

  constructor(
    private readonly variant: Variant,
    password: Uint8Array,
    salt: Uint8Array,
    private readonly rounds: number,
    private readonly expected: string,
  ) {
    const { length } = password;
    const repeated = Math.max(length * length, (16 + 255) * salt.length);
    this.message = new Message(Math.max(repeated, length * 12 + 1024));
    this.share = shareFor(length + salt.length);
    this.digest = this.first(password, salt);
    this.passwordBytes = this.stretched(password, length);
    this.saltBytes = this.stretched(salt, 16 + this.digest[0]!);
  }

  /** Steps 1 to 12 of the specification. */
  private first(password: Uint8Array, salt: Uint8Array): Uint8Array {
    const { message, variant } = this;
    const inner = variant.digest(message.add(password).add(salt).add(password).take());
    message.add(password).add(salt).add(inner, password.length);
    for (let bits = password.length; bits > 0; bits >>= 1) message.add((bits & 1) === 1 ? inner : password);
    return variant.digest(message.take());
  }

  /** Steps 13 to 20: as many bytes as `part` has, of the digest of `part` repeated `times`. */
  private stretched(part: Uint8Array, times: number): Uint8Array {
    const { message, variant } = this;
    const digest = variant.digest(message.add(part, part.length * times).take());
    return new Uint8Array(message.add(digest, part.length).take());
  }

  /** Step 21. */
  step(rounds: number): boolean | undefined {
    const end = Math.min(this.rounds, this.round + rounds);
    for (; this.round < end; this.round++) this.digest = this.next(this.round);
    if (this.round < this.rounds) return undefined;
    return sameText(cryptBase64(this.digest, this.variant.order, this.variant.length), this.expected);
  }

  private next(round: number): Uint8Array {
    const { message, digest, passwordBytes } = this;
    const odd = (round & 1) === 1;
    message.add(odd ? passwordBytes : digest);
    if (round % 3 !== 0) message.add(this.saltBytes);
    if (round % 7 !== 0) message.add(passwordBytes);
    return this.variant.digest(message.add(odd ? digest : passwordBytes).take());
  }
}
