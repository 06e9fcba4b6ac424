/** Settings of how connections end. */

export interface KeepaliveSettings {
  /** Whether POST of Internet Explorer up to 6, and any request of Safari on macOS, ends its connection. */
  readonly keepaliveMsie6: boolean;
  readonly keepaliveSafari: boolean;
  /** How long a connection without a request is kept when the server stops, ms. */
  readonly keepaliveMinTimeout: number;
  /** Whether a connection whose client took too long ends with a reset, so that the kernel discards what was not sent. */
  readonly resetTimedoutConnection: boolean;
}
