/** The kinds of arguments of directives: how the reference shows each, what value it gives, what its errors say. */
import { isToken } from "../../http/headers.ts";
import { readSize, SIZE_UNITS } from "../../http/size.ts";
import type { Template } from "../parts.ts";
import { join } from "../paths.ts";
import type { Scope } from "../scope.ts";
import { readTime } from "../settings/time.ts";
import { quote } from "../text/diagnostics.ts";
import type { Word } from "../text/parser.ts";

export { parseTime } from "../settings/time.ts";

/** Returned when an argument was wrong; the error has been reported. */
export const WRONG: unique symbol = Symbol("wrong argument");
export type Wrong = typeof WRONG;

/** A parameter of a directive: how many words it takes, and what value it makes of them. */
export interface Parameter<T> {
  /** For the reference and for messages: `SIZE`, `[LEVEL]`, `NAME...`. */
  readonly syntax: string;
  readonly least: number;
  readonly most: number;
  read(words: readonly Word[], directive: string, scope: Scope): T | Wrong;
}

/** A parameter of one word. */
interface Kind<T> extends Parameter<T> {
  /** The end of the sentence `"root" expects ...`. */
  readonly expected: string;
}

/** The result for a number that is too large; the message then differs from `expected`. */
const TOO_LARGE: unique symbol = Symbol("too large");

/** Makes a kind from a function that gives undefined for a word it does not accept. */
export function kind<T>(
  syntax: string,
  expected: string,
  parse: (text: string, scope: Scope) => T | undefined | typeof TOO_LARGE,
): Kind<T> {
  return {
    syntax,
    expected,
    least: 1,
    most: 1,
    read([word], directive, scope) {
      const value = parse(word!.text, scope);
      if (value !== undefined && value !== TOO_LARGE) return value;
      const given = quote(word!.text) + (value === TOO_LARGE ? ", which is too large" : "");
      scope.error(word!.position, `"${directive}" expects ${expected}, not ${given}`);
      return WRONG;
    },
  };
}

/** A parameter whose words are checked elsewhere: gives the words with their positions. */
export function words(syntax: string, least = 1, most = Number.POSITIVE_INFINITY): Parameter<readonly Word[]> {
  return { syntax, least, most, read: (given) => given };
}

/** A parameter that may be absent; only as the last one. */
export function optional<T>(inner: Kind<T>): Parameter<T | undefined> {
  return {
    syntax: `[${inner.syntax}]`,
    least: 0,
    most: 1,
    read: (given, directive, scope) => (given.length === 0 ? undefined : inner.read(given, directive, scope)),
  };
}

/** One or more words of a kind; only as the last parameter. */
export function many<T>(inner: Kind<T>): Parameter<T[]> {
  return {
    syntax: `${inner.syntax}...`,
    least: 1,
    most: Number.POSITIVE_INFINITY,
    read(given, directive, scope) {
      const values = given.map((word) => inner.read([word], directive, scope));
      return values.includes(WRONG) ? WRONG : (values as T[]);
    },
  };
}

/** One of the given words. */
export function oneOf<const T extends string>(...choices: T[]): Kind<T> {
  const list = choices.map((choice) => `"${choice}"`).join(", ");
  const expected = choices.length === 1 ? list : list.replace(/, ([^,]*)$/, " or $1");
  return kind(choices.join(" | "), expected, (text) => choices.find((choice) => isSame(choice, text)));
}

/** Keywords have no case, as in nginx (ngx_conf_set_flag_slot, ngx_conf_set_enum_slot). */
const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

const onOff = oneOf("on", "off");

/** `on` or `off`. */
export const flag: Kind<boolean> = kind(onOff.syntax, onOff.expected, (text) =>
  isSame(text, "on") ? true : isSame(text, "off") ? false : undefined,
);

/** A whole number within limits, which the message names. */
export function number(syntax: string, least: number, most = Number.MAX_SAFE_INTEGER): Kind<number> {
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `between ${least} and ${most}`;
  return kind(syntax, `a whole number ${range}`, (word) =>
    within(/^\d+$/.test(word) ? Number(word) : undefined, least, most),
  );
}

function within(value: number | undefined, least: number, most: number): number | undefined | typeof TOO_LARGE {
  if (value === undefined || value < least) return undefined;
  if (value > Number.MAX_SAFE_INTEGER) return TOO_LARGE;
  return value <= most ? value : undefined;
}

/** The number if it is exact, else undefined. */
const exact = (value: number | undefined): number | undefined => (Number.isSafeInteger(value) ? value : undefined);

/** Parses a size to bytes: `512`, `8k`, `5m`, `1g` (upper case too). Undefined: not a size, or beyond 2^53. */
export const parseSize = (word: string): number | undefined => exact(readSize(word));

/** A size in bytes within limits. */
export function sizeBetween(least: number, most: number): Kind<number> {
  const range = most === Number.MAX_SAFE_INTEGER ? "" : ` between ${showSize(least)} and ${showSize(most)}`;
  return kind("SIZE", `a size${range} (bytes, or with a unit: 8k, 5m, 1g)`, (word) =>
    within(readSize(word), least, most),
  );
}

/** Any size. */
export const size = sizeBetween(0, Number.MAX_SAFE_INTEGER);

function showSize(bytes: number): string {
  for (const unit of ["g", "m", "k"])
    if (bytes >= SIZE_UNITS[unit]! && bytes % SIZE_UNITS[unit]! === 0) return `${bytes / SIZE_UNITS[unit]!}${unit}`;
  return `${bytes}`;
}

const timeKind = (least: number, expected: string): Kind<number> =>
  kind("TIME", expected, (word) => within(readTime(word), least, Number.MAX_SAFE_INTEGER));

/** A time in milliseconds, 0 included. */
export const time = timeKind(0, "a time (seconds, or with units: 30s, 5m, 1h30m, 500ms)");

/** A time in milliseconds above 0; with 0 every request would be too late. */
export const duration = timeKind(1, "a time above 0 (seconds, or with units: 30s, 5m, 1h30m, 500ms)");

/** A time that is sent to clients in seconds. */
export const atLeastSecond = timeKind(1000, "a time of at least 1s (seconds, or with units: 30s, 5m, 1h30m)");

/** Text with variables. `expected` names it in the message about an empty text. */
export function template(syntax: string): Kind<Template> {
  return {
    syntax,
    expected: "text, which may contain variables",
    least: 1,
    most: 1,
    read: ([word], _directive, scope) => scope.template(word!) ?? WRONG,
  };
}

/** A path, made absolute beneath the prefix. Variables are refused with a message. */
export function path(syntax: string): Kind<string> {
  return kind(syntax, "a path (without variables)", (word, scope) => absolutePath(word, scope));
}

/** A folder, made absolute, without final slashes; `off` gives null. */
export const folder: Kind<string | null> = kind("DIR | off", 'a folder (without variables), or "off"', (word, scope) =>
  word === "off" ? null : unlessFlag(word, scope)?.replace(/(?<=.)\/+$/, ""),
);

/** A database file, made absolute; `memory` gives null. */
export const sessionStore: Kind<string | null> = kind(
  "memory | FILE",
  'a file (without variables), or "memory"',
  (word, scope) => (word === "memory" ? null : unlessFlag(word, scope)),
);

/** The path, unless it is `on` or `off`, which was hardly meant as a path. */
function unlessFlag(word: string, scope: Scope): string | undefined {
  return word === "on" || word === "off" ? undefined : absolutePath(word, scope);
}

function absolutePath(word: string, scope: Scope): string | undefined {
  if (word === "" || word.includes("$")) return undefined;
  return join(scope.draft.prefix, word);
}

/** A token (RFC 9110 §5.6.2), such as the name of a field or cookie. */
const token = (expected: string): Kind<string> => kind("NAME", expected, (word) => (isToken(word) ? word : undefined));

export const fieldName = token("a field's name");

/** The name of an environment variable in POSIX shells. */
export const environmentName: Kind<string> = kind(
  "NAME",
  "an environment variable's name (letters, digits and _)",
  (word) => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(word) ? word : undefined),
);

/** RFC 6265 §4.1.1. */
export const cookieName = token("a cookie's name (letters, digits and !#$%&'*+-.^_`|~)");

/** A variable's name with its `$`; gives it without. */
export const variableName: Kind<string> = kind(
  "$NAME",
  "a variable such as $name",
  (word) => /^\$([A-Za-z_]\w*)$/.exec(word)?.[1],
);
