/** The parts of locking that need no file: the table of locks, and the syntax of the field If. */
import { describe, expect, test } from "bun:test";
import { parseIf } from "../../../../src/handlers/dav/locks/if-field.ts";
import { type Lock, LockTable } from "../../../../src/handlers/dav/locks/lock-table.ts";

describe("the field If", () => {
  const plain = (token: string) => ({ not: false, token, etag: "" });
  test.each([
    ["(<urn:a>)", [{ resource: null, conditions: [plain("urn:a")] }]],
    ["  ( <urn:a> )  ", [{ resource: null, conditions: [plain("urn:a")] }]],
    ["(<urn:a>)(<urn:b>)", [null, null].map((resource, i) => ({ resource, conditions: [plain(`urn:${"ab"[i]}`)] }))],
    [
      '(Not <DAV:no-lock> ["x"])',
      [
        {
          resource: null,
          conditions: [
            { ...plain("DAV:no-lock"), not: true },
            { ...plain(""), etag: '"x"' },
          ],
        },
      ],
    ],
    ['([W/"a)b"])', [{ resource: null, conditions: [{ ...plain(""), etag: 'W/"a)b"' }] }]],
    [
      "<http://h/x> (<urn:a>) (<urn:b>)",
      ["urn:a", "urn:b"].map((token) => ({ resource: "http://h/x", conditions: [plain(token)] })),
    ],
    [
      "</x>(<urn:a>)</y>(<urn:b>)",
      [
        ["/x", "urn:a"],
        ["/y", "urn:b"],
      ].map(([resource, token]) => ({ resource, conditions: [plain(token!)] })),
    ],
  ] as const)("%s", (value, lists) => expect(parseIf(value)).toEqual(lists as never));
  test.each([
    "",
    "x",
    "(",
    "()",
    "(<>)",
    "(<urn:a>",
    "<urn:a>",
    "(<urn:a>) x",
    "(urn:a)",
    "(<urn:a>) </x> (<urn:b>)",
    "(<a b>)",
    "([x])",
    "</x>",
  ])("%s is malformed", (value) => expect(parseIf(value)).toBeNull());
});

describe("the table", () => {
  const lock = (file: string, more: Partial<Lock> = {}): Lock => ({
    token: `urn:${file}`,
    file,
    root: file,
    exclusive: true,
    deep: true,
    owner: "",
    user: "",
    timeout: 10,
    until: 10,
    ...more,
  });
  const files = (locks: Iterable<Lock>): string[] => [...locks].map(({ file }) => file).sort();
  test("finds what covers a file, and what is within a folder", () => {
    const table = new LockTable(100_000);
    for (const file of ["/a", "/a/b/c", "/ab"]) expect(table.add(lock(file), 0)).toBe(true);
    table.add(lock("/a/b", { deep: false }), 0);
    expect(files(table.covering("/a/b/c", 0))).toEqual(["/a", "/a/b/c"]);
    expect(files(table.covering("/a/b", 0))).toEqual(["/a", "/a/b"]);
    expect(files(table.covering("/a/b/d", 0))).toEqual(["/a"]);
    expect(files(table.covering("/abc", 0))).toEqual([]);
    expect(files(table.within("/a", 0))).toEqual(["/a/b", "/a/b/c"]);
    expect(files(table.ofFolder("/a/b", 0))).toEqual(["/a/b"]);
    expect(files(table.covering("/a/b/c", 10))).toEqual([]);
  });
  test("has room again for what was removed or is over", () => {
    const table = new LockTable(3_000);
    let count = 0;
    while (table.add(lock(`/x/${count}`), 0)) count++;
    expect(count).toBeGreaterThan(1);
    table.remove(table.get("urn:/x/0", 0)!);
    expect(table.add(lock("/x/y"), 0)).toBe(true);
    expect(table.add(lock("/x/z"), 500)).toBe(false); // it has just looked for those that are over
    expect(table.add(lock("/x/z", { until: 3_000 }), 1_500)).toBe(true);
    expect(table.count).toBe(1);
  });
  test("forgets all within what is gone", () => {
    const table = new LockTable(100_000);
    for (const file of ["/a/b", "/a/b/c/d", "/a/bc"]) table.add(lock(file), 0);
    table.removeAt("/a/b");
    expect([table.count, files(table.within("/a", 0))]).toEqual([1, ["/a/bc"]]);
  });
});
