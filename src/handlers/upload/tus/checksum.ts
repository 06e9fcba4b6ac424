/** The checksum that a client sends with the bytes of an upload (tus 1.0, "Checksum"). */
import type { Block } from "../../../../ffi/memory.ts";
import { uploadChecksum } from "../../../http/tus.ts";
import { Failure } from "../failure.ts";

/** The supported algorithms and the lengths of their digests in bytes. */
const LENGTHS = { sha1: 20, sha256: 32, sha512: 64, md5: 16 } as const;

type Algorithm = keyof typeof LENGTHS;

/** The value of Tus-Checksum-Algorithm. */
export const ALGORITHMS = Object.keys(LENGTHS).join(",");
/** "Checksum Mismatch": the received bytes do not match the checksum. tus defines this status. */
const MISMATCH = 460;

const isKnown = (name: string): name is Algorithm => Object.hasOwn(LENGTHS, name);

/** The expected digest of a request's body, and the hash of the bytes received so far. */
export class Checksum {
  private readonly hasher: Bun.CryptoHasher;

  private constructor(
    algorithm: Algorithm,
    private readonly expected: Buffer,
  ) {
    this.hasher = new Bun.CryptoHasher(algorithm);
  }

  /** Parses the field Upload-Checksum; null: there is none. 400 if it is malformed or the algorithm is not supported. */
  static of(value: string | undefined): Checksum | Failure | null {
    if (value === undefined) return null;
    const parsed = uploadChecksum(value);
    if (parsed === null || !isKnown(parsed.algorithm)) return new Failure(400);
    const { algorithm, digest } = parsed;
    return digest.length === LENGTHS[algorithm] ? new Checksum(algorithm, digest) : new Failure(400);
  }

  /** Hashes block[start, start + length). */
  update(block: Block, start: number, length: number): void {
    this.hasher.update(block.bytes.subarray(start, start + length));
  }

  /** The failure if the digest is wrong; null: it is right. Call it once, after the last byte. */
  failure(): Failure | null {
    return this.hasher.digest().equals(this.expected) ? null : new Failure(MISMATCH);
  }
}
