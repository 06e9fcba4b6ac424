/** Lines of the error log in nginx's form, and the times that logs have. */

import type { LogLevel } from "../../config/settings/logs.ts";
import { octets } from "../../http/octets.ts";
import { MONTHS } from "../../http/reply/date.ts";

/** Characters that are escaped: those that control a terminal, and escaped bytes of names that are not UTF-8 (ffi/text.ts). */
const UNSAFE = /[\x00-\x1f\x7f-\x9f\udc80-\udcff]/gu;

/** `2026/11/22 05:16:14 [error] 17: message` as octets, without a line feed. `message` is Unicode; characters that control a terminal are escaped. */
export function errorLogLine(second: number, level: LogLevel, pid: number, message: string): string {
  const text = message.replace(UNSAFE, (c) => `\\x${(c.charCodeAt(0) & 0xff).toString(16).padStart(2, "0")}`);
  return `${errorTime(second)} [${level}] ${pid}: ${octets(text)}`;
}

const two = (n: number): string => String(n).padStart(2, "0");
const clock = (d: Date): string => `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;

/** The local time for the error log: `2026/11/22 05:16:14`. */
function errorTime(second: number): string {
  const d = new Date(second * 1000);
  return `${d.getFullYear()}/${two(d.getMonth() + 1)}/${two(d.getDate())} ${clock(d)}`;
}

/** The local time for syslog (RFC 3164 §4.1.2): `Nov  8 05:16:14`. */
export function syslogTime(second: number): string {
  const d = new Date(second * 1000);
  return `${MONTHS[d.getMonth()]} ${String(d.getDate()).padStart(2)} ${clock(d)}`;
}
