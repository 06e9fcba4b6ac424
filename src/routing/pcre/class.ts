/** A class of characters in brackets. */
import { type Characters, characters, complement, POSIX, union, withBothCases } from "./characters.ts";
import { escaped, lastOf, octal } from "./escapes.ts";
import type { Text } from "./text.ts";

/** Takes a class; `[` is taken already. @param skipsBlanks as with (?xx) */
export function characterClass(text: Text, ignoresCase: boolean, skipsBlanks: boolean): Characters {
  const isNegated = text.take("^");
  const members: Characters[] = [];
  for (let isFirst = true; ; isFirst = false) {
    skip(text, skipsBlanks);
    if (text.isDone) text.fail("missing terminating ] for character class");
    if (!text.isQuoted && text.here === "]" && !isFirst) break;
    const at = text.at;
    const from = member(text, ignoresCase);
    const to = typeof from === "number" ? rangeEnd(text, ignoresCase, skipsBlanks) : null;
    if (typeof from !== "number") members.push(from);
    else if (to !== null && to < from) text.fail("range out of order in character class", at);
    else {
      const set = characters([from, to ?? from]);
      members.push(ignoresCase ? withBothCases(set) : set);
    }
  }
  text.at++;
  const all = union(...members);
  return isNegated ? complement(all, lastOf(text)) : all;
}

function skip(text: Text, skipsBlanks: boolean): void {
  text.skipQuotes();
  while (skipsBlanks && !text.isQuoted && /[ \t]/.test(text.here)) {
    text.at++;
    text.skipQuotes();
  }
}

/** The last character of a range, if a hyphen here makes one. A hyphen beside a class is a character, as in older versions of PCRE. */
function rangeEnd(text: Text, ignoresCase: boolean, skipsBlanks: boolean): number | null {
  skip(text, skipsBlanks);
  if (text.isQuoted || text.here !== "-") return null;
  const { at } = text;
  text.take("-");
  skip(text, skipsBlanks);
  const to = text.isDone || (!text.isQuoted && /\]/.test(text.here)) ? null : member(text, ignoresCase);
  if (typeof to === "number") return to;
  text.at = at;
  text.isQuoted = false;
  return null;
}

/** One member: a character, or a class within. */
function member(text: Text, ignoresCase: boolean): number | Characters {
  if (text.isQuoted) return text.code();
  const start = text.at;
  const posix = text.match(/\[([:.=])(\^?)([A-Za-z]*)\1\]/y);
  if (posix !== null) return named(text, posix, ignoresCase, start);
  if (!text.take("\\")) return text.code();
  if (text.take("b")) return 8;
  const found = escaped(text, ignoresCase) ?? octal(text, start);
  if (found !== null) return found;
  if (/[89]/.test(text.here)) return text.code();
  return text.fail(`\\${text.here} is not possible in a character class`, start);
}

function named(text: Text, found: RegExpExecArray, ignoresCase: boolean, start: number): Characters {
  const [, kind, caret, name] = found;
  if (kind !== ":") text.fail("collating elements are not supported", start);
  const set = POSIX.get(ignoresCase && /^(?:upper|lower)$/.test(name!) ? "alpha" : name!);
  if (set === undefined) text.fail(`unknown class [:${name}:]`, start);
  return caret === "^" ? complement(set, lastOf(text)) : set;
}
