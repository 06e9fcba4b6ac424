/** RFC 3875 §4.1: what a script learns of its request. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ERRNO } from "../../../ffi/errno.ts";
import { linux } from "../../../ffi/linux.ts";
import type { Settings, VirtualServer } from "../../../src/config/model.ts";
import { filename, place } from "../../../src/exchange/place.ts";
import type { Session } from "../../../src/exchange/session.ts";
import { environment } from "../../../src/handlers/cgi/environment.ts";
import type { Script } from "../../../src/handlers/cgi/script.ts";
import { octets } from "../../../src/http/octets.ts";
import { FakeExchange, FakeServices, location, type RequestLike, template } from "./world.ts";

interface Case extends RequestLike {
  readonly settings?: Partial<Settings>;
  readonly length?: number;
  readonly own?: Record<string, string>;
  readonly session?: Pick<Session, "id" | "data">;
  readonly serverName?: string;
  /** HTTP/1.0 allows a request without one. */
  readonly withoutHost?: boolean;
  /** SCRIPT_NAME, where it is not /cgi/a.py or the whole path. */
  readonly name?: string;
  /** The method after a redirect inside the server. */
  readonly becomes?: string;
}

/** The environment's lines for /cgi/a.py and what follows it in the target. */
function lines(given: Case): string[] {
  const services = new FakeServices();
  Object.assign(services.environment, given.own);
  const here = location({ root: template("/w"), ...given.settings });
  const exchange = new FakeExchange(services, here, { target: "/cgi/a.py", ...given });
  Object.assign(exchange, { session: given.session ?? null, method: given.becomes ?? exchange.method });
  if (given.serverName !== undefined) Object.assign(exchange, { server: { name: given.serverName } as VirtualServer });
  if (given.withoutHost) exchange.request.hostEnd = exchange.request.hostStart;
  const name = given.name ?? (exchange.path.startsWith("/cgi/a.py") ? "/cgi/a.py" : exchange.path);
  const script: Script = {
    rule: { extension: ".py", interpreter: "/usr/bin/python3", args: [] },
    filename: filename(place(here.settings, name, exchange)!),
    folder: "/w/cgi",
    name,
    pathInfo: exchange.path.slice(name.length),
  };
  return environment(exchange, script, given.length ?? -1);
}

/** The same by name. No name comes twice. */
function variables(given: Case): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of lines(given)) {
    const name = line.slice(0, line.indexOf("="));
    expect(found).not.toHaveProperty([name]);
    found[name] = line.slice(name.length + 1);
  }
  return found;
}

const FORM = "Content-Type: application/x-www-form-urlencoded";

/** What every request of the table has. */
const COMMON = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  GATEWAY_INTERFACE: "CGI/1.1",
  SERVER_SOFTWARE: "webserv/1.2.3",
  SERVER_PROTOCOL: "HTTP/1.1",
  SERVER_NAME: "example.org",
  SERVER_ADDR: "127.0.0.1",
  SERVER_PORT: "8080",
  REMOTE_ADDR: "192.0.2.1",
  REMOTE_HOST: "192.0.2.1",
  REMOTE_PORT: "40000",
  REQUEST_SCHEME: "http",
  REDIRECT_STATUS: "200",
  DOCUMENT_ROOT: "/w",
  SCRIPT_NAME: "/cgi/a.py",
  SCRIPT_FILENAME: "/w/cgi/a.py",
  HTTP_HOST: "Example.org:8080",
};

describe("each method has the whole set", () => {
  const table: [given: Case, expected: Record<string, string>][] = [
    [
      { method: "GET", target: "/cgi/a.py?a=%20b" },
      {
        REQUEST_METHOD: "GET",
        QUERY_STRING: "a=%20b",
        REQUEST_URI: "/cgi/a.py?a=%20b",
        DOCUMENT_URI: "/cgi/a.py",
        PATH_INFO: "",
      },
    ],
    [
      { method: "HEAD", target: "/cgi/a.py/x" },
      {
        REQUEST_METHOD: "HEAD",
        QUERY_STRING: "",
        REQUEST_URI: "/cgi/a.py/x",
        DOCUMENT_URI: "/cgi/a.py/x",
        PATH_INFO: "/x",
        PATH_TRANSLATED: "/w/x",
      },
    ],
    [
      { method: "POST", fields: [FORM, "Content-Length: 7"], length: 7 },
      {
        REQUEST_METHOD: "POST",
        QUERY_STRING: "",
        REQUEST_URI: "/cgi/a.py",
        DOCUMENT_URI: "/cgi/a.py",
        PATH_INFO: "",
        CONTENT_LENGTH: "7",
        CONTENT_TYPE: "application/x-www-form-urlencoded",
      },
    ],
    [
      { method: "PUT", target: "/cgi/a.py/f", fields: ["Transfer-Encoding: chunked"], length: 123456 },
      {
        REQUEST_METHOD: "PUT",
        QUERY_STRING: "",
        REQUEST_URI: "/cgi/a.py/f",
        DOCUMENT_URI: "/cgi/a.py/f",
        PATH_INFO: "/f",
        PATH_TRANSLATED: "/w/f",
        CONTENT_LENGTH: "123456",
      },
    ],
    [
      { method: "DELETE", target: "/cgi/a.py/f?all", fields: ["If-Match: *"] },
      {
        REQUEST_METHOD: "DELETE",
        QUERY_STRING: "all",
        REQUEST_URI: "/cgi/a.py/f?all",
        DOCUMENT_URI: "/cgi/a.py/f",
        PATH_INFO: "/f",
        PATH_TRANSLATED: "/w/f",
        HTTP_IF_MATCH: "*",
      },
    ],
  ];
  for (const [given, expected] of table) {
    test(given.method!, () => expect(variables(given)).toEqual({ ...COMMON, ...expected }));
  }
});

/** Some variables of a request; undefined: not set. */
function row(given: Case, expected: Record<string, string | undefined>, why: string): void {
  test(why, () => {
    const found: Record<string, string | undefined> = variables(given);
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, found[name]]))).toEqual(expected);
  });
}

describe("the path and the query", () => {
  row(
    { target: "/cgi/a.py/x%20y%2Fz/%C3%BC%25" },
    { PATH_INFO: octets("/x y/z/ü%"), PATH_TRANSLATED: octets("/w/x y/z/ü%"), SCRIPT_NAME: "/cgi/a.py" },
    "PATH_INFO is decoded once",
  );
  row(
    { target: "/cgi/a.py/a/../b//c/./d?a/../b" },
    { PATH_INFO: "/b/c/d", REQUEST_URI: "/cgi/a.py/a/../b//c/./d?a/../b", QUERY_STRING: "a/../b" },
    "PATH_INFO is normalised, the target and the query are as they came",
  );
  row(
    { target: "/%C3%BC%20.py?%C3%BC=+" },
    { SCRIPT_NAME: octets("/ü .py"), QUERY_STRING: "%C3%BC=+" },
    "octets of UTF-8",
  );
  row({ target: "/cgi/a.py?" }, { QUERY_STRING: "", REQUEST_URI: "/cgi/a.py?" }, "an empty query");
  row({ target: '/cgi/a.py?a?b=%00&"<>' }, { QUERY_STRING: 'a?b=%00&"<>' }, "the query is raw");
  row({ target: "/cgi/a.py/%0A" }, { PATH_INFO: "/\n" }, "a line end in PATH_INFO is no end of anything");
  row(
    { target: "/cgi/a.py/x", settings: { alias: template("/srv/cgi/"), aliasPrefix: "/cgi/" } },
    { DOCUMENT_ROOT: "/srv/cgi/", PATH_TRANSLATED: "/srv/cgi/x" },
    "under an alias",
  );
  row(
    { target: "/run/x", settings: { alias: template("/w/cgi/a.py"), aliasPrefix: "/run" }, name: "/run" },
    { SCRIPT_NAME: "/run", SCRIPT_FILENAME: "/w/cgi/a.py", PATH_INFO: "/x", PATH_TRANSLATED: undefined },
    "under an alias that is the script",
  );
  row(
    { target: "/cgi/a.py/x", settings: { root: template("/") } },
    { DOCUMENT_ROOT: "/", PATH_TRANSLATED: "/x" },
    "under the root of the file system",
  );
  row(
    { target: "/cgi/a.py/x", settings: { root: template("/srv/$host") } },
    { DOCUMENT_ROOT: "/srv/example.org", PATH_TRANSLATED: "/srv/example.org/x" },
    "under a root with variables",
  );
});

describe("the server and the client", () => {
  row({ minor: 0 }, { SERVER_PROTOCOL: "HTTP/1.0" }, "HTTP/1.0");
  row({ settings: { serverTokens: false } }, { SERVER_SOFTWARE: "webserv" }, "without server_tokens");
  row({ fields: ["Host: [::1]:80"] }, { SERVER_NAME: "[::1]" }, "an IPv6 address as the host");
  row({ fields: ["Host: A.b.:1"] }, { SERVER_NAME: "a.b", HTTP_HOST: "A.b.:1" }, "a host as DNS sees it");
  row({ withoutHost: true }, { SERVER_NAME: "example.org" }, "no host: the server's name");
  row({ withoutHost: true, serverName: "" }, { SERVER_NAME: "127.0.0.1" }, "nor that: its address");
  row(
    { withoutHost: true, serverName: "", connection: { serverAddress: "::1" } },
    { SERVER_NAME: "[::1]", SERVER_ADDR: "::1" },
    "in brackets, where it is of IPv6",
  );
  row(
    { connection: { remoteAddress: "unix:", remotePort: 0, serverAddress: "unix:/s", serverPort: 0 } },
    { REMOTE_ADDR: "unix:", SERVER_PORT: "80" },
    "a unix socket",
  );
  row({ connection: { remoteAddress: "2001:db8::1" } }, { REMOTE_ADDR: "2001:db8::1" }, "IPv6");
  row({ errorStatus: 404 }, { REDIRECT_STATUS: "404" }, "the page of an error");
});

describe("the body", () => {
  row({ method: "POST", fields: ["Content-Length: 0"] }, { CONTENT_LENGTH: "0" }, "empty, and said to be");
  row({ method: "POST" }, { CONTENT_LENGTH: undefined, CONTENT_TYPE: undefined }, "none");
  row({ method: "POST", length: 0, fields: ["Transfer-Encoding: chunked"] }, { CONTENT_LENGTH: "0" }, "chunked, empty");
  row({ method: "GET", fields: [FORM] }, { CONTENT_TYPE: FORM.slice(14), CONTENT_LENGTH: undefined }, "a type alone");
  row(
    { method: "POST", fields: [FORM, "Content-Length: 7"] },
    { CONTENT_LENGTH: "0", CONTENT_TYPE: FORM.slice(14) },
    "one that was not kept: nothing can be read",
  );
  row(
    { method: "POST", becomes: "GET", fields: [FORM, "Content-Length: 7"] },
    { REQUEST_METHOD: "GET", CONTENT_LENGTH: undefined, CONTENT_TYPE: undefined },
    "of the request that this one was made of",
  );
});

describe("fields", () => {
  row(
    { fields: ["X-A: 1", "x-a: 2", "Cookie: a=b", "X-A: 3", "cookie: c=d", "X-Empty:", "X-9: \xff"] },
    { HTTP_X_A: "1, 2, 3", HTTP_COOKIE: "a=b; c=d", HTTP_X_EMPTY: "", HTTP_X_9: "\xff" },
    "lines of one name are one value",
  );
  row(
    { fields: ["Transfer-Encoding: chunked", FORM], method: "POST", length: 3 },
    { HTTP_TRANSFER_ENCODING: undefined, HTTP_CONTENT_TYPE: undefined, HTTP_CONTENT_LENGTH: undefined },
    "none about the framing, and none twice",
  );
  const secret = "Authorization: Basic YTpi";
  row({ fields: [secret] }, { HTTP_AUTHORIZATION: undefined, AUTH_TYPE: undefined }, "no credentials");
  row(
    { fields: [secret, "Proxy-Authorization: Basic YTpi"], settings: { cgiPassAuthorization: true } },
    { HTTP_AUTHORIZATION: "Basic YTpi", AUTH_TYPE: "Basic", HTTP_PROXY_AUTHORIZATION: undefined },
    "credentials, where they are wanted",
  );
  row(
    { fields: ["Authorization: Bearer"], settings: { cgiPassAuthorization: true } },
    { AUTH_TYPE: "Bearer" },
    "a scheme alone",
  );
});

describe("hostile fields", () => {
  const table: [field: string, why: string][] = [
    ["Proxy: evil", "httpoxy"],
    ["PROXY: evil", "in any capitals"],
    ["Proxy_: evil", "an underscore"],
    ["X_A: evil", "one that would be another field's"],
    ["Content_Length: 1000", "one that would be the server's"],
    ["X.A: evil", "a character that no variable has"],
    ["%50roxy: evil", "percent"],
    ["X'A: evil", "a quote"],
    ["X`id`: evil", "a backquote"],
    ["X$A: evil", "a dollar"],
    ["!: evil", "no letter at all"],
  ];
  test.each(table)("%s (%s)", (field) => expect(variables({ fields: [field] })).toEqual(variables({})));
  test("a name of the server's own becomes one with HTTP_", () => {
    const found = variables({ fields: ["Path: /evil", "Script-Filename: /evil", "Redirect-Status: 1", "Https: on"] });
    expect(found).toMatchObject({ PATH: COMMON.PATH, SCRIPT_FILENAME: "/w/cgi/a.py", REDIRECT_STATUS: "200" });
    expect(found).not.toHaveProperty("HTTPS");
    expect(found).toMatchObject({ HTTP_PATH: "/evil", HTTP_SCRIPT_FILENAME: "/evil", HTTP_HTTPS: "on" });
  });
});

describe("what the configuration adds", () => {
  const params = (...given: [name: string, value: string][]) =>
    given.map(([name, value]) => ({ name, value: template(value) }));
  row(
    {
      settings: { cgiParams: params(["APP", "x"], ["PATH_INFO", "$uri"], ["EMPTY", ""], ["U", "ü$arg_a"]) },
      target: "/cgi/a.py?a=%C3",
    },
    { APP: "x", PATH_INFO: "/cgi/a.py", EMPTY: "", U: octets("ü") + "%C3" },
    "cgi_param, which wins",
  );
  row(
    { settings: { cgiPassEnv: ["LANG", "GONE", "U"] }, own: { LANG: "C", SECRET: "s", U: "ü" } },
    { LANG: "C", GONE: undefined, SECRET: undefined, U: octets("ü") },
    "cgi_pass_env, and nothing else of the server's",
  );
  row(
    { settings: { cgiPassEnv: ["PATH"] }, own: { PATH: "/opt/bin" } },
    { PATH: "/opt/bin" },
    "PATH, where it is named",
  );
  row({ own: { PATH: "/opt/bin" } }, { PATH: COMMON.PATH }, "else the constant one");
  row(
    { settings: { cgiPassEnv: ["REMOTE_ADDR", "SCRIPT_NAME"] }, own: { REMOTE_ADDR: "x", SCRIPT_NAME: "x" } },
    { REMOTE_ADDR: "192.0.2.1", SCRIPT_NAME: "/cgi/a.py" },
    "what the request says stays the request's",
  );
  row(
    { settings: { cgiPassEnv: ["A"], cgiParams: params(["A", "param"]) }, own: { A: "own" } },
    { A: "param" },
    "cgi_param before cgi_pass_env",
  );
  row(
    { session: { id: "f".repeat(32), data: '{"ü":"\\u0000"}' } },
    { SESSION_ID: "f".repeat(32), SESSION_DATA: octets('{"ü":"\\u0000"}') },
    "the session",
  );
  row({}, { SESSION_ID: undefined, SESSION_DATA: undefined }, "none");
  row(
    { settings: { cgiParams: params(["A", "a\0b"]), cgiPassEnv: ["B"] }, own: { B: "\0" } },
    { A: undefined, B: undefined },
    "nothing that a NUL would cut",
  );
});

describe("one variable is as long as Linux takes", () => {
  const of = (length: number): string[] =>
    lines({ settings: { cgiParams: [{ name: "A", value: template("x".repeat(length - 3)) }] } });
  const spawned = (text: string): number => {
    const io = linux.open("/dev/null", 2, 0);
    const none = { args: ["true"], folder: "/", stdin: io, stdout: io, stderr: io };
    const pid = linux.spawn({ ...none, path: "/bin/true", environment: [text] });
    linux.close(io);
    while (pid > 0 && linux.wait(pid) === -ERRNO.EAGAIN) Bun.sleepSync(1);
    return pid;
  };
  test("the longest", () => {
    const text = of(128 * 1024).at(-1)!;
    expect(text).toStartWith("A=xxx");
    expect(spawned(text)).toBeGreaterThan(0);
    expect(spawned(`${text}x`)).toBe(-ERRNO.E2BIG);
  });
  test("one byte more is left out", () => expect(of(128 * 1024 + 1)).toEqual(lines({})));
});

test("whatever fields come, names stay names, one each, and every legal field is there", () => {
  const token = fc.string({
    unit: fc.constantFrom(...["Proxy", "X", "-", "_", "a", "Z", "9", "!", ".", "Content", "Length"]),
    minLength: 1,
    maxLength: 4,
  });
  const value = fc.string({ unit: fc.constantFrom("a", " b", ",", ";", "=", "\xff", '"', "$(x)"), maxLength: 6 });
  const framing = /^(?:Content-Length|Host)$/i; // the parser's affair
  const fields = fc.array(
    fc.tuple(token, value).filter(([name]) => !framing.test(name)),
    { maxLength: 12 },
  );
  const property = fc.property(fields, (given) => {
    const all = lines({ fields: given.map(([name, value]) => `${name}: ${value}`) });
    const names = all.map((line) => line.slice(0, line.indexOf("=")));
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain("HTTP_PROXY");
    for (const line of all) expect(line).toMatch(/^[A-Z][A-Z0-9_]*=[^\0]*$/);
    for (const [name] of given.filter(([name]) => /^[a-z0-9-]+$/i.test(name) && !/^proxy$/i.test(name))) {
      const values = given
        .filter((other) => other[0].toLowerCase() === name.toLowerCase())
        .map((other) => other[1].trim());
      expect(all).toContain(`HTTP_${name.toUpperCase().replaceAll("-", "_")}=${values.join(", ")}`);
    }
    expect(lines({ fields: given.map(([name, value]) => `${name}: ${value}`) })).toEqual(all);
  });
  fc.assert(property, { numRuns: 1000 });
});
