/** A bounded queue of bytes: a socket's buffer. */
export class ByteQueue {
  private storage = Buffer.alloc(0);
  private start = 0;
  private end = 0;

  /** @param capacity most bytes in the queue */
  constructor(readonly capacity: number = Number.POSITIVE_INFINITY) {}

  get length(): number {
    return this.end - this.start;
  }

  get free(): number {
    return this.capacity - this.length;
  }

  /** Adds source[from, to). The caller must not add more than `free`. */
  push(source: Buffer, from: number, to: number): void {
    this.reserve(to - from);
    source.copy(this.storage, this.end, from, to);
    this.end += to - from;
  }

  /** Moves the first `count` bytes (not more than `length`) to `target` at `offset`. */
  shift(target: Buffer, offset: number, count: number): void {
    this.storage.copy(target, offset, this.start, this.start + count);
    this.start += count;
  }

  clear(): void {
    this.start = this.end = 0;
  }

  private reserve(count: number): void {
    if (this.end + count <= this.storage.length) return;
    const { length } = this;
    const needed = length + count;
    const roomy = needed <= this.storage.length / 2 ? this.storage : Buffer.allocUnsafe(Math.max(256, needed * 2));
    this.storage.copy(roomy, 0, this.start, this.end);
    this.storage = roomy;
    this.start = 0;
    this.end = length;
  }
}
