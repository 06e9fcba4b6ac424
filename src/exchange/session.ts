/** A visitor's session as one request sees it (SPEC.md §8). */
export interface Session {
  /** 32 hexadecimal digits, the same for as long as the session lasts. Knowing it is not enough to be let in: the cookie also proves it. */
  readonly id: string;
  /** The data: the text of one JSON object, `{}` while nothing was stored. */
  readonly data: string;
  /** Changes the data by a JSON Merge Patch (RFC 7396). 0, or the status that refuses it: 400 is no object, 413 would be too much. */
  patch(text: string): number;
  /** Ends it: the data is gone and the id is no longer valid. */
  end(): void;
}

/** A session's data at most, in bytes of UTF-8. */
export const MOST_DATA = 4096;
