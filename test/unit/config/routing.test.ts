/** What the configuration's checks take for the block of a path is the one that answers for it. */

import { expect, test } from "bun:test";
import fc from "fast-check";
import { apply } from "../../../src/config/apply.ts";
import { isDirective } from "../../../src/config/directives.ts";
import { Sources } from "../../../src/config/files.ts";
import { Draft, Scope, type ServerDraft } from "../../../src/config/scope.ts";
import { Diagnostics } from "../../../src/config/text/diagnostics.ts";
import { parse } from "../../../src/config/text/parser.ts";
import { Variables } from "../../../src/config/variables.ts";
import { VARIABLES } from "../../../src/exchange/variables/variables.ts";
import { type Routes, routesOf } from "../../../src/request/route.ts";
import { FakeServices } from "../handlers/world.ts";
import { FakeFiles, FILE, load } from "./fake-files.ts";

const services = new FakeServices();

/** The server as it is read, and as it serves. */
function both(text: string): { draft: Draft; server: ServerDraft; router: Routes } | null {
  const diagnostics = new Diagnostics();
  const sources = new Sources(new FakeFiles({}), FILE);
  const draft = new Draft(diagnostics, sources, "/work", new Variables(VARIABLES));
  apply(parse(text, FILE, { diagnostics, sources, isDirective }), new Scope("main", draft, null));
  const { config } = load(text);
  return config === null ? null : { draft, server: draft.servers[0]!, router: routesOf(config.servers[0]!, services) };
}

/** Names so few that locations meet, and nest in each other. */
const path = fc.string({ unit: fc.constantFrom("/", "a", "b"), maxLength: 5 }).map((text) => `/${text}`);
const regex = fc.constantFrom("a$", "^/a", "b/", "^/b/a", ".");
const head = fc.oneof(
  path,
  path.map((prefix) => `^~ ${prefix}`),
  path.map((exact) => `= ${exact}`),
  regex.map((source) => `~ ${source}`),
);
const leaf = head.map((name) => `location ${name} { }`);
const block = fc
  .tuple(head, fc.array(leaf, { maxLength: 3 }))
  .map(([name, inner]) => `location ${name} { ${inner.join(" ")} }`);
const server = fc.array(block, { maxLength: 6 }).map((blocks) => `server { ${blocks.join("\n")} }`);

test("the checks' blockOf answers as the router does", () => {
  let compared = 0;
  fc.assert(
    fc.property(server, fc.array(path, { minLength: 20, maxLength: 20 }), (text, paths) => {
      const given = both(text);
      if (given === null) return;
      compared++;
      for (const one of paths) {
        const { location } = given.draft.blockOf(given.server, one);
        const expected = given.router.find(one).route.location;
        expect(location?.position ?? null).toEqual(expected.pattern === "" ? null : expected.position);
      }
    }),
    { numRuns: 300 },
  );
  expect(compared).toBeGreaterThan(30);
});
