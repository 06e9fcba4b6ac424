/** The directives of CGI: what runs which files, and what is said of a careless use of it. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ERRNO } from "../../../ffi/errno.ts";
import { linux } from "../../../ffi/linux.ts";
import { loadConfig } from "../../../src/config/load.ts";
import type { Settings } from "../../../src/config/model.ts";
import { VARIABLES } from "../../../src/exchange/variables/variables.ts";
import { config, type Entry, FIFO, FILE, FOLDER, load, location, messages, PROGRAM, settings } from "./fake-files.ts";

/** What the configurations below name. */
const FILES: Readonly<Record<string, Entry>> = {
  "/usr/bin/python3": PROGRAM,
  "/usr/bin/perl": PROGRAM,
  "/usr/local/bin/perl": PROGRAM,
  "/bin/sh": PROGRAM,
  "/usr/bin/text": "text",
  "/bin/text": PROGRAM,
  "/usr/bin/folder": FOLDER,
  "/usr/bin/fifo": FIFO,
  "/usr/bin/closed": ERRNO.EACCES,
  "tools/run": PROGRAM,
  "tools/text": "text",
  here: PROGRAM,
  "www/cgi/deep": FOLDER,
  "www/up/deep": FOLDER,
  "up/deep": FOLDER,
};

/** The settings of `location /cgi/` with these directives. */
function inCgi(directives: string): Settings {
  return location(config(`server { location /cgi/ { ${directives} } }`, FILES), "/cgi/").settings;
}

/** `extension interpreter arguments` of each rule, in order. */
const rules = ({ cgi }: Settings): string[] =>
  cgi.map(({ extension, interpreter, args }) => [extension, interpreter ?? "-", ...args].join(" "));

test("the defaults", () => {
  expect(settings("")).toMatchObject({
    cgi: [],
    cgiMethods: null,
    cgiTimeout: 60_000,
    cgiMaxProcesses: 64,
    cgiQueue: { length: 256, wait: 10_000 },
    cgiParams: [],
    cgiPassEnv: [],
    cgiPassAuthorization: false,
    cgiCheckScript: true,
    cgiLimit: null,
  });
});

describe("which files are programs, and what runs them", () => {
  const table: readonly [directives: string, expected: readonly string[]][] = [
    ["cgi .py python3;", [".py /usr/bin/python3"]],
    ["cgi py python3;", [".py /usr/bin/python3"]],
    ["cgi .py;", [".py -"]],
    ["cgi *;", ["* -"]],
    ["cgi .tar.gz;", [".tar.gz -"]],
    ["cgi .pl perl;", [".pl /usr/local/bin/perl"]],
    ["cgi .sh /bin/sh -e -u;", [".sh /bin/sh -e -u"]],
    [`cgi .x sh -c 'exec "$0" "$@"';`, ['.x /bin/sh -c exec "$0" "$@"']],
    ["cgi .x text;", [".x /bin/text"]],
    ["cgi .x tools/run;", [".x /work/tools/run"]],
    ["cgi .x ./here;", [".x /work/./here"]],
    ["cgi .x here;", [".x /work/here"]],
    ["cgi .py python3; cgi .pl perl; cgi *;", [".py /usr/bin/python3", ".pl /usr/local/bin/perl", "* -"]],
    ["cgi .PY python3; cgi .py python3;", [".PY /usr/bin/python3", ".py /usr/bin/python3"]],
    ["cgi off;", []],
    ["cgi .off;", [".off -"]],
  ];
  for (const [directives, expected] of table) {
    test(directives, () => expect(rules(inCgi(directives))).toEqual([...expected]));
  }

  test("a block that says `cgi` inherits none; `off` runs nothing", () => {
    const given = config(
      `server { cgi .py python3; cgi .pl perl; location /a { } location /b { cgi .sh sh; location /b/c { } } location /d { cgi off; } }`,
      FILES,
    );
    const of = (pattern: string): string[] => rules(location(given, pattern).settings);
    expect(of("/a")).toEqual([".py /usr/bin/python3", ".pl /usr/local/bin/perl"]);
    expect(of("/b")).toEqual([".sh /bin/sh"]);
    expect(of("/b/c")).toEqual([".sh /bin/sh"]);
    expect(of("/d")).toEqual([]);
  });

  test("programs are looked for in PATH, in its order, but not in its relative folders", () => {
    const files: Readonly<Record<string, Entry>> = { ...FILES, "tools/perl": PROGRAM, "/opt/perl": FOLDER };
    const interpreter = (searchPath: string): string | null | undefined => {
      const { config: found } = load("server { cgi .x perl; }", files, { searchPath });
      return found?.servers[0]?.scope.settings.cgi[0]?.interpreter;
    };
    expect(interpreter("/usr/bin:/usr/local/bin")).toBe("/usr/bin/perl");
    expect(interpreter("/nowhere:/opt:/usr/local/bin")).toBe("/usr/local/bin/perl");
    expect(interpreter("tools:.::/usr/bin/")).toBe("/usr/bin/perl");
    expect(interpreter("tools:.:")).toBeUndefined();
    expect(interpreter("")).toBeUndefined();
  });
});

describe("what the others store", () => {
  const table: readonly [directives: string, expected: Partial<Settings>][] = [
    ["cgi_methods POST;", { cgiMethods: ["POST"] }],
    ["cgi_methods GET PROPFIND;", { cgiMethods: ["GET", "PROPFIND", "HEAD"] }],
    ["cgi_timeout 5m;", { cgiTimeout: 300_000 }],
    ["cgi_max_processes 1;", { cgiMaxProcesses: 1 }],
    ["cgi_queue 5;", { cgiQueue: { length: 5, wait: 10_000 } }],
    ["cgi_queue 0 500ms;", { cgiQueue: { length: 0, wait: 500 } }],
    ["cgi_pass_authorization on; cgi_check_script off;", { cgiPassAuthorization: true, cgiCheckScript: false }],
    ["cgi_pass_env PATH LANG; cgi_pass_env _x1;", { cgiPassEnv: ["PATH", "LANG", "_x1"] }],
    ["cgi_limit cpu=10s memory=512m files=64;", { cgiLimit: { cpu: 10, memory: 512 * 2 ** 20, files: 64 } }],
    ["cgi_limit files=4;", { cgiLimit: { cpu: null, memory: null, files: 4 } }],
    ["cgi_limit memory=1g cpu=1m;", { cgiLimit: { cpu: 60, memory: 2 ** 30, files: null } }],
    ["cgi_limit off;", { cgiLimit: null }],
  ];
  for (const [directives, expected] of table) {
    test(directives, () => expect(inCgi(`cgi .py; ${directives}`)).toMatchObject(expected));
  }
  test("cgi_param takes templates", () => {
    const { cgiParams } = inCgi(
      'cgi .php; cgi_param PATH_INFO $uri; cgi_param WHO "$host of $scheme"; cgi_param E "";',
    );
    expect(cgiParams.map(({ name, value }) => [name, value.parts])).toEqual([
      ["PATH_INFO", [{ variable: "uri" }]],
      ["WHO", [{ variable: "host" }, " of ", { variable: "scheme" }]],
      ["E", []],
    ]);
  });
  test("a list replaces the one outside", () => {
    const given = config(
      "cgi_param A 1; cgi_pass_env A; server { cgi .x; location /a { cgi_param B 2; cgi_pass_env B C; } location /b { } }",
    );
    const of = (pattern: string): string[] => {
      const { cgiParams, cgiPassEnv } = location(given, pattern).settings;
      return [...cgiParams.map(({ name }) => name), ...cgiPassEnv];
    };
    expect(of("/a")).toEqual(["B", "B", "C"]);
    expect(of("/b")).toEqual(["A", "A"]);
  });
});

/** One mistake and what is said of it; `|` in the text shows where, and is taken out. */
function finds(marked: string, message: string): void {
  test(marked.replace("|", ""), () => {
    const place = `${FILE}:1:${marked.indexOf("|") + 1}`;
    expect(messages(marked.replace("|", ""), FILES)).toEqual([
      `${place}: ${message.startsWith("warning: ") ? "" : "error: "}${message}`,
    ]);
  });
}

const inServer = (directives: string, message: string): void => finds(`server { ${directives} }`, message);

/** A configuration that nothing is wrong with. */
const isFine = (text: string): void => test(text, () => expect(messages(text, FILES)).toEqual([]));

describe("programs that are not there, or none", () => {
  const folders = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  inServer("cgi .php |php-cgi;", `cgi interpreter "php-cgi" was not found in PATH (${folders})`);
  inServer("cgi .php |/opt/php;", 'cgi interpreter "/opt/php" does not exist');
  inServer("cgi .php |tools/php;", 'cgi interpreter "tools/php" does not exist');
  inServer("cgi .x |tools/text;", 'cgi interpreter "tools/text" is not executable');
  inServer("cgi .x |/usr/bin/text;", 'cgi interpreter "/usr/bin/text" is not executable');
  inServer("cgi .x |/usr/bin/fifo;", 'cgi interpreter "/usr/bin/fifo" is not executable');
  inServer("cgi .x |/usr/bin;", 'cgi interpreter "/usr/bin" is a folder, not a program');
  inServer("cgi .x |/usr/bin/closed;", 'cgi interpreter "/usr/bin/closed" cannot be opened (13: Permission denied)');
  inServer("cgi .x |tools/run/x;", 'cgi interpreter "tools/run/x" does not exist');
  inServer("cgi .x |folder;", `cgi interpreter "folder" was not found in PATH (${folders})`);
  inServer("cgi .x |$bin/perl;", '"cgi" expects a program (without variables), not "$bin/perl"');
  inServer('cgi .x |"";', '"cgi" expects a program (without variables), not ""');
  test("only the server with the mistake is left out", () => {
    const { config: kept } = load("server { listen 1; cgi .x none; } server { listen 2; cgi .sh sh; }", FILES, {
      keepGoing: true,
    });
    expect(kept!.servers.map(({ scope }) => rules(scope.settings))).toEqual([[".sh /bin/sh"]]);
  });
});

describe("arguments and places", () => {
  finds("|cgi .py; server { }", '"cgi" is not allowed at the top level (only in server, location)');
  finds("http { |cgi .py; server { } }", '"cgi" is not allowed in "http" (only in server, location)');
  for (const word of [".", "a/b", "*.py", ".p?", "..py", "py.", "$x", "'a b'", '""']) {
    const text = word.replace(/^(['"])(.*)\1$/, "$2");
    inServer(`cgi |${word};`, `"cgi" expects an extension such as .py, "*" or "off", not "${text}"`);
  }
  inServer("|cgi;", '"cgi" takes at least 1 argument (EXT [INTERPRETER [ARG...]] | off), not 0');
  inServer("cgi .py; cgi |py;", 'duplicate extension ".py" of "cgi"');
  inServer("cgi .py; cgi |off;", '"cgi off" beside other "cgi" of this block');
  inServer("cgi off; cgi |.py;", '"cgi" beside "cgi off" (line 1)');
  inServer("cgi off; cgi |off;", '"cgi off" beside other "cgi" of this block');
  const unused = (by: string): string => `warning: this "cgi" is never used: "${by}" before it fits all its files`;
  inServer("cgi *; cgi |.py;", unused("*"));
  inServer("cgi .gz; cgi |.tar.gz;", unused(".gz"));
  inServer(
    "cgi .x sh -c |'exec x $document_root';",
    'warning: variables do not work in the arguments of "cgi": $document_root is passed on as it stands',
  );
  const on = "cgi .py;";
  inServer(
    `${on} cgi_timeout |0;`,
    '"cgi_timeout" expects a time above 0 (seconds, or with units: 30s, 5m, 1h30m, 500ms), not "0"',
  );
  inServer(`${on} cgi_max_processes |0;`, '"cgi_max_processes" expects a whole number of at least 1, not "0"');
  inServer(`${on} cgi_queue |-1;`, '"cgi_queue" expects a whole number of at least 0, not "-1"');
  inServer(
    `${on} cgi_queue 1 |x;`,
    '"cgi_queue" expects a time above 0 (seconds, or with units: 30s, 5m, 1h30m, 500ms), not "x"',
  );
  inServer(`${on} cgi_check_script |no;`, '"cgi_check_script" expects "on" or "off", not "no"');
  for (const name of ["1A", "A-B", "A=B", "'A B'", '""', "Ä", "$host"]) {
    const text = name.replace(/^(['"])(.*)\1$/, "$2");
    const message = `expects an environment variable's name (letters, digits and _), not "${text}"`;
    inServer(`${on} cgi_param |${name} x;`, `"cgi_param" ${message}`);
    inServer(`${on} cgi_pass_env A |${name};`, `"cgi_pass_env" ${message}`);
  }
  inServer(`${on} |cgi_param A;`, '"cgi_param" takes 2 arguments (NAME VALUE), not 1');
  inServer(`${on} cgi_param A x; cgi_param |A y;`, 'cgi_param "A" is set twice in this block');
  inServer(`${on} cgi_param A |$hosst;`, 'unknown variable "$hosst" (did you mean "$host"?)');
  const limit = `${on} cgi_limit`;
  inServer(`${limit} |time=1s;`, '"cgi_limit" expects cpu=TIME, memory=SIZE, files=N or "off", not "time=1s"');
  inServer(`${limit} |on;`, '"cgi_limit" expects cpu=TIME, memory=SIZE, files=N or "off", not "on"');
  inServer(`${limit} cpu=1s |off;`, '"cgi_limit" expects cpu=TIME, memory=SIZE, files=N or "off", not "off"');
  inServer(`${limit} cpu=1s |cpu=2s;`, '"cgi_limit" has cpu twice');
  for (const value of ["", "0", "500ms", "1500ms", "x", "-1s"]) {
    inServer(`${limit} |cpu=${value};`, `"cgi_limit" expects whole seconds after "cpu=", not "${value}"`);
  }
  inServer(`${limit} |memory=1023k;`, '"cgi_limit" expects a size of at least 1m after "memory=", not "1023k"');
  inServer(`${limit} |files=3;`, '"cgi_limit" expects a number of at least 4 after "files=", not "3"');
  inServer(`${limit} |files=64k;`, '"cgi_limit" expects a number of at least 4 after "files=", not "64k"');
});

describe("directives that another one undoes, or that shape what is off", () => {
  finds("server { location /a { cgi |.py; return 403; } }", 'warning: "cgi" has no effect: "return" answers here');
  finds(
    "server { location /a { session_api; cgi |.py; } }",
    'warning: "cgi" has no effect: "session_api" answers here',
  );
  isFine("server { location /a { return 403; cgi off; } }");
  isFine("server { cgi .py; allowed_methods PUT; }");
  for (const words of [
    "cgi_timeout 1s",
    "cgi_max_processes 3",
    "cgi_queue 3",
    "cgi_pass_authorization on",
    "cgi_check_script off",
    "cgi_limit cpu=1s",
  ]) {
    inServer(`|${words};`, `warning: "${words.split(" ")[0]}" has no effect: "cgi" is off here`);
    isFine(`${words}; server { location /a { cgi .py; } }`);
  }
  inServer("cgi_param |A b;", 'warning: "cgi_param" has no effect: "cgi" is off here');
  inServer("cgi off; cgi_pass_env |A;", 'warning: "cgi_pass_env" has no effect: "cgi" is off here');
});

describe("uploads are never run", () => {
  /** The upload_store whose place `|` shows is refused, because of the `cgi` on line 1. */
  const runs = (marked: string, store: string): void =>
    finds(
      marked,
      `clients could run what they upload: "cgi" (line 1) runs files of "${store}" (keep uploads elsewhere, or say "cgi off" where they are served)`,
    );
  const up = "/work/www/up";
  runs("server { root www; cgi .py; location /up/ { |upload_store www/up; } }", up);
  runs("server { root www; location /up/ { |upload_store www/up; cgi .py; } }", up);
  runs("server { root www; cgi *; location /up/ { |upload_store www/up; } }", up);
  runs("server { root www; location ~ [.]php$ { cgi .php; } location /up/ { |upload_store www/up; } }", up);
  runs("server { root www; location / { cgi .py; } location = /send { alias www/up/; |upload_store www/up; } }", up);
  runs("server { location /u/ { alias up/; cgi .py; } location /up/ { alias up/; |upload_store up; } }", "/work/up");
  runs(
    "server { location /u { alias up; cgi .py; } location /up/ { alias up/deep/; |upload_store up/deep; } }",
    "/work/up/deep",
  );
  runs(
    "server { location /u/ { alias up/deep/; cgi .py; } location /up/ { alias up/; |upload_store up; } }",
    "/work/up",
  );
  runs("server { root www; location /cgi/ { cgi .py; } location / { |upload_store www; } }", "/work/www");
  runs("server { root www; location ~ ^/cgi/.*[.]py$ { cgi .py; } location / { |upload_store www; } }", "/work/www");
  runs("server { root www; location = /up/run.py { cgi .py; } location /up/ { |upload_store www/up; } }", up);
  runs(
    "server { listen 1; root www; cgi .py; } server { listen 2; root www; deny all; location /up/ { |upload_store www/up; } }",
    up,
  );
  isFine("server { root www; location /up/ { upload_store www/up; } location /cgi/ { cgi .py; } }");
  isFine("server { root www; cgi .py; location /up/ { upload_store www/up; cgi off; } }");
  isFine(
    "server { root www; cgi .py; location /up/ { upload_store www/up; location ~ [.]py$ { cgi off; } cgi off; } }",
  );
  isFine("server { root www; location ~ [.]php$ { cgi .php; } location ^~ /up/ { upload_store www/up; } }");
  isFine("server { root www; location ~ ^/cgi/.*[.]php$ { cgi .php; } location /up/ { upload_store www/up; } }");
  isFine("server { root www; cgi .py; location /up/ { alias up/; upload_store up; cgi off; } }");
  isFine("server { cgi .py; location / { root www; cgi off; upload_store www; } }");
});

describe("programs are not shown", () => {
  const shown = (where: string, folder: string): string =>
    `warning: clients could fetch the source of programs: ${where} (line 1) serves "${folder}" without this "cgi"`;
  const cgi = "/work/www/cgi";
  inServer("root www; location /run/ { alias www/cgi/; cgi |.py; }", shown("the server", cgi));
  inServer("root www; location / { } location /run/ { alias www/cgi/; cgi |.py; }", shown('location "/"', cgi));
  inServer("root www; location /run/ { alias www/cgi/; cgi |*; }", shown("the server", cgi));
  inServer("root www; location /cgi/ { cgi |.py; } location /x/ { alias www/; }", shown('location "/x/"', cgi));
  inServer("root www; location /cgi/ { cgi |.py; } location /x { alias www; }", shown('location "/x"', cgi));
  finds(
    "server { listen 1; root www; location /cgi/ { cgi |.py; } } server { listen 2; root www; }",
    shown("the server", cgi),
  );
  inServer(
    "root www; location /cgi/ { cgi .py; } location /x/ { alias www/cgi/; cgi |.py; cgi .sh sh; }",
    shown('location "/cgi/"', cgi),
  );
  inServer(
    "root www; location /cgi/ { cgi |*; } location /x/ { alias www/cgi/; cgi .py; }",
    shown('location "/x/"', cgi),
  );
  isFine("server { root www; location /cgi/ { cgi .py; } location /x/ { alias www/cgi/; cgi .py; } }");
  isFine("server { root www; location /cgi/ { cgi .py; } }");
  isFine("server { root www; location /cgi/ { alias www/cgi/; cgi .py; } }");
  isFine("server { root www; location ~ [.]py$ { cgi .py; } }");
  isFine("server { root www; location ~ [.]py$ { cgi .py; } location ^~ /up/ { } }");
  isFine("server { root www; location /run/ { alias www/cgi/; cgi .py; } location /cgi/ { return 404; } }");
  isFine("server { root www; location /run/ { alias www/cgi/; cgi .py; } location /cgi/ { deny all; } }");
  isFine("server { root www; location /run/ { alias www/cgi/; cgi .py; } location /cgi/ { internal; } }");
  isFine("server { root www; location /run/ { alias up/; cgi .py; } }");
});

describe("on a real file system", () => {
  const folder = mkdtempSync(join(tmpdir(), "webserv-cgi-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  for (const name of ["conf", "data/www/up", "bin"]) mkdirSync(join(folder, name), { recursive: true });
  symlinkSync("data/www", join(folder, "site"));
  symlinkSync("run", join(folder, "bin/link"));
  symlinkSync("nowhere", join(folder, "bin/broken"));
  writeFileSync(join(folder, "bin/run"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(join(folder, "bin/text"), "#!/bin/sh\n", { mode: 0o644 });

  /** The messages about this server, without their places. */
  function said(directives: string): string[] {
    const file = join(folder, "conf/site.conf");
    writeFileSync(file, `server { listen 1; ${directives} }`);
    return loadConfig({ kernel: linux, variables: VARIABLES, file, searchPath: join(folder, "bin") }).diagnostics.map(
      ({ message }) => message,
    );
  }

  test("programs are what can be executed, through links too", () => {
    expect(said("root site; cgi .a run; cgi .b bin/run; cgi .c link; cgi .d /bin/sh;")).toEqual([]);
    expect(said("root site; cgi .a text; cgi .b bin/text; cgi .c bin/broken; cgi .d bin;")).toEqual([
      `cgi interpreter "text" was not found in PATH (${folder}/bin)`,
      'cgi interpreter "bin/text" is not executable',
      'cgi interpreter "bin/broken" does not exist',
      'cgi interpreter "bin" is a folder, not a program',
    ]);
  });
  test("a folder of uploads is known by whatever name", () => {
    expect(said("root site; cgi .a run; location /up/ { upload_store data/www/up; }")).toEqual([
      expect.stringContaining("clients could run what they upload"),
    ]);
    expect(said("root site; cgi .a run; location /up/ { upload_store data/www/up; cgi off; }")).toEqual([]);
  });
});
