/** nginx's choice of a location (ngx_http_core_module, "location"): a table, and a second, slower search that must agree. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Location } from "../../../src/config/model.ts";
import { Locations } from "../../../src/routing/locations.ts";

interface Tree extends Pick<Location, "modifier" | "pattern" | "regex"> {
  readonly locations: readonly Tree[];
  readonly name: string;
  readonly outer: Tree | null;
}

type Written = string | WrittenBlock;
interface WrittenBlock extends ReadonlyArray<Written> {
  readonly 0: string;
}

/** `= /a` or `["/a", "~ b$"]` as a location. */
function tree(written: Written, outer: Tree | null = null): Tree {
  const [name, inner] = typeof written === "string" ? [written, []] : [written[0], written.slice(1)];
  const [, modifier, pattern] = /^(?:(=|\^~|~\*?) )?(.*)$/.exec(name)!;
  const regex = modifier?.startsWith("~*")
    ? new RegExp(pattern!, "iu")
    : modifier === "~"
      ? new RegExp(pattern!, "u")
      : null;
  const locations: Tree[] = [];
  const made = { name, outer, modifier: (modifier ?? "") as Location["modifier"], pattern: pattern!, regex, locations };
  locations.push(...inner.map((one) => tree(one, made)));
  return made;
}

const levelOf = (written: readonly Written[]): Locations<string> =>
  Locations.of(
    written.map((one) => tree(one)),
    ({ name }) => name,
  );

describe("which location", () => {
  const rows: [why: string, locations: readonly Written[], path: string, expected: string | null][] = [
    ["none", ["/a"], "/b", null],
    ["the longest prefix, whatever the order", ["/", "/a/b", "/a"], "/a/b/c", "/a/b"],
    ["a prefix is text, not a folder", ["/a"], "/abc", "/a"],
    ["exact before all", ["/a", "~ .", "= /a"], "/a", "= /a"],
    ["an expression before a prefix", ["/a", "~ a$"], "/a", "~ a$"],
    ["the first expression written", ["~ a", "~ ^/a"], "/a", "~ a"],
    ["^~ before expressions", ["^~ /a", "~ a"], "/a", "^~ /a"],
    ["only if it is the longest prefix", ["^~ /a", "/a/b", "~ a"], "/a/b", "~ a"],
    ["~* ignores case", ["~* \\.PNG$"], "/x.png", "~* \\.PNG$"],
    ["a nested prefix", [["/a", "/a/b"]], "/a/b", "/a/b"],
    ["an expression nested in the prefix before those beside it", ["~ x", ["/a", "~ x$"]], "/a/x", "~ x$"],
    ["an exact one nested in the prefix likewise", ["~ x", ["/a", "= /a/x"]], "/a/x", "= /a/x"],
    ["a nested prefix is no more than a prefix", ["~ x", ["/a", "/a/x"]], "/a/x", "~ x"],
    ["nested in an expression", [["~ ^/a", "~ b$"]], "/ab", "~ b$"],
    ["nested in an expression, none fits", [["~ ^/a", "~ b$"]], "/ac", "~ ^/a"],
    ["^~ counts for its own level only", ["~ y", ["/a", "^~ /a/x"]], "/a/xy", "~ y"],
  ];
  test.each(rows)("%s", (_why, locations, path, expected) => {
    expect(levelOf(locations).find(path)?.route ?? null).toBe(expected);
  });
});

test("the captures are of the innermost expression that decided", () => {
  const level = levelOf([["~ ^/(a)", "/a/b", "~ ^/a/(c)"], "/d"]);
  const groups = (path: string): string | undefined => level.find(path)?.captures?.[1];
  expect([groups("/a/x"), groups("/a/b"), groups("/a/c"), groups("/d")]).toEqual(["a", "a", "c", undefined]);
});

test("every location is made once, in the order written; named ones are not", () => {
  const locations = [tree("/b"), tree(["/a", "~ x", "/a/b"]), { ...tree("/"), modifier: "@" as const }];
  const made: string[] = [];
  const level = Locations.of(locations, ({ name }) => made.push(name) && name);
  expect([...level.all()]).toEqual(["/b", "/a", "~ x", "/a/b"]);
  expect(made.toSorted()).toEqual(["/a", "/a/b", "/b", "~ x"]);
});

/** The same rules, looked up one by one in the tree. */
function slowly(locations: readonly Tree[], path: string): Tree | null {
  const exact = locations.find(({ modifier, pattern }) => modifier === "=" && pattern === path);
  if (exact !== undefined) return exact;
  const prefixes = locations.filter(({ modifier, pattern }) => /^(?:\^~)?$/.test(modifier) && path.startsWith(pattern));
  const prefix = prefixes.reduce<Tree | null>(
    (a, b) => (a !== null && a.pattern.length >= b.pattern.length ? a : b),
    null,
  );
  const nested = prefix === null ? null : slowly(prefix.locations, path);
  if (nested !== null && (isWithinRegex(nested, prefix!) || nested.modifier === "=")) return nested;
  const regex = prefix?.modifier === "^~" ? undefined : locations.find((one) => one.regex?.test(path));
  if (regex !== undefined) return slowly(regex.locations, path) ?? regex;
  return nested ?? prefix;
}

/** Whether an expression decided, on the way from a location to one nested in it. */
function isWithinRegex(inner: Tree, outer: Tree): boolean {
  if (inner === outer) return false;
  return inner.regex !== null || (inner.outer !== null && isWithinRegex(inner.outer, outer));
}

test("both searches agree", () => {
  const path = fc.string({ unit: fc.constantFrom("/", "a", "b"), maxLength: 5 }).map((text) => `/${text}`);
  const prefix = fc.tuple(fc.constantFrom("", "^~ ", "= "), path).map(([modifier, text]) => modifier + text);
  const name = fc.oneof(prefix, fc.constantFrom("~ a$", "~ ^/a", "~ b/", "~ ^/b/a", "~ ."));
  const { written } = fc.letrec<{ written: Written }>((tie) => ({
    written: fc.oneof({ maxDepth: 2 }, name, fc.tuple(name, tie("written"), tie("written"))),
  }));
  fc.assert(
    fc.property(
      fc.array(written, { maxLength: 6 }),
      fc.array(path, { minLength: 20, maxLength: 20 }),
      (level, paths) => {
        // A location written twice at one level is an error of the configuration.
        const roots = level
          .map((one) => tree(one))
          .filter(isFirst)
          .map(withoutTwins);
        const found = Locations.of(roots, (location) => location);
        for (const one of paths) expect(found.find(one)?.route ?? null).toBe(slowly(roots, one));
      },
    ),
    { numRuns: 1000 },
  );
});

const isFirst = (one: Tree, at: number, all: readonly Tree[]): boolean =>
  all.findIndex(({ pattern, modifier }) => pattern === one.pattern && (modifier === "=") === (one.modifier === "=")) ===
  at;

function withoutTwins(one: Tree): Tree {
  const kept = one.locations.filter(isFirst);
  (one.locations as Tree[]).splice(0, one.locations.length, ...kept);
  for (const inner of kept) withoutTwins(inner);
  return one;
}
