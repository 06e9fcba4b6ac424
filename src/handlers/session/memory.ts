/** Sessions in memory, in the order of their last use. Times are in ms. */

/** What is kept of a session. */
export interface Entry {
  readonly id: string;
  /** The text of a JSON object; ENDED: the session was ended, and its id must not come to life again. */
  data: string;
  /** When it was used last. */
  used: number;
  /** The last use that the file knows of; 0: it may have an older state; NOT_SAVED: it certainly has none. */
  saved: number;
  /** Its neighbours in the order of use. */
  older: Entry | null;
  newer: Entry | null;
}

export const ENDED = "";
const NOT_SAVED = -1;

/** A use is worth writing down when this part of the lifetime has passed since the last one that was. */
export const RENEWAL = 1 / 10;

/**
 * A Map to find them, and a list for the order: an order made of a Map's own, by deleting a key and setting it again, costs 50 µs
 * a time when it is one visitor who comes all the time, for deleted entries stay in the way until the table is made anew.
 */
export class Sessions {
  private readonly entries = new Map<string, Entry>();
  private oldest: Entry | null = null;
  private newest: Entry | null = null;
  /** When the newest of the ended sessions that had to make room was ended: any id without an entry may have been until then. */
  forgottenEnd = 0;
  /** Ids whose entries differ from what the file has, those that are gone included. Only where there is a file. */
  readonly changed: Set<string> | null;

  constructor(hasFile: boolean) {
    this.changed = hasFile ? new Set() : null;
  }

  get size(): number {
    return this.entries.size;
  }

  /** The entry, unless it has not been used for `lifetime`. */
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

  /** It is being used. */
  touch(entry: Entry, now: number, lifetime: number): void {
    entry.used = now;
    this.moveToEnd(entry);
    if (now - entry.saved >= lifetime * RENEWAL) this.changed?.add(entry.id);
  }

  /** Stores data; beyond `most` entries those that were not used for longest go. */
  write(id: string, data: string, now: number, most: number): void {
    const entry = this.entries.get(id) ?? this.add(id, now, this.changed?.has(id) ? 0 : NOT_SAVED);
    entry.data = data;
    entry.used = now;
    this.moveToEnd(entry);
    this.changed?.add(entry.id);
    this.shrink(most);
  }

  /** Drops what is stored, if anything is. */
  remove(id: string): void {
    const entry = this.entries.get(id);
    if (entry !== undefined) this.forget(entry);
  }

  /** Drops what was not used for `lifetime`. */
  expire(now: number, lifetime: number): void {
    while (this.oldest !== null && now - this.oldest.used >= lifetime) this.forget(this.oldest);
  }

  /** Takes in what a file has, in order of use, as if it had been here before all that is. What has changed since counts more. */
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

  /** The file has it as it is. */
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
    // A slice, as an id is of its cookie, keeps what it was cut from in memory: 8 KB of fields for as long as the session.
    const copy = Buffer.from(id, "latin1").latin1Slice();
    const entry: Entry = { id: copy, data: "", used, saved, older: null, newer: null };
    this.entries.set(copy, entry);
    this.append(entry);
    return entry;
  }

  /** A file that never had it need not hear of it. */
  private forget(entry: Entry): void {
    this.entries.delete(entry.id);
    this.takeOut(entry);
    if (entry.saved === NOT_SAVED) this.changed?.delete(entry.id);
    else this.changed?.add(entry.id);
  }

  // The list

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
