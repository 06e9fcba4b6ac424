/** Who gets a session, by which cookie, and when the cookie is sent again. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { Settings } from "../../../src/config/model.ts";
import { openSession } from "../../../src/handlers/session/visitor.ts";
import { answer, FakeExchange, FakeServices, location, type RequestLike, Site, settings, template } from "./world.ts";

const site = new Site({ "a.txt": "a", "b/x": "" });
afterAll(() => site.remove());

const LIFETIME = 1_800_000;
const SESSION = { sessionCookie: "sid", sessionLifetime: LIFETIME, sessionMax: 100, sessionStore: null };

let services: FakeServices;
beforeEach(() => {
  services = new FakeServices();
});

/** A request to a location with `session on` of a server called `server`. */
function ask(request: RequestLike = {}, changes: Partial<Settings> = {}, server = "example.org"): FakeExchange {
  const here = location({ root: template(site.root), session: true, ...SESSION, ...changes });
  const exchange = new FakeExchange(services, here, { target: "/a.txt", ...request });
  answer(exchange, server);
  return exchange;
}

const setCookies = (exchange: FakeExchange): string[] =>
  exchange.added.filter(([name]) => name === "Set-Cookie").map(([, value]) => value);

/** The value of the one cookie that was set, or null. */
function given(exchange: FakeExchange): string | null {
  const fields = setCookies(exchange);
  if (fields.length > 1) throw new Error(`several cookies: ${fields}`);
  return /^sid=([^;]*)/.exec(fields[0] ?? "")?.[1] ?? null;
}

/** A visitor who has come before, and what it says when it comes again. */
const visitor = (): string => given(ask())!;
const again = (cookie: string, name = "sid"): RequestLike => ({ fields: [`Cookie: ${name}=${cookie}`] });

describe("a new visitor", () => {
  test("gets a cookie that scripts and other sites' forms can't use, for the whole server, for the lifetime", () => {
    expect(setCookies(ask())).toEqual([
      expect.stringMatching(/^sid=[0-9a-f]{76}; Max-Age=1800; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
  });
  test("gets a reply that no shared cache gives to others", () => {
    expect(ask().added).toContainEqual(["Cache-Control", "private"]);
  });
  test("has a session with 128 random bits and no data, which costs nothing", () => {
    const ids = new Set<string>();
    for (let i = 0; i < 100; i++) ids.add(ask().session!.id);
    expect(ids.size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(ask().session!.data).toBe("{}");
    expect(services.sessions.store("example.org", settings(SESSION)).sessions.size).toBe(0);
  });
  test("is known at the next request, and gets no cookie: a kept reply will do", () => {
    const first = ask();
    const second = ask(again(given(first)!));
    expect(second.session!.id).toBe(first.session!.id);
    expect(second.added).toEqual([]);
    expect(second.how).toBe("whole");
  });
  test("the lifetime is rounded up to a second", () => {
    expect(setCookies(ask({}, { sessionLifetime: 1500 }))[0]).toContain("; Max-Age=2;");
  });
  const replies: [what: string, request: RequestLike, changes: Partial<Settings>, how: string, status: number][] = [
    ["a file that is missing", { target: "/none" }, {}, "whole", 404],
    ["a folder without its slash", { target: "/b" }, {}, "whole", 301],
    ["HEAD", { method: "HEAD" }, {}, "whole", 200],
    ["a fixed answer", {}, { return: { status: 200, text: template("x") } }, "whole", 200],
    ["who may not enter", {}, { access: [{ allow: false, match: "all" }] }, "fail", 403],
  ];
  test.each(replies)("gets it with any reply: %s", (_, request, changes, how, status) => {
    const exchange = ask(request, changes);
    expect([exchange.how, exchange.status, given(exchange) !== null]).toEqual([how, status, true]);
  });
});

describe("a cookie is replaced, never adopted, when it is", () => {
  const mac = (cookie: string): string => cookie.slice(44);
  const table: [what: string, cookie: () => string][] = [
    ["empty", () => ""],
    ["a plausible id", () => "0123456789abcdef".repeat(4) + "0123456789ab"],
    ["cut short", () => visitor().slice(0, 40)],
    ["the id alone", () => visitor().slice(0, 32)],
    [
      "of a server that is no more",
      () => {
        services = new FakeServices();
        const cookie = visitor();
        services = new FakeServices();
        return cookie;
      },
    ],
    ["another server name's", () => given(ask({}, {}, "example.net"))!],
    ["another id with a proof of ours", () => "f".repeat(32) + "0".repeat(12) + mac(visitor())],
    ["long", () => visitor().repeat(50)],
    ["not ASCII", () => "ü".repeat(76)],
  ];
  test.each(table)("%s", (_, make) => {
    const cookie = make();
    const exchange = ask(again(cookie));
    expect(given(exchange)).toMatch(/^[0-9a-f]{76}$/);
    expect(given(exchange)).not.toBe(cookie);
    expect(cookie).not.toStartWith(exchange.session!.id);
  });
  test("called something else", () => {
    expect(given(ask(again(visitor(), "SID")))).not.toBeNull();
    expect(given(ask(again(visitor(), "id")))).not.toBeNull();
  });
});

describe("a cookie is found", () => {
  const table: [where: string, fields: (cookie: string) => string[]][] = [
    ["among others", (cookie) => [`Cookie: a=b; sid=${cookie}; c=d`]],
    ["in the second of two fields", (cookie) => ["Cookie: a=b", `Cookie: sid=${cookie}`]],
    ["in quotes", (cookie) => [`Cookie: sid="${cookie}"`]],
    ["behind one of the same name that someone else has set", (cookie) => [`Cookie: sid=planted; sid=${cookie}`]],
    ["behind such a one in another field", (cookie) => ["Cookie: sid=planted", `Cookie: sid=${cookie}`]],
  ];
  test.each(table)("%s", (_, fields) => {
    const cookie = visitor();
    const exchange = ask({ fields: fields(cookie) });
    expect(exchange.added).toEqual([]);
    expect(cookie).toStartWith(exchange.session!.id);
  });
  test("by its own name", () => {
    const exchange = ask({}, { sessionCookie: "id" });
    const cookie = /^id=([^;]*)/.exec(setCookies(exchange)[0]!)![1]!;
    expect(ask(again(cookie, "id"), { sessionCookie: "id" }).added).toEqual([]);
  });
});

describe("time", () => {
  const tenth = LIFETIME / 10 / 1000;

  test("after a tenth of the lifetime the cookie is sent again, for the same session", () => {
    const cookie = visitor();
    services.pass(tenth - 0.001);
    expect(ask(again(cookie)).added).toEqual([]);
    services.pass(0.001);
    const exchange = ask(again(cookie));
    expect(given(exchange)).not.toBe(cookie);
    expect(given(exchange)).toStartWith(cookie.slice(0, 32));
    expect(ask(again(given(exchange)!)).added).toEqual([]);
  });
  test("a cookie that was not sent again in a lifetime is replaced", () => {
    const cookie = visitor();
    services.pass(10 * tenth - 0.001);
    expect(given(ask(again(cookie)))).toStartWith(cookie.slice(0, 32));
    services.pass(0.001);
    expect(given(ask(again(cookie)))).not.toStartWith(cookie.slice(0, 32));
  });
  test("a session with data lives from use to use, whatever cookie of it the visitor shows", () => {
    const first = ask();
    const cookie = given(first)!;
    expect(first.session!.patch('{"n":1}')).toBe(0);
    for (let i = 0; i < 30; i++) {
      services.pass(9 * tenth);
      expect(ask(again(cookie)).session!.data).toBe('{"n":1}');
    }
    services.pass(10 * tenth);
    const exchange = ask(again(cookie));
    expect(exchange.session!.data).toBe("{}");
    expect(cookie).not.toStartWith(exchange.session!.id);
  });
  test("the clock is set: nobody gets older or younger", () => {
    const cookie = visitor();
    services.clock.second += 10 * 365 * 86_400;
    expect(ask(again(cookie)).added).toEqual([]);
    services.clock.second -= 20 * 365 * 86_400;
    expect(ask(again(cookie)).added).toEqual([]);
  });
});

describe("data", () => {
  test("is seen by the visitor's next request, and by no one else's", () => {
    const first = ask();
    first.session!.patch('{"name":"Ada","n":1}');
    first.session!.patch('{"n":2}');
    expect(ask(again(given(first)!)).session!.data).toBe('{"name":"Ada","n":2}');
    expect(ask().session!.data).toBe("{}");
  });
  test("is that of the store a request was redirected to, opened once in each", () => {
    const exchange = new FakeExchange(services, location(), { target: "/a.txt" });
    const ids = ["sid", "sid", "other", "other"].map((sessionCookie) => {
      const store = services.sessions.store("example.org", settings({ ...SESSION, sessionCookie }));
      return openSession(exchange, store).id;
    });
    expect(new Set(ids).size).toBe(2);
    expect([ids[0], ids[2]]).toEqual([ids[1], ids[3]]);
    expect(setCookies(exchange).length).toBe(2);
  });
  test("is shared by locations of one server name and cookie, not with another name", () => {
    const first = ask();
    first.session!.patch('{"n":1}');
    const cookie = given(first)!;
    expect(ask(again(cookie), { sessionLifetime: LIFETIME * 2 }).session!.data).toBe('{"n":1}');
    expect(ask(again(cookie), {}, "example.net").session!.data).toBe("{}");
  });
  test("lives as long as the longest lifetime of the locations that share it says, wherever it is used", () => {
    const [long, short] = [{ sessionLifetime: LIFETIME }, { sessionLifetime: 1000 }];
    const first = ask({}, long);
    first.session!.patch('{"n":1}');
    const cookie = given(first)!;
    services.pass(60);
    expect(ask(again(cookie), short).session!.data).toBe('{"n":1}');
    expect(setCookies(ask({}, short))[0]).toContain("; Max-Age=1800;");
    ask(again(cookie), long).session!.end();
    services.pass(60);
    for (const changes of [short, long]) expect(cookie).not.toStartWith(ask(again(cookie), changes).session!.id);
  });
  test("is as much as the largest session_max of the locations that share it says, wherever it is written", () => {
    const visitors = Array.from({ length: 3 }, () => ask({}, { sessionMax: 3 }));
    for (const { session } of visitors) session!.patch('{"n":1}');
    ask(again(given(visitors[2]!)!), { sessionMax: 1 }).session!.patch('{"n":2}');
    expect(visitors.map(({ session }) => session!.data)).toEqual(['{"n":1}', '{"n":1}', '{"n":2}']);
  });
  test("changes of two requests at once both count", () => {
    const cookie = given(ask())!;
    const [one, other] = [ask(again(cookie)).session!, ask(again(cookie)).session!];
    one.patch('{"a":1}');
    other.patch('{"b":2}');
    expect(one.data).toBe('{"a":1,"b":2}');
  });
  test("that is deleted to the last member costs nothing any more", () => {
    const { session } = ask();
    session!.patch('{"n":1}');
    session!.patch('{"n":null}');
    expect(session!.data).toBe("{}");
    expect(services.sessions.store("example.org", settings(SESSION)).sessions.size).toBe(0);
  });
  test("of more visitors than session_max is that of those who came last", () => {
    const visitors = Array.from({ length: 5 }, () => ask({}, { sessionMax: 3 }));
    for (const { session } of visitors) session!.patch('{"n":1}');
    expect(visitors.map(({ session }) => session!.data)).toEqual(["{}", "{}", '{"n":1}', '{"n":1}', '{"n":1}']);
  });
  test("an ended session's cookie opens no session any more", () => {
    const first = ask();
    first.session!.patch('{"n":1}');
    const cookie = given(first)!;
    ask(again(cookie)).session!.end();
    const exchange = ask(again(cookie));
    expect(exchange.session!.data).toBe("{}");
    expect(cookie).not.toStartWith(exchange.session!.id);
  });
  test("an ended session's cookie opens none either when so many came since that the end is forgotten", () => {
    const few = { sessionMax: 3 };
    const first = ask({}, few);
    first.session!.patch('{"n":1}');
    const cookie = given(first)!;
    ask(again(cookie), few).session!.end();
    services.pass(1);
    for (let i = 0; i < 3; i++) ask({}, few).session!.patch('{"n":1}');
    expect(services.sessions.store("example.org", settings(SESSION)).sessions.peek(first.session!.id)).toBeUndefined();
    expect(cookie).not.toStartWith(ask(again(cookie), few).session!.id);
    const later = given(ask({}, few))!;
    expect(later).toStartWith(ask(again(later), few).session!.id);
  });
  test("an ended session is brought back by no request that was there before", () => {
    for (const patch of ['{"n":2}', '{"n":null}']) {
      const first = ask();
      const cookie = given(first)!;
      ask(again(cookie)).session!.end();
      expect(first.session!.patch(patch)).toBe(0);
      expect(first.session!.data).toBe("{}");
      expect(cookie).not.toStartWith(ask(again(cookie)).session!.id);
    }
  });

  const patches: [what: string, patch: string, status: number][] = [
    ["an object", '{"a":{"b":[1,2,{"c":null}]}}', 0],
    ["an object in spaces", ' {"a" :\n 1 }\n', 0],
    ["an empty object", "{}", 0],
    ["a member called __proto__", '{"__proto__":{"x":1}}', 0],
    ["nothing", "", 400],
    ["no JSON", "{a:1}", 400],
    ["two objects", "{}{}", 400],
    ["an array", "[1]", 400],
    ["a text", '"a"', 400],
    ["a number", "1", 400],
    ["null", "null", 400],
    ["a number that no double holds", '{"a":[1e400]}', 400],
    ["such a negative number", '{"a":{"b":-1e400}}', 400],
    ["the largest number", '{"a":1.7976931348623157e308}', 0],
    ["4096 bytes", `{"a":"${"x".repeat(4076)}"}`, 0],
    ["4097 bytes", `{"a":"${"x".repeat(4077)}"}`, 413],
    ["more bytes than characters", `{"a":"${"ü".repeat(2039)}"}`, 413],
    ["objects in objects", '{"a":'.repeat(10_000) + "1" + "}".repeat(10_000), 413],
    ["arrays in arrays", `{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`, 413],
    ["much that is deleted", `{${Array.from({ length: 5000 }, (_, i) => `"${i}":null`)}}`, 0],
  ];
  test.each(patches)("a patch that is %s", (_, patch, status) => {
    const { session } = ask();
    session!.patch('{"kept":true}');
    const before = session!.data;
    expect(session!.patch(patch)).toBe(status);
    if (status !== 0) expect(session!.data).toBe(before);
    else expect(JSON.parse(session!.data).kept).toBe(true);
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});

describe("a phase with sessions", () => {
  test("opens one session, which phases and handlers after it share", () => {
    const exchange = ask();
    const { session } = exchange;
    exchange.how = "";
    answer(exchange, "example.org");
    expect(exchange.session).toBe(session);
    expect(setCookies(exchange).length).toBe(1);
  });
});
