/** `disable_symlinks`: nginx's rules for symbolic links, which `symlinks` has in another form. */
import type { Scope } from "../../scope.ts";
import type { Row } from "../../table.ts";
import { directive } from "../../table.ts";
import { quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { oneOf, words } from "../../values/arguments.ts";

/** The links beneath a location's root alone are looked at. */
const FROM_ROOT = "$document_root";

export const DISABLE_SYMLINKS: Row = directive("disable_symlinks", {
  in: ["http", "server", "location"],
  takes: [oneOf("on", "if_not_owner", "off"), words("[from=PATH]", 0, 1)],
  default: null,
  shownDefault: 'what "symlinks" says',
  help: "The form that nginx has for `symlinks`: `off` follows links anywhere, `on` refuses them, `if_not_owner` those of another owner than what they lead to. The whole path of a file is looked at, or what follows `from`, such as `from=$document_root`.",
  set: (scope, [policy, [from]]) => setPolicy(scope, policy, from),
});

function setPolicy(scope: Scope, policy: "on" | "if_not_owner" | "off", from: Word | undefined): void {
  if (from !== undefined && (!from.text.startsWith("from=") || from.text === "from=" || policy === "off"))
    return scope.error(
      from.position,
      `"disable_symlinks" expects from=PATH behind on or if_not_owner, not ${quote(from.text)}`,
    );
  scope.own.symlinks = policy === "off" ? "follow" : policy === "on" ? "deny" : "owner";
  if (policy === "off" || from?.text.slice(5) === FROM_ROOT) scope.own.symlinksFrom = null;
  else {
    const text = from === undefined ? "/" : from.text.slice(5);
    const template = scope.template({ text, position: from?.position ?? scope.seen.get("disable_symlinks")! });
    if (template !== null) scope.own.symlinksFrom = template;
  }
}
