/** The index of a cache against a simple model: a list in the order of use. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CacheIndex } from "../../../../src/handlers/cache/index.ts";

const names = fc.integer({ min: 0, max: 12 }).map(String);
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("use" as const), name: names }),
    fc.record({ do: fc.constant("hold" as const), name: names }),
    fc.record({ do: fc.constant("let go" as const), name: names }),
    fc.record({ do: fc.constant("size" as const), name: names, size: fc.integer({ min: -1, max: 50 }) }),
    fc.record({ do: fc.constant("remove" as const), name: names }),
    fc.record({ do: fc.constant("expire" as const), name: names }),
  ),
  { maxLength: 80 },
);

describe("the index", () => {
  test("keeps the order of use, removes only what nobody holds, and counts bytes", () => {
    fc.assert(
      fc.property(steps, (list) => {
        let model: { name: string; held: number; size: number; at: number }[] = [];
        const removed: string[] = [];
        const index = new CacheIndex(5 * 128, (node) => removed.push(node.name));
        let now = 0;
        for (const step of list) {
          now++;
          const known = model.find(({ name }) => name === step.name);
          const node = index.get(step.name);
          expect(node !== undefined).toBe(known !== undefined);
          if (step.do === "use" && known && node) {
            index.touch(node, now);
            known.at = now;
            model = [...model.filter((one) => one !== known), known];
          } else if (step.do === "use") {
            const victim = model.length < 5 ? undefined : model.find(({ held }) => held === 0);
            const isFull = model.length === 5 && victim === undefined;
            expect(index.add(step.name, now) === null).toBe(isFull);
            if (victim) expect(removed.pop()).toBe(victim.name);
            if (!isFull)
              model = [...model.filter((one) => one !== victim), { name: step.name, held: 0, size: 0, at: now }];
          } else if (step.do === "hold" && known && node) known.held = ++node.holders;
          else if (step.do === "let go" && known && node && known.held > 0) known.held = --node.holders;
          else if (step.do === "size" && known && node) {
            index.resized(node, step.size);
            known.size = Math.max(0, step.size);
          } else if (step.do === "remove" && known && node && known.held === 0) {
            index.remove(node);
            model = model.filter((one) => one !== known);
          } else if (step.do === "expire") {
            index.expire(now - 6, 100);
            model = model.filter(({ at, held }) => held > 0 || at >= now - 6);
          }
          expect([...index].map(({ name }) => name)).toEqual(model.map(({ name }) => name));
          expect(index.bytes).toBe(model.reduce((sum, { size }) => sum + size, 0));
          expect(index.count).toBe(model.length);
        }
      }),
    );
  });

  test("has room for about 8,000 keys a megabyte", () => {
    expect(new CacheIndex(1024 * 1024, () => {}).capacity).toBe(8192);
  });

  test("becomes smaller when keys_zone does", () => {
    const index = new CacheIndex(10 * 128, () => {});
    for (let i = 0; i < 10; i++) index.add(String(i), i);
    index.resize(3 * 128);
    expect([...index].map(({ name }) => name)).toEqual(["7", "8", "9"]);
  });
});
