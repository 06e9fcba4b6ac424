/** The charset that a location gives its replies (ngx_http_charset_filter_module). */
import type { Settings } from "../../config/model.ts";
import type { Template } from "../../config/parts.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { evaluateOctets } from "../../exchange/templates.ts";
import { charsetIn, isAmong, withoutCharset } from "./media-type.ts";

type Rules = Pick<Settings, "charset" | "sourceCharset" | "overrideCharset" | "charsetTypes">;

/** The charsets of one reply. */
export interface Charsets {
  readonly to: string;
  /** null: the body is already in `to`. */
  readonly from: string | null;
}

/** What becomes of a reply with this Content-Type; null: nothing. */
export function charsetsFor(rules: Rules, exchange: Exchange, type: string): Charsets | null {
  if (rules.charset === null) return null;
  const given = charsetIn(type);
  if (given === null ? !isAmong(rules.charsetTypes, type) : !rules.overrideCharset) return null;
  const to = nameFrom(rules.charset, exchange);
  return to === null ? null : { to, from: given ?? nameFrom(rules.sourceCharset, exchange) };
}

/** A variable that is empty or "off" names none. */
function nameFrom(template: Template | null, exchange: Exchange): string | null {
  const name = template === null ? "" : evaluateOctets(template, exchange);
  return name === "" || name === "off" ? null : name;
}

/** A Content-Type with another charset. */
export const withCharset = (type: string, charset: string): string => `${withoutCharset(type)}; charset=${charset}`;

/** The Content-Type of a part of a reply, which no filter sees. */
export function partType(exchange: Exchange, type: string): string {
  const charsets = charsetsFor(exchange.settings, exchange, type);
  return charsets === null ? type : withCharset(type, charsets.to);
}
