/** Changes the fields of a compressed reply (ngx_http_gzip_filter_module). */
import type { Field } from "../../exchange/reply.ts";
import type { Coding } from "../../http/accept-encoding.ts";

/** The value of the first field `name` (in small letters); undefined: there is none. */
export function valueIn(fields: readonly Field[], name: string): string | undefined {
  for (const field of fields) if (isNamed(field, name)) return field[1];
  return undefined;
}

const isNamed = ([given]: Field, name: string): boolean => given.length === name.length && given.toLowerCase() === name;

/**
 * The fields of a reply that the server compresses. Its entity tag becomes weak (RFC 9110 §8.8.1) and Accept-Ranges is removed,
 * because the next time its bytes may differ.
 */
export function encodedFields(fields: readonly Field[], coding: Coding): Field[] {
  const kept = fields.filter((field) => !isNamed(field, "accept-ranges") && !isNamed(field, "content-length"));
  return [...kept.map(weakened), ["Content-Encoding", coding]];
}

/** The field; an entity tag is made weak. */
export function weakened(field: Field): Field {
  return isNamed(field, "etag") && field[1] !== "" && !field[1].startsWith("W/") ? [field[0], `W/${field[1]}`] : field;
}

/** Adds `Vary: Accept-Encoding`, unless it is there, so that caches keep the forms of the reply apart. */
export function addVary(fields: Field[]): void {
  const says = ([, value]: Field) => value.split(",").some((name) => /^\s*(?:\*|accept-encoding)\s*$/i.test(name));
  if (!fields.some((field) => isNamed(field, "vary") && says(field))) fields.push(["Vary", "Accept-Encoding"]);
}
