/** LOCK, UNLOCK and what they keep others from (RFC 4918 §6, §7, §10.4). */
import { afterEach, describe, expect, test } from "bun:test";
import type { FakeExchange } from "../world.ts";
import { type Asked, DavWorld, MANAGED } from "./dav-world.ts";

let world: DavWorld;
afterEach(() => expect(world.end()).toBe(0));
const make = (changes = {}): DavWorld =>
  (world = new DavWorld({ "a.txt": "a", "dir/x": "x", "dir/sub/y": "y", "free/z": "z" }, { ...MANAGED, ...changes }));

const info = (scope = "exclusive", owner = "<D:owner><D:href>me &amp; you</D:href></D:owner>"): string =>
  `<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype>${owner}</D:lockinfo>`;

/** Locks, and gives the token. */
function lock(target: string, asked: Asked = {}, status = 200): string {
  const exchange = world.ask("LOCK", target, { body: info(), ...asked });
  expect(exchange.status).toBe(status);
  return /^<(.*)>$/.exec(exchange.field("Lock-Token")!)![1]!;
}

const withToken = (token: string, resource = ""): Asked => ({
  fields: [`If: ${resource === "" ? "" : `<${resource}> `}(<${token}>)`],
});
const both = (...all: Asked[]): Asked => ({
  ...Object.assign({}, ...all),
  fields: all.flatMap(({ fields }) => fields ?? []),
});

describe("LOCK", () => {
  test("tells the lock, and PROPFIND shows it", () => {
    make();
    const exchange = world.ask("LOCK", "/a.txt", { body: info(), fields: ["Timeout: Infinite, Second-4100000000"] });
    const token = /^<(urn:uuid:[0-9a-f-]{36})>$/.exec(exchange.field("Lock-Token")!)![1];
    const parts = [
      "<D:exclusive/>",
      "<D:depth>infinity</D:depth>",
      "<D:owner><D:href>me &amp; you</D:href></D:owner>",
      "Second-60<",
      `<D:href>${token}</D:href>`,
      "<D:lockroot><D:href>/a.txt</D:href>",
    ];
    for (const text of [exchange.text(), world.ask("PROPFIND", "/a.txt").text()])
      for (const part of parts) expect(text).toContain(part);
  });
  test("lasts as long as it is refreshed", () => {
    make();
    const token = lock("/a.txt", { fields: ["Timeout: Second-20"] });
    world.services.pass(15);
    expect(world.ask("LOCK", "/a.txt", withToken(token)).text()).toContain("Second-60<");
    world.services.pass(15);
    expect(world.ask("PUT", "/a.txt").status).toBe(423);
    world.services.pass(60);
    expect(world.ask("PUT", "/a.txt").status).toBe(204);
    expect(world.ask("LOCK", "/a.txt", withToken(token)).status).toBe(412);
  });
  test("of what is not there makes an empty file", () => {
    make();
    const token = lock("/new", {}, 201);
    expect(world.files.new).toBe("");
    expect(world.ask("PUT", "/new", { body: "x" }).status).toBe(423);
    expect(world.ask("PUT", "/new", both({ body: "x" }, withToken(token))).status).toBe(204);
  });
  test.each([
    ["no document", "<x/>", [], 400],
    ["no write lock", info().replace("write", "read"), [], 400],
    ["neither exclusive nor shared", info("both"), [], 400],
    ["not well-formed", "<", [], 400],
    ["a document type", `<!DOCTYPE x>${info()}`, [], 400],
    ["too long", `${info()}${" ".repeat(70_000)}`, [], 413],
    ["Depth 1", info(), ["Depth: 1"], 400],
    ["If malformed", info(), ["If: x"], 400],
    ["without both, as nginx-dav-ext-module", "", [], 200],
    ["a refresh of another lock", "", ["If: (<urn:x>)"], 412],
  ] as const)("%s is refused", (_, body, fields, status) => {
    make();
    expect(world.ask("LOCK", "/a.txt", { body, fields }).status).toBe(status);
  });
  test.each([
    ["/none/new", 409],
    ["/new/", 409],
    ["/.new", 404],
    ["/a.txt/x", 409],
  ])("%s is %i", (target, status) => {
    make();
    expect(world.ask("LOCK", target, { body: info() }).status).toBe(status);
  });
  test("makes no file where clients may make none", () => {
    make({ davMethods: ["DELETE"] });
    expect(world.ask("LOCK", "/new", { body: info() }).status).toBe(403);
  });
  test("has no room", () => {
    make({ davLock: { name: "small", size: 2_500, timeout: 60_000 } });
    lock("/a.txt", { body: info("exclusive", "") });
    expect(world.ask("LOCK", "/dir/x", { body: info("exclusive", "") }).status).toBe(503);
  });
  test("is 405 without dav_ext_lock", () => {
    make({ davLock: null });
    expect([world.ask("LOCK", "/a.txt", { body: info() }).status, world.ask("UNLOCK", "/a.txt").status]).toEqual([
      405, 405,
    ]);
  });
});

describe("two locks", () => {
  test.each([
    ["exclusive", "exclusive", 423],
    ["exclusive", "shared", 423],
    ["shared", "exclusive", 423],
    ["shared", "shared", 200],
  ])("%s, then %s of the same file: %i", (first, second, status) => {
    make();
    lock("/a.txt", { body: info(first) });
    const exchange = world.ask("LOCK", "/a.txt", { body: info(second) });
    expect(exchange.status).toBe(status);
    if (status === 423) expect(exchange.text()).toContain("<D:no-conflicting-lock><D:href>/a.txt</D:href>");
  });
  test("of a folder and what is in it", () => {
    make();
    lock("/dir/");
    expect(world.ask("LOCK", "/dir/sub/y", { body: info() }).status).toBe(423);
    lock("/free/z");
    const exchange = world.ask("LOCK", "/free/", { body: info() });
    expect(exchange.status).toBe(207);
    expect(exchange.text()).toMatch(/<D:href>\/free\/z<.*423 Locked[\s\S]*<D:href>\/free\/<.*424 Failed Dependency/);
    lock("/free/", { fields: ["Depth: 0"] });
  });
});

type Row = readonly [
  locked: string,
  depth: string,
  method: string,
  target: string,
  destination: string,
  status: number,
];
const STATUS: readonly Row[] = [
  ["/a.txt", "0", "PUT", "/a.txt", "", 204],
  ["/a.txt", "0", "DELETE", "/a.txt", "", 204],
  ["/a.txt", "0", "PROPPATCH", "/a.txt", "", 207],
  ["/a.txt", "0", "MOVE", "/a.txt", "/b", 204],
  ["/a.txt", "0", "COPY", "/free/z", "/a.txt", 204],
  ["/a.txt", "0", "MOVE", "/free/z", "/a.txt", 204],
  ["/dir/", "infinity", "PUT", "/dir/new", "", 201],
  ["/dir/", "infinity", "PUT", "/dir/sub/y", "", 204],
  ["/dir/", "infinity", "MKCOL", "/dir/sub/new/", "", 201],
  ["/dir/", "infinity", "DELETE", "/dir/sub/y", "", 204],
  ["/dir/", "infinity", "DELETE", "/dir/", "", 204],
  ["/dir/", "infinity", "MOVE", "/dir/", "/moved/", 201],
  ["/dir/", "0", "PUT", "/dir/new", "", 201],
  ["/dir/", "0", "DELETE", "/dir/x", "", 204],
  ["/dir/", "0", "MOVE", "/free/z", "/dir/z", 204],
  ["/dir/sub/y", "0", "DELETE", "/dir/", "", 204],
  ["/dir/sub/y", "0", "MOVE", "/dir/sub/", "/moved/", 201],
  ["/dir/sub/y", "0", "COPY", "/free/", "/dir/", 201],
];

describe("what is locked", () => {
  const update = '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x/></D:prop></D:set></D:propertyupdate>';
  const ask = ([, , method, target, destination]: Row, more: Asked = {}): FakeExchange => {
    const fields = destination === "" ? [] : [`Destination: ${destination}`];
    return world.ask(method, target, both({ fields, body: method === "PROPPATCH" ? update : "" }, more));
  };
  test.each(STATUS.map((row) => [row] as const))("%j needs the token", (row) => {
    const [locked, depth] = row;
    make();
    const token = lock(locked, { fields: [`Depth: ${depth}`], user: "ann" });
    const refused = ask(row);
    expect(refused.status).toBe(423);
    expect(refused.text()).toContain(`<D:lock-token-submitted><D:href>${locked}</D:href>`);
    expect(ask(row, withToken("urn:other", locked)).status).toBe(412);
    expect(ask(row, { user: "bob", ...withToken(token, locked) }).status).toBe(423);
    expect(ask(row, { user: "ann", ...withToken(token, locked) }).status).toBe(row[5]);
  });
  test.each(
    [
      ["/a.txt", "0", "COPY", "/a.txt", "/b", 204],
      ["/a.txt", "0", "GET", "/a.txt", "", 200],
      ["/a.txt", "0", "PROPFIND", "/a.txt", "", 207],
      ["/a.txt", "0", "PUT", "/b", "", 201],
      ["/dir/", "0", "PUT", "/dir/x", "", 204],
      ["/dir/", "0", "PUT", "/dir/sub/new", "", 201],
      ["/dir/", "infinity", "PUT", "/directory", "", 201],
    ].map((row) => [row as unknown as Row] as const),
  )("%j needs none", (row) => {
    make();
    lock(row[0], { fields: [`Depth: ${row[1]}`] });
    expect(ask(row).status).toBe(row[5]);
  });
  test("one of shared locks is enough, if it is one's own", () => {
    make();
    lock("/a.txt", { body: info("shared"), user: "ann" });
    const token = lock("/a.txt", { body: info("shared"), user: "bob" });
    expect(world.ask("PUT", "/a.txt", { user: "bob", ...withToken(token) }).status).toBe(204);
    expect(world.ask("PUT", "/a.txt", { user: "ann", ...withToken(token) }).status).toBe(423);
  });
  test.each([
    ["DELETE", "/a.txt", ""],
    ["MOVE", "/a.txt", "/b"],
  ])("is not, after its %s", (method, target, destination) => {
    make();
    const token = lock("/a.txt");
    const fields = destination === "" ? [] : [`Destination: ${destination}`];
    world.ask(method, target, both({ fields }, withToken(token)));
    expect(world.ask("PUT", "/a.txt").status).toBe(201);
    if (destination !== "") expect(world.ask("PUT", destination).status).toBe(204);
  });
});

test("a PUT during which another client locks the file does not store it", () => {
  make();
  const { exchange, end } = world.receiving("PUT", "/a.txt", "new");
  const other = world.receiving("PUT", "/dir/x", "new");
  lock("/a.txt");
  end();
  other.end();
  expect([exchange.status, world.files["a.txt"], other.exchange.status]).toEqual([423, "a", 204]);
});

describe("conditions of If", () => {
  const etag = (): string => world.ask("GET", "/a.txt").field("ETag")!;
  test.each([
    [(token: string) => `(<${token}>)`, 204],
    [(token: string) => `(<${token}> [${etag()}])`, 204],
    [(token: string) => `(<${token}> ["x"])`, 412],
    [(token: string) => `(<${token}> ["x"]) (Not <DAV:no-lock> <${token}>)`, 204],
    [() => "(Not <DAV:no-lock>)", 423],
    [() => `([${etag()}])`, 423],
    [() => "(<DAV:no-lock>)", 412],
    [(token: string) => `<http://example.org/a.txt> (<${token}>)`, 204],
    [(token: string) => `<http://example.com/a.txt> (<${token}>)`, 412],
    [(token: string) => `</dir/x> (<${token}>)`, 412],
    [(token: string) => `</dir/x> (Not <${token}>) </a.txt> (<${token}>)`, 204],
    [(token: string) => `(<${token}>`, 400],
  ])("row %#", (value, status) => {
    make();
    const token = lock("/a.txt");
    expect(world.ask("PUT", "/a.txt", { fields: [`If: ${value(token)}`] }).status).toBe(status);
  });
});

describe("UNLOCK", () => {
  test("needs the token, from who has it", () => {
    make();
    const token = lock("/dir/", { user: "ann" });
    const unlock = (target: string, fields: string[], user = "ann") =>
      world.ask("UNLOCK", target, { fields, user }).status;
    expect(unlock("/dir/", [])).toBe(400);
    expect(unlock("/dir/", [`Lock-Token: ${token}`])).toBe(400);
    expect(unlock("/dir/", ["Lock-Token: <urn:other>"])).toBe(409);
    expect(unlock("/a.txt", [`Lock-Token: <${token}>`])).toBe(409);
    expect(unlock("/dir/", [`Lock-Token: <${token}>`], "bob")).toBe(403);
    expect(unlock("/dir/x", [`Lock-Token: <${token}>`])).toBe(204);
    expect(unlock("/dir/", [`Lock-Token: <${token}>`])).toBe(409);
    expect(world.ask("PUT", "/dir/x").status).toBe(204);
  });
});
