/** The directives for uploads, DELETE and sessions: what they store, and what is said of a careless use of them. */
import { describe, expect, test } from "bun:test";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Settings } from "../../../src/config/model.ts";
import { config, type Entry, FIFO, FILE, FOLDER, location, messages, READ_ONLY, settings } from "./fake-files.ts";

/** What the configurations below name. */
const FILES: Readonly<Record<string, Entry>> = {
  "www/up/deep": FOLDER,
  "up/deep": FOLDER,
  "www/.webserv/deep": FOLDER,
  run: FOLDER,
  "run/folder": FOLDER,
  "run/pipe": FIFO,
  "run/loop": ERRNO.ELOOP,
  file: "text",
  fixed: READ_ONLY,
  closed: ERRNO.EACCES,
};

/** The settings of `location /up/` with these directives. */
function inUp(directives: string): Settings {
  return location(config(`server { location /up/ { ${directives} } }`, FILES), "/up/").settings;
}

test("the defaults", () => {
  expect(settings("")).toMatchObject({
    upload: null,
    uploadOverwrite: "rename",
    uploadMaxFiles: 100,
    uploadResumeLifetime: 86_400_000,
    uploadCors: null,
    deleteFiles: false,
    session: false,
    sessionApi: false,
    sessionCookie: "sid",
    sessionLifetime: 1_800_000,
    sessionMax: 100_000,
    sessionStore: null,
  });
});

describe("what they store", () => {
  const table: readonly [directives: string, expected: Partial<Settings>][] = [
    ["upload_store www/up;", { upload: { folder: "/work/www/up", prefix: "/up/" } }],
    ["upload_store www/up///;", { upload: { folder: "/work/www/up", prefix: "/up/" } }],
    ["upload_store /srv/up/;", { upload: { folder: "/srv/up", prefix: "/up/" } }],
    ["upload_store /;", { upload: { folder: "/", prefix: "/up/" } }],
    ["upload_store off;", { upload: null }],
    ["upload_overwrite replace; upload_max_files 3;", { uploadOverwrite: "replace", uploadMaxFiles: 3 }],
    ["upload_overwrite refuse;", { uploadOverwrite: "refuse" }],
    ["upload_resume_lifetime '1d 12h';", { uploadResumeLifetime: 129_600_000 }],
    ["upload_cors *;", { uploadCors: ["*"] }],
    ["upload_cors off;", { uploadCors: null }],
    [
      "upload_cors https://A.example:443 http://b.example:8080 app://c;",
      { uploadCors: ["https://a.example", "http://b.example:8080", "app://c"] },
    ],
    ["delete_files on;", { deleteFiles: true }],
    ["session on; session_cookie a!b;", { session: true, sessionCookie: "a!b" }],
    ["session_lifetime 1s; session_max 1;", { sessionLifetime: 1000, sessionMax: 1 }],
    ["session_api;", { sessionApi: true }],
    ["session_store run/s.db;", { sessionStore: "/work/run/s.db" }],
    ["session_store memory;", { sessionStore: null }],
  ];
  for (const [directives, expected] of table) {
    test(directives, () => expect(inUp(directives)).toMatchObject(expected));
  }
});

describe("what an outer location hands down", () => {
  test("the folder with the prefix it belongs to, until another or `off`", () => {
    const given = config(
      `server { location /up/ { upload_store up; delete_files on; upload_overwrite refuse;
         location /up/a/ { } location ~ b { } location /up/c/ { upload_store www/up; } location /up/d/ { upload_store off; } } }`,
      FILES,
    );
    const seen = ["/up/", "/up/a/", "b", "/up/c/", "/up/d/"].map((pattern) => {
      const { upload, deleteFiles, uploadOverwrite } = location(given, pattern).settings;
      expect([deleteFiles, uploadOverwrite]).toEqual([true, "refuse"]);
      return upload && `${upload.prefix} ${upload.folder}`;
    });
    expect(seen).toEqual(["/up/ /work/up", "/up/ /work/up", "/up/ /work/up", "/up/c/ /work/www/up", null]);
  });
  test.each([
    ["= /a", "/a"],
    ["^~ /a/", "/a/"],
    ["~ ^/a", "/"],
    ["~* ^/a", "/"],
    ["@a", "/"],
  ])("the prefix of location %s is %s", (name, prefix) => {
    const given = config(`server { location ${name} { upload_store up; } }`, FILES);
    expect(given.servers[0]!.locations[0]!.settings.upload!.prefix).toBe(prefix);
  });
  test("sessions of a server reach its locations, each of which may differ", () => {
    const given = config(
      `session_cookie a; server { session on; session_store run/s.db;
         location /x { } location /y { session off; session_store memory; session_cookie b; } }`,
      FILES,
    );
    const of = (pattern: string): unknown[] => {
      const { session, sessionStore, sessionCookie } = location(given, pattern).settings;
      return [session, sessionStore, sessionCookie];
    };
    expect(of("/x")).toEqual([true, "/work/run/s.db", "a"]);
    expect(of("/y")).toEqual([false, null, "b"]);
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

/** A mistake in `location /up/`, whose folder is /work/www/up. */
const inLocation = (directives: string, message: string): void =>
  finds(`server { root www; location /up/ { ${directives} } }`, message);

/** A configuration that nothing is wrong with. */
const isFine = (text: string): void => test(text, () => expect(messages(text, FILES)).toEqual([]));

describe("arguments and places", () => {
  const nowhere = (name: string, where: string): string => `"${name}" is not allowed in "${where}" (only in location)`;
  for (const words of ["upload_store up", "upload_overwrite rename", "upload_max_files 1", "delete_files on"]) {
    finds(`server { |${words}; }`, nowhere(words.split(" ")[0]!, "server"));
  }
  finds("http { |upload_resume_lifetime 1h; server { } }", nowhere("upload_resume_lifetime", "http"));
  inLocation("upload_store www/up; upload_cors https://a.example |*;", '"upload_cors" takes "*" only alone');
  inLocation("upload_store www/up; upload_cors |off http://b;", '"upload_cors" takes "off" only alone');
  inLocation(
    "upload_store www/up; upload_cors |https://a.example/;",
    '"upload_cors" expects origins such as "https://app.example.org", "*" or "off", not "https://a.example/"',
  );
  inLocation("upload_store |on;", '"upload_store" expects a folder (without variables), or "off", not "on"');
  inLocation(
    "upload_store |up/$host;",
    '"upload_store" expects a folder (without variables), or "off", not "up/$host"',
  );
  inLocation('upload_store |"";', '"upload_store" expects a folder (without variables), or "off", not ""');
  inLocation("upload_store a |b;", 'unexpected argument "b": "upload_store" takes 1 argument (DIR | off), not 2');
  inLocation("upload_store www/up; |upload_store up;", 'duplicate directive "upload_store" (first on line 1)');
  const store = "upload_store www/up;";
  inLocation(
    `${store} upload_overwrite |ask;`,
    '"upload_overwrite" expects "rename", "replace" or "refuse", not "ask"',
  );
  const staging = '".webserv" is the folder in a store where unfinished uploads lie';
  for (const folder of ["www/.webserv", "www/.webserv/deep"]) {
    inLocation(`upload_store |${folder};`, `upload_store "/work/${folder}" can't be one: ${staging}`);
  }
  inLocation(`${store} upload_max_files |0;`, '"upload_max_files" expects a whole number of at least 1, not "0"');
  const second = "a time of at least 1s (seconds, or with units: 30s, 5m, 1h30m)";
  inLocation(`${store} upload_resume_lifetime |0;`, `"upload_resume_lifetime" expects ${second}, not "0"`);
  inLocation("session on; session_lifetime |999ms;", `"session_lifetime" expects ${second}, not "999ms"`);
  inLocation("session on; session_max |-1;", '"session_max" expects a whole number of at least 1, not "-1"');
  const large = "9".repeat(17);
  inLocation(
    `session on; session_max |${large};`,
    `"session_max" expects a whole number of at least 1, not "${large}", which is too large`,
  );
  for (const time of ["300000y", `${large}s`]) {
    const message = `"session_lifetime" expects ${second}, not "${time}", which is too large`;
    inLocation(`session on; session_lifetime |${time};`, message);
  }
  inLocation("session_api |on;", 'unexpected argument "on": "session_api" takes no arguments, not 1');
  for (const word of ['"a b"', "a=b", '"a;"', "sid,", "[x]", '""', "sïd"]) {
    const text = word.replaceAll('"', "");
    finds(
      `server { session on; session_cookie |${word}; }`,
      `"session_cookie" expects a cookie's name (letters, digits and !#$%&'*+-.^_\`|~), not "${text}"`,
    );
  }
  inLocation(
    "session on; session_store |off;",
    '"session_store" expects a file (without variables), or "memory", not "off"',
  );
});

describe("folders that are not there, are none, or cannot be written", () => {
  const store = (path: string): string => `server { location /up/ { alias sites/$host/; upload_store |${path}; } }`;
  finds(store("none"), 'warning: upload_store "/work/none" does not exist');
  finds(store("file"), 'upload_store "/work/file" is not a folder');
  finds(store("closed"), 'upload_store "/work/closed" cannot be opened (13: Permission denied)');
  finds(store("fixed"), 'warning: upload_store "/work/fixed" cannot be written to (30: Read-only file system)');
  isFine(store("up").replace("|", ""));
  const database = (path: string): string => `server { session on; session_store |${path}; }`;
  finds(database("none/s.db"), 'the folder of session_store "/work/none/s.db" does not exist');
  finds(database("file/s.db"), 'the folder of session_store "/work/file/s.db" is not a folder');
  finds(
    database("fixed/s.db"),
    'warning: the folder of session_store "/work/fixed/s.db" cannot be written to (30: Read-only file system)',
  );
  finds(database("run/folder"), 'session_store "/work/run/folder" is a folder, not a file');
  finds(database("run/."), 'session_store "/work/run/." is a folder, not a file');
  finds(database("run/pipe"), 'session_store "/work/run/pipe" is not a regular file');
  finds(
    database("run/loop"),
    'session_store "/work/run/loop" cannot be opened (40: Too many levels of symbolic links)',
  );
  isFine(database("s.db").replace("|", ""));
  isFine(database("file").replace("|", ""));
});

describe("GET and DELETE look where uploads go", () => {
  const differs = (to: string, from: string): string =>
    `warning: uploads go to "${to}", but GET and DELETE look in "${from}" here`;
  isFine("server { root www; location /up/ { upload_store www/up; } }");
  isFine("server { root www; location /up { upload_store www/up; } }");
  isFine("server { location /up/ { alias www/up/; upload_store www/up/; } }");
  isFine("server { location /up/ { alias www/up/; upload_store www/../www//up; } }");
  isFine("server { location /any { alias www/up; upload_store www/up; } }");
  isFine("server { root www; location / { upload_store www; } }");
  isFine("server { location ~ ^/up { root up; upload_store up; } }");
  isFine("server { location @up { root up; upload_store up; } }");
  isFine("server { location ~ ^/u { alias up$uri; upload_store up; } }");
  isFine("server { location /up/ { alias up/; upload_store up; location ~ ^/up/(.)$ { alias www/$1; } } }");
  isFine("server { location = /send { upload_store up; } location /send/ { alias up/; } }");
  isFine("server { location = /send { alias up/; upload_store up; } }");
  isFine("server { root www; location /up/ { upload_store www/up; location /up/deep/ { dotfiles allow; } } }");
  isFine(
    "server { root www; location /up/ { upload_store www/up; location /up/deep/ { upload_store www/up/deep; } } }",
  );
  finds("server { root www; location /up/ { |upload_store up; } }", differs("/work/up", "/work/www/up"));
  finds("server { location /up/ { |upload_store www/up; } }", differs("/work/www/up", "/work/html/up"));
  finds("server { location /up/ { root up; |upload_store up; } }", differs("/work/up", "/work/up/up"));
  finds("server { location /a/ { alias www/; |upload_store up; } }", differs("/work/up", "/work/www"));
  finds("server { location ~ ^/u/(.+)$ { alias up/$1; |upload_store up; } }", differs("/work/up$uri", "/work/up/$1"));
  finds(
    "server { location /up/ { alias up/; location ~ [.]jpg$ { |upload_store up; } } }",
    differs("/work/up/up", "/work/up"),
  );
  finds("server { root www; location = /up { |upload_store up; } }", differs("/work/up", "/work/www/up"));
  finds("server { location ~ ^/a { root www; |upload_store up; } }", differs("/work/up", "/work/www"));
  finds(
    "server { root www; location /up/ { upload_store www/up; location /up/deep/ { |root up; } } }",
    differs("/work/www/up/deep", "/work/up/up/deep"),
  );
  finds(
    "server { location /up/ { alias up/; upload_store up; location /up/deep/ { |alias www/up/; } } }",
    differs("/work/up/deep", "/work/www/up"),
  );
  finds(
    "server { location /up/ { alias up/; upload_store up; location /up/deep/ { |upload_store www/up; } } }",
    differs("/work/www/up", "/work/up/deep"),
  );
  finds(
    "server { location /up/ { alias |up; } }",
    'warning: alias "up" lacks the "/" at its end that location "/up/" has: no file is found',
  );
});

describe("directives that another one undoes", () => {
  inLocation("|upload_store www/up; return 403;", 'warning: "upload_store" has no effect: "return" answers here');
  inLocation("return 403; |delete_files on;", 'warning: "delete_files" has no effect: "return" answers here');
  inLocation("|session_api; return 403;", 'warning: "session_api" has no effect: "return" answers here');
  inLocation("session_api; |delete_files on;", 'warning: "delete_files" has no effect: "session_api" answers here');
  const both = '"upload_store" and "session_api" exclude each other in one location';
  inLocation("session_api; |upload_store www/up;", both);
  inLocation("|upload_store www/up; session_api;", both);
  inLocation(
    "|upload_store www/up; allowed_methods GET HEAD;",
    'warning: "upload_store" has no effect: "allowed_methods" (line 1) leaves out POST, PUT and PATCH',
  );
  finds(
    "server { root www; allowed_methods GET HEAD; location /up/ { |delete_files on; } }",
    'warning: "delete_files" has no effect: "allowed_methods" (line 1) leaves out DELETE',
  );
  inLocation(
    "|session_api; allowed_methods PUT;",
    'warning: "session_api" has no effect: "allowed_methods" (line 1) leaves out GET, HEAD, POST and DELETE',
  );
  isFine("server { root www; location /up/ { upload_store www/up; allowed_methods GET POST; } }");
  isFine("server { root www; location /up/ { upload_store off; session_api; } }");
  isFine("server { root www; location /up/ { upload_store www/up; location /up/deep/ { return 403; } } }");
  isFine("server { root www; location /up/ { upload_store www/up; location /up/deep/ { session_api; } } }");
});

describe("directives that shape what is off", () => {
  for (const words of [
    "upload_overwrite replace",
    "upload_max_files 3",
    "upload_resume_lifetime 1h",
    "upload_cors *",
  ]) {
    inLocation(`|${words};`, `warning: "${words.split(" ")[0]}" has no effect: "upload_store" is off here`);
  }
  isFine(
    "server { root www; location /up/ { upload_overwrite refuse; location /up/deep/ { upload_store www/up/deep; } } }",
  );
  for (const words of ["session_cookie a", "session_lifetime 1h", "session_max 5", "session_store run/s.db"]) {
    const message = `warning: "${words.split(" ")[0]}" has no effect: "session" is off here`;
    finds(`server { |${words}; }`, message);
    finds(`server { location / { |${words}; } location /on { session on; } }`, message);
    isFine(`${words}; server { location / { session on; } }`);
    isFine(`server { ${words}; location / { location /x { session_api; } } }`);
  }
});

describe("what clients could do by mistake", () => {
  const fetches = (folder: string): string =>
    `warning: clients could fetch this database: it lies beneath "${folder}", which is served`;
  finds("server { session on; root www; |session_store www/s.db; }", fetches("/work/www"));
  finds("server { session on; root www; |session_store www/up/../s.db; }", fetches("/work/www"));
  finds("|session_store run/s.db; server { session on; root www; location /r/ { alias run/; } }", fetches("/work/run"));
  finds("|session_store html/s.db; server { session on; }", fetches("/work/html"));
  finds("server { session on; root www; dotfiles allow; |session_store www/.s.db; }", fetches("/work/www"));
  isFine("server { session on; root www; session_store www/.s.db; }");
  isFine("server { session on; root www; session_store run/s.db; location /r/ { alias run/; return 403; } }");
  isFine("server { session on; root www; session_store wwws.db; }");
  test("a database among the uploads", () => {
    const text =
      "server { root www; session on; session_store up/s.db; location /up/ { alias up/; upload_store up; } }";
    expect(messages(text, FILES)).toEqual([
      `${FILE}:1:32: ${fetches("/work/up")}`,
      `${FILE}:1:32: warning: clients could replace this database: it lies beneath the upload_store "/work/up"`,
    ]);
  });
  const harm = (verb: string, folder: string): string =>
    `warning: clients could ${verb} the configuration: "${FILE}" lies beneath "${folder}"`;
  finds("server { location /up/ { alias ./; |upload_store .; } }", harm("replace", "/work"));
  finds("server { location /up/ { alias conf/; |delete_files on; } }", harm("remove", "/work/conf"));
  finds("server { root .; location / { |delete_files on; } }", harm("remove", "/work"));
  isFine("server { root .; location /www/ { delete_files on; } }");
  finds(
    "server { location / { |delete_files on; } }",
    'warning: "delete_files" without "root" or "alias": DELETE removes files of the default root "/work/html"',
  );
  finds(
    "server { |session_api; }",
    'warning: "session_api" outside of a location answers every path with the session\'s data',
  );
  for (const name of ["__Host-sid", "__Secure-sid", "__host-x"]) {
    finds(
      `server { session on; |session_cookie ${name}; }`,
      `warning: browsers refuse a cookie named "${name}" without its attribute Secure, which needs TLS`,
    );
  }
});

describe("one cookie, two stores", () => {
  const torn = (one: string, other: string): string =>
    `warning: the cookie "sid" stands for sessions in ${one} and for others in ${other}: each store ends the other's`;
  const run = '"/work/run/s.db"';
  finds("server { session on; location /a { |session_store run/s.db; } }", torn("memory", run));
  finds(
    "server { location /a { session on; |session_store run/s.db; } location /b { session on; } }",
    torn(run, "memory"),
  );
  finds(
    "server { listen 1; session on; session_store run/s.db; } server { listen 2; session on; |session_store memory; }",
    torn(run, "memory"),
  );
  isFine("server { session on; location /a { session_store run/s.db; session_cookie a; } }");
  isFine("server { session on; location /a { session off; session_store memory; location /a/b { session on; } } }");
  isFine("server { session on; server_name a; } server { session on; server_name b; session_store run/s.db; }");
});
