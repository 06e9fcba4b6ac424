/** Media types with their charsets, as nginx takes them apart (ngx_http_test_content_type). */
import type { MediaTypes } from "../../config/settings/filters.ts";

const CHARSET = /;\s*charset=("?)([^;]*?)\1\s*(?:$|;)/i;

/** The charset that a Content-Type names; null: none. */
export const charsetIn = (value: string): string | null => CHARSET.exec(value)?.[2] ?? null;

/** A Content-Type without its charset and what follows it. */
export function withoutCharset(value: string): string {
  const at = CHARSET.exec(value)?.index ?? -1;
  return at < 0 ? value : value.slice(0, at);
}

/** Whether a Content-Type is among `types`. Another parameter than a charset makes it another type, as in nginx. */
export const isAmong = (types: MediaTypes, value: string): boolean =>
  types.has("*") || types.has(withoutCharset(value).trim().toLowerCase());
