/** Answers of DNS, each kept for a time; the least recently used make room. */

/** Most answers kept. Names may come from clients (`proxy_pass http://$host`). */
const MOST_ANSWERS = 1000;

/** The numeric addresses of a name, IPv4 first; or the code of an error. */
export type Outcome = { readonly addresses: readonly string[] } | { readonly code: number };

interface Entry {
  readonly outcome: Outcome;
  /** Monotonic ms. */
  readonly until: number;
}

export class AnswerCache {
  private readonly entries = new Map<string, Entry>();

  get(key: string, now: number): Outcome | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    this.entries.delete(key);
    if (entry.until <= now) return undefined;
    this.entries.set(key, entry); // the last of the map is the one used last
    return entry.outcome;
  }

  set(key: string, outcome: Outcome, until: number): void {
    this.entries.delete(key);
    this.entries.set(key, { outcome, until });
    if (this.entries.size <= MOST_ANSWERS) return;
    for (const oldest of this.entries.keys()) {
      this.entries.delete(oldest);
      return;
    }
  }
}
