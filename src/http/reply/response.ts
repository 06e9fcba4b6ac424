/** The head of a reply as text in which each character is one byte (latin1). */
import { isToken } from "../headers.ts";
import { reasonPhrase } from "./status.ts";

const statusLines: string[] = [];

/** The status line with its CRLF, `HTTP/1.1` whatever the request's version (RFC 9110 §2.5). Made once per status. */
export function statusLine(status: number): string {
  return (statusLines[status] ??= `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`);
}

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

/** Fields that a reply has at most once, in small letters: those of one value (RFC 9110 §5.3), and Accept-Ranges, which is all or `none`. */
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

/** Where in `fields` the one stands beside which there can be no other of that name; -1: there is none. */
export function placeOfOnly(fields: readonly (readonly [name: string, value: string])[], name: string): number {
  const lower = name.toLowerCase();
  return SINGLETONS.has(lower) ? fields.findIndex(([other]) => other.toLowerCase() === lower) : -1;
}

/** Adds a field, in the place of the one beside which it cannot be. */
export function putField(fields: (readonly [name: string, value: string])[], name: string, value: string): void {
  const at = placeOfOnly(fields, name);
  if (at < 0) fields.push([name, value]);
  else fields[at] = [name, value];
}

/** A whole head: status line, field lines, empty line. */
export function responseHead(status: number, fields: readonly (readonly [name: string, value: string])[]): string {
  let head = statusLine(status);
  for (let i = 0; i < fields.length; i++) head += fieldLine(fields[i][0], fields[i][1]);
  return head + "\r\n";
}
