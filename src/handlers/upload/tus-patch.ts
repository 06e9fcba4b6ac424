/** PATCH of a resumable upload: the bytes go to the end of its part, and stay there however the request ends. */
import type { Block } from "../../../ffi/memory.ts";
import type { BodySink, Exchange, Services } from "../handler.ts";
import { Failure, storeFailure } from "./failure.ts";
import type { StagedFile } from "./staged-file.ts";
import type { Upload } from "./tus-uploads.ts";

/** What becomes of the request when its body is complete; `part` has all bytes that are there. */
export type Completion = (exchange: Exchange, upload: Upload, part: StagedFile) => void;

/**
 * The PATCHes under way, by the paths of their uploads: those of the whole server, for a location that was made anew by a
 * reload meets those of its predecessor.
 */
const underWay = new WeakMap<Services, Map<string, PatchSink>>();

function patchesOf(services: Services): Map<string, PatchSink> {
  let patches = underWay.get(services);
  if (patches === undefined) underWay.set(services, (patches = new Map()));
  return patches;
}

/** Whether a PATCH of the upload in `store` is under way. */
export const isUnderWay = (services: Services, store: string, id: string): boolean =>
  patchesOf(services).has(keyOf(store, id));

/**
 * Ends the PATCH of the upload that is under way, if one is, with its connection: the client asks again because that was lost,
 * and what still comes on it must not be added behind its back.
 */
export function takeOver(services: Services, store: string, id: string): void {
  patchesOf(services).get(keyOf(store, id))?.giveUp();
}

const keyOf = (store: string, id: string): string => `${store}/${id}`;

export class PatchSink implements BodySink {
  private readonly patches: Map<string, PatchSink>;
  private readonly key: string;
  private ended = false;

  /** @param part open at its end, with `upload.offset` bytes; the sink's from now on */
  constructor(
    private readonly exchange: Exchange,
    store: string,
    private readonly upload: Upload,
    private readonly part: StagedFile,
    private readonly complete: Completion,
  ) {
    this.patches = patchesOf(exchange.services);
    this.key = keyOf(store, upload.id);
    this.patches.set(this.key, this);
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

  /** Somebody else goes on with the upload. */
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
    if (this.patches.get(this.key) === this) this.patches.delete(this.key);
  }
}
