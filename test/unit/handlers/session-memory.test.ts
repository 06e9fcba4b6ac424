/** Sessions in memory: the order of use, lifetimes, the bound, and what a file is told of it all. */
import { describe, expect, test } from "bun:test";
import { ENDED, Sessions } from "../../../src/handlers/session/memory.ts";

const LIFETIME = 1000;

/** Sessions a, b, c... written one ms after the other from 0 on. */
function written(ids: string, most = 100): Sessions {
  const sessions = new Sessions(true);
  for (const [now, id] of [...ids].entries()) sessions.write(id, `{"of":"${id}"}`, now, most);
  return sessions;
}

const alive = (sessions: Sessions, ids: string): string => [...ids].filter((id) => sessions.peek(id)).join("");
const changed = (sessions: Sessions): string => [...sessions.changed!].sort().join("");

/** As if a file had got everything. */
function settle(sessions: Sessions): Sessions {
  for (const id of [...sessions.changed!]) sessions.saved(id);
  return sessions;
}

describe("lifetime", () => {
  test("a session lives until it was not used for that long", () => {
    const sessions = written("a");
    expect(sessions.get("a", LIFETIME - 1, LIFETIME)?.data).toBe('{"of":"a"}');
    expect(sessions.get("a", LIFETIME, LIFETIME)).toBeUndefined();
    expect(sessions.size).toBe(0);
  });
  test("use prolongs it", () => {
    const sessions = written("a");
    sessions.touch(sessions.peek("a")!, 900, LIFETIME);
    expect(sessions.get("a", 1899, LIFETIME)).toBeDefined();
    expect(sessions.get("a", 1900, LIFETIME)).toBeUndefined();
  });
  test("a sweep drops all that are over, and only those", () => {
    const sessions = written("abcd");
    sessions.touch(sessions.peek("a")!, 500, LIFETIME);
    sessions.expire(LIFETIME + 2, LIFETIME);
    expect(alive(sessions, "abcd")).toBe("ad");
  });
});

describe("the bound", () => {
  test("the one that was not used for longest goes first", () => {
    const sessions = written("abc");
    sessions.touch(sessions.peek("a")!, 10, LIFETIME);
    sessions.write("d", "{}", 11, 3);
    expect(alive(sessions, "abcd")).toBe("acd");
  });
  test("writing to one that is there drives out no other", () => {
    const sessions = written("abc");
    sessions.write("b", "{}", 10, 3);
    expect(alive(sessions, "abc")).toBe("abc");
  });
  test("a bound of 1", () => {
    expect(alive(written("abc", 1), "abc")).toBe("c");
  });
});

describe("what a file is told", () => {
  test("nothing where there is none", () => {
    expect(new Sessions(false).changed).toBeNull();
  });
  test("a write, an end", () => {
    const sessions = settle(written("abc"));
    sessions.write("b", "{}", 10, 100);
    sessions.write("c", ENDED, 10, 100);
    expect(changed(sessions)).toBe("bc");
  });
  test("a use only when a tenth of the lifetime has passed since the last it was told of", () => {
    const sessions = settle(written("a"));
    sessions.touch(sessions.peek("a")!, 99, LIFETIME);
    expect(changed(sessions)).toBe("");
    sessions.touch(sessions.peek("a")!, 100, LIFETIME);
    expect(changed(sessions)).toBe("a");
  });
  test("that one is gone: by removal, by the bound, by its age", () => {
    const sessions = settle(written("abc"));
    sessions.remove("b");
    expect(changed(sessions)).toBe("b");
    sessions.write("d", "{}", 10, 2);
    expect(changed(sessions)).toBe("abd");
    sessions.expire(LIFETIME + 9, LIFETIME);
    expect(changed(sessions)).toBe("abcd");
  });
  test("nothing of one that came and went before it was told", () => {
    const sessions = written("abc");
    sessions.remove("b");
    expect(changed(sessions)).toBe("ac");
  });
  test("still that one is gone which came again and went again meanwhile", () => {
    const sessions = settle(written("a"));
    sessions.remove("a");
    sessions.write("a", "{}", 5, 100);
    sessions.remove("a");
    expect(changed(sessions)).toBe("a");
  });
});

describe("what a file has", () => {
  const rows = (ids: string): [string, string, number][] => [...ids].map((id, i) => [id, `{"file":"${id}"}`, i]);

  test("comes in the order of use, and needs not be told to it", () => {
    const sessions = new Sessions(true);
    sessions.load(rows("abc"), 100, 100);
    expect(sessions.peek("b")?.data).toBe('{"file":"b"}');
    expect(changed(sessions)).toBe("");
    sessions.write("d", "{}", 101, 3);
    expect(alive(sessions, "abcd")).toBe("bcd");
  });
  test("of more than the bound the newest", () => {
    const sessions = new Sessions(true);
    sessions.load(rows("abcde"), 100, 2);
    expect(alive(sessions, "abcde")).toBe("de");
    expect(changed(sessions)).toBe("abc");
  });
  test("a last use in the future was now: the clock has been set back", () => {
    const sessions = new Sessions(true);
    sessions.load([["a", "{}", 1_000_000]], 100, 100);
    expect(sessions.get("a", 100 + LIFETIME - 1, LIFETIME)).toBeDefined();
    expect(sessions.get("a", 100 + LIFETIME, LIFETIME)).toBeUndefined();
  });
  test("comes late: what happened meanwhile counts more, and counts as used later", () => {
    const sessions = written("bx");
    sessions.load(rows("abc"), 100, 100);
    expect(sessions.peek("b")?.data).toBe('{"of":"b"}');
    expect(changed(sessions)).toBe("bx");
    sessions.write("d", "{}", 101, 4);
    expect(alive(sessions, "abcdx")).toBe("bcdx");
  });
  test("comes late: what was removed meanwhile stays so", () => {
    const sessions = settle(written("ab"));
    sessions.remove("a");
    sessions.load(rows("ab"), 100, 100);
    expect(alive(sessions, "ab")).toBe("b");
    expect(changed(sessions)).toBe("ab");
  });
});
