/**
 * Dates of HTTP and of logs. Times are whole seconds since 1970 in UTC; whatever a file system claims is clamped to what
 * four digits of a year can show.
 */

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const LONG_DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
const FIRST_SECOND = -62_167_219_200;
const LAST_SECOND = 253_402_300_799;

let lastSecond = 0;
let lastDate = "Thu, 01 Jan 1970 00:00:00 GMT";

/** `second` as an IMF-fixdate of 29 characters (RFC 9110 §5.6.7). The last result is kept: Date asks for it all the time. */
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

/** `second` as logs in the Common Log Format show it, in UTC: `10/Oct/2000:13:55:36 +0000`. The last result is kept. */
export function formatLogDate(second: number): string {
  if (second === lastLogSecond) return lastLogDate;
  const date = dateOf(second);
  const day = `${digits(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${digits(date.getUTCFullYear(), 4)}`;
  lastLogSecond = second;
  lastLogDate = `${day}:${timeOfDay(date)} +0000`;
  return lastLogDate;
}

/** `second` in ISO 8601, in UTC: `2000-10-10T13:55:36+00:00`, as nginx writes it. */
export function formatIsoDate(second: number): string {
  const date = dateOf(second);
  const day = `${digits(date.getUTCFullYear(), 4)}-${digits(date.getUTCMonth() + 1)}-${digits(date.getUTCDate())}`;
  return `${day}T${timeOfDay(date)}+00:00`;
}

/** Nearest whole second that can be shown; no number at all counts as 1970. */
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
 * Seconds since 1970 of an HTTP-date in any of its three forms (RFC 9110 §5.6.7), or NaN. `now` (seconds) decides the century
 * of a two-digit year: never more than 50 years ahead. A wrong day's name is let pass, as the date is clear without it.
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

/** match[clock...] are hours, minutes and seconds; a leap second counts as the second after it. */
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
