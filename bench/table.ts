/** The report of a scenario, and its text. */

/** A check of one of the project's promises. */
export interface Check {
  /** Name of the measured ratio, for example `webserv / nginx`. */
  readonly what: string;
  readonly value: number;
  /** Largest allowed value. */
  readonly limit: number;
  readonly pass: boolean;
}

export interface Report {
  readonly scenario: string;
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly checks: readonly Check[];
  /** Notes for the reader: peers and variants that were not measured. */
  readonly notes: readonly string[];
}

/** A check of `value <= limit`. */
export function atMost(what: string, value: number, limit: number): Check {
  return { what, value, limit, pass: value <= limit };
}

/** The last two cells of a row: limit and verdict; empty without a check. */
export function verdict(check: Check | undefined, unit: string, digits: number): [must: string, word: string] {
  if (check === undefined) return ["", ""];
  return [`<= ${check.limit.toFixed(digits)}${unit}`, check.pass ? "pass" : "MISS"];
}

/** A check as a sentence, for reports whose rows do not show it. */
export function describe({ what, value, limit, pass }: Check): string {
  return `${pass ? "pass" : "MISS"}: ${what} ${value.toFixed(2)}, must be <= ${limit}`;
}

/** The report as text: title, table (first column left-aligned, the others right-aligned), notes. */
export function format(report: Report): string {
  const lines = [report.columns, ...report.rows];
  const widths = report.columns.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const table = lines.map((line) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join("  "),
  );
  const parts = [`${report.scenario}: ${report.title}`, ...table, ...report.notes];
  return `${parts.map((part) => part.trimEnd()).join("\n  ")}\n`;
}
