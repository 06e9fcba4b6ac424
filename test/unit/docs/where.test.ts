/** docs/how-it-works.md and docs/design.md are true in what a machine can check: files and folders exist, and names occur in the files they are said to be in. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const PROJECT = join(import.meta.dir, "../../..");
const page = (name: string): string => readFileSync(join(PROJECT, name), "utf8");

const FILE = /^(?:ffi|src|test|bench|tools|conf|www|docs)\/[\w./-]*$/;
const quoted = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word!);

/** "path: name" for each name behind a path in the paragraphs that begin with "Where". */
function places(text: string): [path: string, name: string][] {
  const found: [string, string][] = [];
  for (const [paragraph] of text.matchAll(/^Where: [\s\S]*?(?=\n\n|\n*$)/gm)) {
    let path = "";
    for (const word of quoted(paragraph)) {
      if (FILE.test(word)) path = word;
      else found.push([path, word]);
    }
  }
  return found;
}

/** Whether a path exists; where it ends in a folder and its files, so many as it says. */
const isThere = (path: string): boolean => existsSync(join(PROJECT, path));

const PAGES = readdirSync(join(PROJECT, "docs")).map((name) => `docs/${name}`);

test.each(["README.md", "CONTRIBUTING.md", ...PAGES])("%s names only files that exist", (name) => {
  const paths = quoted(page(name)).filter((word) => FILE.test(word));
  expect(paths.filter((path) => !isThere(path))).toEqual([]);
});

test.each(["README.md", "CONTRIBUTING.md", ...PAGES])("%s links only to what exists", (name) => {
  const links = [...page(name).matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map(([, to]) => to!);
  const folder = name.includes("/") ? "docs" : "";
  expect(links.filter((to) => !isThere(join(folder, to)))).toEqual([]);
});

test("comments name only pages of the repository", () => {
  const folders = ["ffi", "src", "test", "bench", "tools"];
  const files = folders.flatMap((folder) =>
    readdirSync(join(PROJECT, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  const named = files
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) => [...page(name).matchAll(/[\w./-]*\b[\w-]+\.md\b/g)].map(([path]) => `${name}: ${path}`))
    .filter((place) => /: (?:docs\/|SPEC|DESIGN|STYLE|MEASURED)/.test(place));
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((place) => !isThere(place.split(": ")[1]!))).toEqual([]);
});

describe("docs/how-it-works.md", () => {
  const named = places(page("docs/how-it-works.md"));

  test("each answer says where", () => {
    const text = page("docs/how-it-works.md");
    expect(named.length).toBeGreaterThan(100);
    expect((text.match(/^Where: /gm) ?? []).length).toBe((text.match(/^\*\*.*\?\*\*/gm) ?? []).length);
  });

  test("every name occurs in its file", () => {
    const isIn = ([path, name]: [string, string]): boolean =>
      isThere(path) && statSync(join(PROJECT, path)).isFile() && new RegExp(`\\b${name}\\b`).test(page(path));
    expect(named.filter((place) => !isIn(place)).map(([path, name]) => `${path}: ${name}`)).toEqual([]);
  });
});
