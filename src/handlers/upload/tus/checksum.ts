/** The checksum that comes with the bytes of an upload (tus 1.0, "Checksum"). */
import type { Block } from "../../../../ffi/memory.ts";
import { uploadChecksum } from "../../../http/tus.ts";
import { Failure } from "../failure.ts";

/** The algorithms, and the length of their digests in bytes. */
const LENGTHS = { sha1: 20, sha256: 32, sha512: 64, md5: 16 } as const;

type Algorithm = keyof typeof LENGTHS;

/** The value of Tus-Checksum-Algorithm. */
export const ALGORITHMS = Object.keys(LENGTHS).join(",");
/** The bytes are not those that the client has sent. The number is the protocol's own. */
const MISMATCH = 460;

const isKnown = (name: string): name is Algorithm => Object.hasOwn(LENGTHS, name);

/** What a request's body must hash to. */
export class Checksum {
  private readonly hasher: Bun.CryptoHasher;

  private constructor(
    algorithm: Algorithm,
    private readonly expected: Buffer,
  ) {
    this.hasher = new Bun.CryptoHasher(algorithm);
  }

  /** That of the field Upload-Checksum; null: there is none. 400 where it is malformed, or the algorithm unknown. */
  static of(value: string | undefined): Checksum | Failure | null {
    if (value === undefined) return null;
    const parsed = uploadChecksum(value);
    if (parsed === null || !isKnown(parsed.algorithm)) return new Failure(400);
    const { algorithm, digest } = parsed;
    return digest.length === LENGTHS[algorithm] ? new Checksum(algorithm, digest) : new Failure(400);
  }

  /** Takes block[start, start + length). */
  update(block: Block, start: number, length: number): void {
    this.hasher.update(block.bytes.subarray(start, start + length));
  }

  /** null: what was taken has the digest. To be asked once, at the end. */
  failure(): Failure | null {
    return this.hasher.digest().equals(this.expected) ? null : new Failure(MISMATCH);
  }
}
