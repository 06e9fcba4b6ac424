import { expect, test } from "bun:test";
import { errorLine } from "../../../src/request/error-line.ts";
import { FakeExchange, FakeServices, location } from "../handlers/world.ts";

test("no part of a line of the error log is longer than 16 KB", () => {
  const exchange = new FakeExchange(new FakeServices(), location({}), {});
  const line = errorLine(exchange, `open() "${"b".repeat(100_000)}" failed`, false);
  expect(line).toContain(`${"b".repeat(16_384 - 'open() "'.length)}..., client: `);
  expect(line.length).toBeLessThan(17_000);
});
