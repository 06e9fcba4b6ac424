/** The tables of docs/expressions.md. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const text = readFileSync(join(import.meta.dir, "../docs/expressions.md"), "utf8");

/** The cells of the rows beneath a heading; each cell as what stands in its backquotes. */
function rows(heading: string): string[][][] {
  const section = text.slice(text.indexOf(`## ${heading}`)).split("\n## ")[0]!;
  const lines = section.split("\n").filter((line) => line.startsWith("| ") && !/^\| (?:what|---)/.test(line));
  return lines.map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(2, -1)
      .map(quoted),
  );
}

const quoted = (cell: string): string[] =>
  [...cell.matchAll(/`([^`]*)`/g)].map(([, one]) => one!.replaceAll("\\|", "|"));

/** `\n` and its like in a subject. */
const subject = (written: string): string =>
  Buffer.from(written)
    .latin1Slice()
    .replace(/\\(?:([nrt])|x(..))/g, (_, letter, hex) =>
      letter === undefined
        ? String.fromCharCode(Number.parseInt(hex, 16))
        : { n: "\n", r: "\r", t: "\t" }[letter as "n"],
    );

/** Expressions, and subjects (octets) that they match or not. */
export const TRANSLATED = rows("Written in another way").map(([[expression], matches, others]) => ({
  expression: expression!,
  matches: matches!.map(subject),
  others: others!.map(subject),
}));

/** Expressions that are refused, and what is said of them. */
export const REFUSED = rows("Refused").map(([[expression], [message]]) => [expression!, message!] as const);
