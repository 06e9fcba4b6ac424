/**
 * Translates nginx's regular expressions (PCRE) to JavaScript's, in Unicode mode. Syntax with the same meaning is kept, syntax that
 * differs is rewritten, and what JavaScript cannot do is refused, so that no expression silently changes its meaning.
 */

import { weaknessOf } from "../../routing/regex-cost.ts";
import { SHORT } from "../../routing/sure-regex.ts";

const POSIX: Readonly<Record<string, string>> = {
  alnum: "a-zA-Z0-9",
  alpha: "a-zA-Z",
  digit: "0-9",
  lower: "a-z",
  space: "\\s",
  upper: "A-Z",
  word: "\\w",
  xdigit: "0-9a-fA-F",
};

/** Escapes of letters and digits that mean the same in both. */
const SHARED = /^\\(?:[dDwWsSbBnrtf]|[1-9]|x[0-9a-fA-F]{2}|k<\w+>)/;

/** Escapes that are written differently: outside of a class, and inside one (null: an anchor, which makes no sense there). */
const REWRITTEN: Readonly<Record<string, readonly [outside: string, inside: string | null]>> = {
  "\\A": ["^", null],
  "\\z": ["$", null],
  "\\Z": ["$", null],
  "\\h": ["[ \\t]", " \\t"],
  "\\R": ["(?:\\r\\n|[\\n\\r])", null],
  "\\e": ["\\x1b", "\\x1b"],
  "\\a": ["\\x07", "\\x07"],
  "\\0": ["\\x00", "\\x00"],
};

/** Compiles the expression; a string tells what is wrong with it. */
export function compileRegex(source: string, ignoreCase: boolean): RegExp | string {
  const inline = /^\(\?i\)/.test(source);
  try {
    return new RegExp(translate(inline ? source.slice(4) : source), ignoreCase || inline ? "iu" : "u");
  } catch (error) {
    return (error as Error).message.replace(/^Invalid regular expression:\s*/, "");
  }
}

/** The warning for an expression that a hostile path could make slow; null: none is needed. */
export function slowness(regex: RegExp): string | null {
  const weakness = weaknessOf(regex);
  if (weakness === null) return null;
  const reason =
    "what it repeats can match the same characters in more than one way, so the steps could double with each";
  if (weakness === "slow") return `${reason}; it is matched all ways at once, which takes some microseconds more`;
  return `${reason}; and as it looks around or refers to a group, what is longer than ${SHORT} characters and could match gets 500`;
}

/** The names of the groups in an expression's text, which may be nginx's or JavaScript's, valid or not. */
export function groupNames(source: string): string[] {
  return [...source.matchAll(/\(\?P?<([A-Za-z_]\w*)>/g)].map((match) => match[1]!);
}

/** Translates an expression; throws SyntaxError for syntax without an equivalent. */
function translate(source: string): string {
  let out = "";
  for (let at = 0; at < source.length; ) {
    const [piece, length] = source[at] === "[" ? characterClass(source, at) : plain(source, at);
    out += piece;
    at += length;
  }
  return out;
}

type Piece = readonly [text: string, length: number];

/** Translates one piece outside of a character class. */
function plain(source: string, at: number): Piece {
  const c = source[at]!;
  if (c === "\\") return escapeSequence(source, at, 0);
  const rest = source.slice(at, at + 64);
  if (rest.startsWith("(?P<")) return ["(?<", 4];
  const backward = /^\(\?P=(\w+)\)/.exec(rest);
  if (backward) return [`\\k<${backward[1]}>`, backward[0].length];
  const quantifier = /^(?:\{\d+(?:,\d*)?\}|[*+?])/.exec(rest)?.[0];
  if (quantifier !== undefined) {
    const possessive = rest[quantifier.length] === "+";
    if (possessive) throw new SyntaxError("possessive quantifiers are not supported");
    return [quantifier, quantifier.length];
  }
  if (c === "{" || c === "}" || c === "]") return [`\\${c}`, 1];
  return [c, 1];
}

/** Translates a whole character class; `]` may be its first member. */
function characterClass(source: string, start: number): Piece {
  let at = start + 1;
  let out = "[";
  if (source[at] === "^") [out, at] = ["[^", at + 1];
  if (source[at] === "]") [out, at] = [`${out}\\]`, at + 1];
  while (at < source.length && source[at] !== "]") {
    const [piece, length] = member(source, at);
    out += piece;
    at += length;
  }
  if (at >= source.length) throw new SyntaxError("missing terminating ] for character class");
  return [`${out}]`, at + 1 - start];
}

function member(source: string, at: number): Piece {
  if (source[at] === "\\") return escapeSequence(source, at, 1);
  const posix = /^\[:(\^?)(\w+):\]/.exec(source.slice(at, at + 16));
  if (posix === null) return [source[at] === "[" ? "\\[" : source[at]!, 1];
  const set = POSIX[posix[2]!];
  if (set === undefined || posix[1] === "^") throw new SyntaxError(`${posix[0]} is not supported`);
  return [set, posix[0].length];
}

/** Translates a backslash with what belongs to it. @param inside 1 in a character class, else 0 */
function escapeSequence(source: string, at: number, inside: 0 | 1): Piece {
  const c = source[at + 1];
  if (c === undefined) throw new SyntaxError("\\ at end of pattern");
  const shared = SHARED.exec(source.slice(at, at + 64))?.[0];
  if (shared !== undefined && !(inside && /^\\[B1-9k]/.test(shared))) return [shared, shared.length];
  if (/[a-zA-Z0-9]/.test(c)) {
    const rewritten = REWRITTEN[`\\${c}`]?.[inside];
    if (rewritten === undefined || rewritten === null) throw new SyntaxError(`\\${c} is not supported here`);
    return [rewritten, 2];
  }
  const special = inside ? /[\\\]^[-]/ : /[\\^$.*+?()[\]{}|/]/;
  return [special.test(c) ? `\\${c}` : c, 2];
}
