/** `location`, in all its forms, and nginx's rules of nesting. */

import { compileRegex } from "../../routing/pcre/compile.ts";
import type { Location } from "../model.ts";
import type { LocationDraft } from "../scope.ts";
import { Scope } from "../scope.ts";
import type { Row } from "../table.ts";
import { block, directive } from "../table.ts";
import { elsewhere, quote } from "../text/diagnostics.ts";
import type { Directive, Word } from "../text/parser.ts";
import { words } from "../values/arguments.ts";
import { slowness } from "../values/regex.ts";

const SYNTAX = "[= | ^~ | ~ | ~*] PATH | @NAME";

export const LOCATIONS: readonly Row[] = [
  block("location", "location", {
    in: ["server", "location"],
    takes: [words(SYNTAX, 1, 2)],
    syntax: SYNTAX,
    repeats: true,
    help: "Settings for a part of the paths: a prefix, `=` exactly this path, `^~` a prefix that no expression overrides, `~` and `~*` (ignoring case) a regular expression (one that could take too many steps for a long path, as `(a+)+$` does, is matched in another way, which takes some milliseconds at most; 500 where there is none), `@name` only by `error_page` and `try_files`.",
    open: openLocation,
  }),
  directive("internal", {
    in: ["location"],
    takes: [],
    default: null,
    shownDefault: "",
    help: "Only `error_page`, `try_files` and `index` lead here; a client that asks for it gets 404. Locations in it are internal too.",
    set: (scope) => {
      scope.own.internal = true;
    },
  }),
];

type Modifier = Location["modifier"];

function openLocation(parent: Scope, [args]: [readonly Word[]], directive: Directive): Scope | null {
  const parts = splitArguments(args);
  if (parts === null) {
    const given = args.map((arg) => arg.text).join(" ");
    parent.error(args[0]!.position, `"location" expects ${SYNTAX}, not ${quote(given)}`);
    return null;
  }
  const [modifier, pattern, word] = parts;
  const regex = modifier === "~" || modifier === "~*" ? compileRegex(pattern, modifier === "~*") : null;
  if (regex !== null) parent.draft.addGroups(pattern);
  if (typeof regex === "string") {
    parent.error(word.position, `invalid regular expression ${quote(pattern)}: ${regex}`);
    return null;
  }
  const scope = new Scope("location", parent.draft, parent);
  const { locations } = scope;
  scope.location = { scope, locations, modifier, pattern, regex, position: directive.position };
  if (regex !== null) {
    const slow = slowness(regex);
    if (slow !== null) parent.warning(word.position, `slow regular expression ${quote(pattern)}: ${slow}`);
  }
  checkPlace(scope.location, parent, word);
  checkRepetition(scope.location, parent, word);
  parent.locations.push(scope.location);
  return scope;
}

/** Modifier, pattern and the word that contains the pattern. nginx allows `=/x` and `~x` in one word. Null: not a location. */
function splitArguments([first, second]: readonly Word[]): [Modifier, string, Word] | null {
  if (first!.text === "") return null;
  const { text } = first!;
  if (second !== undefined) {
    if (second.text === "") return null;
    return /^(?:=|\^~|~\*?)$/.test(text) ? [text as Modifier, second.text, second] : null;
  }
  if (text.startsWith("@")) return text === "@" ? null : ["@", text, first!];
  const [, modifier, pattern] = /^(=|\^~|~\*|~)?([\s\S]*)$/.exec(text)!;
  return pattern === "" ? null : [(modifier ?? "") as Modifier, pattern!, first!];
}

/** Checks nginx's rules of nesting. */
function checkPlace({ modifier, pattern }: LocationDraft, parent: Scope, { position }: Word): void {
  const outer = parent.location;
  const name = quote(pattern);
  const isPath = modifier !== "@" && modifier !== "~" && modifier !== "~*";
  if (isPath && !pattern.startsWith("/")) {
    parent.warning(position, `location ${name} never matches (a path starts with "/")`);
  }
  if (outer === null) return;
  if (modifier === "@") parent.error(position, `location ${name} can only be in a server, not in another location`);
  else if (outer.modifier === "=")
    parent.error(position, `location ${name} cannot be in the exact location ${quote(outer.pattern)}`);
  else if (outer.modifier === "@")
    parent.error(position, `location ${name} cannot be in the named location ${quote(outer.pattern)}`);
  else if (isPath && outer.regex === null && !pattern.startsWith(outer.pattern)) {
    parent.error(position, `location ${name} is outside of the location ${quote(outer.pattern)} around it`);
  }
}

function checkRepetition(location: LocationDraft, parent: Scope, { position }: Word): void {
  const same = (modifier: Modifier): Modifier => (modifier === "^~" ? "" : modifier);
  const first = parent.locations.find(
    (other) => other.pattern === location.pattern && same(other.modifier) === same(location.modifier),
  );
  if (first === undefined) return;
  const message = `duplicate location ${quote(location.pattern)} (first on ${elsewhere(first.position, position)})`;
  if (location.regex === null) parent.error(position, message);
  else parent.warning(position, `${message}: this one is never reached`); // as in nginx: the first expression that matches wins
}
