/** Which browsers nginx takes as those of keepalive_disable. */
import { describe, expect, test } from "bun:test";
import { endsWithReply } from "../../../src/http/request/old-browsers.ts";
import { RequestParser } from "../../../src/http/request/parser.ts";

const request = (agent: string, method: string) => {
  const parser = new RequestParser({ line: 1000, field: 1000, total: 2000, fields: 10 });
  const text = Buffer.from(`${method} / HTTP/1.1\r\nHost: a\r\n${agent === "" ? "" : `User-Agent: ${agent}\r\n`}\r\n`);
  parser.feed(text, 0, text.length);
  return parser.head;
};

describe("Internet Explorer", () => {
  test.each([
    ["Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.0)", true],
    ["Mozilla/4.0 (compatible; MSIE 5.5; Windows 98)", true],
    ["Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)", false],
    ["Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.0)", false],
    ["Mozilla/4.0 (compatible; MSIE 6.0; X11; Linux) Opera 8.5", false],
    ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", false],
    ["MSIE 6.", false],
    ["", false],
  ])("%p: %p", (agent, is) =>
    expect(endsWithReply(request(agent, "POST"), { keepaliveMsie6: true, keepaliveSafari: false })).toBe(is),
  );
});

describe("Safari", () => {
  test.each([
    ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605 (KHTML, like Gecko) Version/15 Safari/605", true],
    ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/537 (KHTML, like Gecko) Chrome/96 Safari/537", false],
    ["Mozilla/5.0 (Windows; U) AppleWebKit/533 (KHTML, like Gecko) Version/5 Safari/533", false],
    ["", false],
  ])("%p: %p", (agent, is) =>
    expect(endsWithReply(request(agent, "GET"), { keepaliveMsie6: true, keepaliveSafari: true })).toBe(is),
  );
});
