/** The fields of a program's reply that its client does not get. */
import type { FamilySettings } from "../../config/gateway.ts";

/** About the connection (RFC 9110 §7.6.1): the client's has its own. Status and Content-Length are no part of a reply's fields here. */
const OF_CONNECTION = ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];
/** What nginx hides unless `*_pass_header` says otherwise. */
const HIDDEN = [
  "date",
  "server",
  "x-accel-buffering",
  "x-accel-charset",
  "x-accel-expires",
  "x-accel-limit-rate",
  "x-accel-redirect",
  "x-pad",
];

export function hiddenFields({ hideHeaders, passHeaders }: FamilySettings): ReadonlySet<string> {
  return new Set([...[...HIDDEN, ...hideHeaders].filter((name) => !passHeaders.includes(name)), ...OF_CONNECTION]);
}
