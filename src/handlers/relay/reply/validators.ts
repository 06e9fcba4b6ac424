/** The validators in the fields of another server's reply. */
import type { Field } from "../../../exchange/reply.ts";
import type { Validators } from "../../../http/reply/conditional.ts";
import { parseDate } from "../../../http/reply/date.ts";
import { valueIn } from "../../compression/fields.ts";

/** ETag and Last-Modified of a reply; one that is no date counts as not given. @param now seconds since 1970 */
export function validatorsIn(fields: readonly Field[], now: number): Validators {
  const date = valueIn(fields, "last-modified");
  const mtime = date === undefined ? Number.NaN : parseDate(date, now);
  return { etag: valueIn(fields, "etag") ?? null, mtimeSeconds: Number.isNaN(mtime) ? null : mtime };
}
