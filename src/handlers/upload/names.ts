/** Names of stored files: which are safe, and what is made of those that are not. */
import type { Services } from "../../exchange/services.ts";

/** The longest name a file system takes, in bytes of UTF-8. */
const MAX_NAME = 255;

/** What the last component of a resumable upload's URL begins with; 32 hexadecimal digits follow. No file gets such a name. */
export const UPLOAD_NAME = "webserv-upload-";
const RESERVED = new RegExp(`^${UPLOAD_NAME}[0-9a-f]{32}$`);

/** Control characters, of ASCII and beyond, and line separators: no name in a listing, log or terminal should have them. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u;

/** The part of a name that tells its kind. A longer one is no extension, and a name is more than it. */
const EXTENSION = /(?<=.)(?:\.tar)?\.[^.\s]{1,31}$/su;

/** Whether a component of a path may be the name of a file or folder; one that starts with a dot only if `dots`. */
export function isSafeName(name: string, dots: boolean): boolean {
  if (name === "" || name === "." || name === "..") return false;
  if ((name.startsWith(".") && !dots) || RESERVED.test(name)) return false;
  return !/[/\\]/.test(name) && !CONTROL.test(name) && name.isWellFormed() && Buffer.byteLength(name) <= MAX_NAME;
}

/**
 * The name that a client's name of a file becomes: its last component, cut to what a file system takes. "" where nothing
 * usable is left: nothing at all, white space, a dot name, that of an upload's URL, control characters.
 */
export function reducedName(filename: string): string {
  const last = filename.slice(Math.max(filename.lastIndexOf("/"), filename.lastIndexOf("\\")) + 1);
  if (last.trim() === "" || last.startsWith(".") || RESERVED.test(last) || CONTROL.test(last) || !last.isWellFormed())
    return "";
  return fitted(last, "");
}

/** `name` with a number (or other suffix) before its extension: "a-1.txt" for "a.txt". */
export function numberedName(name: string, number: string): string {
  return fitted(name, `-${number}`);
}

/** The name with `suffix` before its extension, the stem cut at a character's border so that all of it fits. */
function fitted(name: string, suffix: string): string {
  const extension = EXTENSION.exec(name)?.[0] ?? "";
  const stem = extension === "" ? name : name.slice(0, -extension.length);
  const room = MAX_NAME - Buffer.byteLength(suffix) - Buffer.byteLength(extension);
  return cut(stem, room) + suffix + extension;
}

/** The longest beginning of `text` of at most `room` bytes of UTF-8. */
function cut(text: string, room: number): string {
  if (Buffer.byteLength(text) <= room) return text;
  const bytes = Buffer.from(text, "utf8");
  let end = room;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.utf8Slice(0, end);
}

/** A name for a file that came without one. */
export const generatedName = (services: Services): string => `upload-${services.randomHex(8)}`;
