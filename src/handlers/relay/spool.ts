/**
 * Collects the body of a request without Content-Length, for a source that must know the length before it starts (CONTENT_LENGTH).
 * A small body stays in memory, a larger one goes to a temporary file without a name.
 */
import { AT_FDCWD, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } from "../../../ffi/abi.ts";
import { errnoText } from "../../../ffi/errno.ts";
import type { Block } from "../../../ffi/memory.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { BodySink } from "../../exchange/handler.ts";
import type { BufferPool } from "../../network/buffers.ts";
import { errorStatus } from "../errors.ts";
import { BodyBuffer } from "./body-buffer.ts";

/** The default of `client_body_temp_path`. */
const FOLDER = "/tmp";

export class Spool implements BodySink {
  readonly answers = true;
  /** Bytes collected. */
  length = 0;
  /** The body, or its beginning until there is a file. */
  readonly memory: BodyBuffer;
  /** A descriptor that reads the file with the body from its start; -1: the body is in memory. */
  fd = -1;
  /** A descriptor that writes the same file. */
  private writer = -1;
  /** Complete, failed or broken off. */
  private over = false;

  /** @param onComplete called with the complete body; the callee then owns `memory` and `fd` */
  constructor(
    private readonly exchange: Exchange,
    pool: BufferPool,
    private readonly onComplete: (spool: Spool) => void,
  ) {
    this.memory = new BodyBuffer(pool);
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
    this.closeWriter();
    this.onComplete(this);
  }

  abort(): void {
    if (this.over) return;
    this.over = true;
    this.discard();
  }

  /** 0, or -errno. */
  private take(block: Block, start: number, end: number): number {
    const length = this.length + end - start;
    if (this.fd < 0 && length <= this.exchange.settings.clientBodyBufferSize) {
      this.memory.append(block, start, end);
      return 0;
    }
    const error = this.fd < 0 ? this.moveToFile() : 0;
    return error !== 0 ? error : this.write(block, start, end);
  }

  /** 0, or -errno. */
  private moveToFile(): number {
    const error = this.open();
    return error !== 0 ? error : this.memory.drain((block, offset, length) => this.writeSome(block, offset, length));
  }

  /** Makes the file, opens it twice (the script reads from its start), and removes its name. 0, or -errno. */
  private open(): number {
    const { settings, services } = this.exchange;
    const { kernel } = services;
    const name = `${settings.clientBodyTempPath ?? FOLDER}/.webserv-${services.randomHex(16)}`;
    this.writer = kernel.open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    if (this.writer < 0) return this.writer;
    this.fd = kernel.open(name, O_RDONLY | O_NOFOLLOW, 0);
    kernel.unlink(AT_FDCWD, name);
    return Math.min(0, this.fd);
  }

  /** 0, or -errno. */
  private write(block: Block, start: number, end: number): number {
    for (let at = start; at < end; ) {
      const n = this.writeSome(block, at, end - at);
      if (n < 0) return n;
      at += n;
    }
    return 0;
  }

  private writeSome(block: Block, offset: number, length: number): number {
    return this.exchange.services.kernel.write(this.writer, block, offset, length);
  }

  private fail(error: number): void {
    this.over = true;
    this.discard();
    const folder = this.exchange.settings.clientBodyTempPath ?? FOLDER;
    this.exchange.log("crit", `a body could not be kept in "${folder}" (${errnoText(error)})`);
    this.exchange.fail(errorStatus(-error, "own"));
  }

  private discard(): void {
    this.closeWriter();
    if (this.fd >= 0) this.exchange.services.kernel.close(this.fd);
    this.fd = -1;
    this.memory.release();
  }

  private closeWriter(): void {
    if (this.writer >= 0) this.exchange.services.kernel.close(this.writer);
    this.writer = -1;
  }
}
