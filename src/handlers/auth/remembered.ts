/** Remembers right passwords for a minute: a browser sends its password with every request, and a slow hash for each would be too slow. */

const LIFETIME = 60_000;
/** Most answers; the oldest one is dropped for a new one. */
const MOST = 10_000;

/** Remembers a MAC of file, user and password under a key of this process: not the password, and nothing from which it can be guessed without the key. */
export class RememberedAnswers {
  private readonly ends = new Map<string, number>();

  /** @param key secret octets */
  constructor(private readonly key: string) {}

  /** The name of an answer. @param version of the password file: reading the file again changes it, and so forgets all answers */
  name(version: number, user: string, password: Uint8Array): string {
    const mac = new Bun.CryptoHasher("sha256", this.key);
    return mac.update(`${version}:${user}:`, "latin1").update(password).digest("base64");
  }

  /** @param now time of the loop, ms */
  has(name: string, now: number): boolean {
    const end = this.ends.get(name);
    if (end !== undefined && end <= now) this.ends.delete(name);
    return end !== undefined && end > now;
  }

  add(name: string, now: number): void {
    this.ends.delete(name);
    if (this.ends.size >= MOST) this.ends.delete(this.ends.keys().next().value!);
    this.ends.set(name, now + LIFETIME);
  }
}
