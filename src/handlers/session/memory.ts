/** Sessions in memory, in the order of their last use. Times are in ms. */

/** What is kept of a session. */
export interface Entry {
  /** The text of a JSON object; ENDED: the session was ended, and its id must not come to life again. */
  data: string;
  /** When it was used last. */
  used: number;
  /** The last use that the file knows of; 0: it may have an older state; NOT_SAVED: it certainly has none. */
  saved: number;
}

export const ENDED = "";
export const NOT_SAVED = -1;

/** A use is worth writing down when this part of the lifetime has passed since the last one that was. */
export const RENEWAL = 1 / 10;

export class Sessions {
  private entries = new Map<string, Entry>();
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
    this.forget(id, entry);
    return undefined;
  }

  /** The entry as the file would have it. */
  peek(id: string): Entry | undefined {
    return this.entries.get(id);
  }

  /** It is being used. */
  touch(id: string, entry: Entry, now: number, lifetime: number): void {
    this.entries.delete(id);
    this.entries.set(id, entry);
    entry.used = now;
    if (now - entry.saved >= lifetime * RENEWAL) this.changed?.add(id);
  }

  /** Stores data; beyond `most` entries those that were not used for longest go. */
  write(id: string, data: string, now: number, most: number): void {
    const entry = this.entries.get(id) ?? { data, used: now, saved: this.changed?.has(id) ? 0 : NOT_SAVED };
    this.entries.delete(id);
    this.shrink(most - 1);
    entry.data = data;
    entry.used = now;
    this.entries.set(id, entry);
    this.changed?.add(id);
  }

  /** Drops what is stored, if anything is. */
  remove(id: string): void {
    const entry = this.entries.get(id);
    if (entry !== undefined) this.forget(id, entry);
  }

  /** Drops what was not used for `lifetime`. */
  expire(now: number, lifetime: number): void {
    for (const [id, entry] of this.entries) {
      if (now - entry.used < lifetime) return;
      this.forget(id, entry);
    }
  }

  /** Takes in what a file has, in order of use, as if it had been here before all that is. What has changed since counts more. */
  load(rows: Iterable<readonly [id: string, data: string, used: number]>, now: number, most: number): void {
    const newer = this.entries;
    this.entries = new Map();
    for (const [id, data, time] of rows) {
      const used = Math.min(time, now); // the clock may have been ahead
      if (!newer.has(id) && !this.changed?.has(id)) this.entries.set(id, { data, used, saved: used });
    }
    for (const [id, entry] of newer) {
      entry.saved = 0;
      this.entries.set(id, entry);
      this.changed?.add(id);
    }
    this.shrink(most);
  }

  /** The file has it as it is. */
  saved(id: string): void {
    this.changed?.delete(id);
    const entry = this.entries.get(id);
    if (entry !== undefined) entry.saved = entry.used;
  }

  private shrink(most: number): void {
    for (const [id, entry] of this.entries) {
      if (this.entries.size <= most) return;
      this.forget(id, entry);
    }
  }

  /** A file that never had it need not hear of it. */
  private forget(id: string, entry: Entry): void {
    this.entries.delete(id);
    if (entry.saved === NOT_SAVED) this.changed?.delete(id);
    else this.changed?.add(id);
  }
}
