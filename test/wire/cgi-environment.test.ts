/** What a script learns of its request (RFC 3875 §4.1): every variable of every method, and what must not become one. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { check } from "./cases.ts";
import { ask, get } from "./client.ts";
import { leavesNothing, TEXT, untilLogged, useScripts } from "./scripts.ts";
import { PROGRAM } from "./server.ts";
import { withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

/** Its own environment as it was given, before the shell adds to it, goes into a file: HEAD has no body to show it in. */
const SHOW = `cat /proc/$$/environ > "$DOCUMENT_ROOT/../environment"; ${TEXT}`;

const server = useScripts({
  scripts: { "cgi/env.sh": SHOW, "cgi/näme.sh": SHOW, "param/env.sh": SHOW, "open/env.sh": SHOW },
  program: ["env", "SECRET=inherited", "PASSED=on", "PATH=/usr/bin:/bin:/sbin", ...PROGRAM],
  directives: `
    large_client_header_buffers 50 200k;
    location /param/ {
      cgi_param PATH_INFO $uri;
      cgi_param QUERY_STRING "";
      cgi_param SETTING "a $request_method b";
      cgi_pass_env PASSED MISSING PATH;
    }
    location /open/ { cgi_pass_authorization on; allowed_methods GET HEAD POST PUT PATCH DELETE; }`,
});

/** The environment of the last script, name to value. */
function last(): Record<string, string | undefined> {
  const lines = readFileSync(join(server.folder, "environment"), "utf8").split("\0").slice(0, -1);
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

async function environmentOf(request: string | Uint8Array): Promise<Record<string, string | undefined>> {
  check(await ask(server.port, request), { status: 200, fields: { "content-type": "text/plain" } });
  return last();
}

/** What every GET of /cgi/env.sh gets. */
function expected(): Record<string, unknown> {
  const root = join(realpathSync(server.folder), "www");
  return {
    DOCUMENT_ROOT: root,
    DOCUMENT_URI: "/cgi/env.sh",
    GATEWAY_INTERFACE: "CGI/1.1",
    HTTP_HOST: "localhost",
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    PATH_INFO: "",
    QUERY_STRING: "",
    REDIRECT_STATUS: "200",
    REMOTE_ADDR: "127.0.0.1",
    REMOTE_HOST: "127.0.0.1",
    REMOTE_PORT: expect.stringMatching(/^\d+$/),
    REQUEST_METHOD: "GET",
    REQUEST_SCHEME: "http",
    REQUEST_URI: "/cgi/env.sh",
    SCRIPT_FILENAME: `${root}/cgi/env.sh`,
    SCRIPT_NAME: "/cgi/env.sh",
    SERVER_ADDR: "127.0.0.1",
    SERVER_NAME: "localhost",
    SERVER_PORT: String(server.port),
    SERVER_PROTOCOL: "HTTP/1.1",
    SERVER_SOFTWARE: expect.stringMatching(/^webserv\/\d/),
  };
}

describe("the whole environment, nothing else", () => {
  const TYPE = { "Content-Type": "text/x-test; charset=utf-8" };
  const bodies: [method: string, request: (path: string) => string | Uint8Array, body: Record<string, string>][] = [
    ["GET", (path) => get(path), {}],
    ["HEAD", (path) => get(path, {}, "HEAD"), {}],
    ["DELETE", (path) => get(path, {}, "DELETE"), {}],
    ["POST", (path) => withBody("POST", path, "12345"), { CONTENT_LENGTH: "5" }],
    ["POST", (path) => withBody("POST", path, ""), { CONTENT_LENGTH: "0" }],
    ["POST", (path) => withBody("POST", path, "123456789", { chunk: 4 }), { CONTENT_LENGTH: "9" }],
    [
      "PUT",
      (path) => withBody("PUT", path, "12345", { fields: TYPE }),
      { CONTENT_LENGTH: "5", CONTENT_TYPE: TYPE["Content-Type"] },
    ],
    ["PATCH", (path) => withBody("PATCH", path, "12345"), { CONTENT_LENGTH: "5" }],
    ["GET", (path) => withBody("GET", path, "body"), { CONTENT_LENGTH: "4" }],
  ];

  test.each(bodies)("%s", async (method, request, body) => {
    const root = join(realpathSync(server.folder), "www");
    const at = { SCRIPT_NAME: "/open/env.sh", SCRIPT_FILENAME: `${root}/open/env.sh`, DOCUMENT_URI: "/open/env.sh" };
    const wanted = { ...expected(), ...at, REQUEST_URI: "/open/env.sh", REQUEST_METHOD: method, ...body };
    expect(await environmentOf(request("/open/env.sh"))).toEqual(wanted);
  });
});

describe("the path", () => {
  const paths: [target: string, variables: Record<string, string | undefined>][] = [
    ["/cgi/env.sh", { PATH_INFO: "", PATH_TRANSLATED: undefined }],
    ["/cgi/env.sh/", { PATH_INFO: "/", PATH_TRANSLATED: "ROOT/" }],
    ["/cgi/env.sh/a/b.txt", { PATH_INFO: "/a/b.txt", PATH_TRANSLATED: "ROOT/a/b.txt" }],
    ["/cgi/env.sh/a%20b%3Fc", { PATH_INFO: "/a b?c", PATH_TRANSLATED: "ROOT/a b?c" }],
    ["/cgi/env.sh/x/../y", { PATH_INFO: "/y" }],
    ["/cgi/env.sh/env.sh", { PATH_INFO: "/env.sh", SCRIPT_NAME: "/cgi/env.sh" }],
    [
      "/cgi/n%C3%A4me.sh/%C3%BC",
      { PATH_INFO: "/ü", SCRIPT_NAME: "/cgi/näme.sh", REQUEST_URI: "/cgi/n%C3%A4me.sh/%C3%BC" },
    ],
    ["/cgi/env.sh?a=1&b=%20+", { QUERY_STRING: "a=1&b=%20+", PATH_INFO: "", REQUEST_URI: "/cgi/env.sh?a=1&b=%20+" }],
    ["/cgi/env.sh/p?q?r", { QUERY_STRING: "q?r", PATH_INFO: "/p" }],
    ["//cgi///env.sh", { SCRIPT_NAME: "/cgi/env.sh", REQUEST_URI: "//cgi///env.sh" }],
  ];

  test.each(paths)("%s", async (target, variables) => {
    const root = join(realpathSync(server.folder), "www");
    const got = await environmentOf(get(target));
    for (const [name, value] of Object.entries(variables)) {
      expect(`${name}=${got[name]}`).toBe(`${name}=${value?.replace(/^ROOT/, root)}`);
    }
  });
});

describe("fields", () => {
  const fields: [name: string, fields: Record<string, string>, variables: Record<string, string | undefined>][] = [
    ["become HTTP_*", { "X-Some-Thing": "v", Accept: "*/*" }, { HTTP_X_SOME_THING: "v", HTTP_ACCEPT: "*/*" }],
    ["Proxy does not (httpoxy)", { Proxy: "http://evil/" }, { HTTP_PROXY: undefined }],
    ["pRoXy does not either", { pRoXy: "http://evil/" }, { HTTP_PROXY: undefined }],
    [
      "Proxy-Authorization is a secret",
      { "Proxy-Authorization": "Basic eA==" },
      { HTTP_PROXY_AUTHORIZATION: undefined },
    ],
    [
      "Authorization is a secret",
      { Authorization: "Basic eA==" },
      { HTTP_AUTHORIZATION: undefined, AUTH_TYPE: undefined },
    ],
    ["an underscore would pass for a hyphen", { X_Forwarded_For: "1.2.3.4" }, { HTTP_X_FORWARDED_FOR: undefined }],
    [
      "a field with a strange name is none",
      { "X!Y": "1", "X.Y": "2" },
      { "HTTP_X!Y": undefined, "HTTP_X.Y": undefined },
    ],
    ["Content-Length is not one", { "Content-Type": "a/b" }, { HTTP_CONTENT_TYPE: undefined, CONTENT_TYPE: "a/b" }],
    ["an empty value is a value", { "X-Empty": "" }, { HTTP_X_EMPTY: "" }],
    ["a value with = and quotes", { "X-V": `a=b "c" 'd' $(e) \`f\`` }, { HTTP_X_V: `a=b "c" 'd' $(e) \`f\`` }],
    [
      "another Host is the server's name",
      { Host: "shop.example:81" },
      { SERVER_NAME: "shop.example", HTTP_HOST: "shop.example:81" },
    ],
  ];

  test.each(fields)("%s", async (_name, given, variables) => {
    const got = await environmentOf(get("/cgi/env.sh", given));
    for (const [name, value] of Object.entries(variables)) expect(`${name}=${got[name]}`).toBe(`${name}=${value}`);
  });

  test("the authority of an absolute-form takes the place of Host", async () => {
    const got = await environmentOf(
      "GET http://good.example:99/cgi/env.sh HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    );
    expect([got.SERVER_NAME, got.HTTP_HOST]).toEqual(["good.example", "good.example:99"]);
  });

  test("repeated ones are one variable, cookies with their own separator", async () => {
    const got = await environmentOf(
      "GET /cgi/env.sh HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nCookie: a=1\r\nX-A: 2\r\nCookie: b=2\r\n\r\n",
    );
    expect(got.HTTP_X_A).toBe("1, 2");
    expect(got.HTTP_COOKIE).toBe("a=1; b=2");
  });

  test("Authorization where it is configured", async () => {
    const got = await environmentOf(get("/open/env.sh", { Authorization: "Basic dXNlcjpwYXNz" }));
    expect([got.HTTP_AUTHORIZATION, got.AUTH_TYPE]).toEqual(["Basic dXNlcjpwYXNz", "Basic"]);
  });

  test("as large as heads may be", async () => {
    const value = "v".repeat(7000);
    const got = await environmentOf(get("/cgi/env.sh", { "X-A": value, "X-B": value, "X-C": value }));
    expect([got.HTTP_X_A, got.HTTP_X_B, got.HTTP_X_C]).toEqual([value, value, value]);
  });
});

test("HTTP/1.0 without Host: the server's own name", async () => {
  const got = await environmentOf("GET /cgi/env.sh HTTP/1.0\r\n\r\n");
  expect([got.SERVER_PROTOCOL, got.SERVER_NAME, got.HTTP_HOST]).toEqual(["HTTP/1.0", "127.0.0.1", undefined]);
});

test("nothing of the server's environment, but what is configured; cgi_param goes before all", async () => {
  const inherited = await environmentOf(get("/cgi/env.sh"));
  expect([inherited.SECRET, inherited.PASSED]).toEqual([undefined, undefined]);
  const { PASSED, MISSING, PATH, SECRET, SETTING, PATH_INFO, QUERY_STRING } = await environmentOf(
    get("/param/env.sh/info?query"),
  );
  expect({ PASSED, MISSING, PATH, SECRET, SETTING, PATH_INFO, QUERY_STRING }).toEqual({
    PASSED: "on",
    MISSING: undefined,
    PATH: "/usr/bin:/bin:/sbin",
    SECRET: undefined,
    SETTING: "a GET b",
    PATH_INFO: "/param/env.sh/info",
    QUERY_STRING: "",
  });
});

describe("more than a program can be given", () => {
  const big = "v".repeat(140_000);

  test("a variable that Linux does not take is left out, the others are there", async () => {
    const got = await environmentOf(get(`/cgi/env.sh?${big}`, { "X-Big": big, "X-Small": "there" }));
    expect([got.HTTP_X_BIG, got.QUERY_STRING, got.REQUEST_URI]).toEqual([undefined, undefined, undefined]);
    expect([got.HTTP_X_SMALL, got.SCRIPT_NAME]).toEqual(["there", "/cgi/env.sh"]);
  });

  test("all of them together: 502, and the reason in the error log", async () => {
    const fields = Array.from({ length: 40 }, (_, i) => [`X-${i}`, "v".repeat(120_000)]);
    check(await ask(server.port, get("/cgi/env.sh", Object.fromEntries(fields))), { status: 502 });
    await untilLogged(server, /env\.sh" .*\(7: Argument list too long\)/);
  });
});

leavesNothing(server);
