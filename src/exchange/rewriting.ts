/** What the rewrite module (`rewrite`, `if`, `set`) changes of a request. */

export interface Rewriting {
  /** The decoded path. */
  path: string;
  /** The query without its "?". */
  query: string;
  /** The groups of the last expression that matched. */
  captures: RegExpExecArray | null;
  /** The path is not the one in the request line. */
  isRedirected: boolean;
  /** The query is not the one in the request line (`set $args`). */
  hasOtherQuery: boolean;
  /** `rewrite ... break`: a URI in `proxy_pass` does not take the place of the location's prefix. */
  passesWholePath: boolean;
  /** Continues in the location of an `if`, by its index in the location that was looked up. */
  enterCondition(index: number): void;
  /** Looks up the location of the new path. False: that has happened too often, and was answered. */
  lookUpAgain(): boolean;
}
