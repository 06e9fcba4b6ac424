/** SSI, compared with nginx for the same pages: its documentation's examples, each command and its errors, includes of all that answers. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ask, Client, get } from "./client.ts";
import { NGINX, useNginx } from "./nginx.ts";
import { ServerProcess, until } from "./server.ts";

setDefaultTimeout(60_000);

/** Ends the replies to /held. */
let release: (() => void) | null = null;
/** Waits until one is asked for. */
async function letGo(): Promise<void> {
  await until(
    () => release !== null,
    () => "the backend was not asked",
  );
  release!();
  release = null;
}

const backend = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/slow") await Bun.sleep(30);
    if (pathname === "/held") await new Promise<void>((resolve) => (release = resolve));
    if (pathname === "/empty") return new Response("", { headers: { "Content-Type": "text/html" } });
    if (pathname === "/missing") return new Response("not here", { status: 404 });
    if (pathname === "/page")
      return new Response('<!--# echo var="x" default="none" -->', { headers: { "Content-Type": "text/html" } });
    return new Response(`[${request.method} ${pathname}${search} ${request.headers.get("x-a")}]`);
  },
});
afterAll(() => backend.stop(true));

const B = `127.0.0.1:${backend.port}`;
const server = (listen: string | number, root: string, more = ""): string => `
  charset_map koi8-r utf-8 { F0 D09F; D2 D180; }
  server {
    listen 127.0.0.1:${listen};
    root ${root};
    location / { ssi on; }
    location /silent/ { ssi on; ssi_silent_errors on; }
    location /kept/ { ssi on; ssi_last_modified on; }
    location /off/ { }
    location /short/ { ssi on; ssi_value_length 8; }
    location /types/ { ssi on; ssi_types text/plain; }
    location /set/ { ssi on; set $mine "a <b> & 'c' \\"d\\""; set $nothing ""; }
    location /charset/ { ssi on; charset utf-8; }
    location /koi/ { source_charset koi8-r; charset utf-8; }
    location /internal/ { internal; ssi on; }
    location /denied/ { deny all; }
    location /remote/ { proxy_pass http://${B}/; proxy_set_header X-A $http_x_a; ssi on; ssi_types text/plain; }
    location /say/ { default_type text/html; ssi on; return 200 "<!--# echo var='uri' --> $uri $args"; }
    location /added/ { ssi on; add_before_body /b.html; }
    location /sub/ { ssi on; sub_filter WORD '<!--# echo var="uri" -->'; }
    location = /nothing { return 204; }
    ${more}
  }`;

/** Pages; the same text twice in both servers. */
const PAGES: Readonly<Record<string, string>> = {
  // nginx's documentation
  stub: '<!--# block name="one" -->stub<!--# endblock --><!--# include virtual="/remote/empty" stub="one" -->|<!--# include virtual="/remote/x?y" stub="one" -->',
  "stub-directives":
    '<!--# set var="a" value="1" --><!--# block name="one" -->st<!--# echo var="a" -->ub<!--# endblock --><!--# include virtual="/nothing-here" stub="one" -->|<!--# include file="/b.html" stub="one" -->',
  config:
    '<!--# config errmsg="oh" --><!--# config timefmt="%Y" --><!--# echo var="date_gmt" --> <!--# echo var="date_local" --> <!--# nonsense -->',
  echo: '<!--# echo var="name" default="no" --> <!--# echo var="name" --> <!--# echo var="uri" --> <!--# echo var="arg_q" encoding="none" --> <!--# echo var="arg_q" encoding="url" --><!--# echo var="uri" --> <!--# echo var="arg_q" encoding="entity" --> <!--# echo var="arg_q" encoding="strange" -->',
  "if-name": '<!--# if expr="$name" -->...<!--# endif -->|<!--# if expr="$uri" -->yes<!--# else -->no<!--# endif -->',
  "if-text": `<!--# set var="name" value="text" --><!--# if expr="$name = text" -->A<!--# else -->B<!--# endif --><!--# if expr="$name != text" -->C<!--# else -->D<!--# endif --><!--# if expr="$name=other" -->E<!--# elif expr="$name = text" -->F<!--# else -->G<!--# endif -->`,
  "if-regex": `<!--# set var="name" value="name=some@where" --><!--# if expr="$name = /text/" -->A<!--# else -->B<!--# endif --><!--# if expr="$name != /some/" -->C<!--# else -->D<!--# endif --><!--# if expr="$name = /(.+)@(?P<domain>.+)/" --><!--# echo var="1" --> <!--# echo var="domain" --> <!--# echo var="0" --><!--# endif -->`,
  "if-pcre": `<!--# set var="n" value="Name7" --><!--# if expr="$n = /(?i)^(?'all'n[[:lower:]]++\\\\d)\\\\z/" --><!--# echo var="all" --> <!--# echo var="1" --><!--# endif -->`,
  include: '<!--# include file="b.html" --> <!--# include virtual="/remote/body.php?argument=value" -->',
  "include-set":
    '<!--# include virtual="/remote/one?x" set="one" -->(<!--# echo var="one" -->)<!--# include virtual="/b.html" set="two" -->(<!--# echo var="two" encoding="none" -->)<!--# include virtual="/none" set="three" -->(<!--# echo var="three" -->)',
  "include-wait": '<!--# include virtual="/remote/slow" wait="yes" --><!--# include virtual="/remote/b" wait="no" -->',
  set: `<!--# set var="v" value="a$uri-\${arg_q}\\$x\\"\\z" --><!--# echo var="V" encoding="none" --><!--# set var="v" value="again" --><!--# echo var="v" -->`,
  // the machine
  plain: "no directive < <! <!- <!-- <!--x <!-- # --> &",
  "opener-at-end": "text <!",
  spaces: '<!--#   echo\n var = "uri"\tdefault =\'x\' --><!--#echo var="uri"--><!--#echo var="uri" default=""-->',
  unknown: 'a<!--# none -->b<!--# echo -->c<!--# echo var="uri" var="uri" -->d<!--# echo var="uri" x="y" -->e',
  malformed:
    'a<!--# echo var -->b<!--# echo var=uri -->c<!--# echo var="uri"x -->d<!--# echo var="uri" -x->e --> f<!--# echo -var="a" -->g<!--# echo va-r="a" -->h<!--# e-cho -->i',
  "too-long": `<!--# ${"e".repeat(33)} -->a<!--# echo ${"v".repeat(33)}="x" -->b<!--# echo var="${"x".repeat(257)}" -->cd`,
  unfinished: 'a<!--# echo var="uri"',
  "many-parameters": `<!--# set ${"var='a' ".repeat(17)} -->`,
  conditions: `<!--# if expr="$none" -->1<!--# echo var="uri" --><!--# include virtual="/b.html" --><!--# elif expr="$uri" -->2<!--# elif expr="$uri" -->3<!--# else -->4<!--# endif -->5<!--# else -->6<!--# endif -->7<!--# if expr="$uri" --><!--# if expr="$uri" -->8<!--# endif -->9<!--# else -->10<!--# elif expr="$uri" -->11<!--# endif -->12`,
  expressions: `<!--# if expr="uri" -->1<!--# endif --><!--# if expr="$uri ~ x" -->2<!--# endif --><!--# if expr="$uri = \\/x" -->3<!--# endif --><!--# if expr="$uri = /(/" -->4<!--# endif --><!--# if expr="$uri = /x" -->5<!--# endif --><!--# if expr="$URI != ''" -->6<!--# endif --><!--# if expr="$none = " -->7<!--# endif --><!--# if expr="${"$"}{uri" -->8<!--# endif --><!--# if expr="$uri = /^\\/expressions\\.html\\$/" -->9<!--# endif -->`,
  variables: `<!--# set var="a" value="$" --><!--# set var="b" value="\${uri" --><!--# set var="c" value="\${uri}}$none!" --><!--# echo var="c" --><!--# echo var="a" --><!--# echo var="query_string" --><!--# echo var="http_x_a" --><!--# echo var="is_args" default="d" -->`,
  includes:
    '<!--# include virtual="b.html" -->,<!--# include virtual="/say/x%20y?a=$uri" -->,<!--# include virtual="/silent/../b.html" -->,<!--# include virtual="/%2e%2e/b.html" -->,<!--# include virtual="" -->,<!--# include virtual="?x" -->',
  "includes-wrong":
    '<!--# include -->,<!--# include virtual="/b.html" file="/b.html" -->,<!--# include virtual="/b.html" set="a" stub="b" -->,<!--# include file="/b.html" wait="yes" -->,<!--# include virtual="/b.html" wait="maybe" -->,<!--# include virtual="/b.html" stub="none" -->',
  "includes-all":
    '<!--# include virtual="/off/page.html" -->,<!--# include virtual="/internal/page.html" -->,<!--# include virtual="/denied/page.html" -->,<!--# include virtual="/remote/slow" -->,<!--# include virtual="/nothing" -->,<!--# include virtual="/remote/missing" -->,<!--# include virtual="/koi/a.html" -->.',
  "shared-variables":
    '<!--# set var="x" value="from the page" --><!--# include virtual="/remote/page" --><!--# include virtual="/sets.html" wait="yes" --><!--# echo var="y" default="none" -->',
  blocks:
    '<!--# block name="a" -->1<!--# if expr="$uri" -->2<!--# endif --><!--# block name="b" -->3<!--# endblock -->4<!--# endblock --><!--# block name="a" -->second<!--# endblock --><!--# include virtual="/none.html" stub="a" -->',
  many: Array.from(
    { length: 60 },
    (_, i) => `${i}<!--# include virtual="/remote/${i % 7 === 0 ? "slow" : "x"}?${i}" -->`,
  ).join("\n"),
  loop: 'x<!--# include virtual="/loop.html" -->',
  sets: '<!--# set var="y" value="set within" -->',
  b: "<b> <!--# echo var='uri' -->\n",
};

const files: Record<string, string | Uint8Array> = {};
for (const [name, text] of Object.entries(PAGES)) files[`www/${name}.html`] = text;
for (const folder of [
  "off",
  "internal",
  "denied",
  "silent",
  "kept",
  "short",
  "types",
  "set",
  "charset",
  "added",
  "sub",
])
  files[`www/${folder}/page.html`] = 'one <!--# echo var="uri" --> <!--# nonsense --> WORD';
files["www/types/a.txt"] = '<!--# echo var="uri" -->';
files["www/types/a.bin"] = '<!--# echo var="uri" -->';
files["www/kept/empty.html"] = "";
files["www/short/page.html"] = '<!--# echo var="12345678" -->,<!--# echo var="123456789" -->';
files["www/set/page.html"] =
  '<!--# echo var="mine" -->|<!--# echo var="nothing" -->|<!--# echo var="mine" encoding="none" --><!--# include virtual="/set/other.html" -->';
files["www/set/other.html"] = '|<!--# echo var="mine" encoding="url" -->';
files["www/charset/page.html"] = '<!--# include virtual="/koi/a.html" -->';
files["www/koi/a.html"] = Buffer.from([0xf0, 0xd2]);
files["www/big.html"] = `${"some text ".repeat(1000)}<!--# include virtual="/b.html" -->`.repeat(40);

/** What nginx has not. */
const OURS = "location /cgi/ { cgi .sh /bin/sh; ssi on; } location /held/ { proxy_pass http://" + B + "/held; }";

files["www/cgi/page.sh"] =
  `printf 'Content-Type: text/html\\n\\n<!--# include virtual="/b.html" -->%s' "$QUERY_STRING"`;
files["www/programs.html"] = '[<!--# include virtual="/cgi/page.sh?a" -->][<!--# include virtual="/cgi/page.sh?b" -->]';
files["www/held.html"] = 'first <!--# include virtual="/held/" --> last';
files["www/large.html"] = '<!--# include virtual="/off/large" --><!--# include virtual="/off/large" -->';
files["www/silent/tree.html"] = '<!--# include virtual="/silent/tree.html" -->'.repeat(3);
files["www/off/large"] = "0123456789abcdef".repeat(1 << 17);

const TYPES = "types { text/html html; text/plain txt; } default_type application/octet-stream;";
const ours = new ServerProcess({
  configuration: `error_log error.log info; ${TYPES} ${server(0, "www", OURS)}`,
  files,
  addresses: 1,
});
const nginx = useNginx((port) => `${TYPES} ${server(port, `${ours.folder}/www`)}`);
beforeAll(() => ours.start());
afterAll(() => ours.stop());

/** Error pages are each server's own. */
const ERROR_PAGE =
  /<!doctype html>[\s\S]*?<title>(\d+)[\s\S]*?<\/html>\n|<html>\r?\n<head><title>(\d+)[\s\S]*?<\/html>\r\n/g;

async function outcome(port: number, path: string, fields: Record<string, string> = {}, method = "GET") {
  const reply = await ask(port, get(path, { Host: "site.test", ...fields }, method));
  const value = (name: string) => reply.field(name) ?? null;
  return {
    status: reply.status,
    type: value("content-type"),
    tag: value("etag")?.replace(/".*"/, "tag") ?? null,
    modified: value("last-modified"),
    ranges: value("accept-ranges"),
    length: value("content-length"),
    framing: value("transfer-encoding"),
    body: reply.body
      .toString("latin1")
      .replace(ERROR_PAGE, "(page $1$2)")
      .replaceAll(/127\.0\.0\.1:\d+/g, "ADDRESS"),
  };
}

describe.skipIf(NGINX === null)("as nginx (needs nginx)", () => {
  const same = async (path: string, fields?: Record<string, string>, method?: string) => {
    const [wanted, got] = await Promise.all([nginx, ours].map(({ port }) => outcome(port, path, fields, method)));
    expect(got).toEqual(wanted!);
  };

  test.each(Object.keys(PAGES).filter((name) => name !== "opener-at-end"))("%s", async (name) => {
    await same(`/${name}.html?q=%3Ca%20%26%22'b%3E`, { "X-A": "<field>" });
  });

  const cases: [path: string, fields?: Record<string, string>, method?: string][] = [
    ["/plain.html", {}, "HEAD"],
    ["/plain.html", { Range: "bytes=0-3" }],
    ["/plain.html", { "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT" }],
    ["/include.html", { "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT", Range: "bytes=1-2" }],
    ["/silent/page.html"],
    ["/kept/page.html"],
    ["/kept/page.html", {}, "HEAD"],
    ["/kept/empty.html"],
    ["/off/page.html"],
    ["/short/page.html"],
    ["/types/page.html"],
    ["/types/a.txt"],
    ["/types/a.bin"],
    ["/set/page.html"],
    ["/charset/page.html"],
    ["/added/page.html"],
    ["/sub/page.html"],
    ["/say/a?b"],
    ["/remote/page"],
    ["/big.html"],
  ];
  for (const [path, fields, method] of cases) {
    test(`${method ?? "GET"} ${path} ${JSON.stringify(fields ?? {})}`, () => same(path, fields, method));
  }
});

test("the beginning of a directive at the end is text (nginx drops it)", async () => {
  expect((await outcome(ours.port, "/opener-at-end.html")).body).toBe("text <!");
});

describe("included replies", () => {
  test("of programs", async () => {
    const { body } = await outcome(ours.port, "/programs.html");
    expect(body).toBe("[<b> /b.html\na][<b> /b.html\nb]");
  });

  test("what comes before one that is not there yet is sent at once; the next request waits", async () => {
    const client = await Client.connect(ours.port);
    await client.send(get("/held.html") + get("/b.html"));
    await client.until(() => client.pending.includes("first "), "the first part");
    expect(client.pending.includes("last")).toBe(false);
    await letGo();
    expect((await client.reply()).text).toBe("first [GET /held null] last");
    expect((await client.reply()).text).toBe("<b> /b.html\n");
    client.destroy();
  });

  test("end with a client that leaves", async () => {
    const client = await Client.connect(ours.port);
    await client.send(get("/held.html"));
    await client.until(() => client.pending.includes("first "), "the first part");
    client.reset();
    await letGo();
    expect((await outcome(ours.port, "/b.html")).body).toBe("<b> /b.html\n");
  });

  test("a page that includes itself three times does not hold up others", async () => {
    const client = await Client.connect(ours.port);
    await client.send(get("/silent/tree.html"));
    await client.until(() => client.pending.includes("\r\n\r\n"), "its head");
    for (let i = 0; i < 5; i++) expect((await outcome(ours.port, "/b.html")).status).toBe(200);
    expect(client.pending.includes("\r\n0\r\n\r\n")).toBe(false); // it is not complete yet
    client.destroy();
  });

  test("large ones, for HTTP/1.0 too; a client that reads slowly gets them whole", async () => {
    const large = String(files["www/off/large"]);
    const client = await Client.connect(ours.port);
    client.socket.pause();
    await client.send("GET /large.html HTTP/1.0\r\n\r\n");
    client.socket.resume();
    const reply = await client.reply();
    expect(reply.text === large + large).toBe(true);
    client.destroy();
  });
});
