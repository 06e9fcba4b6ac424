/**
 * A table from keys (octets) to two numbers each, in one piece of memory of a fixed size: with a million keys, objects would take
 * several times as much. It is cut into slots of 64 bytes; a key has one, and further ones for what of it is longer than 24 bytes.
 */
import { keyedHash } from "./keyed-hash.ts";

const SLOT = 64;
/** Bytes. Larger zones use no more: 15 million keys. */
const LARGEST = 2 ** 30;
/** 32-bit words of a slot, and their indices. Slots are counted from 1; 0: none. */
const WORDS = SLOT / 4;
/** The next slot of the same chain; of a free slot: the next free one; of a further one: the one behind it. */
const NEXT = 0;
const HASH = 1;
const LENGTH = 2;
const FURTHER = 3;
/** For the owner of the table: two links to other slots. */
const OLDER = 4;
const NEWER = 5;
/** 64-bit numbers of a slot, and their indices. */
const DOUBLES = SLOT / 8;
const TIME = 3;
const VALUE = 4;
/** Offset of the key in its first slot and in further ones. */
const KEY = 40;
const REST = 4;

export class Slots {
  private readonly words: Uint32Array;
  private readonly doubles: Float64Array;
  private readonly bytes: Uint8Array;
  /** The first slot of each chain. */
  private readonly chains: Uint32Array;
  /** Slots in all. */
  private readonly count: number;
  /** Slots that were in use once. Those beyond have never been touched, so the kernel has given no memory for them. */
  private touched = 0;
  private firstFree = 0;
  private readonly k0: number;
  private readonly k1: number;

  /** @param size most bytes @param secret 16 hexadecimal digits */
  constructor(size: number, secret: string) {
    const bytes = Math.min(size, LARGEST);
    const chains = 2 ** Math.floor(Math.log2(bytes / (SLOT + 4)));
    this.count = Math.floor((bytes - 4 * chains) / SLOT) - 1; // that of index 0 is not used
    const memory = new ArrayBuffer((this.count + 1) * SLOT);
    this.words = new Uint32Array(memory);
    this.doubles = new Float64Array(memory);
    this.bytes = new Uint8Array(memory);
    this.chains = new Uint32Array(chains);
    this.k0 = Number.parseInt(secret.slice(0, 8), 16) | 0;
    this.k1 = Number.parseInt(secret.slice(8), 16) | 0;
  }

  hash(key: string): number {
    return keyedHash(key, this.k0, this.k1);
  }

  /** The slot of a key; 0: it has none. */
  find(key: string, hash: number): number {
    const { words } = this;
    let slot = this.chains[hash & (this.chains.length - 1)]!;
    for (; slot !== 0; slot = words[slot * WORDS + NEXT]!) {
      const at = slot * WORDS;
      if (words[at + HASH] === hash && words[at + LENGTH] === key.length && this.has(slot, key)) return slot;
    }
    return 0;
  }

  private has(slot: number, key: string): boolean {
    let at = slot * SLOT + KEY;
    let end = (slot + 1) * SLOT;
    let next = this.words[slot * WORDS + FURTHER]!;
    for (let i = 0; i < key.length; i++, at++) {
      if (at === end) {
        at = next * SLOT + REST;
        end = (next + 1) * SLOT;
        next = this.words[next * WORDS + NEXT]!;
      }
      if (this.bytes[at] !== (key.charCodeAt(i) & 0xff)) return false;
    }
    return true;
  }

  /** Adds a key that has no slot. Its numbers are 0. Gives 0 if there is no room. */
  add(key: string, hash: number): number {
    const slot = this.take();
    if (slot === 0) return 0;
    const at = slot * WORDS;
    const { words } = this;
    words[at + HASH] = hash;
    words[at + LENGTH] = key.length;
    this.doubles[slot * DOUBLES + TIME] = this.doubles[slot * DOUBLES + VALUE] = 0;
    words[at + OLDER] = words[at + NEWER] = words[at + FURTHER] = 0;
    if (!this.write(slot, key)) return 0;
    const chain = hash & (this.chains.length - 1);
    words[at + NEXT] = this.chains[chain]!;
    this.chains[chain] = slot;
    return slot;
  }

  /** Writes a key into its slot and as many further ones as it needs. False: there are not enough; then all are free again. */
  private write(slot: number, key: string): boolean {
    const { words } = this;
    let at = slot * SLOT + KEY;
    let end = (slot + 1) * SLOT;
    let last = slot * WORDS + FURTHER;
    for (let i = 0; i < key.length; i++, at++) {
      if (at === end) {
        const further = this.take();
        if (further === 0) {
          this.give(slot);
          return false;
        }
        words[last] = further;
        last = further * WORDS + NEXT;
        words[last] = 0;
        at = further * SLOT + REST;
        end = (further + 1) * SLOT;
      }
      this.bytes[at] = key.charCodeAt(i);
    }
    return true;
  }

  remove(slot: number): void {
    const { words, chains } = this;
    const chain = words[slot * WORDS + HASH]! & (chains.length - 1);
    const next = words[slot * WORDS + NEXT]!;
    if (chains[chain] === slot) chains[chain] = next;
    else {
      let before = chains[chain]!;
      while (words[before * WORDS + NEXT] !== slot) before = words[before * WORDS + NEXT]!;
      words[before * WORDS + NEXT] = next;
    }
    this.give(slot);
  }

  private take(): number {
    const slot = this.firstFree;
    if (slot === 0) return this.touched < this.count ? ++this.touched : 0;
    this.firstFree = this.words[slot * WORDS + NEXT]!;
    return slot;
  }

  /** Frees a slot and those of the rest of its key. */
  private give(slot: number): void {
    const { words } = this;
    let further = words[slot * WORDS + FURTHER]!;
    words[slot * WORDS + NEXT] = this.firstFree;
    this.firstFree = slot;
    while (further !== 0) {
      const next = words[further * WORDS + NEXT]!;
      words[further * WORDS + NEXT] = this.firstFree;
      this.firstFree = further;
      further = next;
    }
  }

  // What the owner of the table keeps with a key

  time(slot: number): number {
    return this.doubles[slot * DOUBLES + TIME]!;
  }

  setTime(slot: number, time: number): void {
    this.doubles[slot * DOUBLES + TIME] = time;
  }

  value(slot: number): number {
    return this.doubles[slot * DOUBLES + VALUE]!;
  }

  setValue(slot: number, value: number): void {
    this.doubles[slot * DOUBLES + VALUE] = value;
  }

  older(slot: number): number {
    return this.words[slot * WORDS + OLDER]!;
  }

  newer(slot: number): number {
    return this.words[slot * WORDS + NEWER]!;
  }

  setOlder(slot: number, other: number): void {
    this.words[slot * WORDS + OLDER] = other;
  }

  setNewer(slot: number, other: number): void {
    this.words[slot * WORDS + NEWER] = other;
  }
}
