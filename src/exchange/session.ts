/** A visitor's session as one request sees it (docs/behaviour.md, Sessions). */
export interface Session {
  /** 32 hexadecimal digits, constant while the session lasts. The id alone gives no access: the cookie also contains a proof. */
  readonly id: string;
  /** The data: the text of one JSON object, `{}` when nothing was stored. */
  readonly data: string;
  /** Changes the data by a JSON Merge Patch (RFC 7396). 0, or a status: 400: the patch is no JSON object; 413: too much data. */
  patch(text: string): number;
  /** Ends the session: its data is deleted and its id becomes invalid. */
  end(): void;
}

/** Most bytes of a session's data (UTF-8). */
export const MOST_DATA = 4096;
