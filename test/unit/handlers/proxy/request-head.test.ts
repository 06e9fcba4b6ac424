/** The request heads of `proxy_pass`. test/wire/proxy-as-nginx.test.ts compares them with nginx's. */
import { describe, expect, test } from "bun:test";
import { type CacheFetch, UpstreamFacts } from "../../../../src/exchange/upstream.ts";
import { HttpProtocol } from "../../../../src/handlers/proxy/protocol.ts";
import { type RequestLike, template } from "../world.ts";
import { type ProxyLocation, proxied, setHeaders } from "./world.ts";

function headOf(where: ProxyLocation, request: RequestLike = {}, length = 0, redirectedTo = ""): string {
  const exchange = proxied(where, request);
  if (redirectedTo !== "") Object.assign(exchange, { path: redirectedTo, isRedirected: true });
  const protocol = new HttpProtocol(exchange.settings, exchange.templates);
  return protocol.begin(exchange, { length }).head.toString("latin1");
}

const lineOf = (...given: Parameters<typeof headOf>): string => headOf(...given).split("\r\n", 1)[0]!;
const OWN = "Host: backend:8080\r\nConnection: close\r\n";

describe("the fields", () => {
  test("the client's come behind nginx's own, those for the connection are left out", () => {
    const fields = [
      "Host: a",
      "A: b",
      "Connection: keep-alive, x",
      "Keep-Alive: 5",
      "TE: trailers",
      "Upgrade: h2c",
      "Expect: x",
      "C:d",
      "E: f",
    ];
    expect(headOf({}, { fields })).toBe(`GET / HTTP/1.0\r\n${OWN}A: b\r\nC: d\r\nE: f\r\n\r\n`);
  });
  test("lines that are together in the request are as they were", () => {
    const fields = ["A: b", "Empty:", "Wide:   v  ", "C: d", "Cookie: x=y; z"];
    expect(headOf({}, { fields })).toEndWith("A: b\r\nEmpty: \r\nWide: v\r\nC: d\r\nCookie: x=y; z\r\n\r\n");
  });
  test("names that programs read as others are left out", () => {
    expect(headOf({}, { fields: ["X_Forwarded_For: 1", "A.b: 1", "Ok-1: 2"] })).toBe(
      `GET / HTTP/1.0\r\n${OWN}Ok-1: 2\r\n\r\n`,
    );
  });
  test("proxy_set_header: the configured ones first, an empty value leaves the field out", () => {
    const only = {
      setHeaders: setHeaders("X-Real-IP: $remote_addr", "Host: $host", "Connection:", "Cookie:", "X-None: $arg_none"),
    };
    const fields = ["Host: a.test:80", "x-real-ip: 6.6.6.6", "Cookie: a=b", "X-None: client's", "B: c"];
    const address = { remoteAddress: "192.0.2.1" };
    expect(headOf({ only }, { fields, connection: address })).toBe(
      "GET / HTTP/1.0\r\nX-Real-IP: 192.0.2.1\r\nHost: a.test\r\nB: c\r\n\r\n",
    );
  });
  test("a value can't end its line", () => {
    const only = { setHeaders: setHeaders("X-Path: $uri") };
    expect(headOf({ only }, { target: "/a%0d%0aX:b" })).toContain("X-Path: /a  X:b\r\n");
  });
  test("proxy_pass_request_headers off: only the server's own", () => {
    expect(headOf({ proxy: { passRequestHeaders: false } }, { fields: ["A: b"] })).toBe(`GET / HTTP/1.0\r\n${OWN}\r\n`);
  });
  const CACHED = { proxy: { cache: { zone: template("z") } as never } };
  const CONDITIONS = ["Range: bytes=0-1", "If-None-Match: x", "If-Modified-Since: y", "If-Range: z", "A: b"];
  const forCache = (fetch: Partial<CacheFetch>, request: RequestLike): string => {
    const exchange = proxied(CACHED, request);
    const none = { asksForAll: true, convertsHead: true, modifiedSince: "", noneMatch: "" };
    exchange.upstream = new UpstreamFacts();
    exchange.upstream.begin({ ...none, ...fetch });
    return new HttpProtocol(exchange.settings, exchange.templates).begin(exchange, { length: 0 }).head.latin1Slice();
  };
  test("a cache wants the whole reply", () => {
    expect(forCache({}, { fields: CONDITIONS })).toBe(`GET / HTTP/1.0\r\n${OWN}A: b\r\n\r\n`);
    expect(forCache({}, { method: "HEAD" })).toStartWith("GET / ");
    expect(forCache({ convertsHead: false }, { method: "HEAD" })).toStartWith("HEAD / ");
  });
  test("what no cache will store keeps the client's conditions", () => {
    const rest = CONDITIONS.join("\r\n");
    expect(headOf(CACHED, { fields: CONDITIONS })).toBe(`GET / HTTP/1.0\r\n${OWN}${rest}\r\n\r\n`);
    expect(forCache({ asksForAll: false }, { fields: CONDITIONS })).toEndWith(`${rest}\r\n\r\n`);
  });
  test("a cache asks whether its entry is still good", () => {
    const date = "Tue, 14 Nov 2023 20:00:00 GMT";
    const head = forCache({ modifiedSince: date, noneMatch: '"v"' }, { fields: ["If-None-Match: x"] });
    expect(head).toBe(`GET / HTTP/1.0\r\n${OWN}If-Modified-Since: ${date}\r\nIf-None-Match: "v"\r\n\r\n`);
  });
});

describe("the request line", () => {
  const uri = (pass: NonNullable<ProxyLocation["pass"]>, target: string, redirectedTo = "") =>
    lineOf({ pass }, { target }, 0, redirectedTo).slice("GET ".length, -" HTTP/1.0".length);
  test("without a URI: as the client sent it", () => {
    expect(uri({}, "/a//../%41%2f?x=%20&y")).toBe("/a//../%41%2f?x=%20&y");
    expect(uri({}, '/"<>{}')).toBe('/"<>{}');
    expect(uri({}, "/?")).toBe("/?");
  });
  test("without a URI, after a redirect to a path: the path, escaped", () => {
    expect(uri({}, "/a?b=%20", '/x y"%/é#')).toBe("/x%20y%22%25/%C3%A9%23?b=%20");
  });
  test("with a URI: it takes the place of the location's prefix in the normalised path", () => {
    const pass = { uri: "/app/", replaces: "/in/" };
    expect(uri(pass, "/in/a/../b?c")).toBe("/app/b?c");
    expect(uri(pass, "/in/%41%20b%3f")).toBe("/app/A%20b%3F");
    expect(uri({ uri: "/", replaces: "/in/" }, "/in/")).toBe("/");
    expect(uri({ uri: "/x?y=", replaces: "/in" }, "/in/z")).toBe("/x?y=/z");
  });
  test("with variables: as it comes out, but no byte ends the line", () => {
    expect(uri({ target: template("http://b$uri"), upstream: null }, "/a%20b?c")).toBe("/a%20b");
    expect(uri({ target: template("http://b/x$is_args$args"), upstream: null }, "/y?c=%20")).toBe("/x?c=%20");
    expect(uri({ target: template("http://$host"), upstream: null }, "/%41?b")).toBe("/%41?b");
    expect(uri({ target: template("http://b?$args"), upstream: null }, "/%41?b")).toBe("/?b");
  });
  test("Host of a URL with variables", () => {
    const host = (url: string) => /Host: (.*)\r/.exec(headOf({ pass: { target: template(url), upstream: null } }))?.[1];
    expect(host("http://b.test:80/$arg_x")).toBe("b.test");
    expect(host("http://b.test:81$arg_x")).toBe("b.test:81");
    expect(host("https://b.test:443$arg_x")).toBe("b.test");
    expect(host("http://[::1]:81$arg_x")).toBe("[::1]:81");
    expect(host("http://unix:/run/a.sock:/x$arg_x")).toBe("localhost");
  });
  test("proxy_method and proxy_http_version", () => {
    expect(lineOf({ only: { method: template("$arg_m"), httpVersion: "1.1" } }, { target: "/?m=PUT" })).toBe(
      "PUT /?m=PUT HTTP/1.1",
    );
    expect(lineOf({ only: { method: template("$arg_m") } }, { target: "/?m=a(b" })).toBe("GET /?m=a(b HTTP/1.0");
  });
});

describe("the body", () => {
  const framing = (...given: Parameters<typeof headOf>) =>
    headOf(...given).match(/^(Content-Length|Transfer-Encoding): .*$/gim) ?? [];
  const post = { method: "POST", minor: 1 } as const;
  test("its length, if the client announced one", () => {
    expect(framing({}, { ...post, fields: ["Content-Length: 5"] }, 5)).toEqual(["Content-Length: 5"]);
    expect(framing({}, { ...post, fields: ["Content-Length: 0"] }, 0)).toEqual(["Content-Length: 0"]);
    expect(framing({}, post, 0)).toEqual([]);
    expect(framing({}, { ...post, fields: ["Transfer-Encoding: chunked"] }, 7)).toEqual(["Content-Length: 7"]);
  });
  test("chunks, if it is not known", () => {
    const fields = ["Transfer-Encoding: chunked"];
    const exchange = proxied({ only: { httpVersion: "1.1" } }, { ...post, fields });
    const talk = new HttpProtocol(exchange.settings, exchange.templates).begin(exchange, { length: -1 });
    expect(talk.head.toString()).toContain("\r\nTransfer-Encoding: chunked\r\n");
    expect([talk.before(255), talk.after(255), talk.endOfBody()].map(String)).toEqual(["ff\r\n", "\r\n", "0\r\n\r\n"]);
  });
  test("proxy_set_body takes its place", () => {
    const head = headOf(
      { only: { setBody: template("<$request_method>é") } },
      { ...post, fields: ["Content-Length: 3"] },
      0,
    );
    expect(head).toContain("Content-Length: 8\r\n");
    expect(head).toEndWith("\r\n\r\n<POST>\xc3\xa9");
  });
  test("proxy_pass_request_body off: its length is told all the same, as nginx does", () => {
    expect(framing({ proxy: { passRequestBody: false } }, { ...post, fields: ["Content-Length: 5"] }, 0)).toEqual([
      "Content-Length: 5",
    ]);
  });
});

describe("whether the connection can be used again", () => {
  const OK = Buffer.from("HTTP/1.1 204 No Content\r\n\r\n");
  const reusable = (where: ProxyLocation, reply = OK) => {
    const exchange = proxied(where);
    const talk = new HttpProtocol(exchange.settings, exchange.templates).begin(exchange, { length: 0 });
    talk.decode(Buffer.from(reply), 0, reply.length);
    return talk.reusable;
  };
  test("not with the default, Connection: close", () => expect(reusable({})).toBe(false));
  test("with HTTP/1.1 and an empty Connection", () => {
    const only = { httpVersion: "1.1", setHeaders: setHeaders("Connection:") } as const;
    expect(reusable({ only })).toBe(true);
    expect(reusable({ only }, Buffer.from("HTTP/1.1 204 \r\nConnection: close\r\n\r\n"))).toBe(false);
  });
  test("with HTTP/1.0 only if it is asked for", () => {
    expect(reusable({ only: { setHeaders: setHeaders("Connection:") } })).toBe(false);
    expect(reusable({ only: { setHeaders: setHeaders("Connection: keep-alive") } })).toBe(true);
  });
});
