/**
 * Concatenates partial uploads to one file (tus 1.0, "Concatenation"), one piece in each turn of the loop. The parts are not
 * changed until the complete file is published, so after a failure the client can send the request again.
 */
import { O_NOFOLLOW, O_RDONLY } from "../../../../ffi/abi.ts";
import { ERRNO } from "../../../../ffi/errno.ts";
import type { Kernel } from "../../../../ffi/kernel.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import type { LargeWork } from "../../large/large-work.ts";
import { Failure, storeFailure } from "../failure.ts";
import type { StagedFile } from "../staged-file.ts";
import type { UploadActivity, UploadUser } from "./activity.ts";
import { partName } from "./description.ts";
import type { Upload } from "./uploads.ts";

/** Most bytes copied in one turn; they take about 1 ms. */
const BYTES_PER_TURN = 1024 * 1024;
/** Most parts opened in one turn. */
const PARTS_PER_TURN = 16;

/**
 * One concatenation. It is the user of its parts until it ends. Another request for one of the parts interrupts it, because a
 * client that asks again has lost the connection of this request.
 */
export class Concatenation implements UploadUser, LargeWork {
  private ended = false;
  /** Index of the part that is being copied, number of its bytes already copied, and its descriptor (-1: not open). */
  private index = 0;
  private position = 0;
  private source = -1;

  /**
   * @param whole an empty file, which the concatenation owns until it calls `complete`
   * @param complete called when all bytes are in `whole`; it must reply, and owns `whole`
   */
  constructor(
    private readonly kernel: Kernel,
    private readonly exchange: Exchange,
    private readonly activity: UploadActivity,
    private readonly parts: readonly Upload[],
    private readonly whole: StagedFile,
    private readonly complete: () => void,
  ) {
    for (const { id } of parts) activity.begin(id, this);
    exchange.onGone = () => this.stop();
  }

  /** Copies the next piece; false: the concatenation has ended. */
  step(): boolean {
    if (this.ended) return false;
    let room = BYTES_PER_TURN;
    for (let opened = 0; room > 0 && this.index < this.parts.length && opened < PARTS_PER_TURN; opened++) {
      const n = this.copy(room);
      if (n instanceof Failure) return this.fail(n);
      room -= n;
    }
    if (this.index < this.parts.length) return true;
    this.end();
    this.complete();
    return false;
  }

  crash(error: unknown): void {
    this.stop();
    this.whole.abort();
    this.exchange.crash(error);
  }

  interrupt(): void {
    this.stop();
    this.exchange.drop();
  }

  /** Copies at most `room` bytes of the current part; gives the number copied. */
  private copy(room: number): number | Failure {
    const { id, offset } = this.parts[this.index]!;
    const at = `upload ${id}`;
    if (this.source < 0) this.source = this.open(id);
    if (this.source === -ERRNO.ENOENT)
      return new Failure(404, `${at} was removed while it was joined with others`, "info");
    if (this.source < 0) return storeFailure(this.source, `open() of ${at}`);
    const length = Math.min(room, offset - this.position);
    const n = length > 0 ? this.whole.copy(this.source, this.position, length) : 0;
    if (n < 0) return storeFailure(n, `sendfile() from ${at}`);
    if (n === 0 && length > 0) return new Failure(409, `${at} became shorter while it was joined with others`, "info");
    this.position += n;
    if (this.position === offset) this.next();
    return n;
  }

  private open(id: string): number {
    return this.kernel.openBeneath(this.whole.staging.fd, partName(id), O_RDONLY | O_NOFOLLOW, 0, "deny");
  }

  private next(): void {
    this.close();
    this.index++;
    this.position = 0;
  }

  private fail(failure: Failure): false {
    this.stop();
    failure.reply(this.exchange);
    return false;
  }

  private stop(): void {
    if (this.ended) return;
    this.end();
    this.whole.abort();
  }

  private end(): void {
    this.ended = true;
    this.exchange.onGone = null;
    for (const { id } of this.parts) this.activity.end(id, this);
    this.close();
  }

  private close(): void {
    if (this.source >= 0) this.kernel.close(this.source);
    this.source = -1;
  }
}
