/** Links that are valid for some and for some time: ngx_http_secure_link_module. */
import type { Context, Scope } from "../../scope.ts";
import { directive, type Row } from "../../table.ts";
import type { Directive } from "../../text/parser.ts";
import { kind, template } from "../../values/arguments.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];
const word = kind("WORD", "a word", (text) => text);

const OLD = ["secure_link_secret"];
const NEW = ["secure_link", "secure_link_md5"];

export const SECURE_LINK: readonly Row[] = [
  directive("secure_link", {
    in: anywhere,
    takes: [template("HASH[,EXPIRES]")],
    default: null,
    help: "Where a request has the hash of its link (MD5 in base64url) and, behind a comma, the second since 1970 in which the link expires: `$arg_md5,$arg_expires`. `$secure_link` then is 1, 0 if it has expired, and empty if the hash is wrong.",
    set: (scope, [value], directive) => {
      if (isAlone(scope, directive, OLD)) Object.assign(scope.own, { secureLink: value, secureLinkSecret: null });
    },
  }),
  directive("secure_link_md5", {
    in: anywhere,
    takes: [template("TEXT")],
    default: null,
    help: 'What the hash of `secure_link` is of, a secret included: `"$secure_link_expires$uri$remote_addr secret"`.',
    set: (scope, [value], directive) => {
      if (isAlone(scope, directive, OLD)) Object.assign(scope.own, { secureLinkMd5: value, secureLinkSecret: null });
    },
  }),
  directive("secure_link_secret", {
    in: anywhere,
    takes: [word],
    default: null,
    help: "The older form: paths are `/PREFIX/HASH/LINK`, HASH is the MD5 of LINK and this word in hexadecimal digits, and `$secure_link` is LINK, or empty if the hash is wrong.",
    set: (scope, [secret], directive) => {
      if (isAlone(scope, directive, NEW))
        Object.assign(scope.own, { secureLinkSecret: secret, secureLink: null, secureLinkMd5: null });
    },
  }),
];

/** As in nginx, a block has one of the forms, and does not inherit the other. */
function isAlone(scope: Scope, { position }: Directive, others: readonly string[]): boolean {
  const isMixed = others.some((name) => scope.seen.has(name));
  if (isMixed) scope.error(position, '"secure_link_secret" cannot be mixed with "secure_link" and "secure_link_md5"');
  return !isMixed;
}
