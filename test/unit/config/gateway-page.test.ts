/** Every configuration in docs/gateway.md is taken, by nginx too where it is installed. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "./fake-files.ts";
import { hasNginx, inHttp, nginxTakes } from "./nginx.ts";

const CONF = join(import.meta.dir, "../../../conf");
const page = readFileSync(join(import.meta.dir, "../../../docs/gateway.md"), "utf8");
const blocks = [...page.matchAll(/(?:^ {4}.*\n|^\n(?= {4}))+/gm)]
  .map(([text]) => text.trim())
  .filter((text) => !text.startsWith("$ "));

test("the page has configurations", () => expect(blocks.length).toBeGreaterThanOrEqual(9));

describe("configurations of docs/gateway.md", () => {
  test.each(blocks)("%s", (text) => {
    expect(load(text).diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  });
  test.skipIf(!hasNginx).each(blocks)("nginx takes %s", (text) => {
    const absolute = text.replace(/include +([^;]+);/g, `include "${CONF}/$1";`).replaceAll(/\/var\/cache\//g, "/tmp/");
    expect(nginxTakes(inHttp(absolute))).toBe(true);
  });
});
