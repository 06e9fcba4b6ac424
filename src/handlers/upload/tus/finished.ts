/** Uploads that are files now; they are only remembered for clients that lost the reply. */
import { FileStatus } from "../../../../ffi/kernel.ts";
import { etagOf } from "../../files/file-reply.ts";
import type { Store } from "../store.ts";
import { pathOf, type Target } from "../target.ts";

/** An upload that became a file. */
export interface Finished {
  /** All bytes. */
  readonly offset: number;
  /** The same. */
  readonly length: number;
  /** The field Upload-Metadata as it came. */
  readonly metadata: string;
  /** The field Upload-Concat; "": it was no concatenation. */
  readonly concat: string;
  /** Where the file is, under which name it was stored. */
  readonly stored: Target;
  /** The file's entity tag; "": not known. */
  readonly version: string;
}

/** How many finished uploads are remembered. */
const MOST_FINISHED = 256;

export class FinishedUploads {
  private readonly all = new Map<string, Finished>();
  private readonly status = new FileStatus();

  constructor(private readonly store: Store) {}

  /** An upload as it was when it became a file; null: it did not, or long ago, or the file is no more: then it has to be sent again. */
  find(id: string): Finished | null {
    const found = this.all.get(id);
    return found !== undefined && this.isThere(found) ? found : null;
  }

  remember(id: string, finished: Finished): Finished {
    this.all.set(id, finished);
    if (this.all.size > MOST_FINISHED) this.all.delete(this.all.keys().next().value!);
    return finished;
  }

  /** False: there is none. */
  forget(id: string): boolean {
    return this.all.delete(id);
  }

  private isThere({ stored, version }: Finished): boolean {
    return this.store.stat(pathOf(stored), this.status) === 0 && etagOf(this.status) === version;
  }
}
