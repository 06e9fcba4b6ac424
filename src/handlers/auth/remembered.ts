/** Right answers, for a minute: a browser sends its password with every request, and a slow hash each time would be too slow. */

const LIFETIME = 60_000;
/** The oldest answer makes room for another. */
const MOST = 10_000;

/** What is remembered is a MAC of file, user and password under a key of this process: never the password, nor anything it could be guessed from. */
export class RememberedAnswers {
  private readonly ends = new Map<string, number>();

  /** @param key octets that nobody knows */
  constructor(private readonly key: string) {}

  /** What an answer is known by. @param version of the password file: one that was read anew forgets every answer */
  name(version: number, user: string, password: Uint8Array): string {
    const mac = new Bun.CryptoHasher("sha256", this.key);
    return mac.update(`${version}:${user}:`, "latin1").update(password).digest("base64");
  }

  /** @param now the loop's time, ms */
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
