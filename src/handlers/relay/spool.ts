/**
 * Collects the body of a request without Content-Length, for a source that must know the length before it starts (CONTENT_LENGTH).
 * A small body stays in memory, a larger one goes to a temporary file without a name.
 */
import { AT_FDCWD } from "../../../ffi/abi.ts";
import { errnoText } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink } from "../../exchange/handler.ts";
import type { BufferPool } from "../../network/buffers.ts";
import { errorStatus } from "../errors.ts";
import { BodyBuffer } from "./body-buffer.ts";
import { TEMP_FOLDER, TempFile } from "./temp-file.ts";

export class Spool implements BodySink {
  readonly answers = true;
  readonly takesAll = true;
  /** Bytes collected. */
  length = 0;
  /** The body, or its beginning until there is a file. */
  readonly memory: BodyBuffer;
  private readonly file: TempFile;
  /** Complete, failed or broken off. */
  private over = false;

  /**
   * @param onComplete called with the complete body; the callee then owns `memory` and `fd`
   * @param inFile whether the body goes to a file with a name in any case (`client_body_in_file_only`)
   */
  constructor(
    private readonly exchange: Exchange,
    pool: BufferPool,
    private readonly onComplete: (spool: Spool) => void,
    private readonly inFile = false,
  ) {
    this.memory = new BodyBuffer(pool);
    this.file = new TempFile(exchange.services);
  }

  /** A descriptor that reads the file with the body from its start; -1: the body is in memory. */
  get fd(): number {
    return this.file.fd;
  }

  /** The name of the file with the body; "": it has none. */
  get fileName(): string {
    return this.file.name;
  }

  accept(block: Block, start: number, end: number): number {
    if (this.over) return end - start;
    const error = this.take(block, start, end);
    if (error === 0) this.length += end - start;
    else this.fail(error);
    return end - start;
  }

  end(): void {
    if (this.over) return;
    this.over = true;
    this.file.closeWriter();
    this.exchange.receivedBody = { length: this.length, text: this.text(), file: this.fileName };
    this.onComplete(this);
  }

  abort(): void {
    if (this.over) return;
    this.over = true;
    this.discard();
  }

  /** The body, for $request_body. */
  private text(): string {
    return this.fd < 0 && this.exchange.templates.uses("request_body") ? this.memory.text() : "";
  }

  /** 0, or -errno. */
  private take(block: Block, start: number, end: number): number {
    const length = this.length + end - start;
    if (this.fd < 0 && !this.inFile && length <= this.mostInMemory) {
      this.memory.append(block, start, end);
      return 0;
    }
    const error = this.fd < 0 ? this.moveToFile() : 0;
    return error !== 0 ? error : this.file.write(block, start, end);
  }

  /** As in nginx, a body that is announced may be a quarter longer than the buffer. */
  private get mostInMemory(): number {
    const { request, settings } = this.exchange;
    const size = settings.clientBodyBufferSize;
    const more = Math.floor(size * 1.25);
    return !request.chunked && request.contentLength < more ? more : size;
  }

  /** 0, or -errno. */
  private moveToFile(): number {
    const error = this.file.open(this.folder, this.inFile);
    if (error !== 0) return error;
    return this.memory.drain((block, offset, length) => this.file.writeSome(block, offset, length));
  }

  private get folder(): string {
    return this.exchange.settings.clientBodyTempPath ?? TEMP_FOLDER;
  }

  private fail(error: number): void {
    this.over = true;
    this.discard();
    this.exchange.log("crit", `a body could not be kept in "${this.folder}" (${errnoText(error)})`);
    this.exchange.fail(errorStatus(-error, "own"));
  }

  private discard(): void {
    this.file.close();
    if (this.fileName !== "") this.exchange.services.kernel.unlink(AT_FDCWD, this.fileName);
    this.memory.release();
  }
}
