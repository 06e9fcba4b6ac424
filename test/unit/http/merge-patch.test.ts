/** RFC 7396: its appendix A, row by row, and what JSON makes dangerous in JavaScript. */
import { describe, expect, test } from "bun:test";
import { type Json, mergePatch } from "../../../src/http/merge-patch.ts";

const patched = (target: string, patch: string) => JSON.stringify(mergePatch(JSON.parse(target), JSON.parse(patch)));

describe("appendix A", () => {
  const rows: [original: string, patch: string, result: string][] = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', "{}"],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', "null", "null"],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
    ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ];
  test.each(rows)("%s patched with %s is %s", (original, patch, result) => {
    expect(patched(original, patch)).toBe(result);
  });
});

describe("names that JavaScript gives a meaning", () => {
  const rows: [original: string, patch: string, result: string][] = [
    ["{}", '{"__proto__":{"admin":true}}', '{"__proto__":{"admin":true}}'],
    ['{"__proto__":{"a":1}}', '{"__proto__":{"b":2}}', '{"__proto__":{"a":1,"b":2}}'],
    ['{"__proto__":1}', '{"__proto__":null}', "{}"],
    ["{}", '{"constructor":{"prototype":{"admin":true}}}', '{"constructor":{"prototype":{"admin":true}}}'],
    ["{}", '{"toString":null,"hasOwnProperty":1}', '{"hasOwnProperty":1}'],
  ];
  test.each(rows)("%s patched with %s is %s", (original, patch, result) => {
    expect(patched(original, patch)).toBe(result);
    expect((mergePatch(JSON.parse(original), JSON.parse(patch)) as { admin?: Json }).admin).toBeUndefined();
    expect(({} as { admin?: Json }).admin).toBeUndefined();
  });
});

test("neither target nor patch is changed", () => {
  const target = { a: { b: "c" }, d: 1 };
  const patch = { a: { b: null, e: [1] }, d: null };
  const before = JSON.stringify([target, patch]);
  mergePatch(target, patch);
  expect(JSON.stringify([target, patch])).toBe(before);
});

test("32 KB of nesting fit on the stack", () => {
  const deep = `${'{"a":'.repeat(5400)}1${"}".repeat(5400)}`;
  expect(patched("{}", deep)).toBe(deep);
});
