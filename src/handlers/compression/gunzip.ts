/** A body in gzip that is decompressed while it is sent (ngx_http_gunzip_filter_module). */
import { ERRNO } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { StreamBody } from "../../exchange/reply.ts";
import type { Acceptance } from "../../http/accept-encoding.ts";
import type { BufferPool } from "../../network/buffers.ts";
import { Decompressor } from "./compressor.ts";
import type { Source } from "./sources.ts";

/** Bytes of one read of the source. */
const PIECE = 16 * 1024;
/** Most steps in a row that give nothing to send. */
const STEPS = 16;
const NOTHING = Buffer.alloc(0);

/** Whether a reply in gzip is to be decompressed: for those who do not accept it, and where it becomes part of another. */
export const needsGunzip = ({ ranks }: Acceptance, isSubrequest: boolean): boolean => isSubrequest || ranks.gzip === 0;

export class GunzippedStream implements StreamBody {
  readonly kind = "stream";
  readonly length = -1;
  private readonly decompressor = new Decompressor();
  private input: Buffer = NOTHING;
  private at = 0;
  private sourceEnded = false;

  /** @param wake called if it must wait for the next turn of the loop */
  constructor(
    private readonly source: Source,
    private readonly pool: BufferPool,
    private readonly wake: () => void,
  ) {}

  /** As StreamBody.read; -EIO: it is no gzip, or cut. */
  read(block: Block, offset: number, length: number): number {
    const { decompressor } = this;
    for (let step = 0; step < STEPS; step++) {
      if (!decompressor.full && this.at === this.input.length) {
        const failure = this.sourceEnded ? 0 : this.fill();
        if (failure < 0) return failure;
        if (this.sourceEnded) return decompressor.isComplete() ? 0 : -ERRNO.EIO;
      }
      const taken = decompressor.run(this.input, this.at, this.input.length, block.bytes, offset, length);
      if (taken < 0) return -ERRNO.EIO;
      this.at += taken;
      if (decompressor.written > 0) return decompressor.written;
    }
    this.wake();
    return -ERRNO.EAGAIN;
  }

  /** Reads the next piece of the source. 0, or -errno. */
  private fill(): number {
    const block = this.pool.take(PIECE);
    const n = this.source.read(block, 0, PIECE);
    this.input = n > 0 ? Buffer.from(block.bytes.subarray(0, n)) : NOTHING;
    this.pool.release(block);
    this.at = 0;
    this.sourceEnded = n === 0;
    return Math.min(n, 0);
  }

  readAhead(): void {
    this.source.readAhead?.();
  }

  close(): void {
    this.decompressor.close();
    this.source.close();
  }
}
