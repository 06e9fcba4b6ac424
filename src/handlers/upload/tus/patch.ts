/** PATCH of a resumable upload: the bytes go to the end of its part, and stay there however the request ends. */
import type { Block } from "../../../../ffi/memory.ts";
import type { Exchange } from "../../../exchange/exchange.ts";
import type { BodySink } from "../../../exchange/handler.ts";
import { Failure, storeFailure } from "../failure.ts";
import type { StagedFile } from "../staged-file.ts";
import type { UploadActivity, UploadUser } from "./activity.ts";
import type { Upload } from "./uploads.ts";

/** What becomes of the request when its body is complete; `part` has all bytes that are there. */
export type Completion = (exchange: Exchange, upload: Upload, part: StagedFile) => void;

/** It counts as the user of its upload from the beginning to the end: who asks for the upload meanwhile takes it over, lest the bytes of both are mixed. */
export class PatchSink implements BodySink, UploadUser {
  private ended = false;

  /** @param part open at its end, with `upload.offset` bytes; the sink's from now on */
  constructor(
    private readonly exchange: Exchange,
    private readonly activity: UploadActivity,
    private readonly upload: Upload,
    private readonly part: StagedFile,
    private readonly complete: Completion,
  ) {
    activity.begin(upload.id, this);
  }

  accept(block: Block, start: number, end: number): number {
    if (this.ended) return 0;
    const length = end - start;
    const refusal = this.part.size + length > this.upload.length ? new Failure(413) : this.write(block, start, length);
    refusal?.tell(this.exchange);
    return length;
  }

  end(): void {
    this.forget();
    this.complete(this.exchange, this.upload, this.part);
  }

  abort(): void {
    this.forget();
    this.part.pause();
  }

  /** Its connection ends, too: what still comes on it must not be added behind the other's back. */
  giveUp(): void {
    this.abort();
    this.exchange.drop();
  }

  private write(block: Block, start: number, length: number): Failure | null {
    const n = this.part.write(block, start, length);
    return n < 0 ? storeFailure(n, `write() of upload ${this.upload.id}`) : null;
  }

  private forget(): void {
    this.ended = true;
    this.activity.end(this.upload.id, this);
  }
}
