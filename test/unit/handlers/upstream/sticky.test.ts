/** sticky cookie: the cookie names the server that answered, and leads back to it while it can be used. */
import { describe, expect, test } from "bun:test";
import type { StickyCookie } from "../../../../src/config/gateway.ts";
import { template } from "../world.ts";
import { hostOf, World } from "./world.ts";

const COOKIE: StickyCookie = {
  name: "srv",
  expires: null,
  domain: null,
  path: null,
  httponly: false,
  secure: false,
  samesite: null,
};

/** The Set-Cookie of a reply by the next peer, and its host. */
function visit(world: World, cookie?: string): { host: string; field: string | undefined } {
  const request = world.request(cookie === undefined ? {} : { fields: [`Cookie: a=b; ${cookie}`] });
  const attempt = request.next();
  request.choice.accepted(attempt, request.exchange);
  request.choice.done(attempt, true, null);
  return { host: hostOf(attempt), field: request.exchange.added.find(([name]) => name === "Set-Cookie")?.[1] };
}

const world = (servers: string, changes: Partial<StickyCookie> = {}): World =>
  new World(servers, { sticky: { ...COOKIE, ...changes } });

test("leads back, also when others would be next", () => {
  const w = world("a, b, c");
  const first = visit(w);
  for (let i = 0; i < 5; i++) expect(visit(w, first.field)).toEqual(first);
  expect([visit(w).host, visit(w).host]).toEqual(["b", "c"]);
});

test("names the server by a hash, not by its address", () => {
  expect(visit(world("a, b")).field).toMatch(/^srv=[0-9a-f]{32}$/);
});

test.each(["srv=0123456789abcdef0123456789abcdef", "srv=", "other=x"])("%s names nobody", (cookie) => {
  const w = world("a, b");
  expect([visit(w, cookie).host, visit(w, cookie).host]).toEqual(["a", "b"]);
});

test("another server answers while its own cannot, and the cookie then names that one", () => {
  const w = world("a, b");
  const first = visit(w);
  const request = w.request({ fields: [`Cookie: ${first.field}`] });
  const failed = request.next();
  expect(hostOf(failed)).toBe("a");
  request.choice.done(failed, false, null);
  const second = request.next();
  request.choice.accepted(second, request.exchange);
  expect(request.exchange.added).toEqual([["Set-Cookie", visit(w, first.field).field!]]);
  expect(visit(w, first.field).host).toBe("b");
});

describe("attributes", () => {
  test.each([
    [{ expires: 3_600_000 }, /; expires=\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT; max-age=3600$/],
    [{ expires: "max" }, /; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000$/],
    [{ domain: template(".example.org"), path: template("/app") }, /; domain=\.example\.org; path=\/app$/],
    [{ httponly: true, secure: true, samesite: template("lax") }, /; httponly; secure; samesite=lax$/],
    [{ samesite: template("$arg_none") }, /^srv=\w{32}$/],
    [{ samesite: template("odd") }, /; samesite=strict$/],
  ] as [Partial<StickyCookie>, RegExp][])("%p", (changes, pattern) => {
    expect(visit(world("a, b", changes)).field).toMatch(pattern);
  });
});
