/** Formats times as strftime(3) does in the C locale. */

/** nginx's form of $date_local and $date_gmt, until `config timefmt` of SSI changes it. */
export const TIME_FORMAT = "%A, %d-%b-%Y %H:%M:%S %Z";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const DAY = 86_400_000;

/** A moment, taken apart. */
interface Moment {
  /** The fields of local time as if they were UTC. */
  readonly date: Date;
  readonly second: number;
  /** Minutes ahead of UTC. */
  readonly offset: number;
  readonly zone: string;
}

/**
 * @param second since 1970
 * @param local in the zone of the process, else in UTC, whose name is GMT
 */
export function strftime(format: string, second: number, local: boolean): string {
  const offset = local ? -new Date(second * 1000).getTimezoneOffset() : 0;
  const zone = local ? zoneName(second) : "GMT";
  const moment = { date: new Date((second + offset * 60) * 1000), second, offset, zone };
  return expand(format, moment);
}

const zoneName = (second: number): string =>
  new Intl.DateTimeFormat("en-US", { timeZoneName: "short" })
    .formatToParts(new Date(second * 1000))
    .find(({ type }) => type === "timeZoneName")!.value;

/** What stands for what no conversion is, stays. */
const expand = (format: string, moment: Moment): string =>
  format.replace(/%[EO]?([a-zA-Z%])/g, (whole, letter: string) => CONVERSIONS[letter]?.(moment) ?? whole);

const two = (value: number): string => String(value).padStart(2, "0");
const blank = (value: number): string => String(value).padStart(2, " ");
const hour12 = ({ date }: Moment): number => date.getUTCHours() % 12 || 12;
const dayOfYear = ({ date }: Moment): number =>
  Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY);
/** Weeks that begin with the day `first` (0: Sunday). */
const week = (moment: Moment, first: number): number =>
  Math.floor((dayOfYear(moment) + 7 - ((moment.date.getUTCDay() - first + 7) % 7)) / 7);

/** The Thursday of the week: its year is the week's (ISO 8601). */
const thursday = ({ date }: Moment): Date => new Date(date.getTime() + (4 - (date.getUTCDay() || 7)) * DAY);
const isoWeek = (moment: Moment): number => {
  const day = thursday(moment);
  return Math.floor((day.getTime() - Date.UTC(day.getUTCFullYear(), 0, 1)) / DAY / 7) + 1;
};

function offsetOf({ offset }: Moment): string {
  const minutes = Math.abs(offset);
  return `${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`;
}

const CONVERSIONS: Readonly<Record<string, (moment: Moment) => string>> = {
  a: ({ date }) => DAYS[date.getUTCDay()]!.slice(0, 3),
  A: ({ date }) => DAYS[date.getUTCDay()]!,
  b: ({ date }) => MONTHS[date.getUTCMonth()]!.slice(0, 3),
  B: ({ date }) => MONTHS[date.getUTCMonth()]!,
  c: (moment) => expand("%a %b %e %H:%M:%S %Y", moment),
  C: ({ date }) => two(Math.floor(date.getUTCFullYear() / 100)),
  d: ({ date }) => two(date.getUTCDate()),
  D: (moment) => expand("%m/%d/%y", moment),
  e: ({ date }) => blank(date.getUTCDate()),
  F: (moment) => expand("%Y-%m-%d", moment),
  g: (moment) => two(thursday(moment).getUTCFullYear() % 100),
  G: (moment) => String(thursday(moment).getUTCFullYear()),
  h: (moment) => expand("%b", moment),
  H: ({ date }) => two(date.getUTCHours()),
  I: (moment) => two(hour12(moment)),
  j: (moment) => String(dayOfYear(moment) + 1).padStart(3, "0"),
  k: ({ date }) => blank(date.getUTCHours()),
  l: (moment) => blank(hour12(moment)),
  m: ({ date }) => two(date.getUTCMonth() + 1),
  M: ({ date }) => two(date.getUTCMinutes()),
  n: () => "\n",
  p: ({ date }) => (date.getUTCHours() < 12 ? "AM" : "PM"),
  P: ({ date }) => (date.getUTCHours() < 12 ? "am" : "pm"),
  r: (moment) => expand("%I:%M:%S %p", moment),
  R: (moment) => expand("%H:%M", moment),
  s: ({ second }) => String(second),
  S: ({ date }) => two(date.getUTCSeconds()),
  t: () => "\t",
  T: (moment) => expand("%H:%M:%S", moment),
  u: ({ date }) => String(date.getUTCDay() || 7),
  U: (moment) => two(week(moment, 0)),
  V: (moment) => two(isoWeek(moment)),
  w: ({ date }) => String(date.getUTCDay()),
  W: (moment) => two(week(moment, 1)),
  x: (moment) => expand("%m/%d/%y", moment),
  X: (moment) => expand("%H:%M:%S", moment),
  y: ({ date }) => two(date.getUTCFullYear() % 100),
  Y: ({ date }) => String(date.getUTCFullYear()),
  z: offsetOf,
  Z: ({ zone }) => zone,
  "%": () => "%",
};
