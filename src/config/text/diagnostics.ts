/** Collects errors and warnings over the whole run and shows them in the order of the text. */
import { formatPosition, type Position } from "../parts.ts";

export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** Line 0: the whole file. */
  readonly position: Position;
  readonly message: string;
}

/** Everything found so far, in the order found. */
export class Diagnostics {
  readonly list: Diagnostic[] = [];
  /** An error outside of all server blocks; leaving a server out does not help. */
  fatal = false;

  /** @param inServer the error concerns only one server block */
  error(position: Position, message: string, inServer = false): void {
    this.list.push({ severity: "error", position, message });
    if (!inServer) this.fatal = true;
  }

  get hasErrors(): boolean {
    return this.list.some(({ severity }) => severity === "error");
  }

  warning(position: Position, message: string): void {
    this.list.push({ severity: "warning", position, message });
  }

  /** The diagnostics sorted by file (in the order of `files`), line and column. */
  sorted(files: readonly string[]): Diagnostic[] {
    const rank = new Map(files.map((file, i) => [file, i]));
    const of = (d: Diagnostic): number => rank.get(d.position.file) ?? -1;
    return [...this.list].sort(
      (a, b) => of(a) - of(b) || a.position.line - b.position.line || a.position.column - b.position.column || 0,
    );
  }
}

/** One line: `conf/site.conf:12:5: error: message`, or `warning:`. People and scripts search for these words. */
export function formatDiagnostic({ severity, position, message }: Diagnostic): string {
  return `${formatPosition(position)}: ${severity}: ${message}`;
}

const MOST_CHARACTERS = 240;

/** Text of a configuration for messages: in quotes, with control characters visible, cut off beyond the length of real paths. */
export function quote(text: string): string {
  const visible = text.replace(
    /[\x00-\x1f\x7f-\x9f\u00a0\u200b-\u200f\u2028-\u202e\ufeff]/g,
    (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`,
  );
  const characters = [...visible];
  return `"${characters.length > MOST_CHARACTERS ? `${characters.slice(0, MOST_CHARACTERS - 3).join("")}...` : visible}"`;
}

/** An earlier position, relative to `here`: `line 3`, or `other.conf:3`. */
export function elsewhere(first: Position, here: Position): string {
  return first.file === here.file ? `line ${first.line}` : `${first.file}:${first.line}`;
}
