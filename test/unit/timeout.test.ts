/** test/preload.ts: what no test in this suite could tell of itself, since its limit would have to be passed. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");

/** Each file of a suite that has the preload, in one process: the second file is the one which a single call would miss. */
test("every test file has the limit that the preload gives, not bun's own", async () => {
  const folder = mkdtempSync(join(tmpdir(), "webserv-limit-"));
  try {
    writeFileSync(join(folder, "bunfig.toml"), `[test]\npreload = ["${join(ROOT, "test/preload.ts")}"]\n`);
    const hangs = 'import { test } from "bun:test"; test("hangs", () => new Promise(() => {}));\n';
    for (const name of ["test/a.test.ts", "test/b.test.ts"]) await Bun.write(join(folder, name), hangs);
    const env = { ...process.env, TEST_TIMEOUT: "20" };
    const run = Bun.spawn([process.execPath, "test"], { cwd: folder, env, stdout: "ignore", stderr: "pipe" });
    const output = await new Response(run.stderr).text();
    expect(output.match(/timed out after 20ms/g)).toHaveLength(2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("bunfig.toml names the preload, so that plain `bun test` has it", async () => {
  expect(await Bun.file(join(ROOT, "bunfig.toml")).text()).toContain('preload = ["./test/preload.ts"]');
});
