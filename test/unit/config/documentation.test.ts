/** The reference is the table: neither may know what the other does not. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WITHOUT_EFFECT } from "../../../src/config/directives/foreign/without-effect.ts";
import { DIRECTIVES, rowOf } from "../../../src/config/directives.ts";
import { configurationReference } from "../../../src/config/docs.ts";
import { VARIABLES } from "../../../src/exchange/variables/variables.ts";
import { differencesPage } from "../../../tools/nginx/differences.ts";
import { nginxDirectives, nginxPage, stateOf } from "../../../tools/nginx/page.ts";

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

test("docs/nginx-directives.md is what `bun tools/document.ts` writes", () => {
  expect(readFileSync(join(import.meta.dir, "../../../docs/nginx-directives.md"), "utf8")).toBe(nginxPage());
});

test("docs/nginx-differences.md is what `bun tools/document.ts` writes", () => {
  expect(readFileSync(join(import.meta.dir, "../../../docs/nginx-differences.md"), "utf8")).toBe(differencesPage());
});

describe("nginx's directives", () => {
  test("there is a word about each", () => {
    expect(nginxDirectives().filter((one) => stateOf(one) === undefined)).toEqual([]);
  });

  test("none of those without effect has one", () => {
    expect([...WITHOUT_EFFECT.keys()].filter((name) => DIRECTIVES.has(name))).toEqual([]);
  });

  test("one that works is allowed wherever nginx allows it", () => {
    const missing = nginxDirectives().flatMap(({ name, in: places }) => {
      const row = rowOf(name, places[0] ?? "http");
      if (!row?.in.some((place) => places.includes(place))) return [];
      return places.filter((place) => !row.in.includes(place)).map((place) => `${name} in ${place}`);
    });
    expect(missing.filter((one) => one !== "access_log in limit_except")).toEqual([]);
  });
});
