/** The reference is the table: neither may know what the other does not. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DIRECTIVES } from "../../../src/config/directives.ts";
import { configurationReference } from "../../../src/config/docs.ts";
import { VARIABLES } from "../../../src/exchange/variables/variables.ts";

test("docs/configuration.md is what `bun tools/document.ts` writes", () => {
  expect(readFileSync(join(import.meta.dir, "../../../docs/configuration.md"), "utf8")).toBe(
    configurationReference(VARIABLES),
  );
});

test("every directive has its section, its syntax and a sentence", () => {
  const text = configurationReference(VARIABLES);
  for (const row of DIRECTIVES.values()) {
    if (!new RegExp(`^- Likewise: .*\`${row.name}\``, "m").test(text)) {
      expect(text).toContain(`\n### ${row.name}\n\n${row.help}\n\n- Syntax: \`${row.name}`);
    }
    expect(row.help).toMatch(/^[A-Z`].*[.)]$/);
  }
});
