/** The ways that lead to a script which the path does not name: `index` and `try_files`, with a body and without. */
import { afterAll, describe, expect, test } from "bun:test";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Settings } from "../../../src/config/model.ts";
import type { CgiRule, TryFiles } from "../../../src/config/parts.ts";
import { CgiHandler } from "../../../src/handlers/cgi/cgi.ts";
import { StaticHandler } from "../../../src/handlers/files/static.ts";
import { TryFilesHandler } from "../../../src/handlers/files/try-files.ts";
import { FakeExchange, FakeServices, handlerFor, location, type RequestLike, Site, template } from "./world.ts";

const site = new Site({
  "index.php": "<?php secret",
  "page.php": "<?php secret",
  "a.txt": "text",
  "both/index.php": "<?php secret",
  "both/index.html": "page",
  "page/index.html": "page",
  "bare/x": "",
});
afterAll(() => site.remove());

const PHP: CgiRule = { extension: ".php", interpreter: "/usr/bin/php-cgi", args: [] };
const tries = (files: string[], uri: string): TryFiles => ({
  files: files.map(template),
  last: { uri: template(uri) },
});
const FRONT = tries(["$uri", "$uri/"], "/index.php?q=$uri&$args");

function world(changes: Partial<Settings>, request: RequestLike | string) {
  const services = new FakeServices();
  const here = location({
    root: template(site.root),
    cgi: [PHP],
    index: [template("index.php"), template("index.html")],
    ...changes,
  });
  const posted = { method: "POST", fields: ["Content-Length: 3"] };
  const exchange = new FakeExchange(
    services,
    here,
    typeof request === "string" ? { ...posted, target: request } : request,
  );
  return { services, here, exchange };
}

/** What became of a request: where it was sent on to, how it was answered, or "". */
function outcome({ how, status, redirectedTo }: FakeExchange): string {
  return redirectedTo === null ? (how === "" ? "" : `${how} ${status}`) : `-> ${redirectedTo.join("?")}`;
}

describe("a body is for what is found: before it is read, the request goes on to the script", () => {
  const table: [why: string, changes: Partial<Settings>, target: string, expected: string][] = [
    ["a folder's index", {}, "/?a=b", "-> /index.php?a=b"],
    ["the first index", {}, "/both/", "-> /both/index.php?"],
    ["an index that is a page: nothing takes its body", {}, "/page/", "-> /page/index.html?"],
    ["an absolute index", { index: [template("/index.php")] }, "/bare/", "-> /index.php?"],
    ["a folder without index", {}, "/bare/", "fail 405"],
    ["a folder without slash", {}, "/both", "fail 405"],
    ["a file", {}, "/a.txt", "fail 405"],
    ["nothing", {}, "/none", "fail 405"],
    ["try_files: nothing but the front controller", { tryFiles: FRONT }, "/blog/1?a=b", "-> /index.php?q=/blog/1&a=b"],
    ["try_files: nothing, by name", { tryFiles: tries(["$uri"], "@php") }, "/blog", "-> @php?"],
    ["try_files: a file", { tryFiles: FRONT }, "/a.txt", "fail 405"],
    ["try_files: a folder", { tryFiles: FRONT }, "/both/?a", "-> /both/index.php?a"],
    ["try_files: a folder without slash", { tryFiles: FRONT }, "/both", "fail 405"],
    ["try_files: a status", { tryFiles: { files: [template("$uri")], last: { status: 404 } } }, "/none", ""],
  ];
  test.each(table)("%s", (_, changes, target, expected) => {
    const { services, here, exchange } = world(changes, target);
    const handler = handlerFor(here, services);
    expect(handler.sink?.(exchange)).toBe(undefined);
    expect(outcome(exchange)).toBe(expected);
    if (expected === "") handler.handle(exchange); // answers only now: "answered twice" else
    handler.close?.();
    expect(services.watched.open.size).toBe(0);
  });
  test("a script that try_files finds answers in the same location", () => {
    const { services, here, exchange } = world({ tryFiles: tries(["$uri.php"], "/x") }, "/page?a");
    const handler = handlerFor(here, services);
    const scripts = handler.contents.find((content) => content.handler instanceof CgiHandler)!;
    expect([handler.chosen(exchange)?.constructor.name, exchange.path]).toEqual(["Program", "/page.php"]);
    expect(scripts.allows("POST")).toBe(true);
  });
  test("a script's own path is asked for before any of that", () => {
    const { services, here } = world({}, "/");
    expect(handlerFor(here, services).contents.map(({ handler }) => handler.constructor)).toEqual([
      CgiHandler,
      StaticHandler,
    ]);
  });
});

describe("without a body", () => {
  const table: [why: string, changes: Partial<Settings>, target: string, expected: string][] = [
    ["a folder's index", {}, "/?a=b", "-> /index.php?a=b"],
    ["a front controller", { tryFiles: FRONT }, "/blog/1?a=b", "-> /index.php?q=/blog/1&a=b"],
    ["a folder's index before it", { tryFiles: FRONT }, "/both/?a", "-> /both/index.php?a"],
    ["a script that is not there", { tryFiles: FRONT }, "/none.php", "-> /index.php?q=/none.php&"],
    ["the same without try_files", {}, "/none.php", "fail 404"],
  ];
  test.each(table)("%s", (_, changes, target, expected) => {
    const { services, here, exchange } = world(changes, { target });
    handlerFor(here, services).handle(exchange);
    expect(outcome(exchange)).toBe(expected);
  });
});

describe("no source is ever shown", () => {
  test("not even of a script that appeared after it was looked for", () => {
    for (const target of ["/page.php", "/both/index.php"]) {
      const { services, here, exchange } = world({}, { target });
      new StaticHandler(here, services).handle(exchange);
      expect(outcome(exchange)).toBe(`-> ${target}?`);
    }
  });
  test("nor where try_files finds one", () => {
    const { services, here, exchange } = world({}, { target: "/page.php" });
    const files = new StaticHandler(here, services);
    expect(new TryFilesHandler(tries(["$uri"], "/x"), files, null).claim(exchange)).toBe(null);
    files.handle(exchange);
    expect(outcome(exchange)).toBe("-> /page.php?");
  });
  test("nor of one that cannot be looked at", () => {
    const { services, here, exchange } = world({}, { target: "/page.php" });
    services.watched.failures.set("page.php", ERRNO.EACCES);
    handlerFor(here, services).handle(exchange);
    expect(outcome(exchange)).toBe("fail 403");
  });
  test("nor under an alias that calls it otherwise", () => {
    const { services, here, exchange } = world(
      { alias: template(site.path("page.php")), aliasPrefix: "/page" },
      { target: "/page" },
    );
    new StaticHandler(here, services).handle(exchange);
    expect(outcome(exchange)).toBe("-> /page?");
  });
  test("where nothing is run, it is a file like others", () => {
    const { services, here, exchange } = world({ cgi: [] }, { target: "/page.php" });
    handlerFor(here, services).handle(exchange);
    expect(exchange.status).toBe(200);
  });
});
