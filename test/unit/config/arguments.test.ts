// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${name}` is the language that is tested here
/** Sizes, times, templates, regular expressions and names: what each kind of argument gives. */
import { describe, expect, test } from "bun:test";
import { componentPattern } from "../../../src/config/paths.ts";
import { suggestion } from "../../../src/config/text/suggest.ts";
import { parseSize, parseTime } from "../../../src/config/values/arguments.ts";
import { parseListenAddress } from "../../../src/config/values/listen.ts";
import { parseServerName } from "../../../src/config/values/server-name.ts";
import { compileTemplate } from "../../../src/config/values/template.ts";

describe("sizes", () => {
  test.each([
    ["0", 0],
    ["512", 512],
    ["8k", 8192],
    ["8K", 8192],
    ["5m", 5_242_880],
    ["1G", 1_073_741_824],
    ["8388607g", 8_388_607 * 2 ** 30],
    ["8388608g", undefined],
    ["9007199254740991", 2 ** 53 - 1],
    ["9007199254740992", undefined],
    ["", undefined],
    ["k", undefined],
    ["-1", undefined],
    ["1.5m", undefined],
    ["1t", undefined],
    ["1 k", undefined],
    ["1kb", undefined],
  ] as const)("%p", (text, bytes) => expect(parseSize(text)).toBe(bytes));
});

describe("times", () => {
  test.each([
    ["0", 0],
    ["30", 30_000],
    ["30s", 30_000],
    ["500ms", 500],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["1h 30m", 5_400_000],
    ["1d12h", 129_600_000],
    ["1w", 604_800_000],
    ["1M", 2_592_000_000],
    ["1y", 31_536_000_000],
    ["1m30", 90_000],
    ["1s500ms", 1500],
    ["30m1h", undefined],
    ["1h1h", undefined],
    ["1m1M", undefined],
    ["", undefined],
    [" ", undefined],
    ["s", undefined],
    ["-1s", undefined],
    ["1.5h", undefined],
    ["1S", undefined],
    ["1 2", undefined],
  ] as const)("%p", (text, milliseconds) => expect(parseTime(text)).toBe(milliseconds));
});

describe("templates", () => {
  const v = (variable: string): { variable: string } => ({ variable });
  test.each([
    ["", [], ""],
    ["text", ["text"], "text"],
    ["$uri", [v("uri")], null],
    ["a$uri/b", ["a", v("uri"), "/b"], null],
    ["${uri}x$1$2y", [v("uri"), "x", v("1"), v("2"), "y"], null],
    ["$10", [v("1"), "0"], null],
    ["${host}_a", [v("host"), "_a"], null],
    ["$host_a", [v("host_a")], null],
  ] as const)("%p", (text, parts, constant) => {
    expect(compileTemplate(text)).toEqual({ text, parts: [...parts], constant });
  });
  test.each(["$", "a$ b", "$-", "${", "${}", "${a-b}", "${uri", "$$"])("%p is none", (text) => {
    expect(typeof compileTemplate(text)).toBe("string");
  });
});

describe("listen", () => {
  test.each([
    ["8080", "0.0.0.0:8080"],
    ["0", "0.0.0.0:0"],
    ["*:80", "0.0.0.0:80"],
    ["*", "0.0.0.0:80"],
    ["127.0.0.1:8080", "127.0.0.1:8080"],
    ["127.0.0.1", "127.0.0.1:80"],
    ["localhost:81", "127.0.0.1:81"],
    ["localhost", "127.0.0.1:80"],
    ["[::]:80", "[::]:80"],
    ["[::1]", "[::1]:80"],
    ["[2001:DB8:0:0::1]:443", "[2001:db8::1]:443"],
    ["unix:/run/x.sock", "unix:/run/x.sock"],
    ["unix:x.sock", "unix:/prefix/x.sock"],
  ])("%p", (text, shown) => expect(parseListenAddress(text, "/prefix")).toMatchObject({ text: shown }));
});

describe("server_name", () => {
  const name = (kind: string, text: string): object => ({ kind, text, regex: null });
  test.each([
    ["x.org", [name("exact", "x.org")]],
    ["X.Org", [name("exact", "x.org")]],
    ["*.x.org", [name("leading", ".x.org")]],
    ["www.x.*", [name("trailing", "www.x.")]],
    [".x.org", [name("exact", "x.org"), name("leading", ".x.org")]],
    ["", [name("exact", "")]],
    ["_", [name("exact", "_")]],
    ["[::1]", [name("exact", "[::1]")]],
  ])("%p", (word, names) => expect(parseServerName(word)).toEqual(names as never));
  test("an expression has no case", () => {
    const [regex] = parseServerName("~^www\\d+\\.x$") as { kind: string; regex: RegExp }[];
    expect(regex!.kind).toBe("regex");
    expect(regex!.regex.test("WWW12.x")).toBe(true);
  });
  test.each(["*", "*x.org", "a.*.b", "*.x.*", "*.", "~("])("%p is none", (word) => {
    expect(typeof parseServerName(word)).toBe("string");
  });
});

describe("patterns of include", () => {
  test.each([
    ["*.conf", ["a.conf", "a.b.conf"], [".conf", "a.conf~", ".a.conf"]],
    [".*", [".a"], ["a"]],
    ["a?.conf", ["ab.conf"], ["a.conf"]],
    ["[a-c][!x].conf", ["ay.conf"], ["ax.conf", "dy.conf"]],
    ["a+(b)*", ["a+(b)c"], ["aab"]],
  ])("%p", (pattern, matches, others) => {
    const regex = componentPattern(pattern)!;
    expect(matches.filter((name) => !regex.test(name))).toEqual([]);
    expect(others.filter((name) => regex.test(name))).toEqual([]);
  });
  test("a name is no pattern", () => expect(componentPattern("a.conf")).toBeNull());
});

describe("the nearest name", () => {
  test.each([
    ["boddy", "body", "a letter too many"],
    ["bdy", "body", "a letter too few"],
    ["bidy", "body", "another letter"],
    ["lisetn", "listen", "two neighbours swapped"],
    ["lsitne", "listen", "twice"],
    ["ROOT", "root", "capitals"],
  ])("%p is near %p: %s", (name, near) => {
    expect(suggestion(name, ["alias", near])).toBe(` (did you mean "${near}"?)`);
  });
  test.each([
    ["xyz", "root", "nothing in common"],
    ["bo", "body", "two of two letters missing"],
    ["alias", "class", "three changes in five letters"],
  ])("%p is not near %p: %s", (name, other) => expect(suggestion(name, [other])).toBe(""));
  test("is the nearest of several", () => {
    expect(suggestion("rot", ["rate", "root"])).toBe(' (did you mean "root"?)');
  });
});
