/** Reads the characters of UTF-8 as nginx does (ngx_utf8_decode), piece by piece. */

/** What `decode` gives instead of a code point. */
export const INVALID = -1;
export const INCOMPLETE = -2;

/** The last one read; and where the next begins. */
export class Utf8Cursor {
  at = 0;

  /** The character at `at` in bytes[at, end), which must be a byte of 0x80 or more; moves behind it unless it is INCOMPLETE. */
  decode(bytes: Uint8Array, end: number): number {
    const first = bytes[this.at]!;
    const following = first < 0xc2 || first >= 0xf8 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (following > 0 && end - this.at <= following) return INCOMPLETE;
    this.at++;
    return following === 0 ? INVALID : this.rest(bytes, first, following);
  }

  private rest(bytes: Uint8Array, first: number, following: number): number {
    let point = first & LEAD[following]!;
    for (let left = following; left > 0; left--) {
      const byte = bytes[this.at++]!;
      if (byte < 0x80) return INVALID;
      point = (point << 6) | (byte & 0x3f);
    }
    return point > LEAST[following]! && point <= 0x10ffff ? point : INVALID;
  }
}

/** By the number of bytes that follow: the bits of the first byte, and the largest code point that is too long in this form. */
const LEAD: readonly number[] = [0, 0x1f, 0x0f, 0x07];
const LEAST: readonly number[] = [0, 0x7f, 0x7ff, 0xffff];
