/**
 * Decodes and normalises the path of a request target. This happens only here: files, listings, uploads, deletes and CGI
 * all use the result, and nothing decodes it a second time.
 */
import { decodeName, encodeName } from "../../../ffi/text.ts";
import { DOT, HEX, PERCENT, SLASH } from "../bytes.ts";

/** Buffer for decoding; it grows to the longest path seen. A decoded path is never longer than the encoded one. */
let decoded = Buffer.alloc(2048);

/**
 * The path in bytes[start, end): percent-decoded once (`%2F` becomes an ordinary slash), slashes merged, `.` and `..`
 * resolved. The empty path of an absolute-form becomes "/". Null: a bad percent pair, a decoded NUL, a path that does not
 * start with a slash or leads above the root.
 * @param merges whether repeated slashes are one
 */
export function normalise(bytes: Uint8Array, start: number, end: number, merges = true): string | null {
  if (end - start > decoded.length) decoded = Buffer.alloc(2 * (end - start));
  const length = decode(bytes, start, end);
  if (length < 0) return null;
  if (length === 0) return "/";
  const kept = decoded[0] === SLASH ? resolveSegments(length, merges) : -1;
  return kept < 0 ? null : decodeName(decoded, 0, kept);
}

/** Decodes into `decoded`; gives the length, or -1 for a bad percent pair or a NUL. */
function decode(bytes: Uint8Array, start: number, end: number): number {
  let length = 0;
  for (let at = start; at < end; at++) {
    let byte = bytes[at];
    if (byte === PERCENT) {
      if (at + 2 >= end) return -1;
      const high = HEX[bytes[at + 1]];
      const low = HEX[bytes[at + 2]];
      if (high > 15 || low > 15) return -1;
      byte = high * 16 + low;
      at += 2;
    }
    if (byte === 0) return -1;
    decoded[length++] = byte;
  }
  return length;
}

/**
 * Merges slashes, unless told not to, and resolves dot segments (RFC 3986 §5.2.4) of decoded[0, length), which starts with a slash, in place.
 * Gives the new length, or -1 when `..` leads above the root. A final `.` or `..` leaves its slash, because it names a folder.
 */
function resolveSegments(length: number, merges: boolean): number {
  let kept = 1;
  for (let at = 1; at < length; ) {
    let end = at;
    while (end < length && decoded[end] !== SLASH) end++;
    const size = end - at;
    if (size === 2 && decoded[at] === DOT && decoded[at + 1] === DOT) {
      kept = parentEnd(kept);
      if (kept < 0) return -1;
    } else if ((size > 0 || !merges) && !(size === 1 && decoded[at] === DOT)) {
      decoded.copyWithin(kept, at, Math.min(end + 1, length));
      kept += Math.min(end + 1, length) - at;
    }
    at = end + 1;
  }
  return kept;
}

/** The end of the parent of the folder decoded[0, kept), whose last byte is a slash; -1 above the root. */
function parentEnd(kept: number): number {
  if (kept === 1) return -1;
  let at = kept - 1;
  while (decoded[at - 1] !== SLASH) at--;
  return at;
}

/** Characters that stay unencoded in a path: RFC 3986's pchar and the slash, without those special in HTML or a shell. */
const PLAIN = /^[A-Za-z0-9\-._~!$()*+,:=@/]$/;
const ENCODED_BYTE: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return PLAIN.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
});

/** Percent-encodes a decoded path for Location or href; `normalise` of the result gives the path again. */
export function encodePath(path: string): string {
  return encode(encodeName(path));
}

/** Percent-encodes a file's name for a relative link, so that no browser takes it for a scheme or a path. */
export function encodeSegment(name: string): string {
  return encodePath(name).replaceAll("/", "%2F").replaceAll(":", "%3A");
}

function encode(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += ENCODED_BYTE[byte];
  return text;
}

/** The raw value of the parameter `name` in a raw query, or undefined. As for nginx's $arg_ names are case-insensitive, and the first with a "=" counts. */
export function queryParameter(query: string, name: string): string | undefined {
  const wanted = name.toLowerCase();
  for (const pair of query.split("&")) {
    const equals = pair.indexOf("=");
    if (equals >= 0 && pair.slice(0, equals).toLowerCase() === wanted) return pair.slice(equals + 1);
  }
  return undefined;
}
