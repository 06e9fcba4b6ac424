/** PATCH of a resumable upload: the bytes go to the end of its part, and stay there however the request ends. */
import type { Block } from "../../../../ffi/memory.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import type { BodySink } from "../../../exchange/handler.ts";
import { Failure, storeFailure } from "../failure.ts";
import type { StagedFile } from "../staged-file.ts";
import type { UploadActivity, UploadUser } from "./activity.ts";
import type { Checksum } from "./checksum.ts";
import type { TusUploads, Upload } from "./uploads.ts";

/** What a PATCH sends. */
interface Patch {
  readonly upload: Upload;
  /** Open at its end, with `upload.offset` bytes; the sink's from now on. */
  readonly part: StagedFile;
  /** Bytes that the file has at most. */
  readonly most: number;
  /** Of the body; null: there is none. With one, only a whole body counts. */
  readonly checksum: Checksum | null;
  /** Answers when the bytes are there. */
  complete(exchange: Exchange, upload: Upload, part: StagedFile): void;
}

/** It counts as the user of its upload from the beginning to the end: who asks for the upload meanwhile takes it over, lest the bytes of both are mixed. */
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
      this.forget();
      return this.patch.complete(this.exchange, upload, part);
    }
    this.abort();
    refusal.reply(this.exchange);
  }

  abort(): void {
    if (this.ended) return;
    this.forget();
    const { upload, part, checksum } = this.patch;
    // Where that fails, the description still says how many bytes count.
    if (checksum !== null && part.truncate(upload.offset) >= 0) this.uploads.note(upload, part, null);
    part.pause();
  }

  /** Its connection ends, too: what still comes on it must not be added behind the other's back. */
  giveUp(): void {
    this.abort();
    this.exchange.drop();
  }

  /** From now on all bytes count. */
  private verified(): Failure | null {
    const { upload, part, checksum } = this.patch;
    return checksum === null ? null : this.uploads.note(upload, part, null);
  }

  private write(block: Block, start: number, length: number): Failure | null {
    this.patch.checksum?.update(block, start, length);
    const n = this.patch.part.write(block, start, length);
    return n < 0 ? storeFailure(n, `write() of upload ${this.patch.upload.id}`) : null;
  }

  private forget(): void {
    this.ended = true;
    this.activity.end(this.patch.upload.id, this);
  }
}
