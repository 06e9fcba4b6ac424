/** include: where it looks, in which order, and what can be wrong with it; -T; --keep-going. */
import { describe, expect, test } from "bun:test";
import { ERRNO } from "../../../ffi/errno.ts";
import { dumpFiles } from "../../../src/config/load.ts";
import { config, FOLDER, load, messages } from "./fake-files.ts";

describe("include", () => {
  test("is relative to the main file's folder, from included files too", () => {
    const files = { "conf/sub/a.conf": "include b.conf;", "conf/b.conf": "server_name b;" };
    expect(config("server { include sub/a.conf; }", files).servers[0]!.name).toBe("b");
  });
  test("a pattern gives all that match, sorted, no dot files; none is no mistake", () => {
    const file = (name: string): string => `server { server_name ${name}; }`;
    const files = {
      "conf/s/b.conf": file("b"),
      "conf/s/a.conf": file("a"),
      "conf/s/.c.conf": file("c"),
      "conf/s/d": file("d"),
    };
    expect(config("include s/*.conf;", files).servers.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(config("include */a.conf;", files).servers.map(({ name }) => name)).toEqual(["a"]);
    expect(config("include /work/conf/?/[ab].conf;", files).servers.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(messages("include nothing/*.conf; server { }", files)).toEqual([]);
  });
  test("types from a file, within types and around it", () => {
    const files = { "conf/mime.types": "types { text/html html; }", "conf/lines": "text/css css;" };
    const types = (text: string): unknown => [...config(text, files).servers[0]!.scope.settings.types];
    expect(types("server { include mime.types; }")).toEqual([["html", "text/html"]]);
    expect(types("server { types { include lines; } }")).toEqual([["css", "text/css"]]);
  });
  test("mistakes stand where they are, under the name of their file", () => {
    const files = { "conf/a.conf": "server {\n lisen 1; listen 99999;\n}\n" };
    expect(messages("include a.conf;", files)).toEqual([
      'conf/a.conf:2:2: error: unknown directive "lisen" (did you mean "listen"?)',
      "conf/a.conf:2:18: error: port 99999 is out of range (0 to 65535)",
    ]);
  });
  test("what an included file lacks is not taken from the file around it", () => {
    expect(messages("include a.conf; }", { "conf/a.conf": "server {" })).toEqual([
      'conf/site.conf:1:17: error: unexpected "}" (no block is open here)',
      'conf/a.conf:1:9: error: missing "}": the block "server" opened on line 1 is not closed',
    ]);
  });
  test("a name that stood in another file first", () => {
    expect(messages("server { include a.conf; root www; }", { "conf/a.conf": "root www;" })).toEqual([
      'conf/site.conf:1:26: error: duplicate directive "root" (first on conf/a.conf:1)',
    ]);
  });

  const wrong: readonly [what: string, files: Record<string, string | number | typeof FOLDER>, message: string][] = [
    [
      "missing",
      {},
      'conf/site.conf:1:9: error: cannot include "conf/a.conf": cannot open (2: No such file or directory)',
    ],
    [
      "unreadable",
      { "conf/a.conf": ERRNO.EACCES },
      'conf/site.conf:1:9: error: cannot include "conf/a.conf": cannot open (13: Permission denied)',
    ],
    [
      "a folder",
      { "conf/a.conf": FOLDER },
      'conf/site.conf:1:9: error: cannot include "conf/a.conf": is a folder, not a file',
    ],
    ["binary", { "conf/a.conf": "\n a\0" }, "conf/a.conf:2:3: error: not a text file (NUL byte)"],
    [
      "itself",
      { "conf/a.conf": "include a.conf;" },
      'conf/a.conf:1:9: error: cannot include "conf/a.conf": it includes itself (conf/a.conf -> conf/a.conf)',
    ],
    [
      "a circle",
      { "conf/a.conf": "include b.conf;", "conf/b.conf": "include site.conf;" },
      'conf/b.conf:1:9: error: cannot include "conf/site.conf": it includes itself (conf/site.conf -> conf/a.conf -> conf/b.conf -> conf/site.conf)',
    ],
  ];
  for (const [what, files, message] of wrong) {
    test(`${what} is a mistake`, () => expect(messages("include a.conf; server { }", files)).toEqual([message]));
  }
  test("depth and number are bounded", () => {
    const chain = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`conf/${i}`, `include ${i + 1};`]));
    expect(messages("include 0; server { }", chain)).toEqual([
      'conf/15:1:9: error: cannot include "conf/16": includes are nested deeper than 16',
    ]);
    const doubling = Object.fromEntries(
      Array.from({ length: 15 }, (_, i) => [`conf/${i}`, `include ${i + 1}; include ${i + 1};`]),
    );
    expect(messages("include 0; server { }", { ...doubling, "conf/15": "" })[0]).toContain("more than 10000 files");
  });
});

describe("texts of any make", () => {
  test("CRLF, a byte order mark, no line end at the end", () => {
    expect(config("\ufeffserver {\r\n  server_name a;\r\n}").servers[0]!.name).toBe("a");
  });
});

test("-T: every file once, under its name", () => {
  const { files } = load("include a.conf;\ninclude a.conf;", { "conf/a.conf": "# nothing" });
  expect(dumpFiles(files)).toBe(
    "# configuration file conf/site.conf:\ninclude a.conf;\ninclude a.conf;\n\n# configuration file conf/a.conf:\n# nothing\n",
  );
});

describe("--keep-going", () => {
  const keepGoing = (text: string): [names: string[] | null, messages: string[]] => {
    const loaded = load(text, {}, { keepGoing: true });
    const lines = loaded.diagnostics.map(
      ({ position, severity, message }) => `${position.line} ${severity}: ${message}`,
    );
    return [loaded.config?.servers.map(({ name }) => name) ?? null, lines];
  };
  test.each([
    ["unknown directive", "lisen 1;"],
    ["unknown variable", "return 200 $hots;"],
    ["missing ;", "root www"],
    ["in a location", "location / { location = /b { etag 1; } }"],
    ["second default", "listen 1 default_server;"],
  ])("%s: the server is left out, the others stay", (_, mistake) => {
    const [names, lines] = keepGoing(
      `server { listen 1 default_server; server_name a; }\nserver { server_name b; ${mistake} }\nserver { listen 2; server_name c; }`,
    );
    expect(names).toEqual(["a", "c"]);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe("2 warning: this server is left out: it has errors");
    expect(lines[1]).toStartWith("2 error: ");
  });
  test("an address that only a dropped server has is not listened to", () => {
    const loaded = load("server { listen 1; } server { listen 2; etag x; }", {}, { keepGoing: true });
    expect(loaded.config!.addresses.map(({ text }) => text)).toEqual(["0.0.0.0:1"]);
  });
  test("a mistake outside of all servers stops the start", () => {
    expect(keepGoing("etag x; server { }")[0]).toBeNull();
    expect(keepGoing("server { } }")[0]).toBeNull();
  });
  test("so does it when no server is left", () => {
    expect(keepGoing("server { etag x; }")[0]).toBeNull();
  });
  test("without it any mistake does", () => {
    expect(load("server { etag x; } server { listen 1; }").config).toBeNull();
  });
});
