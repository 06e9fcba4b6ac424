/** What changes a body piece by piece. */
export interface Transform {
  /** Takes the next bytes, which never change afterwards, and appends to `out` what they become. It keeps back only what depends on bytes that are to come. */
  feed(input: Buffer, out: Buffer[]): void;
  /** The body ends: appends what is left. */
  end(out: Buffer[]): void;
}
