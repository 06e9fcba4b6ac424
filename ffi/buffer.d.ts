/**
 * The runtime's fast paths between bytes and strings, which its type package leaves out: unlike
 * `toString(encoding, start, end)` they do not dispatch on the name of the encoding.
 */
interface Buffer {
  latin1Slice(start?: number, end?: number): string;
  utf8Slice(start?: number, end?: number): string;
  /** Bytes written. */
  latin1Write(text: string, offset: number, length?: number): number;
  /** Bytes written: whole characters only, what does not fit is left out. */
  utf8Write(text: string, offset: number, length?: number): number;
}
