/** CRC-32 (ISO 3309), by which nginx and the memcached clients hash keys. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** The checksum of the octets of a text (each character one octet). */
export function crc32(octets: string): number {
  let sum = 0xffffffff;
  for (let i = 0; i < octets.length; i++) sum = TABLE[(sum ^ octets.charCodeAt(i)) & 255]! ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}
