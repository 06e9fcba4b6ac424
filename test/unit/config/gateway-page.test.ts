/** Every configuration in docs/gateway.md and docs/limits.md is taken, by nginx too where it is installed. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "./fake-files.ts";
import { hasNginx, inHttp, nginxTakes } from "./nginx.ts";

const CONF = join(import.meta.dir, "../../../conf");

/** The configurations of a page of docs/; those of lists are further in. */
function blocksOf(name: string): string[] {
  const page = readFileSync(join(import.meta.dir, "../../../docs", name), "utf8");
  return [...page.matchAll(/(?:^ {4}.*\n|^\n(?= {4}))+/gm)]
    .map(([text]) => text.trim())
    .filter((text) => !text.startsWith("$ "));
}

const pages: readonly (readonly [name: string, least: number])[] = [
  ["gateway.md", 9],
  ["limits.md", 4],
];

test.each(pages)("%s has configurations", (name, least) => {
  expect(blocksOf(name).length).toBeGreaterThanOrEqual(least);
});

describe.each(pages)("configurations of docs/%s", (name) => {
  const blocks = blocksOf(name);
  test.each(blocks)("%s", (text) => {
    expect(load(text).diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  });
  test.skipIf(!hasNginx).each(blocks)("nginx takes %s", (text) => {
    const absolute = text.replace(/include +([^;]+);/g, `include "${CONF}/$1";`).replaceAll(/\/var\/cache\//g, "/tmp/");
    expect(nginxTakes(inHttp(absolute))).toBe(true);
  });
});
