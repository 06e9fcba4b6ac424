/** The settings of what changes a reply's body or its type: charsets, `sub_filter`, additions, trailers, SSI. Sizes are bytes. */
import type { AddHeader, Template } from "../parts.ts";

/** Media types in small letters; "*" stands for all. */
export type MediaTypes = ReadonlySet<string>;

export interface FilterSettings {
  /** Whether what is compressed already is decompressed for clients that do not accept gzip. */
  readonly gunzip: boolean;
  /** The charset that types of texts get; null: none. */
  readonly charset: Template | null;
  /** The charset that bodies have; null: that of `charset`, so nothing is converted. */
  readonly sourceCharset: Template | null;
  /** Whether replies of programs and other servers that name a charset are converted as well. */
  readonly overrideCharset: boolean;
  readonly charsetTypes: MediaTypes;
  readonly charsetMaps: readonly CharsetMap[];
  readonly subFilters: readonly SubFilter[];
  /** Whether each text is replaced only where it occurs first. */
  readonly subFilterOnce: boolean;
  readonly subFilterTypes: MediaTypes;
  readonly subFilterLastModified: boolean;
  /** Paths whose replies are put before and behind a body; "": none. */
  readonly addBeforeBody: string;
  readonly addAfterBody: string;
  readonly additionTypes: MediaTypes;
  readonly addTrailers: readonly AddHeader[];
  readonly ssi: boolean;
  readonly ssiTypes: MediaTypes;
  readonly ssiLastModified: boolean;
  /** Whether errors in directives are only logged. */
  readonly ssiSilentErrors: boolean;
  /** Most bytes of a value in a directive. */
  readonly ssiValueLength: number;
  /** Most bytes of a reply that becomes a variable. */
  readonly subrequestOutputBufferSize: number;
}

/** `charset_map`: a table between two charsets, which serves both ways. */
export interface CharsetMap {
  /** In small letters. */
  readonly from: string;
  readonly to: string;
  /** For codes of `from` the bytes in `to`. */
  readonly codes: readonly { readonly from: number; readonly to: readonly number[] }[];
}

/** `sub_filter`. */
interface SubFilter {
  readonly text: Template;
  readonly replacement: Template;
}
