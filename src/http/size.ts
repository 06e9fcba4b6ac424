/** Sizes as nginx writes them. */

export const SIZE_UNITS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** The bytes of a size: `512`, `8k`, `5m`, `1g` (upper case too). Undefined: it is no size. */
export function readSize(word: string): number | undefined {
  const match = /^(\d+)([kmg]?)$/i.exec(word);
  return match === null ? undefined : Number(match[1]) * SIZE_UNITS[match[2]!.toLowerCase()]!;
}
