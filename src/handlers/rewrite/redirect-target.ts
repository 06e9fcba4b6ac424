/** The target of a redirect by `rewrite` (ngx_unescape_uri with NGX_UNESCAPE_REDIRECT). */

/**
 * Decodes the percent-encodings of a target (octets) up to its "?" that a URL does not need, as nginx does: of characters behind
 * "%" and before DEL. An encoded "?" ends that too.
 */
export function unescapeRedirect(target: string): string {
  if (!target.includes("%")) return target;
  let out = "";
  for (let at = 0; at < target.length; at++) {
    const c = target[at]!;
    if (c === "?") return out + target.slice(at);
    const pair = c === "%" ? target.slice(at + 1, at + 3) : "";
    if (c !== "%") out += c;
    else if (/^[0-9a-fA-F]{2}$/.test(pair)) {
      at += 2;
      const code = Number.parseInt(pair, 16);
      if (code === 0x3f) return `${out}?${target.slice(at + 1)}`;
      out += code > 0x25 && code < 0x7f ? String.fromCharCode(code) : `%${pair}`;
    } else out += c;
  }
  return out;
}
