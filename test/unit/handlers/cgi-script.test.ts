/** Which script a path means, and where its PATH_INFO begins. */
import { afterAll, describe, expect, test } from "bun:test";
import { ERRNO } from "../../../ffi/errno.ts";
import type { Settings } from "../../../src/config/model.ts";
import type { CgiRule } from "../../../src/config/parts.ts";
import { type Script, ScriptFinder } from "../../../src/handlers/cgi/script.ts";
import { FakeExchange, FakeServices, location, type RequestLike, Site, template } from "./world.ts";

const site = new Site({
  "a.py": "",
  "a.txt": "",
  plain: "",
  "dir/b.sh": "",
  "dir/b.sh.py": "",
  "odd.py/c.py": "",
  "odd.py/d.txt": "",
  "ü ö.py": "",
  "what?.py": "",
  ".hidden.py": "",
  ".git/e.py": "",
  ".well-known/f.py": "",
  ".webserv/g.py": "",
  "null.py": { link: "/dev/null" },
  "link.py": { link: "a.py" },
  "absolute.py": { link: "ROOT/a.py" },
  "outside.py": { link: "/etc/hostname" },
  "dangling.py": { link: "nothing.py" },
  "loop.py": { link: "loop.py" },
});
afterAll(() => site.remove());

const PY: CgiRule = { extension: ".py", interpreter: "/usr/bin/python3", args: [] };
const SH: CgiRule = { extension: ".sh", interpreter: "/bin/sh", args: ["-e"] };
const ALL: CgiRule = { extension: "*", interpreter: null, args: [] };
const TRY = { files: [], last: { status: 404 } };

function world(changes: Partial<Settings> = {}) {
  const services = new FakeServices();
  const here = location({ root: template(site.root), cgi: [PY, SH], ...changes });
  const finder = new ScriptFinder(services);
  const find = (request: RequestLike | string) => {
    const exchange = new FakeExchange(services, here, typeof request === "string" ? { target: request } : request);
    return { exchange, found: finder.find(exchange) };
  };
  return { services, finder, find };
}

/** "extension | file beneath the site | SCRIPT_NAME | PATH_INFO", a status, or null. */
function outcome(request: RequestLike | string, changes?: Partial<Settings>): string | number | null {
  const { services, finder, find } = world(changes);
  const { found } = find(request);
  finder.close();
  expect(services.watched.open.size).toBe(0);
  if (found === null || typeof found === "number") return found;
  return [found.rule.extension, found.filename.replace(`${site.root}/`, ""), found.name, found.pathInfo].join(" | ");
}

describe("the path is walked until a file is a script", () => {
  const table: [why: string, target: string, expected: string | number | null][] = [
    ["a script", "/a.py", ".py | a.py | /a.py | "],
    ["with PATH_INFO", "/a.py/x/y", ".py | a.py | /a.py | /x/y"],
    ["with a slash alone", "/a.py/", ".py | a.py | /a.py | /"],
    ["PATH_INFO is decoded once", "/a.py/x%20y%252Fz%2F%C3%BC", ".py | a.py | /a.py | /x y%2Fz/ü"],
    ["an encoded slash ends a component", "/a.py%2Fx", ".py | a.py | /a.py | /x"],
    ["PATH_INFO is no file", "/a.py/a.py", ".py | a.py | /a.py | /a.py"],
    ["PATH_INFO may have dots", "/a.py/.git/x", ".py | a.py | /a.py | /.git/x"],
    ["dot segments are gone before", "/dir/../a.py/x/../y", ".py | a.py | /a.py | /y"],
    ["slashes are one", "//a.py//x", ".py | a.py | /a.py | /x"],
    ["the query is no part of it", "/a.py?/x.py", ".py | a.py | /a.py | "],
    ["another rule", "/dir/b.sh/x", ".sh | dir/b.sh | /dir/b.sh | /x"],
    ["the last extension counts", "/dir/b.sh.py", ".py | dir/b.sh.py | /dir/b.sh.py | "],
    ["a folder is passed through", "/odd.py/c.py/x", ".py | odd.py/c.py | /odd.py/c.py | /x"],
    ["a folder is no script", "/odd.py", null],
    ["nor with its slash", "/odd.py/", null],
    ["nor what no rule fits in it", "/odd.py/d.txt", null],
    ["names in Unicode", "/%C3%BC%20%C3%B6.py/1", ".py | ü ö.py | /ü ö.py | /1"],
    ["a question mark in a name", "/what%3F.py?x", ".py | what?.py | /what?.py | "],
    ["no rule fits", "/a.txt", null],
    ["below a file that is none", "/a.txt/b.py", 404],
    ["capitals count", "/a.PY", null],
    ["the root", "/", null],
    ["a folder", "/dir/", null],
    ["there is none", "/none.py", 404],
    ["nor anything to give PATH_INFO to", "/none.py/x", 404],
    ["neither file nor folder", "/null.py", 403],
  ];
  test.each(table)("%s: %s", (_, target, expected) => expect(outcome(target)).toBe(expected));
  test("a device, where links may lead to it", () => expect(outcome("/null.py", { symlinks: "follow" })).toBe(404));
});

describe("rules", () => {
  test("the first that fits", () => {
    const first: CgiRule = { ...SH, extension: ".sh.py" };
    expect(outcome("/dir/b.sh.py", { cgi: [first, PY] })).toBe(".sh.py | dir/b.sh.py | /dir/b.sh.py | ");
    expect(outcome("/dir/b.sh.py", { cgi: [PY, first] })).toBe(".py | dir/b.sh.py | /dir/b.sh.py | ");
  });
  test("every file", () => {
    expect(outcome("/plain/x", { cgi: [ALL] })).toBe("* | plain | /plain | /x");
    expect(outcome("/dir/b.sh/x", { cgi: [ALL] })).toBe("* | dir/b.sh | /dir/b.sh | /x");
    expect(outcome("/dir/", { cgi: [ALL] })).toBe(null);
    expect(outcome("/", { cgi: [ALL] })).toBe(null);
    expect(outcome("/dir/none", { cgi: [ALL] })).toBe(404);
  });
  test("none", () => expect(outcome("/a.py", { cgi: [] })).toBe(null));
});

describe("what is hidden is not run", () => {
  const table: [target: string, dotfiles: Settings["dotfiles"], expected: string | number | null][] = [
    ["/.hidden.py", "deny", 404],
    ["/.git/e.py/x", "deny", 404],
    ["/.well-known/f.py", "deny", ".py | .well-known/f.py | /.well-known/f.py | "],
    ["/.webserv/g.py", "deny", 404],
    ["/.hidden.py", "allow", ".py | .hidden.py | /.hidden.py | "],
    ["/.git/e.py/x", "allow", ".py | .git/e.py | /.git/e.py | /x"],
    ["/.webserv/g.py", "allow", 404],
  ];
  test.each(table)("%s, dotfiles %s", (target, dotfiles, expected) => {
    expect(outcome(target, { dotfiles })).toBe(expected);
    expect(outcome(target, { dotfiles, cgiCheckScript: false })).toBe(expected);
  });
});

describe("links", () => {
  const table: [target: string, inside: number | string, follow: number | string, deny: number][] = [
    ["/link.py", ".py | link.py | /link.py | ", ".py | link.py | /link.py | ", 403],
    ["/absolute.py", ".py | absolute.py | /absolute.py | ", ".py | absolute.py | /absolute.py | ", 403],
    ["/outside.py", 403, ".py | outside.py | /outside.py | ", 403],
    ["/dangling.py", 404, 404, 403],
    ["/loop.py", 403, 403, 403],
  ];
  test.each(table)("%s", (target, inside, follow, deny) => {
    for (const [symlinks, expected] of Object.entries({ inside, follow, deny })) {
      expect([symlinks, outcome(target, { symlinks: symlinks as Settings["symlinks"] })]).toEqual([symlinks, expected]);
    }
  });
});

describe("alias: the file's name counts, not the path's", () => {
  const alias = (text: string, aliasPrefix: string | null) => ({ alias: template(text), aliasPrefix });
  const table: [why: string, changes: Partial<Settings>, request: RequestLike, expected: string | number | null][] = [
    ["a folder", alias(`${site.root}/`, "/cgi/"), { target: "/cgi/a.py/x" }, ".py | a.py | /cgi/a.py | /x"],
    ["a folder without slash", alias(site.root, "/cgi"), { target: "/cgi/a.py/x" }, ".py | a.py | /cgi/a.py | /x"],
    [
      "a prefix that looks like one",
      alias(`${site.root}/`, "/x.py/"),
      { target: "/x.py/a.py" },
      ".py | a.py | /x.py/a.py | ",
    ],
    ["one script", alias(`${site.root}/a.py`, "/run"), { target: "/run" }, ".py | a.py | /run | "],
    ["no script", alias(`${site.root}/a.txt`, "/run.py"), { target: "/run.py" }, null],
    [
      "a regular expression",
      alias(`${site.root}/$1`, null),
      { target: "/cgi/a.py", captures: /^\/cgi\/(.*)$/.exec("/cgi/a.py") },
      ".py | a.py | /cgi/a.py | ",
    ],
    [
      "a regular expression, with PATH_INFO",
      alias(`${site.root}/$1`, null),
      { target: "/cgi/odd.py/c.py/x/c.py", captures: /^\/cgi\/(.*)$/.exec("/cgi/odd.py/c.py/x/c.py") },
      ".py | odd.py/c.py | /cgi/odd.py/c.py | /x/c.py",
    ],
    ["a regular expression, one script", alias(`${site.root}/a.py`, null), { target: "/x/y" }, ".py | a.py | /x/y | "],
    ["one script, with PATH_INFO", alias(`${site.root}/a.py`, "/run"), { target: "/run/x" }, ".py | a.py | /run | /x"],
    ["a neighbour of the folder", alias(site.root, "/cgi"), { target: "/cgi-bin/a.py" }, null],
  ];
  test.each(table)("%s", (_, changes, request, expected) => expect(outcome(request, changes)).toBe(expected));
});

describe("a script that is not there", () => {
  test("may be a name for try_files", () => {
    expect(outcome("/none.py", { tryFiles: TRY })).toBe(null);
    expect(outcome("/none.py/x", { tryFiles: TRY })).toBe(null);
    expect(outcome("/outside.py", { tryFiles: TRY })).toBe(403);
    expect(outcome("/a.py", { tryFiles: TRY })).toBe(".py | a.py | /a.py | ");
  });
  test("is run all the same where cgi_check_script is off", () => {
    const off = { cgiCheckScript: false };
    expect(outcome("/none.py/x", off)).toBe(".py | none.py | /none.py | /x");
    expect(outcome("/none/none.sh", off)).toBe(".sh | none/none.sh | /none/none.sh | ");
    expect(outcome("/none.py", { ...off, tryFiles: TRY })).toBe(".py | none.py | /none.py | ");
    expect(outcome("/odd.py/c.py", off)).toBe(".py | odd.py/c.py | /odd.py/c.py | ");
    expect(outcome("/a.txt", off)).toBe(null);
    expect(outcome("/a.txt/b.py", off)).toBe(".py | a.txt/b.py | /a.txt/b.py | ");
  });
  test("is not one that must not be looked at, whatever cgi_check_script says", () => {
    const off = { cgiCheckScript: false };
    expect(outcome("/outside.py", off)).toBe(403);
    expect(outcome("/link.py", { ...off, symlinks: "deny" })).toBe(403);
    expect(outcome("/loop.py", off)).toBe(403);
    expect(outcome("/null.py", { ...off, symlinks: "follow" })).toBe(404);
  });
  test("the folder is the script's, or the root where there may be none", () => {
    const { find } = world({ cgiCheckScript: false });
    const folder = (target: string) => (find(target).found as Script).folder;
    expect(folder("/a.py/x/y")).toBe(site.root);
    expect(folder("/dir/b.sh/x")).toBe(site.path("dir"));
    expect(folder("/dir/none.sh")).toBe(site.root);
    expect(folder("/none/none.sh")).toBe(site.root);
    expect((world({ root: template("/"), cgiCheckScript: false }).find("/none.sh").found as Script).folder).toBe("/");
  });
  test("the error log says why", () => {
    const { find } = world();
    expect(find("/none.py").exchange.logged).toEqual([
      `error: script "${site.path("none.py")}" cannot be opened (2: No such file or directory)`,
    ]);
  });
});

describe("errors of the file system", () => {
  const table: [error: keyof typeof ERRNO, status: number, level: string][] = [
    ["EACCES", 403, "error"],
    ["ENAMETOOLONG", 404, "error"],
    ["EMFILE", 503, "crit"],
    ["EIO", 500, "crit"],
  ];
  test.each(table)("%s is %d", (error, status, level) => {
    const { services, find } = world();
    services.watched.failures.set("a.py", ERRNO[error]);
    const { exchange, found } = find("/a.py");
    expect(found).toBe(status);
    expect(exchange.logged[0]).toStartWith(`${level}: script "${site.path("a.py")}" cannot be opened`);
  });
  test("a root that is not there", () => {
    expect(outcome("/a.py", { root: template("/nowhere/at/all") })).toBe(404);
  });
});
