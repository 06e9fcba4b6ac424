/** The target of a redirect by `rewrite` (ngx_unescape_uri with NGX_UNESCAPE_REDIRECT). */

/** A percent-encoding, with two digits; or a wrong one. */
const ENCODED = /%(?:([0-9a-f]{2})|[0-9a-f][\s\S]?|([\s\S]?))/gi;

/**
 * Decodes the percent-encodings of a target (octets) up to its "?" that a URL does not need, as nginx does: of characters behind
 * "%" and before DEL. An encoded "?" becomes one, and ends that too.
 */
export function unescapeRedirect(target: string): string {
  if (!target.includes("%")) return target;
  const mark = /\?|%3f/i.exec(target);
  const end = mark?.index ?? target.length;
  const rest = mark === null ? "" : `?${target.slice(end + mark[0].length)}`;
  return target.slice(0, end).replace(ENCODED, decoded) + rest;
}

/** Of a wrong one nginx drops its "%", and if the second digit is none, that and the first. */
function decoded(whole: string, digits: string | undefined, kept: string | undefined): string {
  if (digits === undefined) return kept ?? "";
  const code = Number.parseInt(digits, 16);
  return code > 0x25 && code < 0x7f ? String.fromCharCode(code) : whole;
}
