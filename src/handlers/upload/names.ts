/** Names of stored files: which names are safe, and how unsafe ones are changed. */
import type { Services } from "../../exchange/services.ts";

/** Longest name that file systems accept, in bytes of UTF-8. */
const MAX_NAME = 255;

/** Prefix of the last component of a resumable upload's URL; 32 hexadecimal digits follow. No stored file gets such a name. */
export const UPLOAD_NAME = "webserv-upload-";
const RESERVED = new RegExp(`^${UPLOAD_NAME}[0-9a-f]{32}$`);

/** Control characters (ASCII and others) and line separators. They would disturb listings, logs and terminals. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u;

/** The extension of a name, at most 32 characters and ".tar". At least one character must precede it. */
const EXTENSION = /(?<=.)(?:\.tar)?\.[^.\s]{1,31}$/su;

/** Whether a component of a path may be the name of a file or folder. Names that start with a dot are safe only if `dots`. */
export function isSafeName(name: string, dots: boolean): boolean {
  if (name === "" || name === "." || name === "..") return false;
  if ((name.startsWith(".") && !dots) || RESERVED.test(name)) return false;
  return !/[/\\]/.test(name) && !CONTROL.test(name) && name.isWellFormed() && Buffer.byteLength(name) <= MAX_NAME;
}

/**
 * Makes a safe name of the file name a client sent: its last component, shortened to the limit of file systems. Gives "" if
 * that is not usable: empty, only white space, with a leading dot, like an upload's URL, or with control characters.
 */
export function reducedName(filename: string): string {
  const last = filename.slice(Math.max(filename.lastIndexOf("/"), filename.lastIndexOf("\\")) + 1);
  if (last.trim() === "" || last.startsWith(".") || RESERVED.test(last) || CONTROL.test(last) || !last.isWellFormed())
    return "";
  return fitted(last, "");
}

/** Inserts a number (or other suffix) before the extension: "a-1.txt" for "a.txt". */
export function numberedName(name: string, number: string): string {
  return fitted(name, `-${number}`);
}

/** Inserts `suffix` before the extension, and shortens the stem by whole characters if the name is too long. */
function fitted(name: string, suffix: string): string {
  const extension = EXTENSION.exec(name)?.[0] ?? "";
  const stem = extension === "" ? name : name.slice(0, -extension.length);
  const room = MAX_NAME - Buffer.byteLength(suffix) - Buffer.byteLength(extension);
  return cut(stem, room) + suffix + extension;
}

/** The longest prefix of `text`, in whole characters, of at most `room` bytes of UTF-8. */
function cut(text: string, room: number): string {
  if (Buffer.byteLength(text) <= room) return text;
  const bytes = Buffer.from(text, "utf8");
  let end = room;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.utf8Slice(0, end);
}

/** A random name for a file whose client sent none. */
export const generatedName = (services: Services): string => `upload-${services.randomHex(8)}`;
