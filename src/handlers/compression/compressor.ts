/**
 * Compresses piece by piece in the thread of the loop, by the runtime's zlib, brotli and zstd. The streams of node:zlib have a
 * synchronous call inside (`writeSync`, which `gzipSync` uses too). No thread pool, no events, no clock: the same calls give the
 * same bytes. Only this file may import node:zlib.
 */
import zlib from "node:zlib";
import type { Coding } from "../../http/accept-encoding.ts";

/** The library may keep bytes, to compress them together with what follows. */
export const MORE = 0;
/** Write all output: the reader can then decode every byte taken so far. */
export const FLUSH = 1;
/** The last piece. */
export const END = 2;
export type Flush = 0 | 1 | 2;

/** The internal interface of node:zlib's streams. */
interface Native {
  readonly _handle: {
    writeSync(flush: number, input: Buffer, at: number, length: number, output: Buffer, to: number, room: number): void;
    close(): void;
  };
  /** The input is malformed; zlib has freed `_handle`. */
  readonly destroyed: boolean;
  /** After a call: what is left of `room` and of `length`. */
  readonly _writeState: Uint32Array;
  on(event: "error", listener: (error: Error) => void): void;
}

const { constants } = zlib;

/** For each coding its library's values of MORE, FLUSH and END. */
const FLUSHES: Readonly<Record<Coding, readonly [number, number, number]>> = {
  gzip: [constants.Z_NO_FLUSH, constants.Z_SYNC_FLUSH, constants.Z_FINISH],
  br: [constants.BROTLI_OPERATION_PROCESS, constants.BROTLI_OPERATION_FLUSH, constants.BROTLI_OPERATION_FINISH],
  zstd: [constants.ZSTD_e_continue, constants.ZSTD_e_flush, constants.ZSTD_e_end],
};

/** A window of 128 KB: a larger one gains little on web pages, and each reply in progress has one. */
const WINDOW_BITS = 17;

/** Compresses one reply body. `close` frees the memory of the library (0.2 to 3 MB). */
export class Compressor {
  /** Bytes in and out so far. */
  bytesIn = 0;
  bytesOut = 0;
  /** The output was full: `run` must be called again with the rest of the input. */
  full = false;
  private readonly native: Native;
  private readonly flushes: readonly [number, number, number];
  private failure: Error | null = null;

  constructor(
    readonly coding: Coding,
    level: number,
  ) {
    this.native = open(coding, level);
    this.native.on("error", (error) => (this.failure = error));
    this.flushes = FLUSHES[coding];
  }

  /**
   * Compresses input[start, end) to output[at, at + room). Gives how many bytes of the input it took: fewer than all only if
   * `full`. `bytesOut` has grown by what it wrote.
   */
  run(input: Buffer, start: number, end: number, output: Buffer, at: number, room: number, flush: Flush): number {
    const { _handle: handle, _writeState: state } = this.native;
    handle.writeSync(this.flushes[flush], input, start, end - start, output, at, room);
    if (this.failure !== null) throw this.failure;
    const [roomLeft, inputLeft] = state as unknown as [number, number];
    const taken = end - start - inputLeft;
    this.bytesIn += taken;
    this.bytesOut += room - roomLeft;
    this.full = roomLeft === 0;
    return taken;
  }

  close(): void {
    this.native._handle.close();
  }
}

/** Compresses all of `input` at once. */
export function compressWhole(coding: Coding, level: number, input: Buffer): Buffer {
  const compressor = new Compressor(coding, level);
  const parts: Buffer[] = [];
  let at = 0;
  do {
    const part = Buffer.allocUnsafe(Math.max(512, (input.length - at) >> 1));
    const before = compressor.bytesOut;
    at += compressor.run(input, at, input.length, part, 0, part.length, END);
    parts.push(part.subarray(0, compressor.bytesOut - before));
  } while (compressor.full);
  compressor.close();
  return Buffer.concat(parts);
}

/** Decompresses one body in gzip. `close` frees the memory of the library (40 KB). */
export class Decompressor {
  /** The output was full: there may be more without further input. */
  full = false;
  /** Bytes that the last call wrote. */
  written = 0;
  private readonly native = zlib.createGunzip() as unknown as Native;

  constructor() {
    this.native.on("error", () => {}); // `destroyed` tells
  }

  /** Decompresses input[start, end) to output[at, at + room). Gives how many bytes of the input it took; -1: it is malformed. */
  run(input: Buffer, start: number, end: number, output: Buffer, at: number, room: number): number {
    return this.write(constants.Z_SYNC_FLUSH, input, start, end, output, at, room);
  }

  /** Whether all input that a whole body needs has come. */
  isComplete(): boolean {
    const output = Buffer.alloc(1);
    return this.write(constants.Z_FINISH, output, 0, 0, output, 0, 1) >= 0;
  }

  private write(flush: number, input: Buffer, start: number, end: number, output: Buffer, at: number, room: number) {
    const { native } = this;
    if (!native.destroyed) native._handle.writeSync(flush, input, start, end - start, output, at, room);
    if (native.destroyed) return -1;
    const [roomLeft, inputLeft] = native._writeState as unknown as [number, number];
    this.written = room - roomLeft;
    this.full = roomLeft === 0;
    return end - start - inputLeft;
  }

  close(): void {
    if (!this.native.destroyed) this.native._handle.close();
  }
}

function open(coding: Coding, level: number): Native {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, ZSTD_c_compressionLevel, ZSTD_c_windowLog } = constants;
  const stream =
    coding === "gzip"
      ? zlib.createGzip({ level })
      : coding === "br"
        ? zlib.createBrotliCompress({ params: { [BROTLI_PARAM_QUALITY]: level, [BROTLI_PARAM_LGWIN]: WINDOW_BITS } })
        : zlib.createZstdCompress({ params: { [ZSTD_c_compressionLevel]: level, [ZSTD_c_windowLog]: WINDOW_BITS } });
  return stream as unknown as Native;
}
