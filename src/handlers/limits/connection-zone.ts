/** The counts of a `limit_conn_zone`: for each key its connections with a request in progress. */
import { Slots } from "./slots.ts";

export class ConnectionZone {
  private readonly slots: Slots;

  /** @param size most bytes @param secret 16 hexadecimal digits */
  constructor(size: number, secret: string) {
    this.slots = new Slots(size, secret);
  }

  /** Counts one more for a key. Gives what `leave` takes; 0: there is no room; -1: it has `most` already. */
  enter(key: string, most: number): number {
    const { slots } = this;
    const hash = slots.hash(key);
    const known = slots.find(key, hash);
    if (known !== 0 && slots.value(known) >= most) return -1;
    const slot = known === 0 ? slots.add(key, hash) : known;
    if (slot !== 0) slots.setValue(slot, slots.value(slot) + 1);
    return slot;
  }

  /** Counts one less. */
  leave(slot: number): void {
    const { slots } = this;
    const left = slots.value(slot) - 1;
    if (left === 0) slots.remove(slot);
    else slots.setValue(slot, left);
  }
}
