import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { FileStatus } from "../../../ffi/kernel.ts";
import type { Settings } from "../../../src/config/model.ts";
import { StaticHandler } from "../../../src/handlers/files/static.ts";
import { formatOf } from "../../../src/handlers/listing/formats.ts";
import { humanSize } from "../../../src/handlers/listing/listing-page.ts";
import { claimed, FakeExchange, FakeServices, location, Site, settings, template } from "./world.ts";

setDefaultTimeout(60_000);

const EVIL = `<img src=x onerror="alert('1')">&.txt`;
const site = new Site({
  "all/b.txt": "12345",
  "all/a.txt": Buffer.alloc(2048),
  "all/zoo/x": "",
  "all/Ümläut %41?#.txt": "",
  "all/a:b\\c.txt": "",
  [`all/${EVIL}`]: "",
  "all/.hidden": "",
  "all/.webserv/0123.part": "",
  "all/to-folder": { link: "ROOT/all/zoo" },
  "all/to-file": { link: "b.txt" },
  "all/outside": { link: "/etc/hostname" },
  "all/dangling": { link: "nothing" },
  empty: null,
});
utimesSync(site.path("all/b.txt"), 1_000_000_000, 1_000_000_000);
afterAll(() => site.remove());

function list(target: string, changes: Partial<Settings> = {}, room = 4096) {
  const services = new FakeServices();
  const here = location({ root: template(site.root), autoindex: true, ...changes });
  const exchange = new FakeExchange(services, here, { target });
  const handler = new StaticHandler(here, services);
  claimed(handler, exchange)?.handle(exchange);
  const text = exchange.text(room);
  handler.close();
  expect(services.watched.open.size).toBe(0);
  return { exchange, text };
}

const json = (changes: Partial<Settings> = {}) =>
  JSON.parse(list("/all/", { autoindexFormat: "json", ...changes }).text) as { name: string; [key: string]: unknown }[];
const links = (html: string) =>
  [...html.matchAll(/<tr[^>]*><td><a href="([^"]*)">(.*?)<\/a>/g)].map((m) => [m[1], m[2]]);

describe("as JSON", () => {
  test("folders first, then files, in the order of their characters", () => {
    const names = ["to-folder", "zoo", EVIL, "a.txt", "a:b\\c.txt", "b.txt", "to-file", "Ümläut %41?#.txt"];
    expect(json().map((entry) => entry.name)).toEqual(names);
  });
  test("a file has its size, a folder none, both a time", () => {
    const byName = new Map(json().map((entry) => [entry.name, entry]));
    const mtime = "Sun, 09 Sep 2001 01:46:40 GMT";
    expect(byName.get("b.txt")).toEqual({ name: "b.txt", type: "file", mtime, size: 5 });
    expect(Object.keys(byName.get("zoo")!)).toEqual(["name", "type", "mtime"]);
    expect(byName.get("to-file")!.size).toBe(5);
  });
  test.each([
    ["dot files where they are allowed", { dotfiles: "allow" }, ".hidden", true],
    ["no dot files elsewhere", {}, ".hidden", false],
    ["no unfinished uploads, even there", { dotfiles: "allow" }, ".webserv", false],
    ["links that leave the root where they are followed", { symlinks: "follow" }, "outside", true],
    ["no links that leave the root", {}, "outside", false],
    ["no links to nothing", { symlinks: "follow" }, "dangling", false],
    ["no links at all where they are denied", { symlinks: "deny" }, "to-file", false],
  ] as [string, Partial<Settings>, string, boolean][])("%s", (_, changes, name, there) => {
    expect(json(changes).some((entry) => entry.name === name)).toBe(there);
  });
  test("an empty folder is an empty array", () => {
    expect(JSON.parse(list("/empty/", { autoindexFormat: "json" }).text)).toEqual([]);
  });
});

describe("as XML, and as JSON with a callback", () => {
  test("names are escaped", () => {
    const { exchange, text } = list("/all/", { autoindexFormat: "xml" });
    expect(exchange.field("Content-Type")).toBe("text/xml; charset=utf-8");
    expect(text).toContain('<file mtime="2001-09-09T01:46:40Z" size="5">b.txt</file>\r\n');
    expect(text).toContain("&lt;img src=x onerror=&quot;alert('1')&quot;&gt;&amp;.txt</file>");
    expect(text).toMatch(/<directory mtime="[^"]+">zoo<\/directory>\r\n/);
  });
  test("a callback is called, one that is no name is refused", () => {
    const { exchange, text } = list("/empty/?callback=a.b_1", { autoindexFormat: "jsonp" });
    expect([exchange.field("Content-Type"), text]).toEqual([
      "application/javascript",
      "/* callback */\r\na.b_1([\r\n]);",
    ]);
    expect(list("/empty/?callback=", { autoindexFormat: "jsonp" }).text).toBe("[\r\n]");
    for (const callback of ["a(b", "a%2eb", "a-b", "a".repeat(129)]) {
      const refused = new FakeExchange(new FakeServices(), location(), { target: `/empty/?callback=${callback}` });
      expect(formatOf(settings({ autoindexFormat: "jsonp" }), refused.query)).toBeNull();
    }
  });
});

describe("as a page", () => {
  const { exchange, text } = list("/all/");
  test("is HTML in UTF-8 without a known length", () => {
    expect(exchange.field("Content-Type")).toBe("text/html; charset=utf-8");
    expect(exchange.body).toMatchObject({ kind: "stream", length: -1 });
  });
  test("names are escaped, links are percent-encoded and stay in the folder", () => {
    const found = new Map(links(text).map(([href, name]) => [name, href]));
    expect(text).not.toContain("<img");
    expect(found.get("&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;.txt")).toMatch(/^%3Cimg%20src=x/);
    expect(found.get("Ümläut %41?#.txt")).toBe("%C3%9Cml%C3%A4ut%20%2541%3F%23.txt");
    expect(found.get("a:b\\c.txt")).toBe("a%3Ab%5Cc.txt");
    expect(found.get("zoo/")).toBe("zoo/");
    expect(found.get("../")).toBe("../");
  });
  test("shows sizes for people and times for machines", () => {
    expect(text).toContain('title="2048 bytes">2.0 KiB');
    expect(text).toContain('<time datetime="2001-09-09T01:46:40+00:00">2001-09-09 01:46</time>');
  });
  test("autoindex_exact_size shows bytes", () => {
    expect(list("/all/", { autoindexExactSize: true }).text).toContain('title="2048 bytes">2048<');
  });
  test("autoindex_localtime shows times of the server's zone", () => {
    const shown = list("/all/", { autoindexLocaltime: true }).text;
    const hours = String(new Date(1_000_000_000_000).getHours()).padStart(2, "0");
    expect(shown).toContain(`<time datetime="2001-09-09T01:46:40+00:00">2001-09-0`);
    expect(shown).toMatch(new RegExp(`> ?2001-09-\\d\\d ${hours}:\\d6<`));
    expect(shown).toContain("Modified</thead>");
  });
  test("the top has no folder above", () => expect(list("/").text).not.toContain("../"));
  test("an empty folder says so", () => expect(list("/empty/").text).toContain("This folder is empty."));
  test("the heading links each folder above", () => {
    expect(list("/all/zoo/").text).toContain('<a href="/">/</a>'.replace(">/<", ' aria-label="top">/<'));
    expect(list("/all/zoo/").text).toContain('<a href="/all/">all</a>/<wbr>zoo/');
  });
  test("a folder's own name is escaped too", () => {
    mkdirSync(site.path("<b>"));
    expect(list("/%3Cb%3E/").text).not.toContain("<b>");
  });
});

test("a large folder is listed whole, in many short turns", () => {
  mkdirSync(site.path("large"));
  const names = Array.from({ length: 1000 }, (_, i) => `file-${String(i).padStart(5, "0")}`);
  for (const name of names) writeFileSync(site.path("large/" + name), "");
  const { exchange, text } = list("/large/", { autoindexFormat: "json" }, 64 * 1024);
  expect((JSON.parse(text) as { name: string }[]).map((entry) => entry.name)).toEqual(names);
  expect(exchange.resumed).toBeGreaterThan(3);
});

test("a folder that cannot be read is refused before anything is sent", () => {
  const services = new FakeServices();
  const here = location({ root: template(site.root), autoindex: true, index: [] });
  const handler = new StaticHandler(here, services);
  const ask = () => {
    const exchange = new FakeExchange(services, here, { target: "/all/" });
    claimed(handler, exchange)?.handle(exchange);
    return exchange;
  };
  ask().text();
  services.watched.failures.set("all/", 13);
  expect([ask().how, ask().status]).toEqual(["fail", 403]);
});

test.each([
  [0, "0 bytes"],
  [1, "1 byte"],
  [999, "999 bytes"],
  [1000, "1.0 KiB"],
  [10_240, "10 KiB"],
  [1_048_575, "1.0 MiB"],
  [5_000_000_000, "4.7 GiB"],
])("%i bytes are %s", (size, text) => expect(humanSize(size)).toBe(text));

test.each([-1e12, -1, 253_402_300_800, 1e15])("a time of %i seconds is shown somehow", (mtime) => {
  for (const autoindexFormat of ["html", "json", "xml"] as const) {
    const format = formatOf(settings({ autoindexFormat }), "")!;
    expect(format.row("x", false, 0, mtime, 0, new FileStatus())).toMatch(/-0001|0000|1969|9999/);
  }
});
