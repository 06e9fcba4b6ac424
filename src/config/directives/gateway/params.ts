/** The directives that only `fastcgi_pass`, `uwsgi_pass` or `scgi_pass` has: the parameters that are sent. */

import { compileRegex } from "../../../routing/pcre/compile.ts";
import { SureRegex } from "../../../routing/sure-regex.ts";
import type { Context, Scope } from "../../scope.ts";
import type { Row } from "../../table.ts";
import { directive } from "../../table.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { flag, kind, number, oneOf, optional, template } from "../../values/arguments.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

const paramName = kind("NAME", "a parameter's name", (text) =>
  text === "" || /[\0-\x20\x7f]/.test(text) ? undefined : text,
);

const paramRow = (family: "fastcgi" | "uwsgi" | "scgi"): Row =>
  directive(`${family}_param`, {
    in: anywhere,
    takes: [paramName, template("VALUE"), optional(oneOf("if_not_empty"))],
    default: null,
    repeats: true,
    help: `A parameter that the server gets, as in \`conf/${family}_params\`; with \`if_not_empty\` only if it has a value. A block that has any of these inherits none.`,
    set: (scope, [name, value, condition]) => {
      const own = scope.ownGroup(`${family}Only`);
      own.params = [...(own.params ?? []), { name, value, ifNotEmpty: condition !== undefined }];
    },
  });

export const FASTCGI_ONLY: readonly Row[] = [
  paramRow("fastcgi"),
  directive("fastcgi_index", {
    in: anywhere,
    takes: [template("NAME")],
    default: null,
    help: "The file's name that `$fastcgi_script_name` has for a path that ends in a slash.",
    set: (scope, [name]) => {
      scope.ownGroup("fastcgiOnly").index = name;
    },
  }),
  directive("fastcgi_split_path_info", {
    in: anywhere,
    takes: [kind("REGEX", "a regular expression", (text) => text)],
    default: null,
    repeats: true, // the last counts
    help: "An expression whose first group is `$fastcgi_script_name`, and the second `$fastcgi_path_info`.",
    set: (scope, _, { args }) => setSplit(scope, args[0]!),
  }),
  directive("fastcgi_keep_conn", {
    in: anywhere,
    takes: [flag],
    default: "off",
    help: "Asks the server to keep the connection open, which `keepalive` of an upstream needs.",
    set: (scope, [value]) => {
      scope.ownGroup("fastcgiOnly").keepConn = value;
    },
  }),
  directive("fastcgi_catch_stderr", {
    in: anywhere,
    takes: [kind("TEXT", "a text", (text) => (text === "" ? undefined : text))],
    default: null,
    repeats: true,
    help: "A reply counts as a failure (`fastcgi_next_upstream invalid_header`) if the program's error output contains this text.",
    set: (scope, [text]) => {
      const own = scope.ownGroup("fastcgiOnly");
      own.catchStderr = [...(own.catchStderr ?? []), text];
    },
  }),
];

function setSplit(scope: Scope, { text, position }: Word): void {
  const regex = compileRegex(text, false);
  if (typeof regex === "string") return scope.error(position, `invalid regular expression ${quote(text)}: ${regex}`);
  const { groupCount } = new SureRegex(regex);
  if (groupCount !== 2)
    return scope.error(position, `"fastcgi_split_path_info" expects an expression with 2 groups, not ${groupCount}`);
  scope.ownGroup("fastcgiOnly").splitPathInfo = regex;
}

const modifier = (which: 1 | 2): Row =>
  directive(`uwsgi_modifier${which}`, {
    in: anywhere,
    takes: [number("N", 0, 255)],
    default: "0",
    help: `The field modifier${which} of uWSGI's packets.`,
    set: (scope, [value]) => {
      scope.ownGroup("uwsgiOnly")[`modifier${which}`] = value;
    },
  });

export const UWSGI_ONLY: readonly Row[] = [paramRow("uwsgi"), modifier(1), modifier(2)];

export const SCGI_ONLY: readonly Row[] = [paramRow("scgi")];
