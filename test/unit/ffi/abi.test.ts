/**
 * Constants and layouts of ffi/ are those of the C headers, for both architectures and both C libraries. A constant
 * that is added later is checked without a change here; a compiler that is not installed is skipped by its name.
 */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claims, type Numbers, numbersIn } from "./c-source.ts";

const FFI = join(import.meta.dir, "../../../ffi");

interface Compiler {
  readonly command: string;
  readonly arch: string;
  readonly options?: readonly string[];
}

const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
const COMPILERS: readonly Compiler[] = [
  { command: "cc", arch: process.arch },
  // musl's packages have no kernel headers; the system's come after everything of musl's own.
  {
    command: "musl-gcc",
    arch: process.arch,
    options: ["-idirafter", "/usr/include", "-idirafter", `/usr/include/${machine}-linux-gnu`],
  },
  { command: "aarch64-linux-gnu-gcc", arch: "arm64" },
  { command: "x86_64-linux-gnu-gcc", arch: "x64" },
];

/** What ffi/ has on a machine of that architecture. */
function numbersOn(arch: string): Numbers {
  const script = `
    Object.defineProperty(process, "arch", { value: ${JSON.stringify(arch)} });
    const [abi, { ERRNO }] = await Promise.all([import(${JSON.stringify(`${FFI}/abi.ts`)}), import(${JSON.stringify(`${FFI}/errno.ts`)})]);
    console.log(JSON.stringify([abi, ERRNO]));`;
  const { stdout } = Bun.spawnSync([process.execPath, "-e", script]);
  const [abi, errno] = JSON.parse(stdout.toString());
  return { ...numbersIn(abi), ...numbersIn(errno) };
}

/** The names that the compiler says are wrong, and everything else it complains about. */
function complaints({ command, options = [] }: Compiler, numbers: Numbers): string[] {
  const folder = mkdtempSync(join(tmpdir(), "webserv-abi-"));
  const file = join(folder, "claims.c");
  writeFileSync(file, claims(numbers));
  const { stderr } = Bun.spawnSync([command, "-std=gnu11", "-fsyntax-only", ...options, file]);
  rmSync(folder, { recursive: true });
  const errors = stderr
    .toString()
    .split("\n")
    .filter((line) => line.includes("error:"));
  return errors.map((line) => /static assertion failed: "(.*)"/.exec(line)?.[1] ?? line);
}

describe("constants and layouts are the headers'", () => {
  for (const compiler of COMPILERS) {
    const { command, arch } = compiler;
    const installed = Bun.which(command) !== null;
    const name = `${command}, ${arch}`;
    test.skipIf(!installed)(installed ? name : `${name}: not installed`, () => {
      const numbers = numbersOn(arch);
      expect(Object.keys(numbers).length).toBeGreaterThan(120);
      expect(complaints(compiler, numbers)).toEqual([]);
    });
  }
});

const [cc] = COMPILERS as [Compiler];

describe.skipIf(Bun.which(cc.command) === null)("the comparison can fail", () => {
  test("a wrong number is named", () => {
    expect(complaints(cc, { EPOLLIN: 2, "STATX.mode": 28 })).toEqual(["EPOLLIN: (int)(EPOLLIN) == 2"]);
  });

  test("a name that no header has is named", () => {
    expect(complaints(cc, { O_NOTHING: 1 })[0]).toContain("O_NOTHING");
  });

  test("numbers of the other architecture are refused", () => {
    const other = process.arch === "arm64" ? "x64" : "arm64";
    const names = complaints(cc, numbersOn(other)).map((text) => text.split(":")[0]);
    expect(names).toContain("O_DIRECTORY");
    expect(names).toContain("EPOLL_EVENT.words");
    expect(names).toContain("SYS_getdents64");
  });
});
