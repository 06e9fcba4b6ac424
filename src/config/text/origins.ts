/** Where in its files each part of a configuration comes from; for `webserv explain`. */
import type { Location } from "../model.ts";
import type { Position } from "../parts.ts";
import type { VariableTable } from "../tables/tables.ts";
import type { Directive } from "./parser.ts";

/** A block of the file, as far as origins need it. */
interface Block {
  /** The directives of the block that were taken, in order. */
  readonly given: readonly Directive[];
  /** The block around it. */
  readonly parent: Block | null;
}

export class Origins {
  private readonly blocks = new Map<Location, Block>();
  private readonly positions = new Map<object, Position>();
  private readonly tables = new Map<VariableTable, Directive>();

  /** A location, a server's scope or an `if` was made of this block. */
  setBlock(location: Location, block: Block): void {
    this.blocks.set(location, block);
  }

  /** A step of a rewrite program, or the rule of a `return`, stands here. */
  setPosition(part: object, position: Position): void {
    this.positions.set(part, position);
  }

  /** A table was made of this directive. */
  setTable(table: VariableTable, directive: Directive): void {
    this.tables.set(table, directive);
  }

  /** The entries of a table, in order. */
  entriesOf(table: VariableTable): readonly Directive[] {
    return this.tables.get(table)?.block ?? [];
  }

  positionOf(part: object): Position | null {
    return this.positions.get(part) ?? null;
  }

  /**
   * The directives of these names that apply in a location: those of the innermost block that has any.
   * @param inherits whether they are looked for in the blocks around it too
   */
  given(location: Location, names: readonly string[], inherits = true): readonly Directive[] {
    for (let block = this.blocks.get(location) ?? null; block !== null; block = inherits ? block.parent : null) {
      const found = block.given.filter(({ name }) => names.includes(name));
      if (found.length > 0) return found;
    }
    return [];
  }
}
