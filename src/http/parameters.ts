/** Field values of the form `value; name=value; name="value"`: Content-Type and Content-Disposition (RFC 9110 §5.6.6). */
import { isToken } from "./headers.ts";
import { isSpace, trimmed } from "./octets.ts";

/** The text before the first semicolon in small letters, and the parameters by name in small letters. */
interface Parameterised {
  readonly value: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Parses a field value (octets). Null when it is malformed or has a parameter twice. Unquoted values may contain more characters
 * than a token, because real boundaries do.
 */
export function parameterised(field: string): Parameterised | null {
  const parameters = new Map<string, string>();
  const semicolon = field.indexOf(";");
  const valueEnd = semicolon < 0 ? field.length : semicolon;
  for (let at = valueEnd; at < field.length; ) {
    if (field[at] !== ";") return null;
    at = skipSpace(field, at + 1);
    if (at === field.length || field[at] === ";") continue;
    const equals = field.indexOf("=", at);
    if (equals < 0) return null;
    const name = field.slice(at, equals).toLowerCase();
    const quoted = field[equals + 1] === '"';
    const start = quoted ? equals + 2 : equals + 1;
    const end = quoted ? closingQuote(field, start) : plainEnd(field, start);
    if (end < 0 || (end === start && !quoted) || !isToken(name) || parameters.has(name)) return null;
    const text = field.slice(start, end);
    parameters.set(name, quoted ? unescaped(text) : text);
    at = skipSpace(field, quoted ? end + 1 : end);
  }
  return { value: trimmed(field, 0, valueEnd).toLowerCase(), parameters };
}

/**
 * Index of the quote that closes the quoted-string whose text begins at `start`, or -1. Browsers do not escape backslashes, so a
 * backslash before the last quote belongs to the name and escapes nothing.
 */
function closingQuote(field: string, start: number): number {
  let escaped = -1;
  for (let at = start; at < field.length; at++) {
    if (field[at] === '"') return at;
    if (field[at] === "\\" && field[++at] === '"') escaped = at;
  }
  return escaped;
}

/** Unescapes only quotes and backslashes, so that `C:\dir\file` survives, and `%22`, `%0D`, `%0A`, which browsers write (WHATWG HTML §4.10.21.8). */
function unescaped(text: string): string {
  if (!text.includes("\\") && !text.includes("%")) return text;
  return text.replace(/\\(["\\])|%(22|0d|0a)/gi, (_, character: string | undefined, hex: string) => {
    return character ?? String.fromCharCode(Number.parseInt(hex, 16));
  });
}

function plainEnd(field: string, start: number): number {
  let at = start;
  while (at < field.length && field[at] !== ";" && field[at] !== '"' && !isSpace(field, at)) at++;
  return at;
}

function skipSpace(field: string, start: number): number {
  let at = start;
  while (isSpace(field, at)) at++;
  return at;
}
