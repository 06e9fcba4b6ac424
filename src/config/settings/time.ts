/** nginx's times as text. */

const SECOND = 1000;
const DAY = 86_400 * SECOND;

/** nginx's units, the largest first. A time may use each once, in this order. */
const TIME_UNITS: readonly (readonly [unit: string, milliseconds: number])[] = [
  ["y", 365 * DAY],
  ["M", 30 * DAY],
  ["w", 7 * DAY],
  ["d", DAY],
  ["h", 3600 * SECOND],
  ["m", 60 * SECOND],
  ["s", SECOND],
  ["ms", 1],
];

/** Parses a time to ms: `30s`, `1h30m`, `1d 12h`, `500ms`, `90` (seconds). Undefined: not a time, or beyond 2^53. */
export function parseTime(word: string): number | undefined {
  const milliseconds = readTime(word);
  return Number.isSafeInteger(milliseconds) ? milliseconds : undefined;
}

/** As `parseTime`, without the upper limit. */
export function readTime(word: string): number | undefined {
  if (!/^(\d+(y|M|w|d|h|ms|m|s) *)*(\d+)?$/.test(word) || word.trim() === "") return undefined;
  let total = 0;
  let next = 0;
  for (const [, digits, unit] of word.matchAll(/(\d+)([yMwdhms]*)/g)) {
    const index = TIME_UNITS.findIndex(([name]) => name === (unit || "s"));
    if (index < next) return undefined;
    next = index + 1;
    total += Number(digits) * TIME_UNITS[index]![1];
  }
  return total;
}
