/** The dlopen table fits both C libraries, and a machine that has none, or is another, is told so in one line. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { libc } from "../../../ffi/libc.ts";
import { openFirst } from "../../../ffi/platform.ts";

const MAIN = join(import.meta.dir, "../../../src/main.ts");

/** What the linker says of a program that uses every function of the table. */
function linked(compiler: string, names: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "webserv-libc-"));
  const file = join(folder, "uses.c");
  const declarations = names.map((name) => `extern char ${name}[];`).join("\n");
  writeFileSync(file, `${declarations}\nvoid *used[] = { ${names.join(", ")} };\nint main(void) { return 0; }\n`);
  const { stderr } = Bun.spawnSync([compiler, "-fno-builtin", "-w", "-o", join(folder, "uses"), file]);
  rmSync(folder, { recursive: true });
  return stderr.toString();
}

describe("every function of the table is in", () => {
  for (const [compiler, library] of [
    ["cc", "the system's C library"],
    ["musl-gcc", "musl"],
  ] as const) {
    const installed = Bun.which(compiler) !== null;
    test.skipIf(!installed)(installed ? library : `${library}: ${compiler} is not installed`, () => {
      expect(linked(compiler, Object.keys(libc))).toBe("");
      expect(linked(compiler, ["not_in_any_libc"])).toContain("not_in_any_libc");
    });
  }
});

describe("opening a C library", () => {
  const functions = { getpid: { args: [], returns: "i32" } } as const;
  test("takes the first that is there", () => {
    expect(
      openFirst(["libnothing.so.1", "libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"], functions),
    ).not.toBeString();
  });

  test("says in one line which are not", () => {
    const problem = openFirst(["libnothing.so.1", "libneither.so.2"], functions);
    expect(problem).toStartWith("no C library with all that it needs was found (");
    expect(problem).toContain("libnothing.so.1");
    expect(problem).toContain("libneither.so.2");
    expect(problem).not.toContain("\n");
  });
});

describe("a machine it does not run on", () => {
  test.each([
    ["darwin", "arm64"],
    ["win32", "x64"],
    ["linux", "ppc64"],
  ])("%s %s: one line and exit status 1", (platform, arch) => {
    const script = `
      Object.defineProperty(process, "platform", { value: "${platform}" });
      Object.defineProperty(process, "arch", { value: "${arch}" });
      await import(${JSON.stringify(MAIN)});`;
    const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, "-e", script]);
    const line = `webserv: this program runs on Linux on x86-64 and arm64, not on ${platform} ${arch}\n`;
    expect([exitCode, stdout.toString(), stderr.toString()]).toEqual([1, "", line]);
  });
});
