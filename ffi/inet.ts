/** Socket addresses, and numeric internet addresses as text and as bytes (inet_pton(3), inet_ntop(3), RFC 5952). */

/** The address that a socket is bound or connected to. `host` is numeric, without brackets. */
export type SocketAddress =
  | { readonly family: "ipv4" | "ipv6"; readonly host: string; readonly port: number }
  | { readonly family: "unix"; readonly path: string };

/** Parses a numeric IPv4 or IPv6 address (no brackets, no zone) into 4 or 16 bytes; null when it is neither. */
export function parseAddress(text: string): number[] | null {
  return text.includes(":") ? parseIPv6(text) : parseIPv4(text);
}

function parseIPv4(text: string): number[] | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  const bytes = parts.map((part) => (/^(0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256));
  return bytes.every((byte) => byte < 256) ? bytes : null;
}

function parseIPv6(text: string): number[] | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const before = groups(halves[0]!, halves.length === 1);
  const after = halves.length === 2 ? groups(halves[1]!, true) : [];
  if (before === null || after === null) return null;
  const missing = 16 - before.length - after.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return null;
  return [...before, ...new Array<number>(missing).fill(0), ...after];
}

/** The bytes of 16-bit groups between colons. At the end of the address the last group may be a dotted IPv4 address. */
function groups(text: string, atEnd: boolean): number[] | null {
  if (text === "") return [];
  const bytes: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      const value = Number.parseInt(part, 16);
      bytes.push(value >> 8, value & 255);
      continue;
    }
    const dotted = atEnd && i === parts.length - 1 ? parseIPv4(part) : null;
    if (dotted === null) return null;
    bytes.push(...dotted);
  }
  return bytes;
}

/** The text of 4 or 16 address bytes at `start`: `127.0.0.1`, `2001:db8::1`, `::ffff:10.0.0.1`. */
export function formatAddress(bytes: ArrayLike<number>, start: number, length: 4 | 16): string {
  if (length === 4) return `${bytes[start]}.${bytes[start + 1]}.${bytes[start + 2]}.${bytes[start + 3]}`;
  const words = Array.from({ length: 8 }, (_, i) => (bytes[start + 2 * i]! << 8) | bytes[start + 2 * i + 1]!);
  if (words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff) {
    return `::ffff:${formatAddress(bytes, start + 12, 4)}`;
  }
  const hex = words.map((word) => word.toString(16));
  const [run, runLength] = longestZeroRun(words);
  if (runLength < 2) return hex.join(":");
  return `${hex.slice(0, run).join(":")}::${hex.slice(run + runLength).join(":")}`;
}

/** Index and length of the longest run of zero words; the leftmost of equals. */
function longestZeroRun(words: number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  for (let start = 0; start < words.length; start++) {
    let end = start;
    while (end < words.length && words[end] === 0) end++;
    if (end - start > best[1]) best = [start, end - start];
    if (end > start) start = end;
  }
  return best;
}
