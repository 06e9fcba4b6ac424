/**
 * The part of a reply that its source has given and its client has not taken yet: a few blocks of memory, then a temporary file
 * (nginx: proxy_buffers, proxy_max_temp_file_size). First in, first out.
 */
import { ERRNO, errnoText } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { FilePart } from "../../exchange/reply.ts";
import type { HandlerServices } from "../services.ts";
import type { RelayLog } from "./log.ts";
import { TEMP_FOLDER, TempFile } from "./temp-file.ts";

/** How much is kept, and where. */
export interface BufferLimits {
  /** Blocks of memory, and the bytes of each. */
  readonly buffers: { readonly count: number; readonly size: number };
  /** Most bytes of a reply that go through the file; 0: it has none. */
  readonly maxTempFileSize: number;
  /** The folder of the file; null: the default. */
  readonly tempPath: string | null;
}

/** Gives the next bytes of the reply. */
export interface PieceReader {
  /** As ReplySource.read. */
  receive(block: Block, offset: number, length: number): number;
}

/** Result of `fill`: there is no room. */
export const FULL = Number.NEGATIVE_INFINITY;

/** Up to so many bytes are copied, so that a large block is not held for a small rest. */
const LARGEST_COPY = 16 * 1024;
/** Bytes that are read at once when they go to the file. */
const FILE_PIECE = 64 * 1024;

/** block[start, end); without a block: the bytes [start, end) of the file. */
interface Segment {
  readonly block: Block | null;
  start: number;
  end: number;
}

export class ReplyBuffer {
  private readonly segments: Segment[] = [];
  private blocks = 0;
  private file: TempFile | null = null;
  private fileFailed = false;

  constructor(
    private readonly services: HandlerServices,
    private readonly limits: BufferLimits | null,
    private readonly log: RelayLog,
  ) {}

  get isEmpty(): boolean {
    return this.segments.length === 0;
  }

  /** Whether more may go to the file. */
  get hasFile(): boolean {
    return this.limits !== null && !this.fileFailed && (this.file?.length ?? 0) < this.limits.maxTempFileSize;
  }

  /** Keeps block[start, end). True: the block itself, which the caller must not use again; false: a copy. */
  keep(block: Block, start: number, end: number): boolean {
    if (start === end) return false;
    const copies = end - start <= LARGEST_COPY;
    if (!copies) this.add(block, start, end);
    else {
      const own = this.services.buffers.take(end - start);
      this.add(own, 0, block.bytes.copy(own.bytes, 0, start, end));
    }
    return !copies;
  }

  /** A copy of all there is, if it is short and all in one block; else null. */
  all(): Buffer | null {
    const [first] = this.segments;
    if (first === undefined || first.block === null || this.segments.length > 1) return null;
    if (first.end - first.start > LARGEST_COPY) return null;
    const copy = Buffer.allocUnsafeSlow(first.end - first.start);
    first.block.bytes.copy(copy, 0, first.start, first.end);
    return copy;
  }

  /** Passes what is in memory to `see`. */
  show(see: (block: Block, start: number, end: number) => void): void {
    for (const { block, start, end } of this.segments) if (block !== null) see(block, start, end);
  }

  /**
   * Reads once and keeps what came.
   * @param toFile whether it may go to the file
   * @returns as `receive`, or FULL
   */
  fill(reader: PieceReader, toFile: boolean): number {
    const last = this.segments.at(-1);
    if (last?.block && last.end < last.block.bytes.length) {
      const n = reader.receive(last.block, last.end, last.block.bytes.length - last.end);
      if (n > 0) last.end += n;
      return n;
    }
    if (this.limits !== null && this.blocks < this.limits.buffers.count) return this.fillBlock(reader);
    return toFile && this.openFile() ? this.fillFile(reader) : FULL;
  }

  private fillBlock(reader: PieceReader): number {
    const block = this.services.buffers.take(this.limits!.buffers.size);
    const n = reader.receive(block, 0, block.bytes.length);
    if (n > 0) this.add(block, 0, n);
    else this.services.buffers.release(block);
    return n;
  }

  private fillFile(reader: PieceReader): number {
    const file = this.file!;
    const block = this.services.buffers.take(FILE_PIECE);
    const n = reader.receive(block, 0, Math.min(FILE_PIECE, this.limits!.maxTempFileSize - file.length));
    const start = file.length;
    const error = n > 0 ? file.write(block, 0, n) : 0;
    if (file.length > start) this.addFromFile(start, file.length);
    if (error === 0) this.services.buffers.release(block);
    else {
      this.add(block, file.length - start, n); // what the file did not take
      this.noFile("write to", error);
    }
    return n;
  }

  private add(block: Block, start: number, end: number): void {
    this.blocks++;
    this.segments.push({ block, start, end });
  }

  private addFromFile(start: number, end: number): void {
    const last = this.segments.at(-1);
    if (last?.block === null) last.end = end;
    else this.segments.push({ block: null, start, end });
  }

  private openFile(): boolean {
    if (!this.hasFile) return false;
    if (this.file !== null) return true;
    const folder = this.limits!.tempPath ?? TEMP_FOLDER;
    this.file = new TempFile(this.services);
    const error = this.file.open(folder);
    if (error < 0) return this.noFile("make", error);
    this.log.note("warn", `an upstream response is buffered to a temporary file in "${folder}" while reading upstream`);
    return true;
  }

  /** The reply goes on without the file: its source has to wait for the client. */
  private noFile(what: string, error: number): false {
    this.fileFailed = true;
    const folder = this.limits!.tempPath ?? TEMP_FOLDER;
    this.log.note(
      "crit",
      `cannot ${what} a temporary file in "${folder}" (${errnoText(error)}) while reading upstream`,
    );
    return false;
  }

  /** Moves the next bytes to block[offset, offset + length). Their count; 0: there are none; -errno: the file can't be read. */
  read(block: Block, offset: number, length: number): number {
    let moved = 0;
    while (moved < length) {
      const first = this.segments[0];
      if (first === undefined || (first.block === null && moved > 0)) break;
      const most = Math.min(length - moved, first.end - first.start);
      const n = this.readSegment(first, block, offset + moved, most);
      if (n <= 0) return moved > 0 ? moved : n || -ERRNO.EIO;
      this.skip(n);
      moved += n;
    }
    return moved;
  }

  private readSegment(from: Segment, block: Block, offset: number, length: number): number {
    if (from.block !== null) return from.block.bytes.copy(block.bytes, offset, from.start, from.start + length);
    return this.services.kernel.read(this.file!.fd, block, offset, length, from.start);
  }

  /** The next bytes, if they are in the file. */
  inFile(): FilePart | null {
    const first = this.segments[0];
    if (first === undefined || first.block !== null) return null;
    return { fd: this.file!.fd, position: first.start, length: first.end - first.start };
  }

  /** The next `bytes`, all of one segment, were taken. */
  skip(bytes: number): void {
    const first = this.segments[0]!;
    first.start += bytes;
    if (first.start < first.end) return;
    this.segments.shift();
    this.releaseBlock(first);
  }

  private releaseBlock({ block }: Segment): void {
    if (block === null) return;
    this.blocks--;
    this.services.buffers.release(block);
  }

  /** Discards everything. */
  release(): void {
    for (const segment of this.segments) this.releaseBlock(segment);
    this.segments.length = 0;
    this.file?.close();
    this.file = null;
    this.fileFailed = true;
  }
}
