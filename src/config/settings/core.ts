/** Settings of nginx's core about requests, connections and replies. */
import type { Template } from "../parts.ts";

export interface CoreSettings {
  /** Whether a body that is passed on is in a file in any case: one that is removed afterwards, or one that stays. */
  readonly clientBodyInFileOnly: "off" | "clean" | "on";
  /** How long a 401 is kept back. */
  readonly authDelay: number;
  /** The folder beneath which symbolic links are judged by `symlinks`, if that is not the location's root. */
  readonly symlinksFrom: Template | null;
  readonly autoindexFormat: "html" | "xml" | "json" | "jsonp";
  /** Whether listings for people show sizes in bytes, and times of the server's zone. */
  readonly autoindexExactSize: boolean;
  readonly autoindexLocaltime: boolean;
  /** Most ranges of one request; with more it gets the whole. 0: there are no ranges. */
  readonly maxRanges: number;
  /** Whether a reply whose length is not known has chunks; if not, it ends with the connection. */
  readonly chunkedTransferEncoding: boolean;
  /** Whether an error while an error page is made has an error page itself. */
  readonly recursiveErrorPages: boolean;
  /** Whether missing files are lines in the error log. */
  readonly logNotFound: boolean;
  /** Whether subrequests are lines in the access log. */
  readonly logSubrequest: boolean;
  /** Whether what the server says by itself is what nginx would say (the row of `nginx_replies`). */
  readonly nginxReplies: boolean;
  /** Whether repeated slashes in a path are one. */
  readonly mergeSlashes: boolean;
  /** Whether names of fields may have underscores. */
  readonly underscoresInHeaders: boolean;
  /** Whether fields are dropped whose names have other characters than letters, digits and hyphens. */
  readonly ignoreInvalidHeaders: boolean;
  /** Most fields of a request. */
  readonly maxHeaders: number;
  /** When the rest of what a client sends is read before a close: where there may be some, always, or never. */
  readonly lingeringClose: "on" | "always" | "off";
  /** How long a connection takes requests, from its start. */
  readonly keepaliveTime: number;
}
