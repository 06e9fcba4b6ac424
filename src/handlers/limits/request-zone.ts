/** The states of a `limit_req_zone`: for each key how far its requests are ahead of the rate. Arithmetic and order of removal are nginx's (ngx_http_limit_req_module.c). */
import { Slots } from "./slots.ts";

/** Results of `check`. The request is within the limit and counted. */
export const COUNTED = 0;
/** It is within the limit; `count` counts it, once the other limits have agreed. */
export const TO_COUNT = 1;
/** It exceeds the limit. */
export const EXCEEDS = 2;
/** There is no room for its key. */
export const NO_ROOM = 3;

/** Clocks may go back a little; nginx takes a longer step back as a clock that was set. */
const STEP_BACK = 60_000;
/** ms. A state that was used since then is not removed, except to make room. */
const KEPT = 60_000;

export class RequestZone {
  /** Of the last `check` or `count`: requests beyond the rate, in thousandths. */
  excess = 0;
  private readonly slots: Slots;
  private newest = 0;
  private oldest = 0;
  /** The key that was last checked. */
  private pending = 0;

  /** @param size most bytes @param secret 16 hexadecimal digits */
  constructor(size: number, secret: string) {
    this.slots = new Slots(size, secret);
  }

  /**
   * Checks a request.
   * @param now monotonic time, whole ms
   * @param rate thousandths of a request per second
   * @param burst most excess, in thousandths
   * @param isLast whether it is counted at once
   */
  check(key: string, now: number, rate: number, burst: number, isLast: boolean): number {
    const { slots } = this;
    const hash = slots.hash(key);
    const slot = slots.find(key, hash);
    if (slot === 0) return this.first(key, hash, now, rate, isLast);
    this.touch(slot);
    this.excess = this.excessOf(slot, now, rate);
    if (this.excess > burst) return EXCEEDS;
    if (isLast) this.keep(slot, now);
    else this.pending = slot;
    return isLast ? COUNTED : TO_COUNT;
  }

  /** Counts the request of the last `check`. */
  count(now: number, rate: number): void {
    this.excess = this.excessOf(this.pending, now, rate);
    this.keep(this.pending, now);
  }

  private first(key: string, hash: number, now: number, rate: number, isLast: boolean): number {
    const { slots } = this;
    this.excess = 0;
    this.expire(now, rate, false);
    let slot = slots.add(key, hash);
    if (slot === 0) {
      this.expire(now, rate, true);
      slot = slots.add(key, hash);
      if (slot === 0) return NO_ROOM;
    }
    slots.setTime(slot, isLast ? now : Number.NEGATIVE_INFINITY);
    this.link(slot);
    this.pending = slot;
    return isLast ? COUNTED : TO_COUNT;
  }

  private excessOf(slot: number, now: number, rate: number): number {
    const used = Math.floor((rate * this.since(slot, now)) / 1000);
    return Math.max(0, this.slots.value(slot) - used + 1000);
  }

  private since(slot: number, now: number): number {
    const ms = now - this.slots.time(slot);
    return ms >= 0 ? ms : ms < -STEP_BACK ? 1 : 0;
  }

  private keep(slot: number, now: number): void {
    const { slots } = this;
    if (this.since(slot, now) > 0) slots.setTime(slot, now);
    slots.setValue(slot, this.excess);
  }

  /** Removes one or two states that are at rest; with `force` the oldest one first, whatever its state. */
  private expire(now: number, rate: number, force: boolean): void {
    for (let n = force ? 0 : 1; n < 3 && this.oldest !== 0; n++) {
      const slot = this.oldest;
      if (n > 0 && !this.isAtRest(slot, now, rate)) return;
      this.unlink(slot);
      this.slots.remove(slot);
    }
  }

  private isAtRest(slot: number, now: number, rate: number): boolean {
    const ms = Math.abs(now - this.slots.time(slot));
    return ms >= KEPT && this.slots.value(slot) <= Math.floor((rate * ms) / 1000);
  }

  // The order of use

  private touch(slot: number): void {
    if (slot === this.newest) return;
    this.unlink(slot);
    this.link(slot);
  }

  private link(slot: number): void {
    const { slots, newest } = this;
    slots.setOlder(slot, newest);
    slots.setNewer(slot, 0);
    if (newest === 0) this.oldest = slot;
    else slots.setNewer(newest, slot);
    this.newest = slot;
  }

  private unlink(slot: number): void {
    const { slots } = this;
    const older = slots.older(slot);
    const newer = slots.newer(slot);
    if (older === 0) this.oldest = newer;
    else slots.setNewer(older, newer);
    if (newer === 0) this.newest = older;
    else slots.setOlder(newer, older);
  }
}
