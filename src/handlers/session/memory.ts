/** Sessions in memory, in the order of their last use. Times are in ms. */

/** A stored session. */
interface Entry {
  readonly id: string;
  /** The text of a JSON object. ENDED: the session was ended, and its id must not become valid again. */
  data: string;
  /** Time of the last use. */
  used: number;
  /** The last use recorded in the file; 0: the file may have an older state; NOT_SAVED: it certainly has none. */
  saved: number;
  /** Neighbours in the order of use. */
  older: Entry | null;
  newer: Entry | null;
}

export const ENDED = "";
const NOT_SAVED = -1;

/** A use is written to the file only when this part of the lifetime has passed since the last recorded use. */
export const RENEWAL = 1 / 10;

/**
 * A Map for look-up and a linked list for the order. Using the Map's own order (delete and set again) would cost 50 µs per use for
 * a frequent visitor, because deleted entries stay in the Map until it is rebuilt.
 */
export class Sessions {
  private readonly entries = new Map<string, Entry>();
  private oldest: Entry | null = null;
  private newest: Entry | null = null;
  /** When the newest ended session that was evicted had ended. An id without an entry may have been ended up to that time. */
  forgottenEnd = 0;
  /** Ids whose entries differ from the file, including removed ones. Only if there is a file. */
  readonly changed: Set<string> | null;

  constructor(hasFile: boolean) {
    this.changed = hasFile ? new Set() : null;
  }

  get size(): number {
    return this.entries.size;
  }

  /** The entry, unless it was not used for `lifetime`. */
  get(id: string, now: number, lifetime: number): Entry | undefined {
    const entry = this.entries.get(id);
    if (entry === undefined || now - entry.used < lifetime) return entry;
    this.forget(entry);
    return undefined;
  }

  /** The entry, whatever its age. */
  peek(id: string): Entry | undefined {
    return this.entries.get(id);
  }

  /** Records a use. */
  touch(entry: Entry, now: number, lifetime: number): void {
    entry.used = now;
    this.moveToEnd(entry);
    if (now - entry.saved >= lifetime * RENEWAL) this.changed?.add(entry.id);
  }

  /** Stores data. Beyond `most` entries, the least recently used are evicted. */
  write(id: string, data: string, now: number, most: number): void {
    const entry = this.entries.get(id) ?? this.add(id, now, this.changed?.has(id) ? 0 : NOT_SAVED);
    entry.data = data;
    entry.used = now;
    this.moveToEnd(entry);
    this.changed?.add(entry.id);
    this.shrink(most);
  }

  /** Removes an entry, if there is one. */
  remove(id: string): void {
    const entry = this.entries.get(id);
    if (entry !== undefined) this.forget(entry);
  }

  /** Removes what was not used for `lifetime`. */
  expire(now: number, lifetime: number): void {
    while (this.oldest !== null && now - this.oldest.used >= lifetime) this.forget(this.oldest);
  }

  /** Loads entries from a file, in order of use, before all present ones. Changes made since in memory win. */
  load(rows: Iterable<readonly [id: string, data: string, used: number]>, now: number, most: number): void {
    const meanwhile = [...this.inOrder()];
    for (const [id, data, time] of rows) {
      const used = Math.min(time, now); // the clock may have been ahead
      if (!this.entries.has(id) && !this.changed?.has(id)) this.add(id, used, used).data = data;
    }
    for (const entry of meanwhile) {
      entry.saved = 0;
      this.moveToEnd(entry);
      this.changed?.add(entry.id);
    }
    this.shrink(most);
  }

  /** Records that the file has the entry in its current state. */
  saved(id: string): void {
    this.changed?.delete(id);
    const entry = this.entries.get(id);
    if (entry !== undefined) entry.saved = entry.used;
  }

  private *inOrder(): Iterable<Entry> {
    for (let entry = this.oldest; entry !== null; entry = entry.newer) yield entry;
  }

  private shrink(most: number): void {
    while (this.oldest !== null && this.entries.size > most) {
      if (this.oldest.data === ENDED) this.forgottenEnd = Math.max(this.forgottenEnd, this.oldest.used);
      this.forget(this.oldest);
    }
  }

  private add(id: string, used: number, saved: number): Entry {
    // A copy, because an id that is a slice of a cookie would keep the whole string in memory (8 KB of fields) as long as the session.
    const copy = Buffer.from(id, "latin1").latin1Slice();
    const entry: Entry = { id: copy, data: "", used, saved, older: null, newer: null };
    this.entries.set(copy, entry);
    this.append(entry);
    return entry;
  }

  /** Removes an entry. If the file never had it, nothing needs to be written. */
  private forget(entry: Entry): void {
    this.entries.delete(entry.id);
    this.takeOut(entry);
    if (entry.saved === NOT_SAVED) this.changed?.delete(entry.id);
    else this.changed?.add(entry.id);
  }

  // The linked list

  private moveToEnd(entry: Entry): void {
    if (entry === this.newest) return;
    this.takeOut(entry);
    this.append(entry);
  }

  private append(entry: Entry): void {
    entry.older = this.newest;
    entry.newer = null;
    if (this.newest === null) this.oldest = entry;
    else this.newest.newer = entry;
    this.newest = entry;
  }

  private takeOut({ older, newer }: Entry): void {
    if (older === null) this.oldest = newer;
    else older.newer = newer;
    if (newer === null) this.newest = older;
    else newer.older = older;
  }
}
