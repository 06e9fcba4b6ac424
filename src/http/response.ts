/** The head of a reply as text in which each character is one byte (latin1). */
import { isToken } from "./headers.ts";
import { reasonPhrase } from "./status.ts";

const statusLines: string[] = [];

/** The status line with its CRLF, `HTTP/1.1` whatever the request's version (RFC 9110 §2.5). Made once per status. */
export function statusLine(status: number): string {
  return (statusLines[status] ??= `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`);
}

/** The interim reply that asks for the body. */
export const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/**
 * One field line with its CRLF; "" when the name is no token, so that nothing a configuration or program says can break
 * the head apart. Line ends and other control characters in the value become spaces; characters above 0xFF become the
 * bytes of their UTF-8.
 */
export function fieldLine(name: string, value: string): string {
  return isToken(name) ? `${name}: ${fieldValue(value)}\r\n` : "";
}

/** `value` as it may stand in a field: see `fieldLine`. */
export function fieldValue(value: string): string {
  if (!/[^\t\x20-\x7e\x80-\xff]/.test(value)) return value;
  const bytes = /[^\x00-\xff]/.test(value) ? Buffer.from(value, "utf8").latin1Slice() : value;
  return bytes.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, " ").trim();
}

/** A whole head: status line, field lines, empty line. */
export function responseHead(status: number, fields: readonly (readonly [name: string, value: string])[]): string {
  let head = statusLine(status);
  for (let i = 0; i < fields.length; i++) head += fieldLine(fields[i][0], fields[i][1]);
  return head + "\r\n";
}
