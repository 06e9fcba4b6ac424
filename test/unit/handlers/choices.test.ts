/** What decides before any file: return, allow and deny, methods, try_files. */
import { afterAll, describe, expect, test } from "bun:test";
import type { Location, Settings } from "../../../src/config/model.ts";
import type { AccessRule, Return, TryFiles } from "../../../src/config/parts.ts";
import { errorPage } from "../../../src/handlers/error-page.ts";
import { allowValue } from "../../../src/routing/answering.ts";
import {
  answer,
  FakeExchange,
  FakeServices,
  handlerFor,
  location,
  type RequestLike,
  Site,
  settings,
  template,
} from "./world.ts";

const site = new Site({ "a.txt": "a", "dir/index.html": "", "what?.txt": "odd", "fallback.html": "f" });
afterAll(() => site.remove());

function ask(changes: Partial<Settings>, request: RequestLike = {}): FakeExchange {
  const services = new FakeServices();
  const here = location({ root: template(site.root), ...changes });
  const exchange = new FakeExchange(services, here, request);
  answer(exchange);
  return exchange;
}

describe("resumable uploads are offered where their URLs come back to", () => {
  const rows: [modifier: Location["modifier"], pattern: string, offered: boolean][] = [
    ["", "/up/", true],
    ["^~", "/up/", true],
    ["=", "/up", false],
    ["~", "^/up", false],
  ];
  test.each(rows)("location %s %s: %p", (modifier, pattern, offered) => {
    const services = new FakeServices();
    const here = { ...location({ upload: { folder: site.root, prefix: "/" } }, pattern), modifier };
    const handler = handlerFor(here, services);
    const fields = handler.optionsFields?.(new FakeExchange(services, here, {})) ?? [];
    expect(fields.some(([name]) => name === "Tus-Version")).toBe(offered);
  });
});

describe("return", () => {
  const rule = (status: number, text?: string): Return => ({
    status,
    text: text === undefined ? null : template(text),
  });
  const table: [
    why: string,
    rule: Return,
    request: RequestLike,
    how: string,
    status: number,
    location: string | null,
  ][] = [
    ["a text", rule(200, "hello"), {}, "whole", 200, null],
    ["nothing", rule(200), {}, "whole", 200, null],
    ["no content", rule(204), {}, "whole", 204, null],
    ["a text with a variable", rule(200, "$uri"), {}, "reply", 200, null],
    ["an error with a text of its own", rule(404, "gone fishing"), {}, "whole", 404, null],
    ["an error", rule(404), {}, "fail", 404, null],
    ["another error", rule(503), {}, "fail", 503, null],
    ["444 closes", rule(444), {}, "drop", 444, null],
    ["a redirect", rule(301, "/new"), {}, "whole", 301, "/new"],
    ["a redirect for HTTP/1.0", rule(301, "/new"), { minor: 0 }, "reply", 301, "/new"],
    [
      "raw",
      rule(302, "https://x.org$request_uri"),
      { target: "/a%20b?c=%41" },
      "reply",
      302,
      "https://x.org/a%20b?c=%41",
    ],
    ["no line ends", rule(308, "$uri"), { target: "/%0D%0AX:%20y" }, "reply", 308, "/%0D%0AX:%20y"],
    ["no backslash", rule(307, "$uri"), { target: "/%5Cevil.org" }, "reply", 307, "/%5Cevil.org"],
    ["ASCII only", rule(303, "$uri"), { target: "/%C3%BC" }, "reply", 303, "/%C3%BC"],
    ["no tab", rule(301, "/$http_x"), { fields: ["X: a\tb"] }, "reply", 301, "/a%09b"],
  ];
  test.each(table)("%s", (_, wanted, request, how, status, location) => {
    const exchange = ask({ return: wanted }, request);
    expect([exchange.how, exchange.status, exchange.field("Location") ?? null]).toEqual([how, status, location]);
  });
  test("a text has the type of the URI, as in nginx", () => {
    const types = ["/x.json", "/x", "/x.html"].map((target) =>
      ask({ return: rule(200, "{}") }, { target }).field("Content-Type"),
    );
    expect(types).toEqual(["application/json", "text/plain", "text/html"]);
  });
  test("one handler keeps a reply for each type", () => {
    const services = new FakeServices();
    const here = location({ return: rule(200, "{}") });
    const handler = handlerFor(here, services);
    const get = (target: string) => {
      const exchange = new FakeExchange(services, here, { target });
      handler.handle(exchange);
      return exchange;
    };
    expect(get("/a.json").whole).toBe(get("/b.json").whole!);
    expect(get("/a.html").field("Content-Type")).toBe("text/html");
  });
  test("a text is UTF-8", () => expect(ask({ return: rule(200, "grüß $uri") }).text()).toBe("grüß /"));
  test("a redirect has a page", () =>
    expect(ask({ return: rule(301, "/x") }).text()).toContain("301 Moved Permanently"));
});

describe("error pages", () => {
  test.each([
    [404, "404 Not Found"],
    [503, "503 Service Unavailable"],
    [599, "599"],
  ])("%i", (status, title) => {
    const page = errorPage(status).toString();
    expect(page).toStartWith("<!doctype html>");
    expect(page).toContain(`<title>${title}</title>`);
    expect(errorPage(status)).toBe(errorPage(status));
  });
});

const all = (allow: boolean): AccessRule => ({ allow, match: "all" });
const net = (allow: boolean, address: number[], bits: number): AccessRule => ({ allow, match: { address, bits } });

describe("allow and deny", () => {
  const v4 = [192, 0, 2, 1];
  const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...v4];
  const v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
  const table: [why: string, rules: AccessRule[], from: number[], allowed: boolean][] = [
    ["no rule", [], v4, true],
    ["deny all", [all(false)], v4, false],
    ["the first that matches decides", [net(true, v4, 32), all(false)], v4, true],
    ["whatever follows", [all(false), net(true, v4, 32)], v4, false],
    ["in the network", [net(false, [192, 0, 2, 0], 24)], v4, false],
    ["in the next one", [net(false, [192, 0, 3, 0], 24)], v4, true],
    ["bits within a byte", [net(false, [192, 0, 2, 0], 31)], v4, false],
    ["the other half", [net(false, [192, 0, 2, 2], 31)], v4, true],
    ["every IPv4 address", [net(false, [0, 0, 0, 0], 0)], v4, false],
    ["an IPv4-mapped address is its IPv4 address", [net(false, [192, 0, 2, 0], 24)], mapped, false],
    ["an IPv6 address is none", [net(false, [192, 0, 2, 0], 24)], v6, true],
    ["one IPv6 address", [net(false, v6, 128)], v6, false],
    ["an IPv6 network", [net(false, v6, 64)], [...v6.slice(0, 8), 9, 9, 9, 9, 9, 9, 9, 9], false],
    ["has no IPv4 address in it", [net(false, v6, 64)], v4, true],
    ["a unix socket", [{ allow: false, match: "unix" }], [], false],
    ["is no address", [{ allow: false, match: "unix" }], v4, true],
    ["and has none", [net(false, [0, 0, 0, 0], 0)], [], true],
  ];
  test.each(table)("%s", (_, access, from, allowed) => {
    const exchange = ask({ access }, { target: "/a.txt", connection: { remoteBytes: new Uint8Array(from) } });
    expect(exchange.status).toBe(allowed ? 200 : 403);
  });
  test("return comes before them, as in nginx", () => {
    expect(ask({ access: [all(false)], return: { status: 200, text: template("x") } }).status).toBe(200);
  });
});

describe("limit_except", () => {
  const limitExcept = { methods: ["GET"], rules: [all(false)], auth: {} };
  test.each([
    ["GET", 200],
    ["HEAD", 200],
    ["POST", 403],
  ])("GET { deny all }: %s is %i", (method, status) => {
    expect(ask({ limitExcept }, { method, target: "/a.txt" }).status).toBe(status);
  });
  test.each([
    ["GET", 200],
    ["POST", 403],
    ["DELETE", 403],
  ])("it comes before return, as in nginx: %s is %i", (method, status) => {
    const changes = { limitExcept, access: [all(false)], return: { status: 200, text: template("x") } };
    expect(ask(changes, { method }).status).toBe(status);
  });
});

describe("methods", () => {
  const upload = { folder: "/nowhere", prefix: "/" };
  const cgi = [{ extension: ".py", interpreter: null, args: [] }];
  test.each([
    [{}, "GET, HEAD, OPTIONS"],
    [{ allowedMethods: ["GET"] }, "GET, OPTIONS"],
    [{ allowedMethods: ["GET", "OPTIONS"] }, "GET, OPTIONS"],
    [{ return: { status: 200, text: null } }, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"],
    [{ upload }, "GET, HEAD, POST, PUT, PATCH, OPTIONS"],
    [{ deleteFiles: true }, "GET, HEAD, DELETE, OPTIONS"],
    [{ upload, deleteFiles: true }, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"],
    [{ upload, deleteFiles: true, allowedMethods: ["GET", "PUT"] }, "GET, PUT, OPTIONS"],
    [{ cgi }, "GET, HEAD, POST, OPTIONS"],
    [{ tryFiles: { files: [], last: { uri: template("/index.php") } } }, "GET, HEAD, OPTIONS"],
    [{ cgi, allowedMethods: ["any"] }, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"],
    [{ cgi, allowedMethods: ["REPORT", "GET"] }, "REPORT, GET, OPTIONS"],
    [{ allowedMethods: ["any"] }, "GET, HEAD, POST, OPTIONS"],
    [{ tryFiles: { files: [], last: { status: 404 } } }, "GET, HEAD, OPTIONS"],
    [{ cgi, upload, deleteFiles: true }, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"],
    [{ cgi, allowedMethods: ["GET", "PUT", "DELETE"] }, "GET, PUT, DELETE, OPTIONS"],
    [{ session: true }, "GET, HEAD, OPTIONS"],
    [{ sessionApi: true }, "GET, HEAD, POST, DELETE, OPTIONS"],
    [{ sessionApi: true, upload, deleteFiles: true }, "GET, HEAD, POST, DELETE, OPTIONS"],
  ] as [Partial<Settings>, string][])("%p: Allow: %s", (changes, allow) => {
    expect(allowValue(settings(changes))).toBe(allow);
  });
  test("what is configured is taken literally, but for methods that nothing performs", () => {
    const all = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    const allowed = (changes: Partial<Settings>) => allowValue(settings({ allowedMethods: all, ...changes }));
    expect(allowed({})).toBe("GET, POST, OPTIONS");
    expect(allowed({ deleteFiles: true })).toBe("GET, POST, DELETE, OPTIONS");
    expect(allowed({ upload })).toBe("GET, POST, PUT, PATCH, OPTIONS");
    expect(allowed({ sessionApi: true, upload })).toBe("GET, POST, DELETE, OPTIONS");
    expect(allowed({ return: { status: 200, text: null } })).toBe("GET, POST, PUT, PATCH, DELETE, OPTIONS");
    expect(allowValue(settings({ allowedMethods: ["DELETE"] }))).toBe("OPTIONS");
  });
});

describe("try_files", () => {
  const tries = (last: TryFiles["last"], ...files: string[]): Partial<Settings> => ({
    tryFiles: { files: files.map(template), last },
  });
  const uri = (text: string) => ({ uri: template(text) });
  const table: [why: string, Partial<Settings>, target: string, expected: string][] = [
    ["the file", tries({ status: 404 }, "$uri"), "/a.txt", "200"],
    ["or the status", tries({ status: 404 }, "$uri"), "/no", "404"],
    ["a folder is no file", tries({ status: 404 }, "$uri"), "/dir", "404"],
    ["a slash asks for a folder", tries({ status: 404 }, "$uri", "$uri/"), "/dir", "301 /dir/"],
    ["that has its slash", tries({ status: 404 }, "$uri", "$uri/"), "/dir/", "-> /dir/index.html?"],
    ["the root", tries({ status: 404 }, "$uri", "$uri/"), "/", "403"],
    ["a file is no folder", tries({ status: 404 }, "$uri/"), "/a.txt", "404"],
    ["the first that exists", tries({ status: 404 }, "/no", "/a.txt"), "/x", "200"],
    ["a name without its slash", tries({ status: 404 }, "a.txt"), "/x", "200"],
    ["never above the root", tries({ status: 404 }, "/../../etc/hostname"), "/x", "404"],
    ["whatever a variable says", tries({ status: 404 }, "/$arg_f"), "/x?f=../../etc/hostname", "404"],
    ["its query may begin with $is_args", tries(uri("/app$is_args$args"), "$uri"), "/no?a=1", "-> /app?a=1"],
    ["which is nothing where there is none", tries(uri("/app$is_args$args"), "$uri"), "/no", "-> /app?"],
    ["a URI without query has none", tries(uri("/fallback.html"), "$uri"), "/no?a=1", "-> /fallback.html?"],
    ["or its own", tries(uri("/app?p=$uri&$args"), "$uri"), "/no?a=1", "-> /app?p=/no&a=1"],
    ["a ? of a variable is part of the path", tries(uri("/app$uri?q"), "$uri"), "/who%3F", "-> /app/who??q"],
    ["a named location", tries(uri("@app"), "$uri"), "/no", "-> @app?"],
    ["any status", tries({ status: 204 }, "$uri"), "/no", "204"],
  ];
  test.each(table)("%s", (_, changes, target, expected) => {
    const exchange = ask(changes, { target });
    const to = exchange.redirectedTo;
    const found = to === null ? `${exchange.status} ${exchange.field("Location") ?? ""}` : `-> ${to.join("?")}`;
    expect(found.trim()).toBe(expected);
  });
  test("POST is for what it leads on to, not for a file", () => {
    const changes = tries(uri("/app"), "$uri");
    const file = ask(changes, { method: "POST", target: "/a.txt" });
    expect([file.how, file.status, file.field("Allow")]).toEqual(["fail", 405, "GET, HEAD, OPTIONS"]);
    const folders = { ...tries(uri("/app"), "$uri", "$uri/"), autoindex: true };
    for (const target of ["/", "/dir"]) expect(ask(folders, { method: "POST", target }).status).toBe(405);
    expect(ask(folders, { method: "POST", target: "/dir/" }).redirectedTo).toEqual(["/dir/index.html", ""]);
    expect(ask(changes, { method: "POST", target: "/no" }).redirectedTo).toEqual(["/app", ""]);
    const listed = { ...changes, allowedMethods: ["GET", "POST"] };
    expect(ask(listed, { method: "POST", target: "/a.txt" }).status).toBe(200);
  });
  test("no descriptor is left behind", () => {
    const exchange = ask({ ...tries({ status: 404 }, "/a.txt/", "/dir"), openFileCache: null }, { target: "/x" });
    expect(exchange.services.watched.open.size).toBe(1);
  });
});
