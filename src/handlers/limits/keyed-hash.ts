/** HalfSipHash-1-3 (Aumasson and Bernstein, 2012): clients choose the keys, so the hash has a secret, or they could make all of them meet in one chain. */

/** A hash of 32 bits of octets. @param k0, k1 the secret */
export function keyedHash(octets: string, k0: number, k1: number): number {
  const { length } = octets;
  let v0 = k0;
  let v1 = k1;
  let v2 = 0x6c796765 ^ k0;
  let v3 = 0x74656462 ^ k1;
  const blocks = (length >> 2) + 1;
  for (let block = 0; block < blocks + 3; block++) {
    const m = block < blocks ? word(octets, block * 4, block === blocks - 1 ? length << 24 : 0) : 0;
    if (block === blocks) v2 ^= 0xff; // three rounds follow
    v3 ^= m;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= m;
  }
  return (v1 ^ v3) >>> 0;
}

/** Up to four octets from `at` in little-endian order, over `start`. */
function word(octets: string, at: number, start: number): number {
  let value = start;
  const end = Math.min(octets.length, at + 4);
  for (let i = at, shift = 0; i < end; i++, shift += 8) value |= (octets.charCodeAt(i) & 0xff) << shift;
  return value;
}
