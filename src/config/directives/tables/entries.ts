/** What the blocks of tables (`map`, `geo`, `split_clients`) have in common: entries instead of directives, and a variable. */
import type { Template } from "../../parts.ts";
import type { Scope } from "../../scope.ts";
import type { VariableTable } from "../../tables/tables.ts";
import { elsewhere, quote } from "../../text/diagnostics.ts";
import type { Directive, Word } from "../../text/parser.ts";

/** A value that no entry gives. */
export const NOTHING: Template = { text: "", parts: [], constant: "" };

/** The variable after the source of a table: `$name`. Gives its name; null after an error. */
export function tableVariable(scope: Scope, { text, position }: Word, directive: string): string | null {
  const name = /^\$([A-Za-z0-9_]+)$/.exec(text)?.[1];
  if (name === undefined) {
    scope.error(position, `"${directive}" expects a variable such as $name, not ${quote(text)}`);
    return null;
  }
  const { variables } = scope.draft;
  if (variables.isFixed(name)) {
    scope.error(position, `"${directive}" cannot define "$${name}", which is the server's own variable`);
    return null;
  }
  variables.define(name);
  return name;
}

/** Makes a table part of the configuration. As in nginx the last one of a variable counts. */
export function addTable(scope: Scope, name: string, table: VariableTable, given: Directive): void {
  const { tables, origins } = scope.draft;
  origins.setTable(table, given);
  const before = tables.get(name);
  if (before !== undefined) {
    const where = elsewhere(before.position, table.position);
    scope.warning(table.position, `"$${name}" has been defined before (${where}): this "${table.kind}" replaces that`);
  }
  tables.set(name, table);
}

/** The entries of a block; reports blocks in it. */
export function* entriesOf(scope: Scope, { name, block }: Directive): Iterable<Directive> {
  for (const entry of block ?? []) {
    if (entry.block === null) yield entry;
    else scope.error(entry.position, `unexpected block ${quote(entry.name)} in "${name}"`);
  }
}

/** The one argument of an entry; null after an error. */
export function onlyArgument(scope: Scope, entry: Directive, table: string): Word | null {
  const [value, surplus] = entry.args;
  if (value !== undefined && surplus === undefined) return value;
  if (!entry.unfinished)
    scope.error(
      surplus?.position ?? entry.position,
      `${quote(entry.name)} in "${table}" needs 1 value, not ${entry.args.length}`,
    );
  return null;
}

/** Values that are written more than once are kept once: tables are long and have few values. */
export class Values {
  private readonly known = new Map<string, Template | null>();

  constructor(private readonly scope: Scope) {}

  /** A text without variables. */
  constant(text: string): Template {
    return this.kept(text, () => ({ text, parts: text === "" ? [] : [text], constant: text })) ?? NOTHING;
  }

  /** A text with variables; null after an error. */
  template(word: Word): Template | null {
    return this.kept(word.text, () => this.scope.template(word));
  }

  private kept(text: string, make: () => Template | null): Template | null {
    const known = this.known.get(text);
    if (known !== undefined) return known;
    const made = make();
    this.known.set(text, made);
    return made;
  }
}
