/**
 * bcrypt by the runtime: its own threads compute it, so the loop's thread is free meanwhile. The only file that uses `Bun.password`;
 * a server gets the function as an argument, so that a simulated one stays a function of its seed.
 */

/** bcrypt(3) looks at no more bytes; the runtime would hash a longer password by SHA-512 first, as nothing else does. */
export const BCRYPT_BYTES = 72;

/**
 * Checks a password against a hash `$2a$`, `$2b$` or `$2y$`.
 * @param done called once, in a turn of the runtime and never before this returns: whether the password is right (false too where the hash is none)
 */
export type CheckBcrypt = (password: Uint8Array, hash: string, done: (right: boolean) => void) => void;

export const checkBcrypt: CheckBcrypt = (password, hash, done) => {
  if (password.length === 0) return queueMicrotask(() => done(false));
  void Bun.password
    .verify(password.subarray(0, BCRYPT_BYTES), hash, "bcrypt")
    .catch(() => false)
    .then(done);
};

/** A hash `$2y$` of a password of 1 to 72 bytes. @param cost the logarithm of the rounds: 4 to 31 */
export async function makeBcrypt(password: Uint8Array, cost: number): Promise<string> {
  const hash = await Bun.password.hash(password, { algorithm: "bcrypt", cost });
  return hash.replace(/^\$2b\$/, "$2y$"); // the same algorithm under the name that every tool knows
}
