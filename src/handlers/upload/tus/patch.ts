/** PATCH of a resumable upload: appends the bytes to its part. Without a checksum they stay there even if the request is interrupted. */
import type { Block } from "../../../../ffi/memory.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import type { BodySink } from "../../../exchange/handler.ts";
import { Failure, storeFailure } from "../failure.ts";
import type { StagedFile } from "../staged-file.ts";
import type { UploadActivity, UploadUser } from "./activity.ts";
import type { Checksum } from "./checksum.ts";
import type { TusUploads, Upload } from "./uploads.ts";

/** What a PATCH request adds to which upload. */
interface Patch {
  readonly upload: Upload;
  /** The open part, with `upload.offset` bytes. The sink owns it. */
  readonly part: StagedFile;
  /** Most bytes of the part. */
  readonly most: number;
  /** Checksum of the body; null: none. With a checksum, the bytes of an incomplete body are discarded. */
  readonly checksum: Checksum | null;
  /** Called when the body is complete; it must reply, and owns `part`. */
  complete(exchange: Exchange, upload: Upload, part: StagedFile): void;
}

/** It is the user of its upload until it ends. Another request for the upload interrupts it, so that the bytes of two requests are never mixed. */
export class PatchSink implements BodySink, UploadUser {
  private ended = false;

  constructor(
    private readonly exchange: Exchange,
    private readonly activity: UploadActivity,
    private readonly uploads: TusUploads,
    private readonly patch: Patch,
  ) {
    activity.begin(patch.upload.id, this);
  }

  accept(block: Block, start: number, end: number): number {
    if (this.ended) return 0;
    const length = end - start;
    const tooLong = this.patch.part.size + length > this.patch.most;
    const refusal = tooLong ? new Failure(413) : this.write(block, start, length);
    refusal?.reply(this.exchange);
    return length;
  }

  end(): void {
    const { upload, part, checksum } = this.patch;
    const refusal = checksum?.failure() ?? this.verified();
    if (refusal === null) {
      this.unregister();
      return this.patch.complete(this.exchange, upload, part);
    }
    this.abort();
    refusal.reply(this.exchange);
  }

  abort(): void {
    if (this.ended) return;
    this.unregister();
    const { upload, part, checksum } = this.patch;
    // If truncate fails, the description still says how many bytes are valid.
    if (checksum !== null && part.truncate(upload.offset) >= 0) this.uploads.update(upload, part, null);
    part.pause();
  }

  /** Also closes the connection, so that bytes still arriving on it are not appended after another request has continued. */
  interrupt(): void {
    this.abort();
    this.exchange.drop();
  }

  /** Records in the description that all bytes are valid, if there was a checksum. */
  private verified(): Failure | null {
    const { upload, part, checksum } = this.patch;
    return checksum === null ? null : this.uploads.update(upload, part, null);
  }

  private write(block: Block, start: number, length: number): Failure | null {
    this.patch.checksum?.update(block, start, length);
    const n = this.patch.part.write(block, start, length);
    return n < 0 ? storeFailure(n, `write() of upload ${this.patch.upload.id}`) : null;
  }

  private unregister(): void {
    this.ended = true;
    this.activity.end(this.patch.upload.id, this);
  }
}
