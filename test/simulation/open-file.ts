/** The open file description behind a descriptor, with its own file position and lock. */
import * as abi from "../../ffi/abi.ts";
import { Description, Misuse } from "./descriptors.ts";
import type { Node } from "./tree.ts";

/** O_ACCMODE. */
export const ACCESS = 3;

/** An open file, folder or FIFO, or an O_PATH handle to anything. */
export class OpenFile extends Description {
  position = 0;
  constructor(
    readonly node: Node,
    readonly flags: number,
  ) {
    super();
  }
  describe(): string {
    return `the file ${this.node.path}`;
  }
  closed(): void {
    if (this.node.lockedBy === this) this.node.lockedBy = null;
  }

  /** Throws unless the file is open for `what`. */
  demand(what: "reading" | "writing"): void {
    const access = this.flags & ACCESS;
    const fits = what === "reading" ? access !== abi.O_WRONLY : access !== abi.O_RDONLY;
    if (this.flags & abi.O_PATH || !fits) throw new Misuse(`${this.describe()} is not open for ${what}`);
  }
}
