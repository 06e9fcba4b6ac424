/** Cookies that tell visitors apart: ngx_http_userid_filter_module. */

import type { Context, Scope } from "../../scope.ts";
import { USERID_FLAGS, type UserIdFlag } from "../../settings/modules.ts";
import { directive, type Row, store } from "../../table.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { cookieName, kind, number, oneOf, parseTime, words } from "../../values/arguments.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

/** Text that becomes a part of a field. */
const fieldPart = (syntax: string, without: RegExp) =>
  kind(syntax, "text without line ends, and without ; in a cookie", (text) => (without.test(text) ? undefined : text));

const attribute = (syntax: string) => fieldPart(syntax, /[\0-\x1f\x7f;]/);

/** nginx keeps it in 32 bits. */
const MOST_SERVICE = 2 ** 32 - 1;

export const USERID: readonly Row[] = [
  directive("userid", {
    in: anywhere,
    takes: [oneOf("on", "v1", "log", "off")],
    default: "off",
    help: "Whether visitors get a cookie with an id (`on`; `v1` in the older form), or only `$uid_got` tells what they send (`log`).",
    set: store("userid"),
  }),
  directive("userid_name", {
    in: anywhere,
    takes: [cookieName],
    default: "uid",
    help: "The cookie's name.",
    set: store("useridName"),
  }),
  directive("userid_domain", {
    in: anywhere,
    takes: [attribute("NAME | none")],
    default: "none",
    help: "The domain that the cookie is for.",
    set: (scope, [domain]) => {
      scope.own.useridDomain = domain === "none" || domain === "" ? null : domain;
    },
  }),
  directive("userid_path", {
    in: anywhere,
    takes: [attribute("PATH")],
    default: "/",
    help: "The path that the cookie is for.",
    set: store("useridPath"),
  }),
  directive("userid_expires", {
    in: anywhere,
    takes: [kind("TIME | max | off", "a time, max or off", expires)],
    default: "off",
    help: "How long browsers keep the cookie; `max`: until 2037, `off`: until they are closed.",
    set: store("useridExpires"),
  }),
  directive("userid_flags", {
    in: anywhere,
    takes: [words("off | FLAG...", 1, 3)],
    default: "off",
    help: "Attributes of the cookie: `secure`, `httponly`, `samesite=strict`, `samesite=lax`, `samesite=none`; `nosecure`, `nohttponly` and `nosamesite` take them back.",
    set: setFlags,
  }),
  directive("userid_p3p", {
    in: anywhere,
    takes: [fieldPart("TEXT | none", /[\0-\x08\x0a-\x1f\x7f]/)],
    default: "none",
    help: "A field P3P that is sent together with the cookie.",
    set: (scope, [text]) => {
      scope.own.useridP3p = text === "none" || text === "" ? null : text;
    },
  }),
  directive("userid_mark", {
    in: anywhere,
    takes: [kind("CHARACTER | off", 'a letter, a digit, "=" or off', mark)],
    default: "off",
    help: "A character at the cookie's end, in place of its padding. A visitor whose cookie has another gets it anew, with the same id.",
    set: store("useridMark"),
  }),
  directive("userid_service", {
    in: anywhere,
    takes: [number("N", 0, MOST_SERVICE)],
    default: null,
    shownDefault: "the server's IPv4 address, or the end of its IPv6 address; 0 for v1",
    help: "The first part of the ids, for services that are served by several servers.",
    set: store("useridService"),
  }),
];

function expires(text: string): number | "max" | null | undefined {
  if (text === "max") return text;
  const time = text === "off" ? 0 : parseTime(text);
  return time === undefined ? undefined : Math.floor(time / 1000) || null;
}

function mark(text: string): string | null | undefined {
  if (text === "off") return null;
  return /^[A-Za-z0-9=]$/.test(text) ? text : undefined;
}

function setFlags(scope: Scope, [given]: [readonly Word[]]): void {
  const flags = new Set<UserIdFlag>();
  const without = (kind: string): void => {
    for (const flag of flags) if (flag.startsWith(kind)) flags.delete(flag);
  };
  for (const { text, position } of given) {
    const flag = USERID_FLAGS.find((one) => one === text);
    if (flag !== undefined) {
      if (flag.startsWith("samesite")) without("samesite");
      flags.add(flag);
    } else if (/^no(?:secure|httponly|samesite)$/.test(text)) without(text.slice(2));
    else if (text !== "off")
      scope.error(position, `"userid_flags" expects off, or of ${USERID_FLAGS.join(", ")}, not ${quote(text)}`);
  }
  scope.own.useridFlags = USERID_FLAGS.filter((flag) => flags.has(flag));
}
