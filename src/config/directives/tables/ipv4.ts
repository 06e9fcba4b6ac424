/** IPv4 addresses as numbers, read without making strings and arrays: tables have hundreds of thousands. */

const DOT = 0x2e;
const ZERO = 0x30;

/** The number of text[start, end), `1.2.3.4`; -1: it is no address. Zeros at the start of a part are taken as nothing, as by nginx. */
export function ipv4Number(text: string, start = 0, end = text.length): number {
  let address = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit >= 0 && digit <= 9) {
      part = part * 10 + digit;
      digits++;
      if (part > 255) return -1;
    } else if (digit === DOT - ZERO && digits > 0 && dots < 3) {
      address = address * 256 + part;
      part = digits = 0;
      dots++;
    } else return -1;
  }
  return dots === 3 && digits > 0 ? address * 256 + part : -1;
}

/** Address and number of bits of `1.2.3.0/24` or `1.2.3.4`. null: it is none, or has bits beyond its prefix. */
export function ipv4Network(text: string): { readonly address: number; readonly bits: number } | null {
  const slash = text.indexOf("/");
  const address = ipv4Number(text, 0, slash < 0 ? text.length : slash);
  const digits = slash < 0 ? "32" : text.slice(slash + 1);
  const bits = /^\d{1,2}$/.test(digits) ? Number(digits) : 33;
  return address < 0 || bits > 32 || address % 2 ** (32 - bits) !== 0 ? null : { address, bits };
}

/** The number of an address of 4 bytes. */
export const number4 = ([a, b, c, d]: readonly number[]): number => ((a! << 24) | (b! << 16) | (c! << 8) | d!) >>> 0;
