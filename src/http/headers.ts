/** The common syntax of field values in RFC 9110 §5.6: lists, quality values, entity tags. */
import { TOKEN } from "./bytes.ts";

/** Whether `text` is a token. Methods and field names must be. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f || TOKEN[code] === 0) return false;
  }
  return text !== "";
}

/** The elements of a comma-separated list, trimmed, without empty ones. Commas in quoted strings do not separate. */
function listElements(value: string): string[] {
  const elements: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i <= value.length; i++) {
    const character = value[i];
    if (quoted && character === "\\") i++;
    else if (character === '"') quoted = !quoted;
    else if (i >= value.length || (character === "," && !quoted)) {
      const element = value.slice(start, i).trim();
      if (element !== "") elements.push(element);
      start = i + 1;
    }
  }
  return elements;
}

/** An element of Accept or a similar field: the range in small letters, and its weight in thousandths. */
interface Preference {
  readonly range: string;
  readonly weight: number;
}

const WEIGHT = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/i;

/** The elements of a field like Accept, in order. An element with a malformed weight gets weight 0. */
export function preferences(value: string): Preference[] {
  return listElements(value).map((element) => {
    const [range, ...parameters] = element.split(";").map((part) => part.trim());
    const weight = parameters.find((parameter) => /^q\s*=/i.test(parameter));
    const quality = weight === undefined ? "1" : (WEIGHT.exec(weight)?.[1] ?? "0");
    return { range: range.toLowerCase(), weight: Math.round(Number(quality) * 1000) };
  });
}

/** The weight (0 to 1000) that an Accept field gives to a media type such as `text/html` (RFC 9110 §12.5.1); 1000 without the field. */
export function weightOf(accept: string | undefined, mediaType: string): number {
  if (accept === undefined || accept.trim() === "") return 1000;
  const ranges = ["*/*", `${mediaType.slice(0, mediaType.indexOf("/"))}/*`, mediaType];
  let best = -1;
  let weight = 0;
  for (const preference of preferences(accept)) {
    const precision = ranges.indexOf(preference.range);
    if (precision < best || precision < 0) continue;
    weight = precision === best ? Math.max(weight, preference.weight) : preference.weight;
    best = precision;
  }
  return weight;
}

/** The entity tags of a list. A backslash in a tag escapes nothing (RFC 9110 §8.8.3). */
export function entityTags(value: string): readonly string[] {
  return value.match(/(?:W\/)?"[^"]*"/g) ?? [];
}

const ENTITY_TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;

/** Whether `text` is an entity tag, weak or strong (RFC 9110 §8.8.3). */
export function isEntityTag(text: string): boolean {
  return ENTITY_TAG.test(text);
}

/**
 * A file's entity tag: seconds, nanoseconds and size in hexadecimal. It is a strong validator unless someone else writes the same
 * number of bytes twice within one tick of the file system's clock (a few milliseconds); uploads get distinct times. `change`
 * (a `timeTag`) distinguishes versions whose modification time was set by a program.
 */
export function entityTag(mtimeSeconds: number, mtimeNanoseconds: number, size: number, change = ""): string {
  return `"${timeTag(mtimeSeconds, mtimeNanoseconds)}-${size.toString(16)}${change === "" ? "" : `-${change}`}"`;
}

/** A time as a part of an entity tag. */
export function timeTag(seconds: number, nanoseconds: number): string {
  return `${seconds.toString(16)}${nanoseconds > 0 ? `.${nanoseconds.toString(16)}` : ""}`;
}
