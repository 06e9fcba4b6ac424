/** What is executed for a script, with `cgi_limit` and without. The shell is the system's own. */
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { command } from "../../../src/handlers/cgi/limits.ts";
import type { Script } from "../../../src/handlers/cgi/script.ts";
import { octets } from "../../../src/http/octets.ts";
import { Site } from "./world.ts";

const site = new Site({
  "limits.sh": "ulimit -t; ulimit -v; ulimit -n; ulimit -Ht; ulimit -Hv; ulimit -Hn",
  "hello.sh": "echo hello",
});
afterAll(() => site.remove());

const script = (filename: string, interpreter: string | null, ...args: string[]): Script => ({
  rule: { extension: "*", interpreter, args },
  filename,
  folder: "/",
  name: "/x",
  pathInfo: "",
});

function run(...given: Parameters<typeof command>): { out: string; code: number } {
  const { path, args } = command(...given);
  const { stdout, exitCode } = Bun.spawnSync([path, ...args.slice(1)], { stderr: "ignore" });
  return { out: stdout.toString(), code: exitCode };
}

const NONE = { cpu: null, memory: null, files: null };

describe("without limits", () => {
  test("the interpreter, its arguments, the script's file", () => {
    expect(command(script("/w/a.py", "/usr/bin/python3", "-u", "-O"), null)).toEqual({
      path: "/usr/bin/python3",
      args: ["/usr/bin/python3", "-u", "-O", "/w/a.py"],
    });
  });
  test("the file itself", () => {
    expect(command(script("/w/a.cgi", null), null)).toEqual({ path: "/w/a.cgi", args: ["/w/a.cgi"] });
    expect(command(script("/w/a.cgi", null), NONE)).toEqual({ path: "/w/a.cgi", args: ["/w/a.cgi"] });
  });
  test("octets", () => {
    const { path, args } = command(script("/w/ü.py", "/opt/ö/py", "ä"), null);
    expect([path, ...args]).toEqual(["/opt/ö/py", "/opt/ö/py", "ä", "/w/ü.py"].map(octets));
  });
});

describe("with limits", () => {
  test("all of them, soft and hard", () => {
    const { out } = run(script(site.path("limits.sh"), "/bin/sh"), { cpu: 7, memory: 64 * 2 ** 20, files: 23 });
    expect(out.split("\n").slice(0, 6)).toEqual(["7", "65536", "23", "7", "65536", "23"]);
  });
  test.each([
    [{ ...NONE, cpu: 7 }, 0, "7"],
    [{ ...NONE, memory: 2 ** 26 + 1 }, 1, "65537"],
    [{ ...NONE, files: 23 }, 2, "23"],
  ] as const)("one alone: %p", (limit, line, expected) => {
    const { out } = run(script(site.path("limits.sh"), "/bin/sh"), limit);
    expect(out.split("\n")[line]).toBe(expected);
  });
  test("the shell reads nothing into arguments and names", () => {
    const odd = ["a b", "$HOME", "$(echo x)", "'", '"', "-n", "*", ";", ""];
    const { out } = run(script("/x; y $z", "/bin/sh", "-c", 'printf "%s|" "$0" "$@"', ...odd), { ...NONE, files: 50 });
    expect(out).toBe([...odd, "/x; y $z", ""].join("|"));
  });
  test("a limit that cannot be set runs nothing", () => {
    const files = Number(readFileSync("/proc/sys/fs/nr_open", "utf8")) + 1;
    expect(run(script(site.path("hello.sh"), "/bin/sh"), { ...NONE, files: 100 })).toEqual({ out: "hello\n", code: 0 });
    const { out, code } = run(script(site.path("hello.sh"), "/bin/sh"), { ...NONE, files });
    expect([out, code === 0]).toEqual(["", false]);
  });
  test("the program takes the shell's place", () => {
    const { out } = run(script("x", "/bin/sh", "-c", "tr '\\0' ' ' < /proc/$$/cmdline"), { ...NONE, files: 50 });
    expect(out).toStartWith("/bin/sh -c tr ");
  });
});
