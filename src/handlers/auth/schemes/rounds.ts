/** Hashes that are slow by design, computed a few rounds at a time, so that the loop is not blocked. */

/** The check of one password against one hash. */
export interface RoundsCheck {
  /** Rounds for one turn of the loop; fewer for a long password, whose rounds take longer. */
  readonly share: number;
  /** Computes at most `rounds` more. Whether the password is right; undefined: there are more rounds to do. */
  step(rounds: number): boolean | undefined;
}

/** Takes about 0.5 ms for a password of usual length. */
const ROUNDS_PER_TURN = 500;

/** @param bytes of password and salt, which each round hashes up to twice. */
export const shareFor = (bytes: number): number => Math.ceil(ROUNDS_PER_TURN / (1 + bytes / 64));

const DIGITS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** crypt(3)'s base 64: `digits` of the number made of these bytes, the lowest six bits first. */
function digits(value: number, count: number): string {
  let text = "";
  for (let i = 0, rest = value; i < count; i++, rest >>>= 6) text += DIGITS[rest & 63];
  return text;
}

/**
 * A digest in crypt(3)'s base 64, three bytes at a time in the order that the scheme prescribes.
 * @param order indices of bytes, a multiple of three; -1 is a zero byte
 * @param length characters of the text; those left over of the last three bytes are not written
 */
export function cryptBase64(digest: Uint8Array, order: readonly number[], length: number): string {
  let text = "";
  for (let i = 0; i < order.length; i += 3) {
    const [high, middle, low] = [
      byteAt(digest, order[i]!),
      byteAt(digest, order[i + 1]!),
      byteAt(digest, order[i + 2]!),
    ];
    text += digits((high << 16) | (middle << 8) | low, 4);
  }
  return text.slice(0, length);
}

const byteAt = (digest: Uint8Array, index: number): number => (index < 0 ? 0 : digest[index]!);

/** One of the runtime's hash functions. */
interface HashFunction {
  readonly byteLength: number;
  hash(bytes: Uint8Array, into: Buffer): unknown;
}

/** The digest of `bytes`, in memory of its own. */
export function digestBy(algorithm: HashFunction, bytes: Uint8Array): Buffer {
  const digest = Buffer.allocUnsafe(algorithm.byteLength);
  algorithm.hash(bytes, digest);
  return digest;
}

/** Puts together the bytes of a message to be hashed. One buffer is reused for all messages. */
export class Message {
  private readonly bytes: Buffer;
  private length = 0;

  /** @param capacity bytes of the longest message */
  constructor(capacity: number) {
    this.bytes = Buffer.from(new ArrayBuffer(capacity));
  }

  add(part: Uint8Array, length = part.length): this {
    for (let left = length; left > 0; left -= part.length) {
      this.bytes.set(left < part.length ? part.subarray(0, left) : part, this.length);
      this.length += Math.min(left, part.length);
    }
    return this;
  }

  /** The bytes added since the last call; valid until the next `add`. */
  take(): Buffer {
    const whole = this.bytes.subarray(0, this.length);
    this.length = 0;
    return whole;
  }
}
