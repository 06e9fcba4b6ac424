/** An exchange keeps its own copy of the head from when it is complete, and not a byte of anyone else's. */
import { expect, test } from "bun:test";
import { ServerExchange } from "../../../src/request/server-exchange.ts";

const LIMITS = { line: 8192, field: 8192, total: 32768, fields: 100 };
const HEAD = "GET /a HTTP/1.1\r\nHost: a\r\nX-Mark: mine\r\n\r\n";

test.each([0, 1, 20, HEAD.length - 1])("a head of which %d bytes had come when its client had to wait", (first) => {
  const exchange = new ServerExchange({} as never, {} as never);
  exchange.parser.reset(LIMITS);
  const inbox = Buffer.from(HEAD, "latin1");
  if (first > 0) expect(exchange.parser.feed(inbox, 0, first)).toBe(0);
  exchange.keepHead();
  expect(exchange.parser.feed(inbox, 0, inbox.length)).toBe(inbox.length);
  exchange.keepHead();
  inbox.write("GET /b HTTP/1.1\r\nHost: b\r\nX-Mark: other\r\n\r\n", "latin1");
  expect([exchange.request.requestLine(), exchange.request.field("x-mark")]).toEqual(["GET /a HTTP/1.1", "mine"]);
});
