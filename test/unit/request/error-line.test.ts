import { expect, test } from "bun:test";
import { errorLine } from "../../../src/request/error-line.ts";
import { FakeExchange, FakeServices, location } from "../handlers/world.ts";

test("no part of a line of the error log is longer than nginx's longest line", () => {
  const exchange = new FakeExchange(new FakeServices(), location({}), { target: `/${"a".repeat(8000)}` });
  const line = errorLine(exchange, `open() "${"b".repeat(100_000)}" failed`, false);
  expect(line).toContain(`${"b".repeat(2048 - 'open() "'.length)}..., client: `);
  expect(line).toContain(`request: "GET /${"a".repeat(2048 - "GET /".length)}...", host: `);
  expect(line.length).toBeLessThan(5000);
});
