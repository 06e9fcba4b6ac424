/** Whether a text matches, and whether that is known. */
import { expect, test } from "bun:test";
import { SureRegex } from "../../../src/routing/sure-regex.ts";

const rows: [regex: RegExp, text: string, groups: (string | undefined)[] | null | undefined][] = [
  [/\.php$/u, "/a.php", [".php"]],
  [/\.php$/u, "/a.txt", null],
  [/^\/(\w+)\/(\d*)$/u, "/a/", ["/a/", "a", ""]],
  [/^\/(\w+)\/(\d*)$/u, "/a/b", null],
  [/^\/(a+)+$|^\/(?<b>b)/iu, "/B", ["/B", undefined, "B"]],
  [/^a*|b*$/u, "", [""]],
  [/a+b+/u, "xaab", ["aab"]],
  [/^\/img\/(.*)\.jpg$/u, "/img/a.jpg", ["/img/a.jpg", "a"]],
  [/^\/img\/(.*)\.jpg$/u, "/img/a.png", null],
  [/^\/img\/(.*)\.jpg$/u, "/x/img/a.jpg", null],
  [/^\/a*$|b/u, "/cb", ["b"]],
  [/^\/(?:\w+|b)\/$/u, "/a", null],
  [/\.(jpg|png)$/u, "/a.png", [".png", "png"]],
  [/^\/([ab]\|)*$/u, "/a|b|", ["/a|b|", "b|"]],
  [/(a+)+$/u, `${"a".repeat(40)}!`, undefined],
  [/^\/(a|aa)+$/u, `/${"a".repeat(60)}!`, undefined],
  [/^(a?a)+$/u, `${"a".repeat(60)}!`, undefined],
  [/\/(\w|\d)+\.bak$/u, `/${"1".repeat(40)}/x.bak`, undefined],
  [/\/(?:\w|\d){9,}\.bak$/u, `/${"1".repeat(40)}/x.bak`, undefined],
  [/(a)*b$/u, "a".repeat(30_000), undefined],
];
test.each(rows)("%p of %p", (regex, text, groups) => {
  const found = new SureRegex(regex).exec(text);
  expect<unknown>(found?.slice(0, groups?.length)).toEqual(groups ?? undefined);
  expect(found === undefined).toBe(groups === undefined);
});

test("names of groups stay", () => {
  expect(new SureRegex(/^(?<first>\w+)-(?<last>\w+)$/u).exec("a-b")?.groups).toEqual({ first: "a", last: "b" });
});
