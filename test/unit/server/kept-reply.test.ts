/** How long the head of a kept reply stays true, with the fields that the server adds to it. */
import { describe, expect, test } from "bun:test";
import type { Settings } from "../../../src/config/model.ts";
import type { AddHeader } from "../../../src/config/parts.ts";
import type { Expires } from "../../../src/config/settings/expires.ts";
import { makeWholeReply } from "../../../src/connection/http1.ts";
import { Evaluators } from "../../../src/exchange/evaluators.ts";
import type { Field, ReplyOptions, WholeReply } from "../../../src/exchange/reply.ts";
import { type Changes, headChanges, KeptReply } from "../../../src/handlers/files/kept-reply.ts";
import { filtered } from "../../../src/request/filters/filtered.ts";
import { filtersOf } from "../../../src/request/filters/filters.ts";
import { config } from "../config/fake-files.ts";
import { FakeExchange, FakeServices, location, settings, template } from "../handlers/world.ts";

const header = (value: string): AddHeader => ({ name: "X", value: template(value), always: false });

describe("what a location adds changes", () => {
  const rows: [name: string, changes: Partial<Settings>, expected: Changes][] = [
    ["nothing", {}, "never"],
    ["expires off", { expires: { kind: "off" } }, "never"],
    ["expires epoch", { expires: { kind: "epoch" } }, "never"],
    ["expires max", { expires: { kind: "max" } }, "never"],
    ["expires 60", { expires: { kind: "in", seconds: 60 } }, "each second"],
    ["expires modified 60", { expires: { kind: "modified", seconds: 60 } }, "each second"],
    ["expires @1h", { expires: { kind: "at", seconds: 3600 } }, "each second"],
    ["a constant field", { addHeaders: [header("constant")] }, "never"],
    ["a field with a variable", { addHeaders: [header("$uri")] }, "each request"],
    ["a variable and expires", { addHeaders: [header("$uri")], expires: { kind: "in", seconds: 60 } }, "each request"],
  ];
  test.each(rows)("%s", (_name, changes, expected) => {
    expect(headChanges(settings(changes), new Evaluators())).toBe(expected);
  });

  const { tables } = config(`
    map $sent_http_content_type $type { default a; text/html b; }
    map $type$sent_http_content_type $types { default "$type"; }
    map $uri $path { default a; }
    map $type $mixed { default $path; }
    map $type $often { volatile; default a; }
    map $around $circle { default $circle; } map $circle $around { default $around; }
    server { }`);
  test.each([
    ["$type", "never", "each second"],
    ["$types and $type", "never", "each second"],
    ["$path", "each request", "each request"],
    ["$mixed", "each request", "each request"],
    ["$often", "each request", "each request"],
    ["$circle", "each request", "each request"],
  ] as const)("a map of the reply's media type: %s", (value, field, expires) => {
    const evaluators = new Evaluators(tables);
    expect(headChanges(settings({ addHeaders: [header(value)] }), evaluators)).toBe(field);
    const variable = { kind: "variable", value: template(value), isModified: false } as const;
    expect(headChanges(settings({ expires: variable }), evaluators)).toBe(expires);
  });
});

/** Makes its heads as the server does. */
class HeadExchange extends FakeExchange {
  readonly filters = filtersOf(this.settings, this.services);

  override wholeReply(status: number, fields: readonly Field[], body: Buffer, options?: ReplyOptions): WholeReply {
    const draft = filtered(this as unknown as Parameters<typeof filtered>[0], status, fields, body, options, true);
    return makeWholeReply(draft, this.services.clock.second);
  }
}

/** Gives what one kept reply, of a file changed 40 s ago, sends as Cache-Control at this moment. */
function keeper(expires: Expires) {
  const services = new FakeServices();
  const here = location({ expires, serverTokens: false, keepaliveHeader: null });
  const modified = services.clock.second - 40;
  const next = () => new HeadExchange(services, here, {});
  const kept = new KeptReply(next(), 200, [], Buffer.from("body"), headChanges(here.settings, new Evaluators()), {
    modified,
  });
  const ask = () => {
    const exchange = next();
    kept.send(exchange);
    const { block, headLength } = exchange.whole!;
    const head = block.bytes.toString("latin1", 0, headLength);
    return { exchange, control: /\r\nCache-Control: (.*)\r\n/.exec(head)?.[1], text: exchange.text() };
  };
  return { services, ask };
}

describe("a kept reply", () => {
  test("`expires modified`: max-age counts down, and then there is no caching", () => {
    const { services, ask } = keeper({ kind: "modified", seconds: 100 });
    const seen = [0, 1, 29, 30, 1].map((seconds) => {
      services.pass(seconds);
      const { control, text } = ask();
      return [control, text];
    });
    const expected = ["max-age=60", "max-age=59", "max-age=30", "max-age=0", "no-cache"];
    expect(seen).toEqual(expected.map((control) => [control, "body"]));
  });

  test("within a second it is the same bytes", () => {
    const { ask } = keeper({ kind: "modified", seconds: 100 });
    expect(ask().exchange.whole).toBe(ask().exchange.whole!);
  });

  test("`expires 100`: max-age stays", () => {
    const { services, ask } = keeper({ kind: "in", seconds: 100 });
    expect(ask().control).toBe("max-age=100");
    services.pass(50);
    expect(ask().control).toBe("max-age=100");
  });
});
