/** MurmurHash2. */

const MIX = 0x5bd1e995;

/** Austin Appleby's MurmurHash2 of octets, with seed 0 and 32 bits, as ngx_murmur_hash2. */
export function murmurHash2(octets: string): number {
  let hash = octets.length;
  let at = 0;
  for (; at + 4 <= octets.length; at += 4) {
    let word = Math.imul(littleEndian(octets, at, 4), MIX);
    word = Math.imul(word ^ (word >>> 24), MIX);
    hash = Math.imul(hash, MIX) ^ word;
  }
  if (at < octets.length) hash = Math.imul(hash ^ littleEndian(octets, at, octets.length - at), MIX);
  hash = Math.imul(hash ^ (hash >>> 13), MIX);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function littleEndian(octets: string, at: number, bytes: number): number {
  let word = 0;
  for (let i = 0; i < bytes; i++) word |= octets.charCodeAt(at + i) << (8 * i);
  return word;
}
