/** How a request gets to a script that its path does not name, and its body with it: index, try_files, a script's own redirect. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { answers, exchange } from "./cases.ts";
import { get } from "./client.ts";
import { leavesNothing, TEXT, useScripts } from "./scripts.ts";
import { withBody } from "./upload-requests.ts";

setDefaultTimeout(60_000);

/** Says what it was asked, and gives the body back. */
const ECHO = `${TEXT}; echo "$REQUEST_METHOD $SCRIPT_NAME|$PATH_INFO|$QUERY_STRING|$REQUEST_URI|$CONTENT_LENGTH"; exec cat`;
/** Redirects to its query, inside the server. */
const REDIRECT = `printf 'Location: %s\\n\\n' "$QUERY_STRING"`;
const BUFFER = 16 * 1024;

const server = useScripts({
  scripts: {
    "index.sh": ECHO,
    "redirect.sh": REDIRECT,
    "loop.sh": "echo x >> ../rounds; printf 'Location: /loop.sh\\n\\n'",
    "front/index.sh": ECHO,
    "front/about.sh": ECHO,
    "näme.sh": ECHO,
    "maintained/page.sh": ECHO,
    "args/page.sh": ECHO,
    "nothing/page.sh": ECHO,
    "limited.sh": `${TEXT}; ulimit -n`,
    "unlimited/limited.sh": `${TEXT}; echo run`,
  },
  files: {
    "www/plain.txt": "plain",
    "www/sub/page.html": "page",
    "www/front/plain.txt": "front's",
    "www/front/folder/page.html": "folder's",
    "tmp/.keep": "",
  },
  directives: `
    index index.sh page.html;
    client_body_temp_path tmp;
    location /front/ { try_files $uri $uri.sh $uri/ /front/index.sh?from=$uri&$args; }
    location /maintained/ { try_files /plain.txt $uri; }
    location /args/ { try_files $uri /index.sh$is_args$args; }
    location /nothing/ { try_files $uri =404; }
    location /limited { alias www/limited.sh; cgi_limit cpu=10s memory=200m files=17; }
    location /whatever/ { cgi_check_script off; cgi .any /bin/sh -c "printf 'Status: 200\\n\\n%s' \\"$0\\""; }`,
});

describe("the script gets the body", () => {
  const ways: [way: string, path: string, first: (length: string) => string][] = [
    ["by its name", "/index.sh/x?q", (length) => `/index.sh|/x|q|/index.sh/x?q|${length}`],
    ["by a folder's index", "/?q", (length) => `/index.sh||q|/?q|${length}`],
    ["by try_files, which finds it", "/front/about?q", (length) => `/front/about.sh||q|/front/about?q|${length}`],
    [
      "by try_files, which finds nothing",
      "/front/a%20b/c?q",
      (length) => `/front/index.sh||from=/front/a b/c&q|/front/a%20b/c?q|${length}`,
    ],
    [
      "by try_files, which finds nothing, with the query",
      "/args/x?q=1",
      (length) => `/index.sh||q=1|/args/x?q=1|${length}`,
    ],
    ["by try_files, which finds nothing, without a query", "/args/x", (length) => `/index.sh|||/args/x|${length}`],
    ["by try_files as $uri", "/nothing/page.sh?q", (length) => `/nothing/page.sh||q|/nothing/page.sh?q|${length}`],
    [
      "by try_files as $uri with a path behind it",
      "/args/page.sh/a?q",
      (length) => `/args/page.sh|/a|q|/args/page.sh/a?q|${length}`,
    ],
    ["by try_files and index", "/front/?q", (length) => `/front/index.sh||q|/front/?q|${length}`],
  ];
  const bodies: [what: string, size: number, chunk: number | undefined][] = [
    ["a small body", 10, undefined],
    ["a large body", 300_000, undefined],
    ["a small body in chunks", 10, 3],
    ["as many chunks as memory takes", BUFFER, 1000],
    ["more chunks than that", BUFFER + 1, 1000],
    ["a large body in chunks", 700_000, 9999],
  ];
  for (const [way, path, first] of ways) {
    test.each(bodies)(`${way}: %s`, async (_, size, chunk) => {
      const body = Buffer.from(Array.from({ length: size }, (_, i) => 97 + ((i * 7 + (i >> 8)) % 26)));
      const request = withBody("POST", path, body, chunk === undefined ? {} : { chunk });
      const expected = `POST ${first(String(size))}\n${body.toString("latin1")}`;
      await exchange(server.port, request, { status: 200, body: expected });
    });
    test(`${way}: no body`, async () => {
      await exchange(server.port, get(path), { status: 200, body: `GET ${first("")}\n` });
      await exchange(server.port, withBody("POST", path, ""), { status: 200, body: `POST ${first("0")}\n` });
    });
  }
  test("spooled bodies leave nothing behind", () => {
    expect(readdirSync(join(server.folder, "tmp"))).toEqual([".keep"]);
  });
});

describe("what is found before a script", () => {
  answers(server, "a file", get("/front/plain.txt"), { status: 200, body: "front's" });
  answers(server, "a folder's page", get("/front/folder/"), { status: 200, body: "folder's" });
  answers(server, "a page for want of a script", get("/sub/"), { status: 200, body: "page" });
  answers(server, "what try_files names first", get("/maintained/page.sh"), { status: 200, body: "plain" });
  answers(server, "that, with a path behind the script", get("/maintained/page.sh/a"), { status: 200, body: "plain" });
  answers(server, "its status", get("/nothing/none.sh"), { status: 404 });
  answers(server, "nothing", get("/none.sh"), { status: 404 });
  answers(server, "nothing, with a body", withBody("POST", "/none.sh", "abc"), { status: 404 });
});

describe("a script's redirect inside the server", () => {
  const asked = (path: string, info: string, query: string, to: string): string =>
    `GET ${path}|${info}|${query}|/redirect.sh?${to}|\n`;
  const table: [why: string, to: string, status: number, body: ((to: string) => string) | null][] = [
    ["to a file", "/plain.txt", 200, () => "plain"],
    ["to a script, as GET and without the body", "/index.sh/a?b=c", 200, (to) => asked("/index.sh", "/a", "b=c", to)],
    ["to a name that is encoded", "/n%C3%A4me.sh/%20?%20", 200, (to) => asked("/näme.sh", "/ ", "%20", to)],
    ["to what try_files makes of it", "/front/x", 200, (to) => asked("/front/index.sh", "", "from=/front/x&", to)],
    ["to nothing", "/none", 404, null],
    ["out of the root", "/../etc/passwd", 502, null],
    ["out of it, encoded", "/%2e%2e/etc/passwd", 502, null],
    ["to a NUL", "/a%00", 502, null],
    ["to half a character", "/%", 502, null],
  ];
  test.each(table)("%s", async (_, to, status, body) => {
    const path = `/redirect.sh?${to}`;
    const expected = body === null ? { status } : { status, body: body(to) };
    await exchange(server.port, get(path), expected);
    await exchange(server.port, withBody("POST", path, "abc"), expected);
    await exchange(server.port, withBody("POST", path, "abc", { chunk: 2 }), expected);
    await exchange(server.port, get(path, {}, "HEAD"), { status });
  });
  test("to itself, ten times", async () => {
    await exchange(server.port, get("/loop.sh"), { status: 500 });
    expect(readFileSync(join(server.folder, "rounds"), "latin1")).toBe("x\n".repeat(11));
  });
  test("not to another host: that one is the client's", async () => {
    await exchange(server.port, get("/redirect.sh?//evil/x"), { status: 302, fields: { location: "//evil/x" } });
    await exchange(server.port, get("/redirect.sh?http://a/"), { status: 302, fields: { location: "http://a/" } });
  });
});

describe("limits and scripts that are not there", () => {
  answers(server, "a limit", get("/limited"), { status: 200, body: "17\n" });
  answers(server, "PATH_INFO under an alias of one script", get("/limited/x"), { status: 200, body: "17\n" });
  test("cgi_check_script off: the interpreter decides", async () => {
    const path = join(server.folder, "www/whatever/none.any");
    expect(existsSync(path)).toBe(false);
    const reply = await exchange(server.port, get("/whatever/none.any/x"), { status: 200 });
    expect(reply.text).toEndWith("/www/whatever/none.any");
  });
});

leavesNothing(server);
