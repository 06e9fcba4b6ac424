/**
 * The properties that clients have set (RFC 4918: dead ones). A file or folder has them with it, as an extended attribute, so they move with
 * it and are gone with it.
 */
import { ERRNO } from "../../../../ffi/errno.ts";
import type { Kernel } from "../../../../ffi/kernel.ts";
import { Block } from "../../../../ffi/memory.ts";
import type { XmlName } from "../../../http/xml/reader.ts";

/** Each with its element as XML, where the prefix D means `DAV:`, by `keyOf` its name. */
export type DeadProperties = Map<string, { readonly name: XmlName; readonly xml: string }>;

const ATTRIBUTE = "user.webserv.dav";
/** Most bytes of all properties of a file; ext4 has room for about 4 KB. */
const LONGEST = 32 * 1024;

/** Used by one call at a time. */
const memory = new Block(LONGEST);

export const keyOf = ({ namespace, local }: XmlName): string => `${namespace} ${local}`;

/** The properties of an open file or folder. What is not readable counts as none. */
export function readDead(kernel: Kernel, fd: number): DeadProperties {
  const n = kernel.getAttribute(fd, ATTRIBUTE, memory, 0, LONGEST);
  return n > 0 ? parsed(memory.bytes.utf8Slice(0, n)) : new Map();
}

/** Stores them. 0 or -errno: -EOPNOTSUPP, the file system has no such attributes. */
export function writeDead(kernel: Kernel, fd: number, properties: DeadProperties): number {
  const rows = [...properties.values()].map(({ name, xml }) => [name.namespace, name.local, xml]);
  const text = rows.length === 0 ? "" : JSON.stringify(rows);
  const length = Buffer.byteLength(text);
  if (length > LONGEST) return -ERRNO.ENOSPC;
  memory.bytes.write(text);
  return kernel.setAttribute(fd, ATTRIBUTE, memory, 0, length);
}

/** Gives one file the properties of another. What cannot be copied is left out. */
export function copyDead(kernel: Kernel, from: number, to: number): void {
  const n = kernel.getAttribute(from, ATTRIBUTE, memory, 0, LONGEST);
  if (n > 0) kernel.setAttribute(to, ATTRIBUTE, memory, 0, n);
}

function parsed(text: string): DeadProperties {
  const properties: DeadProperties = new Map();
  for (const row of rowsOf(text)) {
    const [namespace, local, xml] = Array.isArray(row) ? row : [];
    if (typeof namespace !== "string" || typeof local !== "string" || typeof xml !== "string") continue;
    properties.set(keyOf({ namespace, local }), { name: { namespace, local }, xml });
  }
  return properties;
}

/** Somebody else may have written the attribute. */
function rowsOf(text: string): readonly unknown[] {
  try {
    const rows: unknown = JSON.parse(text);
    return Array.isArray(rows) ? rows : [];
  } catch {
    return [];
  }
}
