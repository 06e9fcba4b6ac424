/** `proxy_pass`, `fastcgi_pass`, `uwsgi_pass`, `scgi_pass`: to whom a location passes its requests. */
import type { Family, Pass } from "../../gateway.ts";
import type { Context, Own, Scope } from "../../scope.ts";
import type { Row } from "../../table.ts";
import { directive } from "../../table.ts";
import { elsewhere, quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { words } from "../../values/arguments.ts";
import { parsePeer } from "../../values/peer.ts";
import { findGroup } from "./groups.ts";

const inLocations: readonly Context[] = ["location", "limit_except"];

/** The prefix of a `*_pass` address, in capitals or not. */
const SCHEMES: Readonly<Record<Family, RegExp>> = {
  proxy: /^(https?):\/\//i,
  fastcgi: /^(?=)/,
  uwsgi: /^(?:(uwsgi|suwsgi):\/\/)?/i,
  scgi: /^(?:(scgi):\/\/)?/i,
};

const passRow = (family: Family, syntax: string, help: string): Row =>
  directive(`${family}_pass`, {
    in: inLocations,
    takes: [words(syntax, 1, 1)],
    default: null,
    help,
    set: (scope, [[word]]) => setPass(scope, family, word!),
  });

export const PROXY_PASS = passRow(
  "proxy",
  "http://ADDRESS[URI] | https://ADDRESS[URI]",
  "Passes requests to an HTTP server or an `upstream`, by TLS with https:// (`proxy_ssl_...`). With a URI, that takes the place of the location's prefix in the path; without one, the request's own URI is passed. With variables the whole is the URL to ask. Not inherited by locations within.",
);
export const FASTCGI_PASS = passRow(
  "fastcgi",
  "ADDRESS",
  "Passes requests to a FastCGI server, such as php-fpm: `host:port`, `unix:/path`, or an `upstream`. Not inherited by locations within.",
);
export const UWSGI_PASS = passRow(
  "uwsgi",
  "[uwsgi://]ADDRESS",
  "Passes requests to a uWSGI server: `host:port`, `unix:/path`, or an `upstream`. Not inherited by locations within.",
);
export const SCGI_PASS = passRow(
  "scgi",
  "[scgi://]ADDRESS",
  "Passes requests to an SCGI server: `host:port`, `unix:/path`, or an `upstream`. Not inherited by locations within.",
);

/** Where a block keeps its pass: that of `limit_except` is the location's second one. */
const place = ({ context, parent, own }: Scope): { own: Own; key: "pass" | "limitedPass" } =>
  context === "limit_except" ? { own: parent!.own, key: "limitedPass" } : { own, key: "pass" };

function setPass(scope: Scope, family: Family, word: Word): void {
  const { own, key } = place(scope);
  const earlier = own[key];
  if (earlier)
    scope.warning(
      word.position,
      `"${family}_pass" replaces the "${earlier.family}_pass" of this block (${elsewhere(earlier.position, word.position)})`,
    );
  const scheme = SCHEMES[family].exec(word.text);
  if (/^suwsgi$/i.test(scheme?.[1] ?? ""))
    return scope.error(
      word.position,
      `"uwsgi_pass" to ${scheme![0]} is not supported (use one that is reached without TLS)`,
    );
  if (word.text.includes("$")) setTarget(scope, family, word);
  else if (scheme === null)
    scope.error(
      word.position,
      `"${family}_pass" expects a URL that begins with http:// or https://, not ${quote(word.text)}`,
    );
  else setFixed(scope, family, word, word.text.slice(scheme[0].length));
}

/** The address is known only when a request comes. */
function setTarget(scope: Scope, family: Family, word: Word): void {
  const target = scope.template(word);
  if (target === null) return;
  const start = target.parts[0];
  if (family === "proxy" && typeof start === "string" && !/^https?:\/\//i.test(start))
    return scope.error(
      word.position,
      `"proxy_pass" expects a URL that begins with http:// or https://, not ${quote(word.text)}`,
    );
  const { own, key } = place(scope);
  own[key] = { ...common(scope, family, word), upstream: null, target, uri: null, host: "", port: "" };
}

/** The address is in the configuration: `rest` is what follows the scheme. */
function setFixed(scope: Scope, family: Family, word: Word, rest: string): void {
  const [authority, uri] = family === "proxy" ? splitUri(rest) : [rest, ""];
  const wrong = (problem: string): void =>
    scope.error(word.position, `"${family}_pass" ${quote(word.text)} ${problem}`);
  const defaultPort = family !== "proxy" ? null : isTls(word) ? 443 : 80;
  const peer = parsePeer(authority, defaultPort, scope.draft.prefix);
  if (typeof peer === "string") return wrong(peer);
  const barred = uri === "" ? null : placeWithoutUri(scope);
  if (barred !== null) return wrong(`cannot have a URI in ${barred}`);
  const isUnix = peer.address?.family === "unix";
  const host = isUnix ? "localhost" : peer.hasPort && peer.port !== defaultPort ? peer.text : peer.host;
  const port = isUnix ? "" : String(peer.port ?? "");
  const given = { ...common(scope, family, word), target: null, uri: uri === "" ? null : uri };
  const named = family === "proxy" ? { host, port } : { host: "", port: "" };
  const pass: Pass = { ...given, ...named, upstream: peer.text };
  const { own, key } = place(scope);
  own[key] = pass;
  scope.draft.later(() => {
    if (own[key] === pass) own[key] = { ...pass, upstream: findGroup(scope, peer, word, `${family}_pass`) };
  });
}

function common(
  scope: Scope,
  family: Family,
  word: Word,
): Pick<Pass, "family" | "scheme" | "text" | "replaces" | "position"> {
  const replaces = scope.location?.regex === null && scope.location.modifier !== "@" ? scope.location.pattern : "";
  return { family, scheme: isTls(word) ? "https" : "http", text: word.text, replaces, position: word.position };
}

const isTls = ({ text }: Word): boolean => /^https:\/\//i.test(text);

/** Divides `host:port/uri` and `unix:/path:/uri`. */
function splitUri(text: string): [authority: string, uri: string] {
  if (text.toLowerCase().startsWith("unix:")) {
    const colon = text.indexOf(":", 5);
    return colon === -1 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
  }
  const at = text.search(/[/?]/);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at)];
}

/** Where nginx refuses a URI; null: it is allowed. */
function placeWithoutUri({ context, location }: Scope): string | null {
  if (context === "limit_except") return '"limit_except"';
  if (context === "if in location")
    return 'an "if": give the "proxy_pass" of the location one, which the "if" inherits, or use variables';
  if (location?.modifier === "@") return "a named location";
  return location !== null && location.regex !== null ? "a location with a regular expression" : null;
}
