/** Whether a text matches is known, whatever the text, and without many steps. */
import { expect, test } from "bun:test";
import { longestText } from "../../../src/routing/regex-cost.ts";
import { parseRegex } from "../../../src/routing/regex-syntax.ts";
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
  // Without a bound, JavaScriptCore tries these for seconds or minutes.
  [/(a+)+$/u, `${"a".repeat(8000)}!`, null],
  [/^\/(a|aa)+$/u, `/${"a".repeat(8000)}!`, null],
  [/^(a?a)+$/u, `${"a".repeat(8000)}!`, null],
  [/\/(\w|\d)+\.bak$/u, `/${"1".repeat(8000)}/x.bak`, ["/x.bak", "x"]],
  [/\/(?:\w|\d){9,}\.bak$/u, `/${"1".repeat(8000)}/x.bak`, null],
  [/(a)*b$/u, "a".repeat(8000), null],
  [/^\/(.*)\/(.*)\/(.*)\.php$/u, "/a".repeat(4000), null],
  [
    /^\/(.*)\/(.*)\/(.*)\.php$/u,
    `${"/a".repeat(4000)}.php`,
    [`${"/a".repeat(4000)}.php`, "a/".repeat(3997) + "a", "a", "a"],
  ],
  // A run of characters.
  [/([a-z0-9]{2000,})/i, `/${"aB1".repeat(600)}-${"Z".repeat(2100)}-`, ["Z".repeat(2100), "Z".repeat(2100)]],
  [/([a-z0-9]{2000,})/i, `/${"aB1".repeat(600)}-${"Z".repeat(1999)}-`, null],
  [/(?:[^/]+)/, "/".repeat(3000) + "ab/", ["ab"]],
  [/[a-z]{2,}/, `${"-a".repeat(2000)}b`, ["ab"]],
  // No machine for these, or too slow a one.
  [/^\/((?!x)\w|\d)+$/u, `/${"1".repeat(8000)}!`, null],
  [/^\/((?!x)\w|\d)+$/u, `/${"1".repeat(8000)}`, undefined],
  [/^\/((?!x)\w|\d)+$/u, "/12", ["/12", "2"]],
  [/^\/(\w|\d)*\1$/u, `/${"1".repeat(40)}!`, undefined],
  [/^\/(\w|\d)*\1$/u, `-${"1".repeat(40)}!`, null],
  [/(?:a?){500}b/u, "a".repeat(8000), undefined],
];
test.each(rows)("%p of %.40p", (regex, text, groups) => {
  const found = new SureRegex(regex).exec(text);
  expect<unknown>(found?.slice(0, groups?.length)).toEqual(groups ?? undefined);
  expect(found === undefined).toBe(groups === undefined);
});

test("names of groups stay", () => {
  const text = `${"a".repeat(8000)}-b`;
  const groups = (regex: RegExp, of: string) => ({ ...new SureRegex(regex).exec(of)?.groups });
  expect(groups(/^(?<first>\w+)-(?<last>\w+)$/u, "a-b")).toEqual({ first: "a", last: "b" });
  expect(groups(/^(?<first>(?:\w|a)+)-(?<last>\w+)$/u, text)).toEqual({ first: "a".repeat(8000), last: "b" });
});

/** Texts up to so many characters are left to JavaScriptCore. */
const ANY = 5_000_000;
test.each([
  [/\.php$/u, ANY],
  [/\.(?:jpe?g|png|gif)$/iu, ANY],
  [/^\/images\/(.*)$/u, ANY],
  [/^\/a|^\/b.*x$/u, ANY],
  [/(.*)\.jpg$/u, 3162],
  [/^\/(.*)\/(.*)\.php$/u, 3162],
  [/^\/(.*)\/(.*)\/(.*)\.php$/u, 310],
  [/^(?:\/[^/]+)+\/x$/u, ANY],
  [/^\/(?:[a-z]+-)*[a-z]+$/u, 3162],
  [/^\/(?:[a-z]+-?)+$/u, 0],
  [/^\/(?:\w+x)+$/u, 0],
  [/^\/(?:[a-z]+Z)+$/iu, 0],
  [/^\/(?:.+\/)+$/u, 0],
  [/^\/(?:a|b)*$/u, ANY],
  [/^\/(?:foo|bar)+$/u, ANY],
  [/^\/(?:foo|fog)+$/u, 0],
  [/^\/(?:a|\w)*$/u, 0],
  [/^\/(?:a|A)*$/iu, 0],
  [/^(\w+)\1x*$/u, 310],
] as [RegExp, number][])("%p: texts up to %p", (regex, longest) => {
  expect(longestText(parseRegex(regex.source).root)).toBe(longest);
});
