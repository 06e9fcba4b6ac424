/**
 * Dates in HTTP (GMT) and in logs (local time). Times are whole seconds since 1970, limited to years of four digits, whatever time a file
 * system reports.
 */

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const LONG_DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
export const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
const FIRST_SECOND = -62_167_219_200;
const LAST_SECOND = 253_402_300_799;

let lastSecond = 0;
let lastDate = "Thu, 01 Jan 1970 00:00:00 GMT";

/** Formats `second` as an IMF-fixdate of 29 characters (RFC 9110 §5.6.7). Keeps the last result, because every reply's Date asks for it. */
export function formatDate(second: number): string {
  if (second === lastSecond) return lastDate;
  const date = dateOf(second);
  lastDate =
    `${DAYS[date.getUTCDay()]}, ${digits(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]} ` +
    `${digits(date.getUTCFullYear(), 4)} ${timeOfDay(date)} GMT`;
  lastSecond = second;
  return lastDate;
}

let lastLogSecond = Number.NaN;
let lastLogDate = "";

/** Formats `second` for the Common Log Format, in local time: `10/Oct/2000:13:55:36 +0000`. Keeps the last result. */
export function formatLogDate(second: number): string {
  if (second === lastLogSecond) return lastLogDate;
  const { date, offset } = localDate(second);
  const day = `${digits(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${digits(date.getUTCFullYear(), 4)}`;
  lastLogSecond = second;
  lastLogDate = `${day}:${timeOfDay(date)} ${offset.replace(":", "")}`;
  return lastLogDate;
}

/** Formats `second` as ISO 8601 in local time, like nginx: `2000-10-10T15:55:36+02:00`. */
export function formatLocalIsoDate(second: number): string {
  const { date, offset } = localDate(second);
  return isoDate(date) + offset;
}

/** The date whose UTC parts are the local ones, and the offset from UTC as `+02:00`. */
function localDate(second: number): { date: Date; offset: string } {
  const date = dateOf(second);
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  const offset = `${minutes < 0 ? "-" : "+"}${digits(Math.floor(size / 60))}:${digits(size % 60)}`;
  return { date: dateOf(second + minutes * 60), offset };
}

/** Formats `second` as ISO 8601 in UTC: `2000-10-10T13:55:36+00:00`. */
export const formatIsoDate = (second: number): string => `${isoDate(dateOf(second))}+00:00`;

function isoDate(date: Date): string {
  const day = `${digits(date.getUTCFullYear(), 4)}-${digits(date.getUTCMonth() + 1)}-${digits(date.getUTCDate())}`;
  return `${day}T${timeOfDay(date)}`;
}

/** The nearest second with a year of four digits; NaN counts as 1970. */
function dateOf(second: number): Date {
  const whole = Math.floor(Number.isNaN(second) ? 0 : second);
  return new Date(Math.min(LAST_SECOND, Math.max(FIRST_SECOND, whole)) * 1000);
}

function timeOfDay(date: Date): string {
  return `${digits(date.getUTCHours())}:${digits(date.getUTCMinutes())}:${digits(date.getUTCSeconds())}`;
}

function digits(value: number, width = 2): string {
  return String(value).padStart(width, "0");
}

const IMF_FIXDATE = /^([A-Z][a-z]{2}), (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/;
const RFC_850 = /^([A-Z][a-z]{5,8}), (\d\d)-([A-Z][a-z]{2})-(\d\d) (\d\d):(\d\d):(\d\d) GMT$/;
const ASCTIME = /^([A-Z][a-z]{2}) ([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})$/;

/**
 * Parses an HTTP-date in any of its three forms (RFC 9110 §5.6.7). Gives seconds since 1970, or NaN. `now` (seconds) decides the
 * century of a two-digit year: at most 50 years ahead. A wrong name of the day is accepted, because the date is clear without it.
 */
export function parseDate(text: string, now: number): number {
  let match = IMF_FIXDATE.exec(text);
  if (match) return DAYS.includes(match[1]) ? seconds(Number(match[4]), match[3], match[2], match, 5) : Number.NaN;
  match = RFC_850.exec(text);
  if (match)
    return LONG_DAYS.includes(match[1]) ? seconds(fullYear(match[4], now), match[3], match[2], match, 5) : Number.NaN;
  match = ASCTIME.exec(text);
  return match && DAYS.includes(match[1]) ? seconds(Number(match[7]), match[2], match[3], match, 4) : Number.NaN;
}

/** The time; match[clock...] are hours, minutes and seconds. A leap second counts as the next second. */
function seconds(year: number, monthName: string, dayText: string, match: RegExpExecArray, clock: number): number {
  const month = MONTHS.indexOf(monthName);
  const [day, hour, minute, second] = [dayText, match[clock], match[clock + 1], match[clock + 2]].map(Number);
  if (month < 0 || day < 1 || hour > 23 || minute > 59 || second > 60) return Number.NaN;
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  if (date.getUTCDate() !== day) return Number.NaN;
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second;
}

function fullYear(twoDigits: string, now: number): number {
  const thisYear = dateOf(now).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + Number(twoDigits);
  return year > thisYear + 50 ? year - 100 : year;
}
