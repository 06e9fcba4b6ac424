/**
 * bcrypt, computed by the runtime on its own threads, so that the event loop goes on meanwhile. Only this file uses
 * `Bun.password`. The server gets the function as an argument: the simulation passes one that is deterministic.
 */

/** bcrypt(3) uses only this many bytes of a password. The runtime would first hash a longer one with SHA-512, which no other program does. */
export const BCRYPT_BYTES = 72;

/**
 * Checks a password against a hash `$2a$`, `$2b$` or `$2y$`.
 * @param done called once, in a later turn of the event loop, never before this function returns: true if the password is right, false
 *   if it is wrong or the hash is malformed
 */
export type CheckBcrypt = (password: Uint8Array, hash: string, done: (right: boolean) => void) => void;

export const checkBcrypt: CheckBcrypt = (password, hash, done) => {
  if (password.length === 0) return queueMicrotask(() => done(false));
  void Bun.password
    .verify(password.subarray(0, BCRYPT_BYTES), hash, "bcrypt")
    .catch(() => false)
    .then(done);
};

/** Hashes a password of 1 to 72 bytes; gives `$2y$...`. @param cost logarithm (base 2) of the number of rounds: 4 to 31 */
export async function makeBcrypt(password: Uint8Array, cost: number): Promise<string> {
  const hash = await Bun.password.hash(password, { algorithm: "bcrypt", cost });
  return hash.replace(/^\$2b\$/, "$2y$"); // the same algorithm under the prefix that every tool accepts
}
