/** `map` (ngx_http_map_module): the value of a variable by the value of others. */

import { compileRegex } from "../../../routing/pcre/compile.ts";
import type { Template } from "../../parts.ts";
import type { Scope } from "../../scope.ts";
import { block, type Row } from "../../table.ts";
import type { MapTable } from "../../tables/tables.ts";
import type { Directive, Word } from "../../text/parser.ts";
import { template, words } from "../../values/arguments.ts";
import { slowness } from "../../values/regex.ts";
import { addTable, entriesOf, NOTHING, onlyArgument, tableVariable, Values } from "./entries.ts";
import { Names } from "./names.ts";

export const MAP: Row = block("map", "table", {
  in: ["http"],
  takes: [template("STRING"), words("$VARIABLE", 1, 1)],
  repeats: true,
  help: "Gives the variable a value by that of STRING, which has variables: lines `KEY VALUE;`. A key is a text (small and capital letters are the same), or an expression `~...` or `~*...` (any case), whose groups VALUE may use; the text goes first, then the first expression that matches, then `default`, which is empty. `hostnames;` before the keys makes `*.x.org`, `x.*` and `.x.org` (with `x.org`) match, the longest first. `volatile;`: computed at each use, instead of once a request. A `\\` before a key makes it a text: `\\default`, `\\~x`.",
  open: (scope, [source, [variable]], given) => {
    const name = tableVariable(scope, variable!, "map");
    const reader = new MapReader(scope, given);
    const table = reader.table(source);
    if (name !== null) addTable(scope, name, table, given);
    return null;
  },
});

/** Reads the block of a `map`. */
class MapReader {
  private readonly names = new Names<Template>();
  private readonly expressions: { regex: RegExp; value: Template }[] = [];
  private readonly values: Values;
  private fallback: Template | null = null;
  private hostnames = false;
  private volatile = false;

  constructor(
    private readonly scope: Scope,
    private readonly given: Directive,
  ) {
    this.values = new Values(scope);
  }

  table(source: Template): MapTable {
    for (const entry of entriesOf(this.scope, this.given)) this.entry(entry);
    const { hostnames, volatile, expressions } = this;
    const { position } = this.given;
    const fallback = this.fallback ?? NOTHING;
    return { kind: "map", source, hostnames, names: this.names.table, expressions, fallback, volatile, position };
  }

  private entry(entry: Directive): void {
    const { name, args } = entry;
    if (args.length === 0 && name === "hostnames") this.hostnames = true;
    else if (args.length === 0 && name === "volatile") this.volatile = true;
    else {
      const word = onlyArgument(this.scope, entry, "map");
      const value = word === null ? null : this.values.template(word);
      if (value !== null) this.pair(entry, value);
    }
  }

  private pair({ name, position }: Directive, value: Template): void {
    if (name === "default") {
      if (this.fallback !== null) this.scope.error(position, 'duplicate "default" in "map"');
      this.fallback = value;
    } else if (name.startsWith("~")) this.expression({ text: name, position }, value);
    else {
      const key = name.startsWith("\\") ? name.slice(1) : name;
      const wrong = this.hostnames ? this.names.addHost(key, value, position) : this.names.add(key, value, position);
      if (wrong !== null) this.scope.error(position, wrong);
    }
  }

  private expression({ text, position }: Word, value: Template): void {
    const ignoreCase = text[1] === "*";
    const source = text.slice(ignoreCase ? 2 : 1);
    this.scope.draft.addGroups(source);
    const regex = compileRegex(source, ignoreCase);
    if (typeof regex === "string") return this.scope.error(position, `invalid regular expression: ${regex}`);
    const slow = slowness(regex, "gets the default");
    if (slow !== null) this.scope.warning(position, slow);
    this.expressions.push({ regex, value });
  }
}
