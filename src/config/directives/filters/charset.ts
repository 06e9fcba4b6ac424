/** `charset` and its companions: the charset of replies, and its conversion. */
import { recodingBetween } from "../../../http/charset/recoding.ts";
import type { Template } from "../../parts.ts";
import type { Context, Scope } from "../../scope.ts";
import type { CharsetMap } from "../../settings/filters.ts";
import { block, directive, type Row, store } from "../../table.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Directive, Word } from "../../text/parser.ts";
import { flag, words } from "../../values/arguments.ts";
import { mediaTypes, withHtml } from "./types.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

const charset = words("CHARSET | off", 1, 1);

/** nginx's own list. */
const TYPES = "text/html text/xml text/plain text/vnd.wap.wml application/javascript application/rss+xml";

export const CHARSET: readonly Row[] = [
  directive("charset", {
    in: anywhere,
    takes: [charset],
    default: "off",
    help: "The charset that the `Content-Type` of texts gets, unless it names one; a variable may say it (empty or `off`: none). Pages of Webserv itself (errors, listings) always name theirs, which is utf-8.",
    set: (scope, [[word]]) => {
      const name = charsetOf(scope, word!, "charset");
      if (name === undefined) return;
      scope.own.charset = name;
      checkConversion(scope, word!);
    },
  }),
  directive("source_charset", {
    in: anywhere,
    takes: [words("CHARSET", 1, 1)],
    default: null,
    help: "The charset that files and replies have, unless their `Content-Type` names one. If it is not that of `charset`, they are converted. Known are utf-8 and those with one byte for each character (koi8-r, windows-1251, iso-8859-1, ...), and what `charset_map` adds.",
    set: (scope, [[word]]) => {
      const name = charsetOf(scope, word!, "source_charset");
      if (name === undefined) return;
      scope.own.sourceCharset = name;
      checkConversion(scope, word!);
    },
  }),
  directive("override_charset", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Whether replies of programs and other servers whose `Content-Type` names a charset are converted too.",
    set: store("overrideCharset"),
  }),
  directive("charset_types", {
    in: anywhere,
    takes: [mediaTypes],
    default: TYPES,
    help: "The media types that `charset` and `source_charset` are about, in addition to text/html; `*` stands for every type.",
    set: (scope, [types]) => {
      scope.own.charsetTypes = withHtml(types);
    },
  }),
  block("charset_map", "table", {
    in: ["http"],
    takes: [words("CHARSET", 2, 2)],
    repeats: true,
    help: "A table between two charsets, for both directions, in lines `CODE BYTES;` in hexadecimal: `80 E282AC; # euro sign`. Codes below 80 are the same in both; what is not listed becomes `?`. It takes the place of the built-in table.",
    open: (scope, [names], given) => {
      addMap(scope, names, given);
      return null;
    },
  }),
];

/** The charset that a word names; undefined after an error, null: `off`. */
function charsetOf(scope: Scope, word: Word, directive: string): Template | null | undefined {
  const { text, position } = word;
  if (directive === "charset" && text === "off") return null;
  if (/^[A-Za-z0-9][A-Za-z0-9._:+-]*$/.test(text) || /^\$\{?\w+\}?$/.test(text))
    return scope.template(word) ?? undefined;
  const off = directive === "charset" ? ', a variable or "off"' : " or a variable";
  scope.error(position, `"${directive}" expects a charset's name${off}, not ${quote(text)}`);
  return undefined;
}

/** As nginx: without a table between the two of a block, the configuration is refused. */
function checkConversion(scope: Scope, { position }: Word): void {
  scope.draft.later(() => {
    const from = scope.setting("sourceCharset")?.constant?.toLowerCase();
    const to = scope.setting("charset")?.constant?.toLowerCase();
    if (from === undefined || to === undefined || from === to) return;
    if (recodingBetween(from, to, scope.setting("charsetMaps") ?? []) === null)
      scope.error(position, `no "charset_map" between the charsets ${quote(from)} and ${quote(to)}`);
  });
}

function addMap(scope: Scope, names: readonly Word[], { block, position }: Directive): void {
  const [from, to] = names.map(({ text }) => text.toLowerCase()) as [string, string];
  const known = scope.own.charsetMaps ?? [];
  if (from === to) return scope.error(position, `"charset_map" between the same charsets ${quote(from)}`);
  if (known.some((map) => [map.from, map.to].includes(from) && [map.from, map.to].includes(to)))
    return scope.error(position, `duplicate "charset_map" between ${quote(from)} and ${quote(to)}`);
  const most = to === "utf-8" || to === "utf8" ? MOST_BYTES : 1;
  const codes = (block ?? []).flatMap((entry) => codeOf(scope, entry, most) ?? []);
  scope.own.charsetMaps = [...known, { from, to, codes }];
}

/** Of a character in UTF-8, as nginx. */
const MOST_BYTES = 3;

/** A line of a `charset_map`; null after an error. */
function codeOf(scope: Scope, entry: Directive, most: number): CharsetMap["codes"][number] | null {
  const [value, surplus] = entry.args;
  const isOne = value !== undefined && surplus === undefined && entry.block === null;
  const bytes = isOne && /^(?:[0-9a-f]{2})+$/i.test(value.text) ? [...Buffer.from(value.text, "hex")] : [];
  if (/^[0-9a-f]{1,2}$/i.test(entry.name) && bytes.length > 0 && bytes.length <= most)
    return { from: Number.parseInt(entry.name, 16), to: bytes };
  const line = [entry.name, ...entry.args.map(({ text }) => text)].join(" ");
  scope.error(entry.position, `"charset_map" expects lines CODE BYTES; in hexadecimal, not ${quote(line)}`);
  return null;
}
