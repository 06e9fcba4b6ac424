/** What is found out about a request, in order. */
import type { Position } from "../../config/parts.ts";

/** A step on a request's way. */
export interface Finding {
  /** What it is about: `server`, `location`, `rewrite`, `if`, `set`, `phase`, `redirect`, `error`, `subrequest`, `answer`, `map`, `geo`, `split_clients`. */
  readonly topic: string;
  readonly text: string;
  /** `FILE:LINE` of what decided; null: nothing in a file did. */
  readonly at: string | null;
  /** Other servers or locations that could have been chosen, and why they were not. */
  readonly others: readonly { readonly text: string; readonly at: string; readonly why: string }[];
  /** How many subrequests it is inside of. */
  readonly depth: number;
}

/** `FILE:LINE`; null for what stands in no file: defaults and the command line. */
export const lineOf = (position: Position | null | undefined): string | null =>
  position == null || position.line === 0 || position.file === "defaults" ? null : `${position.file}:${position.line}`;

export class Findings {
  readonly list: Finding[] = [];
  depth = 0;

  add(topic: string, text: string, at: Position | null | undefined = null, others: Finding["others"] = []): void {
    this.insert(this.list.length, topic, text, at, others);
  }

  /** Adds what was known to begin before the finding at `index`. */
  insert(
    index: number,
    topic: string,
    text: string,
    at: Position | null | undefined = null,
    others: Finding["others"] = [],
  ): void {
    this.list.splice(index, 0, { topic, text, at: lineOf(at), others, depth: this.depth });
  }
}
