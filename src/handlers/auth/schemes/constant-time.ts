/** Comparisons that take the same time wherever the texts differ. */

/** Whether two texts of octets are the same; only their lengths are told by the time it takes. */
export function sameText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let different = 0;
  for (let i = 0; i < a.length; i++) different |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return different === 0;
}
