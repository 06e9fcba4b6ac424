/** The head of a reply as text in which each character is one byte (latin1). */
import { isToken } from "../headers.ts";
import { reasonPhrase } from "./status.ts";

const statusLines: string[] = [];

/** The status line with its CRLF; always `HTTP/1.1`, whatever the request's version (RFC 9110 §2.5). Made once per status. */
function statusLine(status: number): string {
  return (statusLines[status] ??= `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`);
}

/**
 * One field line with its CRLF; "" when the name is no token, so that no configuration or program can break the head. Line
 * ends and other control characters in the value become spaces; characters above 0xFF become the bytes of their UTF-8.
 */
function fieldLine(name: string, value: string): string {
  return isToken(name) ? `${name}: ${fieldValue(value)}\r\n` : "";
}

/** Makes `value` safe for a field line: see `fieldLine`. */
export function fieldValue(value: string): string {
  if (!/[^\t\x20-\x7e\x80-\xff]/.test(value)) return value;
  const bytes = /[^\x00-\xff]/.test(value) ? Buffer.from(value, "utf8").latin1Slice() : value;
  return bytes.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, " ").trim();
}

/** Fields that may occur only once in a reply, in small letters: those with a single value (RFC 9110 §5.3), and Accept-Ranges. */
const SINGLETONS: ReadonlySet<string> = new Set([
  "accept-ranges",
  "age",
  "content-disposition",
  "content-length",
  "content-location",
  "content-range",
  "content-type",
  "date",
  "etag",
  "expires",
  "last-modified",
  "location",
  "retry-after",
  "server",
]);

/** Index of the field in `fields` that has this name and may occur only once, or -1. */
export function indexOfSingleton(fields: readonly (readonly [name: string, value: string])[], name: string): number {
  for (let i = 0; i < fields.length; i++) {
    const other = fields[i]![0];
    if (other.length !== name.length) continue;
    const lower = name.toLowerCase();
    if (other.toLowerCase() === lower) return SINGLETONS.has(lower) ? i : -1;
  }
  return -1;
}

/** Adds a field; replaces the one of the same name if it may occur only once. */
export function putField(fields: (readonly [name: string, value: string])[], name: string, value: string): void {
  const at = indexOfSingleton(fields, name);
  if (at < 0) fields.push([name, value]);
  else fields[at] = [name, value];
}

/** A whole head: status line, field lines, empty line. */
export function responseHead(status: number, fields: readonly (readonly [name: string, value: string])[]): string {
  let head = statusLine(status);
  for (let i = 0; i < fields.length; i++) head += fieldLine(fields[i][0], fields[i][1]);
  return head + "\r\n";
}

/** The lines of fields behind a body. */
export const fieldLines = (fields: readonly (readonly [name: string, value: string])[]): string =>
  fields.map(([name, value]) => fieldLine(name, value)).join("");
