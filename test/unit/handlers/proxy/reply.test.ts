/** What becomes of the fields of a server's reply: hidden, rewritten, passed on. */
import { describe, expect, test } from "bun:test";
import { HttpProtocol } from "../../../../src/handlers/proxy/protocol.ts";
import type { HandlerServices } from "../../../../src/handlers/services.ts";
import type { RequestLike } from "../world.ts";
import { template } from "../world.ts";
import { type ProxyLocation, proxied, rule } from "./world.ts";

/** The exchange after the reply, which came in pieces of `size` bytes. */
function replied(reply: string, where: ProxyLocation = {}, request: RequestLike = {}, size = reply.length) {
  const exchange = proxied(where, request);
  const talk = new HttpProtocol(exchange.settings, exchange.templates).begin(exchange, { length: 0 });
  const bytes = Buffer.from(reply, "latin1");
  for (let at = 0, done = false; at < bytes.length && !done; at += size) {
    const end = Math.min(bytes.length, at + size);
    const n = talk.decode(bytes, at, end);
    if (n < 0) return { reason: talk.reason };
    const used = talk.replyHead.feed(bytes, at, at + n);
    done = used > 0;
    const rest = bytes.subarray(at + used, at + n);
    if (done)
      talk.replyHead.reply(exchange, {
        kind: "stream",
        length: talk.replyHead.contentLength,
        read: () => 0,
        close: () => {},
        buffers: () => {},
        whole: () => null,
        watch: () => {},
        hook: null,
        services: exchange.services as HandlerServices,
      });
    if (done)
      return {
        status: exchange.status,
        fields: exchange.sentFields,
        body: exchange.body,
        options: exchange.options,
        rest: rest.toString("latin1"),
      };
  }
  return {};
}

const fieldsOf = (lines: string[], where: ProxyLocation = {}, request: RequestLike = {}) =>
  replied(`HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`, where, request).fields?.map(
    ([name, value]) => `${name}: ${value}`,
  );

describe("fields", () => {
  const ALL = [
    "Date: x",
    "Server: y",
    "X-Pad: z",
    "X-Accel-Charset: w",
    "Connection: close",
    "Keep-Alive: 5",
    "Upgrade: h2",
    "A: b",
    "Content-Length: 0",
    "Content-Type: text/x",
  ];
  test("those of the connection, and those that nginx hides", () => {
    expect(fieldsOf(ALL)).toEqual(["A: b", "Content-Type: text/x; charset=w"]);
  });
  test("proxy_pass_header and proxy_hide_header", () => {
    const proxy = { passHeaders: ["date", "server"], hideHeaders: ["a", "server"] };
    expect(fieldsOf(ALL, { proxy })).toEqual(["Date: x", "Server: y", "Content-Type: text/x; charset=w"]);
  });
});

describe("the head", () => {
  const reply = "HTTP/1.1 100 \r\n\r\nHTTP/1.1 201 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhello";
  test.each([1, 3, 17, 18, 40, 100])("in pieces of %d bytes", (size) => {
    expect(replied(reply, {}, {}, size)).toMatchObject({ status: 201, fields: [["A", "b"]], body: { length: 5 } });
  });
  test("what is behind it belongs to the body", () => {
    expect(replied(reply)).toMatchObject({ rest: "hello" });
  });
  test("a bad one is told", () => {
    expect(replied("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")).toEqual({
      reason: 'invalid "Content-Length" header: "x"',
    });
    expect(replied(`HTTP/1.1 200 OK\r\nA: ${"b".repeat(5000)}`)).toEqual({ reason: "too big header" });
  });
  test("of HEAD and 304 there is no body, but its length", () => {
    const head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    expect(replied(head, {}, { method: "HEAD" })).toMatchObject({ body: null, options: { length: 5 } });
    expect(replied("HTTP/1.1 304 OK\r\n\r\n")).toMatchObject({ status: 304, body: null, options: { length: -1 } });
    expect(replied(head, { only: { method: template("HEAD") } })).toMatchObject({ body: null, options: { length: 0 } });
  });
});

describe("proxy_redirect", () => {
  const location = (
    value: string,
    redirect: readonly ReturnType<typeof rule>[],
    request: RequestLike = {},
    absoluteRedirect = false,
  ) =>
    fieldsOf([`Location: ${value}`], { only: { redirect }, settings: { absoluteRedirect } }, request)?.[0]?.slice(
      "Location: ".length,
    );
  const DEFAULT = [rule("http://backend:8080/app/", "/in/")];
  test("a text at the start", () => {
    expect(location("http://backend:8080/app/x?y", DEFAULT)).toBe("/in/x?y");
    expect(location("http://backend:8080/other", DEFAULT)).toBe("http://backend:8080/other");
    expect(location("/app/x", DEFAULT)).toBe("/app/x");
  });
  test("a path that was made becomes absolute, like this server's own redirects", () => {
    const request = { fields: ["Host: a.test"], connection: { serverPort: 8080 } };
    expect(location("http://backend:8080/app/x", DEFAULT, request, true)).toBe("http://a.test:8080/in/x");
    expect(location("/app/x", DEFAULT, request, true)).toBe("/app/x");
  });
  test("the first rule that matches, with variables", () => {
    const rules = [rule("http://no/", "/1/"), rule("http://$host/", "/$arg_x/"), rule("http://", "/3/")];
    expect(location("http://a.test/y", rules, { target: "/?x=2", fields: ["Host: a.test"] })).toBe("/2/y");
  });
  test("an expression: the whole value is replaced", () => {
    expect(location("http://backend:81/a/b", [rule(/^http:\/\/[^:]+:(\d+)(?<rest>\/.+)$/u, "/$1$rest")])).toBe(
      "/81/a/b",
    );
    expect(location("HTTP://B/x/y", [rule(/B\/(.)/iu, "/$1")])).toBe("/x");
  });
  test("Refresh", () => {
    const only = { redirect: DEFAULT };
    expect(fieldsOf(["Refresh: 5; URL=http://backend:8080/app/x"], { only })).toEqual(["Refresh: 5; URL=/in/x"]);
    expect(fieldsOf(["Refresh: 5"], { only })).toEqual(["Refresh: 5"]);
  });
});

describe("proxy_cookie_", () => {
  const cookie = (value: string, only: NonNullable<ProxyLocation["only"]>) =>
    fieldsOf([`Set-Cookie: ${value}`], { only })?.[0]?.slice("Set-Cookie: ".length);
  test("domain: the whole one, in any case, with or without its dot", () => {
    const cookieDomain = [rule("one.test", "two.test"), rule(/^\.?(\w+)\.org$/u, "$1.net")];
    expect(cookie("a=b; Domain=ONE.test", { cookieDomain })).toBe("a=b; Domain=two.test");
    expect(cookie("a=b;domain=.one.test;  x", { cookieDomain })).toBe("a=b; domain=.two.test; x");
    expect(cookie("a=b; domain=.three.org", { cookieDomain })).toBe("a=b; domain=three.net");
    expect(cookie("a=b;domain=sub.one.test", { cookieDomain })).toBe("a=b;domain=sub.one.test");
    expect(cookie("domain=one.test", { cookieDomain })).toBe("domain=one.test");
  });
  test("path: its start", () => {
    const cookiePath = [rule("/app/", "/")];
    expect(cookie("a=b; Path=/app/x; Secure", { cookiePath })).toBe("a=b; Path=/x; Secure");
    expect(cookie("a=b; Path=/x", { cookiePath })).toBe("a=b; Path=/x");
  });
  test("flags", () => {
    const flags = (cookie: string | RegExp, ...all: string[]) => ({
      cookie: cookie instanceof RegExp ? cookie : template(cookie),
      flags: all.map(template),
    });
    const cookieFlags = [
      flags("one", "httponly", "samesite=strict"),
      flags(/^t/u, "nosecure", "nosamesite"),
      flags(/./u, "secure"),
    ];
    expect(cookie("one=1", { cookieFlags })).toBe("one=1; HttpOnly; SameSite=Strict");
    expect(cookie("One=1; samesite=lax; HTTPONLY", { cookieFlags })).toBe("One=1; SameSite=Strict; HTTPONLY");
    expect(cookie("two=1; Secure; SameSite=Lax; Path=/", { cookieFlags })).toBe("two=1; Path=/");
    expect(cookie("x=1; secure", { cookieFlags })).toBe("x=1; secure");
    expect(cookie("x", { cookieFlags })).toBe("x");
  });
  test("several", () => {
    const only = { cookiePath: [rule("/app", "")] };
    expect(fieldsOf(["Set-Cookie: a=1; path=/app/", "Set-Cookie: b=2"], { only })).toEqual([
      "Set-Cookie: a=1; path=/",
      "Set-Cookie: b=2",
    ]);
  });
});
