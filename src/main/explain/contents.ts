/** Who answers, as text. */
import type { Family } from "../../config/gateway.ts";
import type { Position } from "../../config/parts.ts";
import type { Origins } from "../../config/text/origins.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { passUrl } from "../../exchange/passing/pass-url.ts";
import { filename, place } from "../../exchange/place.ts";
import { evaluate } from "../../exchange/templates.ts";
import type { Content } from "../../handlers/contents.ts";
import { uriMaker } from "../../handlers/proxy/uri.ts";
import { unicode } from "../../http/octets.ts";

const FAMILIES: readonly Family[] = ["proxy", "fastcgi", "uwsgi", "scgi"];

/** The directives that turn a content on. */
const DIRECTIVES: { readonly [name in Content["name"]]?: readonly string[] } = {
  pass: FAMILIES.map((family) => `${family}_pass`),
  tus: ["upload_store"],
  files: ["root", "alias"],
};

/** A content's directive as written and what it gets, and its place. */
export function contentText(
  name: Content["name"],
  exchange: Exchange,
  origins: Origins,
): { readonly text: string; readonly at: Position | null } {
  const names = DIRECTIVES[name] ?? [name];
  const given = origins.given(exchange.location, names, name !== "return")[0];
  if (given === undefined && name === "return") {
    return {
      text: "a redirect to the same path with a slash, because that is passed on",
      at: exchange.location.position,
    };
  }
  const written = given === undefined ? name : [given.name, ...given.args.map(({ text }) => text)].join(" ");
  return {
    text: name === "files" ? filesText(exchange) : written + taskOf(name, exchange),
    at: given?.position ?? null,
  };
}

const filesText = (exchange: Exchange): string => `a file or folder: ${fileOf(exchange) ?? "there can be none"}`;

/** The file that the path stands for; null: there can be none. */
export function fileOf(exchange: Exchange): string | null {
  const found = place(exchange.settings, exchange.path, exchange);
  return found === null ? null : filename(found);
}

/** What a server or program that is not asked here would get. */
function taskOf(name: Content["name"], exchange: Exchange): string {
  const { settings, method } = exchange;
  if (["return", "stub_status", "empty_gif"].includes(name)) return "";
  const pass = settings.pass ?? settings.limitedPass;
  if (name !== "pass" || pass === null || pass.family !== "proxy")
    return `, for ${exchange.path}, whose file is ${fileOf(exchange)}`;
  const { server, scheme } = passUrl(exchange, pass);
  const { method: own } = settings.proxyOnly;
  const sent = `${own === null ? method : evaluate(own, exchange)} ${unicode(uriMaker(pass)(exchange))}`;
  return `, which gets ${sent} at ${scheme}://${unicode(server)}`;
}
