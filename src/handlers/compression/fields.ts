/** What compression changes in the fields of a reply (ngx_http_gzip_filter_module). */
import type { Field } from "../../exchange/reply.ts";
import type { Coding } from "../../http/accept-encoding.ts";

/** The value of the first field `name` (in small letters); undefined: there is none. */
export function valueIn(fields: readonly Field[], name: string): string | undefined {
  return fields.find((field) => isNamed(field, name))?.[1];
}

const isNamed = ([given]: Field, name: string): boolean => given.length === name.length && given.toLowerCase() === name;

/**
 * The fields of the same reply compressed on its way: another form of the same, so its entity tag is weak (RFC 9110 §8.8.1), and
 * byte ranges of it would be of no use: the next time its bytes may be others.
 */
export function encodedFields(fields: readonly Field[], coding: Coding): Field[] {
  const kept = fields.filter((field) => !isNamed(field, "accept-ranges") && !isNamed(field, "content-length"));
  return [...kept.map(weakened), ["Content-Encoding", coding]];
}

/** A field; an entity tag as a weak one. */
export function weakened(field: Field): Field {
  return isNamed(field, "etag") && field[1] !== "" && !field[1].startsWith("W/") ? [field[0], `W/${field[1]}`] : field;
}

/** Tells caches that the reply is another for another Accept-Encoding, unless it says so already. */
export function addVary(fields: Field[]): void {
  const says = ([, value]: Field) => value.split(",").some((name) => /^\s*(?:\*|accept-encoding)\s*$/i.test(name));
  if (!fields.some((field) => isNamed(field, "vary") && says(field))) fields.push(["Vary", "Accept-Encoding"]);
}
