/** Variables in the values of SSI's directives. */
import { expect, test } from "bun:test";
import type { Exchange } from "../../../../src/exchange/exchange.ts";
import { Page } from "../../../../src/exchange/page.ts";
import { SsiError, SsiVariables } from "../../../../src/handlers/ssi/variables.ts";

test("a variable that is doubled again and again has an end", () => {
  const page = new Page(null);
  const variables = new SsiVariables({} as Exchange, page);
  const double = () => void page.variables.set("a", variables.expand("$a$a"));
  page.variables.set("a", "x".repeat(1024));
  for (let i = 0; i < 6; i++) double();
  expect(variables.get("a")!.length).toBe(64 * 1024);
  expect(double).toThrow(SsiError);
});
