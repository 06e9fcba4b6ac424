/** The directives that only `proxy_pass` has: the request that is sent, and the addresses in its reply. */

import { compileRegex } from "../../../routing/pcre/compile.ts";
import type { ProxyOnly } from "../../gateway.ts";
import type { Template } from "../../parts.ts";
import type { Context, Scope } from "../../scope.ts";
import type { Row } from "../../table.ts";
import { directive } from "../../table.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Directive, Word } from "../../text/parser.ts";
import { fieldName, oneOf, template, words } from "../../values/arguments.ts";
import { DEFAULT_REDIRECT } from "./redirect.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

type Replacement = ProxyOnly["redirect"][number];

export const PROXY_ONLY: readonly Row[] = [
  directive("proxy_set_header", {
    in: anywhere,
    takes: [fieldName, template("VALUE")],
    default: null,
    shownDefault: "Host $proxy_host, Connection close",
    repeats: true,
    help: "A field of the request to the server; an empty value removes it. A block that has any of these inherits none.",
    set: (scope, [name, value]) => {
      const own = scope.ownGroup("proxyOnly");
      own.setHeaders = [...(own.setHeaders ?? []), { name, value }];
    },
  }),
  directive("proxy_method", {
    in: anywhere,
    takes: [template("METHOD")],
    default: null,
    shownDefault: "the client's",
    help: "The method of the request to the server.",
    set: (scope, [value]) => {
      scope.ownGroup("proxyOnly").method = value;
    },
  }),
  directive("proxy_set_body", {
    in: anywhere,
    takes: [template("TEXT")],
    default: null,
    shownDefault: "the client's",
    help: "The body of the request to the server.",
    set: (scope, [value]) => {
      scope.ownGroup("proxyOnly").setBody = value;
    },
  }),
  directive("proxy_http_version", {
    in: anywhere,
    takes: [oneOf("1.0", "1.1")],
    default: "1.0",
    help: "The version of HTTP that the server is spoken to in. Kept connections and tunnels (WebSockets) need 1.1.",
    set: (scope, [value]) => {
      scope.ownGroup("proxyOnly").httpVersion = value;
    },
  }),
  ...replacing(),
];

function replacing(): readonly Row[] {
  return [
    directive("proxy_redirect", {
      in: anywhere,
      takes: [words("default | off | FROM TO", 1, 2)],
      default: "default",
      repeats: true,
      help: "Replaces the start of Location and Refresh in replies (or what `~regex` matches). `default`: the URL of `proxy_pass` becomes the location's prefix.",
      set: setRedirect,
    }),
    directive("proxy_cookie_domain", {
      in: anywhere,
      takes: [words("off | FROM TO", 1, 2)],
      default: "off",
      repeats: true,
      help: "Replaces the domain of cookies in replies: a text, or what `~regex` matches.",
      set: (scope, [args], given) => addReplacement(scope, "cookieDomain", args, given),
    }),
    directive("proxy_cookie_path", {
      in: anywhere,
      takes: [words("off | FROM TO", 1, 2)],
      default: "off",
      repeats: true,
      help: "Replaces the start of the path of cookies in replies, or what `~regex` matches.",
      set: (scope, [args], given) => addReplacement(scope, "cookiePath", args, given),
    }),
    directive("proxy_cookie_flags", {
      in: anywhere,
      takes: [words("off | COOKIE [FLAG...]")],
      syntax: "off | COOKIE [secure | nosecure | httponly | nohttponly | samesite=strict|lax|none | nosamesite ...]",
      default: "off",
      repeats: true,
      help: "Sets or removes flags of cookies in replies; the cookie is a name or `~regex`.",
      set: (scope, [args], given) => addFlags(scope, args, given),
    }),
  ];
}

function setRedirect(scope: Scope, [args]: [readonly Word[]], given: Directive): void {
  const [word] = args;
  if (args.length === 2 || word!.text !== "default") return addReplacement(scope, "redirect", args, given);
  const own = scope.ownGroup("proxyOnly");
  own.redirect = [...(own.redirect ?? []), DEFAULT_REDIRECT];
  scope.draft.later(() => {
    const { pass } = scope.own;
    if (pass?.target)
      scope.error(word!.position, '"proxy_redirect default" does not go with variables in "proxy_pass"');
  });
}

function addReplacement(
  scope: Scope,
  key: "redirect" | "cookieDomain" | "cookiePath",
  [from, to]: readonly Word[],
  { name }: Directive,
): void {
  const own = scope.ownGroup("proxyOnly");
  if (to === undefined) {
    if (from!.text !== "off")
      return scope.error(from!.position, `"${name}" expects FROM and TO, or "off", not ${quote(from!.text)}`);
    own[key] = [];
    return;
  }
  const sought = pattern(scope, from!, key === "cookieDomain");
  const value = scope.template(to);
  if (sought === null || value === null) return;
  const rule: Replacement = { from: sought, to: value };
  own[key] = [...(own[key] ?? []), rule];
}

/** `~regex`, `~*regex` or text with variables; null after an error. */
function pattern(scope: Scope, word: Word, ignoreCase: boolean): Template | RegExp | null {
  if (!word.text.startsWith("~")) return scope.template(word);
  const source = word.text.replace(/^~\*?/, "");
  scope.draft.addGroups(source);
  const regex = compileRegex(source, ignoreCase || word.text.startsWith("~*"));
  if (typeof regex !== "string") return regex;
  scope.error(word.position, `invalid regular expression ${quote(source)}: ${regex}`);
  return null;
}

const FLAG = /^(?:(?:no)?secure|(?:no)?httponly|nosamesite|samesite=(?:strict|lax|none))$/i;

function addFlags(scope: Scope, [cookie, ...flags]: readonly Word[], { name }: Directive): void {
  const own = scope.ownGroup("proxyOnly");
  if (cookie!.text === "off" && flags.length === 0) {
    own.cookieFlags = [];
    return;
  }
  if (flags.length === 0) return scope.error(cookie!.position, `"${name}" expects flags after the cookie, or "off"`);
  const sought = pattern(scope, cookie!, true);
  const texts: Template[] = [];
  for (const word of flags) {
    if (!FLAG.test(word.text) && !word.text.includes("$"))
      return scope.error(
        word.position,
        `"${name}" expects secure, httponly, samesite=strict|lax|none, or one of these with "no", not ${quote(word.text)}`,
      );
    const text = scope.template(word);
    if (text !== null) texts.push(text);
  }
  if (sought !== null) own.cookieFlags = [...(own.cookieFlags ?? []), { cookie: sought, flags: texts }];
}
