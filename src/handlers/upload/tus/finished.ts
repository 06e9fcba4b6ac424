/** Finished uploads, whose files are published. The server remembers them for clients that lost the last reply. */
import { FileStatus } from "../../../../ffi/kernel.ts";
import { etagOf } from "../../files/file-reply.ts";
import type { Store } from "../store.ts";
import { pathOf, type Target } from "../target.ts";

/** An upload whose file is published. */
export interface Finished {
  /** Length of the file in bytes, like `length`. */
  readonly offset: number;
  /** Length of the file in bytes. */
  readonly length: number;
  /** The field Upload-Metadata, unchanged. */
  readonly metadata: string;
  /** The field Upload-Concat; "": not a concatenation. */
  readonly concat: string;
  /** Folders and final name of the file. */
  readonly stored: Target;
  /** The file's entity tag; "": not known. */
  readonly version: string;
}

/** Most finished uploads that are remembered; the oldest are forgotten. */
const MOST_FINISHED = 256;

export class FinishedUploads {
  private readonly all = new Map<string, Finished>();
  private readonly status = new FileStatus();

  constructor(private readonly store: Store) {}

  /** The finished upload `id`. null: it is unknown or forgotten, or its file was removed or changed; the client must upload again. */
  find(id: string): Finished | null {
    const found = this.all.get(id);
    return found !== undefined && this.isThere(found) ? found : null;
  }

  remember(id: string, finished: Finished): Finished {
    this.all.set(id, finished);
    if (this.all.size > MOST_FINISHED) this.all.delete(this.all.keys().next().value!);
    return finished;
  }

  /** Forgets a finished upload; false: it was not known. */
  forget(id: string): boolean {
    return this.all.delete(id);
  }

  private isThere({ stored, version }: Finished): boolean {
    return this.store.stat(pathOf(stored), this.status) === 0 && etagOf(this.status) === version;
  }
}
