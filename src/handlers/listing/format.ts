/** What makes the text of a listing, row by row. */
import type { FileStatus } from "../../../ffi/kernel.ts";

export interface ListingFormat {
  /** The Content-Type. */
  readonly type: string;
  /** What a page of rows costs, in steps of the listings' budget; by default 1. */
  readonly cost?: number;
  /** The text before the rows; `path` is the folder's URI, decoded, with a final slash. */
  head(path: string): string;
  /** The text of one file or folder; size in bytes, time in seconds since 1970; `index` counts rows from 0. */
  row(name: string, folder: boolean, size: number, mtime: number, index: number, status: FileStatus): string;
  /** The text after `count` rows. */
  tail(count: number): string;
}
