/** PROPFIND, PROPPATCH and OPTIONS (RFC 4918 §9.1, §9.2, §18). */
import { afterEach, describe, expect, test } from "bun:test";
import { ERRNO } from "../../../../ffi/errno.ts";
import { Block } from "../../../../ffi/memory.ts";
import { readXml, type XmlElement } from "../../../../src/http/xml/reader.ts";
import { DavWorld, MANAGED } from "./dav-world.ts";

let world: DavWorld;
afterEach(() => expect(world.end()).toBe(0));
const make = (files: ConstructorParameters<typeof DavWorld>[0] = {}, changes = {}): DavWorld =>
  (world = new DavWorld(
    { "a.txt": "aaa", "dir/b c.html": "b", "dir/sub/y": "y", "dir/.hidden": "no", ...files },
    { ...MANAGED, ...changes },
  ));

const find = (inner: string): string =>
  `<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:">${inner}</propfind>`;
const named = (...names: string[]): string => find(`<prop>${names.map((name) => `<${name}/>`).join("")}</prop>`);

const within = ({ content }: XmlElement, local: string): XmlElement[] =>
  content.filter((part) => typeof part !== "string").filter((part) => part.local === local);
const text = ({ content }: XmlElement): string =>
  content.map((part) => (typeof part === "string" ? part : `<${part.local}>${text(part)}`)).join("");

/** Of each href the properties by status: { "/a": { 200: { displayname: "a" } } }. */
function statesIn(body: string): Record<string, Record<string, Record<string, string>>> {
  const root = readXml(Buffer.from(body));
  if (typeof root === "string") throw new Error(root);
  const states: ReturnType<typeof statesIn> = {};
  for (const response of within(root, "response")) {
    const state: Record<string, Record<string, string>> = (states[text(within(response, "href")[0]!)] = {});
    for (const stat of within(response, "propstat")) {
      const properties = within(stat, "prop").flatMap(({ content }) =>
        content.filter((part) => typeof part !== "string"),
      );
      const status = text(within(stat, "status")[0]!).split(" ")[1]!;
      state[status] = Object.fromEntries(
        properties.map((part) => [
          part.namespace === "DAV:" ? part.local : `{${part.namespace}}${part.local}`,
          text(part),
        ]),
      );
    }
  }
  return states;
}

function propfind(target: string, body = "", depth = "0") {
  const exchange = world.ask("PROPFIND", target, { body, fields: [`Depth: ${depth}`] });
  expect([exchange.status, exchange.field("Content-Type")]).toEqual([207, "text/xml; charset=utf-8"]);
  return statesIn(exchange.text());
}

describe("PROPFIND", () => {
  test("tells all properties of a file, which are those that GET tells", () => {
    make();
    const got = world.ask("GET", "/a.txt");
    const all = {
      displayname: "a.txt",
      getcontentlength: "3",
      getcontenttype: got.field("Content-Type"),
      getetag: got.field("ETag"),
      getlastmodified: got.field("Last-Modified"),
      resourcetype: "",
      lockdiscovery: "",
      supportedlock: expect.stringContaining("<exclusive>"),
    };
    for (const body of ["", find("<allprop/>"), find("<allprop/><include><x/></include>")])
      expect(propfind("/a.txt", body)).toEqual({ "/a.txt": { 200: all } } as never);
  });
  test("of a folder", () => {
    make({}, { davLock: null });
    const all = { displayname: "dir", resourcetype: "<collection>", getlastmodified: expect.any(String) };
    expect(propfind("/dir/")).toEqual({ "/dir/": { 200: all } } as never);
    expect(propfind("/")["/"]![200]!.displayname).toBe("/");
  });
  test("of a folder without its slash, and says where it is", () => {
    make();
    expect(Object.keys(propfind("/dir"))).toEqual(["/dir/"]);
    expect(world.ask("PROPFIND", "/dir").field("Content-Location")).toBe("/dir/");
  });
  test("and of what is in it, as a listing shows it", () => {
    make({ "dir/link": { link: "../a.txt" }, "dir/away": { link: "/etc/passwd" }, "dir/broken": { link: "none" } });
    const states = propfind("/dir/", named("getcontentlength", "resourcetype"), "1");
    const length = (n: string) => ({ 200: { getcontentlength: n, resourcetype: "" } });
    const folder = { 200: { resourcetype: "<collection>" }, 404: { getcontentlength: "" } };
    expect(states).toEqual({
      "/dir/": folder,
      "/dir/sub/": folder,
      "/dir/b%20c.html": length("1"),
      "/dir/link": length("3"),
    });
  });
  test("of a file with Depth 1 is about the file", () => {
    make();
    expect(Object.keys(propfind("/a.txt", "", "1"))).toEqual(["/a.txt"]);
  });
  test("escapes names for XML and for URLs", () => {
    make({ "odd/<&>\"'\u0001\n% ü?#;": "x" });
    const [[href, state]] = Object.entries(propfind("/odd/", "", "1")).slice(1) as [
      [string, Record<string, Record<string, string>>],
    ];
    expect(href).toBe("/odd/%3C%26%3E%22%27%01%0A%25%20%C3%BC%3F%23%3B");
    expect(state[200]!.displayname).toBe("<&>\"'\ufffd\n% ü?#;");
    expect(propfind(href)[href]![200]!.getcontentlength).toBe("1");
  });
  test("of properties that are not there says so", () => {
    make();
    const body = find(
      '<prop xmlns:z="urn:z&amp;z"><displayname/><getcontentlanguage/><z:foo/><bar xmlns=""/><quota-available-bytes/></prop>',
    );
    const missing = { getcontentlanguage: "", "{urn:z&z}foo": "", "{}bar": "" };
    expect(propfind("/a.txt", body)).toEqual({
      "/a.txt": { 200: { displayname: "a.txt" }, 404: { ...missing, "quota-available-bytes": "" } },
    });
    expect(propfind("/dir/", body)["/dir/"]![200]!["quota-available-bytes"]).toMatch(/^\d+$/);
    expect(propfind("/a.txt", find("<prop/>"))).toEqual({ "/a.txt": { 200: {} } });
  });
  test("of names", () => {
    make();
    const names = Object.keys(propfind("/a.txt", find("<propname/>"))["/a.txt"]![200]!);
    expect(names).toEqual([
      "displayname",
      "getcontentlength",
      "getcontenttype",
      "getetag",
      "getlastmodified",
      "resourcetype",
      "lockdiscovery",
      "supportedlock",
    ]);
  });
  test.each([
    ["/nothing", "0", "", 404],
    ["/dir/.hidden", "0", "", 404],
    ["/a.txt/", "0", "", 409],
    ["/a.txt", "2", "", 400],
    ["/a.txt", "0", "<propfind", 400],
    ["/a.txt", "0", '<propfind xmlns="urn:x"><allprop/></propfind>', 400],
    ["/a.txt", "0", find(""), 400],
    ["/a.txt", "0", find("<allprop/><propname/>"), 400],
    ["/a.txt", "0", find("<prop/><prop/>"), 400],
    ["/a.txt", "0", find(`<prop>${"<a>".repeat(40)}${"</a>".repeat(40)}</prop>`), 400],
    ["/a.txt", "0", find(`<!-- ${"x".repeat(70_000)} --><allprop/>`), 413],
  ])("%s with Depth %s and %s is %i", (target, depth, body, status) => {
    make();
    expect(world.ask("PROPFIND", target, { body, fields: [`Depth: ${depth}`] }).status).toBe(status);
  });
  test("has its limits", () => {
    make();
    const exchange = world.ask("PROPFIND", "/dir/", { fields: ["Depth: infinity"] });
    expect([exchange.status, exchange.text()]).toEqual([403, expect.stringContaining("<D:propfind-finite-depth/>")]);
  });
  test("of a folder with much in it is a stream that reads it a little at a time", () => {
    make(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`many/${i}`, ""])));
    const exchange = world.ask("PROPFIND", "/many/", { fields: ["Depth: 1"] });
    const { body } = exchange;
    expect(body !== null && !Buffer.isBuffer(body) && body.kind).toBe("stream");
    expect(exchange.text().split("<D:response>").length).toBe(302);
  });
  test("in a location with alias", () => {
    world = new DavWorld({ "in/x": "x" }, MANAGED, "/dav/");
    const alias = { text: `${world.site.path("in")}/`, parts: [], constant: `${world.site.path("in")}/` };
    const inner = new DavWorld({}, { ...MANAGED, alias, aliasPrefix: "/dav/" }, "/dav/");
    const exchange = inner.ask("PROPFIND", "/dav/", { fields: ["Depth: 1"] });
    expect(Object.keys(statesIn(exchange.text()))).toEqual(["/dav/", "/dav/x"]);
    expect(inner.end()).toBe(0);
  });
});

/** Whether files here can have extended attributes. */
const keepsProperties = ((): boolean => {
  const probe = new DavWorld({ f: "" }, MANAGED);
  const body = '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x/></D:prop></D:set></D:propertyupdate>';
  const can = probe.ask("PROPPATCH", "/f", { body }).text().includes("200 OK");
  probe.end();
  return can;
})();

describe("PROPPATCH", () => {
  const update = (inner: string): string => `<D:propertyupdate xmlns:D="DAV:">${inner}</D:propertyupdate>`;
  const set = (inner: string): string => `<D:set><D:prop>${inner}</D:prop></D:set>`;
  const remove = (inner: string): string => `<D:remove><D:prop>${inner}</D:prop></D:remove>`;
  const patch = (target: string, inner: string) =>
    statesIn(world.ask("PROPPATCH", target, { body: update(inner) }).text())[target];
  const asked = find('<prop xmlns:z="urn:z"><z:z/><q xmlns=""/></prop>');

  describe.skipIf(!keepsProperties)("(needs extended attributes)", () => {
    test("sets properties, which PROPFIND tells, and removes them", () => {
      make();
      const z = '<z:z xmlns:z="urn:z" a="1">t &amp; <D:x>u</D:x></z:z>';
      expect(patch("/a.txt", set(`${z}<q/>`))).toEqual({ 200: { "{urn:z}z": "", "{}q": "" } });
      expect(propfind("/a.txt", asked)["/a.txt"]).toEqual({ 200: { "{urn:z}z": "t & <x>u", "{}q": "" } });
      expect(propfind("/a.txt")["/a.txt"]![200]).toMatchObject({ "{urn:z}z": "t & <x>u", displayname: "a.txt" });
      expect(propfind("/a.txt", find("<propname/>"))["/a.txt"]![200]).toMatchObject({ "{urn:z}z": "", "{}q": "" });
      expect(propfind("/", asked, "1")["/a.txt"]).toEqual({ 200: { "{urn:z}z": "t & <x>u", "{}q": "" } });
      expect(patch("/a.txt", `${remove("<q/><none/>")}${set(z.replace("t &amp;", "v"))}`)).toEqual({
        200: { "{}q": "", "{}none": "", "{urn:z}z": "" },
      });
      expect(propfind("/a.txt", asked)["/a.txt"]).toEqual({ 200: { "{urn:z}z": "v <x>u" }, 404: { "{}q": "" } });
    });
    test("of a folder, in the order of the document", () => {
      make();
      patch("/dir/", `${set("<q>1</q>")}${remove("<q/>")}${set("<q>2</q>")}`);
      expect(propfind("/dir/", asked)["/dir/"]![200]).toEqual({ "{}q": "2" });
      patch("/dir/", `${set("<q>1</q>")}${remove("<q/>")}`);
      expect(propfind("/dir/", asked)["/dir/"]![404]).toEqual({ "{urn:z}z": "", "{}q": "" });
    });
    test("and they go with a file wherever it goes", () => {
      make();
      for (const path of ["/a.txt", "/dir/", "/dir/sub/", "/dir/sub/y"]) patch(path, set(`<q>${path}</q>`));
      world.ask("PUT", "/a.txt", { body: "new" });
      world.ask("COPY", "/a.txt", { fields: ["Destination: /b.txt"] });
      world.ask("MOVE", "/a.txt", { fields: ["Destination: /c.txt"] });
      world.ask("COPY", "/dir/", { fields: ["Destination: /copy/"] });
      const values = ["/b.txt", "/c.txt", "/copy/", "/copy/sub/", "/copy/sub/y"].map(
        (path) => propfind(path, asked)[path]![200]!["{}q"],
      );
      expect(values).toEqual(["/a.txt", "/a.txt", "/dir/", "/dir/sub/", "/dir/sub/y"]);
    });
    test("more than the file system has room for is 507, and changes nothing", () => {
      make();
      patch("/a.txt", set("<q>1</q>"));
      const much = Array.from({ length: 20 }, (_, i) => `<p${i}>${"x".repeat(2_500)}</p${i}>`).join("");
      expect(Object.keys(patch("/a.txt", set(much))!)).toEqual(["507"]);
      expect(propfind("/a.txt", asked)["/a.txt"]![200]).toEqual({ "{}q": "1" });
    });
    test("what others have written into the attribute harms nobody", () => {
      for (const text of ["x", "{}", "[1]", '[["a"]]', '[["",1,2]]', '[["","q","<q xmlns=\\"\\"/>"],null]']) {
        make();
        const { kernel } = world.services;
        const fd = kernel.open(world.site.path("a.txt"), 0, 0);
        const block = new Block(64);
        kernel.setAttribute(fd, "user.webserv.dav", block, 0, block.bytes.write(text));
        kernel.close(fd);
        expect(propfind("/a.txt", asked)["/a.txt"]![text.includes('q"') ? 200 : 404]).toHaveProperty("{}q");
        expect(world.end()).toBe(0);
      }
      make();
    });
  });

  test("changes nothing if one of them is the server's", () => {
    make();
    const exchange = world.ask("PROPPATCH", "/a.txt", {
      body: update(`${set('<D:getetag>x</D:getetag><z xmlns="urn:z">1</z>')}${remove("<q/>")}`),
    });
    expect(exchange.text()).toContain("<D:cannot-modify-protected-property/>");
    expect(statesIn(exchange.text())["/a.txt"]).toEqual({ 403: { getetag: "" }, 424: { "{urn:z}z": "", "{}q": "" } });
    expect(propfind("/a.txt", asked)["/a.txt"]).toEqual({ 404: { "{urn:z}z": "", "{}q": "" } });
  });
  test.each([
    ["EOPNOTSUPP", 403],
    ["EACCES", 403],
    ["EROFS", 403],
    ["ENOSPC", 507],
    ["EIO", 500],
  ] as const)("fails with %s: %i", (errno, status) => {
    make();
    world.services.kernel.setAttribute = () => -ERRNO[errno];
    expect(patch("/a.txt", set("<q/>"))).toEqual({ [status]: { "{}q": "" } });
  });
  test.each([
    ["/nothing", update("<D:set><D:prop><x/></D:prop></D:set>"), 404],
    ["/a.txt", update(""), 400],
    ["/a.txt", "", 400],
    ["/a.txt", "<x/>", 400],
  ])("%s %s is %i", (target, body, status) => {
    make();
    expect(world.ask("PROPPATCH", target, { body }).status).toBe(status);
  });
  test("is 405 where clients may not write", () => {
    make({}, { davMethods: ["DELETE"] });
    expect([world.ask("PROPPATCH", "/a.txt").status, world.ask("PROPFIND", "/a.txt").status]).toEqual([405, 207]);
  });
  test("is 405 without PROPFIND", () => {
    make({}, { davExtMethods: ["OPTIONS"] });
    expect([world.ask("PROPPATCH", "/a.txt").status, world.ask("PROPFIND", "/a.txt").status]).toEqual([405, 405]);
  });
});

describe("OPTIONS", () => {
  test.each([
    [{}, "1, 2", "GET, HEAD, PUT, DELETE, OPTIONS, MKCOL, COPY, MOVE, PROPFIND, LOCK, UNLOCK, PROPPATCH"],
    [{ davLock: null }, "1", "GET, HEAD, PUT, DELETE, OPTIONS, MKCOL, COPY, MOVE, PROPFIND, PROPPATCH"],
    [{ davMethods: [], davExtMethods: ["PROPFIND", "OPTIONS"], davLock: null }, "1", "GET, HEAD, OPTIONS, PROPFIND"],
    [{ allowedMethods: ["GET", "PROPFIND", "OPTIONS"] }, "1, 2", "GET, PROPFIND, OPTIONS"],
  ])("%j", (changes, classes, methods) => {
    make({}, changes);
    const exchange = world.ask("OPTIONS", "/a.txt");
    const allow = exchange.field("Allow")!.split(", ").sort();
    expect([exchange.status, exchange.field("DAV"), allow]).toEqual([200, classes, methods.split(", ").sort()]);
  });
  test("agrees to nothing for pages of other sites", () => {
    make();
    const exchange = world.ask("OPTIONS", "/a.txt", {
      fields: ["Origin: http://evil.test", "Access-Control-Request-Method: PUT"],
    });
    expect(exchange.sentFields.filter(([name]) => /^access-control/i.test(name))).toEqual([]);
  });
});
