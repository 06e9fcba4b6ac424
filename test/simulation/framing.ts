/** Decodes the framing of a reply's body (RFC 9112 §6.3, §7.1). It shares no code with the server. */

/** Reads a body's bytes; throws a RangeError if they violate the framing. */
export interface Framing {
  /** The body is complete. */
  readonly done: boolean;
  /** Reads bytes from index `at`; gives the index after the last one read. `data` gets the pieces of the body. */
  feed(bytes: Buffer, at: number, data: (start: number, end: number) => void): number;
}

/** Content-Length; Infinity: until the connection ends. */
export class LengthFraming implements Framing {
  constructor(private left: number) {}

  get done(): boolean {
    return this.left === 0;
  }

  get endsWithConnection(): boolean {
    return this.left === Number.POSITIVE_INFINITY;
  }

  feed(bytes: Buffer, at: number, data: (start: number, end: number) => void): number {
    const end = Math.min(bytes.length, at + this.left);
    data(at, end);
    this.left -= end - at;
    return end;
  }
}

/** Chunks without extensions or trailers, which this server does not send. */
export class ChunkedFraming implements Framing {
  done = false;
  private line = "";
  /** Bytes of the chunk and its CRLF not yet received. */
  private left = 0;
  private last = false;

  feed(bytes: Buffer, at: number, data: (start: number, end: number) => void): number {
    return this.left > 2 ? this.feedData(bytes, at, data) : this.feedLine(bytes, at);
  }

  private feedData(bytes: Buffer, at: number, data: (start: number, end: number) => void): number {
    const end = Math.min(bytes.length, at + this.left - 2);
    data(at, end);
    this.left -= end - at;
    return end;
  }

  /** Reads one byte of a size line, or of the CRLF after a chunk. */
  private feedLine(bytes: Buffer, at: number): number {
    this.line += String.fromCharCode(bytes[at]!);
    if (this.left === 0 && /^[0-9a-fA-F]+\r\n$/.test(this.line)) this.startChunk(Number.parseInt(this.line, 16));
    else if (this.left > 0 && this.line === "\r\n") this.endChunk();
    else if (!(this.left > 0 ? /^\r$/ : /^[0-9a-fA-F]+\r?$/).test(this.line)) {
      throw new RangeError(`bad chunk: ${JSON.stringify(this.line)}`);
    }
    return at + 1;
  }

  private startChunk(size: number): void {
    this.line = "";
    this.left = size + 2;
    this.last = size === 0;
  }

  private endChunk(): void {
    this.line = "";
    this.left = 0;
    this.done = this.last;
  }
}
