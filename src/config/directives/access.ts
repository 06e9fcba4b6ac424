/** Access: methods and addresses that are allowed. */
import { ANY_METHOD } from "../../routing/answering.ts";
import type { AccessRule } from "../parts.ts";
import { append, Scope } from "../scope.ts";
import type { Row } from "../table.ts";
import { block, directive } from "../table.ts";
import { quote } from "../text/diagnostics.ts";
import { kind, many } from "../values/arguments.ts";
import { network, source } from "../values/source.ts";

/** TRACE and CONNECT are never answered. */
const method = kind("METHOD", "methods in capital letters, but TRACE and CONNECT, or any", (word) => {
  if (word === ANY_METHOD) return word;
  return /^[A-Z][A-Z0-9-]*$/.test(word) && word !== "TRACE" && word !== "CONNECT" ? word : undefined;
});

/** nginx's list. */
const EXCEPTED = "GET HEAD POST PUT DELETE MKCOL COPY MOVE OPTIONS PROPFIND PROPPATCH LOCK UNLOCK PATCH";
const exceptedMethod = kind("METHOD", `one of the methods ${EXCEPTED}`, (word) =>
  EXCEPTED.split(" ").find((name) => name === word.toUpperCase()),
);

const rule = (name: "allow" | "deny", help: string): Row =>
  directive(name, {
    in: ["http", "server", "location", "limit_except"],
    takes: [source],
    default: null,
    repeats: true,
    help,
    set: (scope, [match], { args }) => {
      append(scope, "access", { allow: name === "allow", match: network(match, args[0]!, scope) });
    },
  });

export const ACCESS: readonly Row[] = [
  directive("allowed_methods", {
    in: ["http", "server", "location"],
    takes: [many(method)],
    default: null,
    shownDefault:
      "GET HEAD, POST and OPTIONS for cgi, any for return, and what upload_store, delete_files and session_api answer",
    syntax: "METHOD... | any",
    help: "The methods that are answered; any other gets 405. The list is literal: `GET` alone refuses HEAD. The location in which the request ends is asked: that of its `index`, or what `try_files` leads on to. OPTIONS is always answered, by a program where it is listed. Programs get every method that is listed, `any` for all.",
    set: (scope, [methods], { args }) => {
      for (const [i, name] of methods.entries()) {
        if (methods.indexOf(name) < i) scope.warning(args[i]!.position, `${quote(name)} is repeated`);
      }
      scope.own.allowedMethods = [...new Set(methods)];
    },
  }),
  rule("allow", "Clients that may come. `allow` and `deny` are tried in their order, the first that matches decides."),
  rule("deny", "Clients that get 403. Lists of an outer block count only where a block has none of its own."),
  block("limit_except", "limit_except", {
    in: ["location"],
    takes: [many(exceptedMethod)],
    help: "`allow`, `deny` and `auth_basic` for all methods but these. GET includes HEAD.",
    open: (scope, [methods]) => {
      const inner = new Scope("limit_except", scope.draft, scope);
      const rules: AccessRule[] = [];
      inner.own.access = rules;
      const named = new Set<string>(methods);
      if (named.has("GET")) named.add("HEAD");
      scope.own.limitExcept = { methods: [...named], rules, auth: inner.own };
      return inner;
    },
  }),
];
