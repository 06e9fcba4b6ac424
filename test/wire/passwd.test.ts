/** `webserv passwd`: what it makes of a password file, at a terminal and without one. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROGRAM } from "./server.ts";

setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "webserv-passwd-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
/** A file of its own for each test. */
const fresh = (text?: string): string => {
  const path = join(folder, String(++files), "users");
  mkdirSync(join(folder, String(files)));
  if (text !== undefined) writeFileSync(path, text);
  return path;
};

async function passwd(args: readonly string[], input = "") {
  const child = Bun.spawn([...PROGRAM, "passwd", ...args], {
    stdin: Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, error] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { status: await child.exited, out, error };
}

const read = (path: string): string => readFileSync(path, "utf8");
const holds = (entry: string, password: string): Promise<boolean> =>
  Bun.password.verify(password, entry.trim().replace(/^[^:]*:/, ""));

describe("an entry", () => {
  test("is made in a new file that others may not read", async () => {
    const path = fresh();
    expect(await passwd([path, "ann"], "secret\n")).toEqual({ status: 0, out: "", error: "" });
    expect(read(path)).toMatch(/^ann:\$2y\$10\$[./A-Za-z0-9]{53}\n$/);
    expect(await holds(read(path), "secret")).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  test("replaces the user's, and nothing else changes: comments, other users, mode", async () => {
    const path = fresh("# staff\n\nann:old:and more\nbob:{SHA}x\nann:hidden by the first\nannabel:y");
    chmodSync(path, 0o604);
    expect((await passwd([path, "ann"], "secret")).status).toBe(0);
    expect(read(path)).toMatch(/^# staff\n\nann:\$2y\$10\$[^:\n]*\nbob:\{SHA\}x\nannabel:y\n$/);
    expect(statSync(path).mode & 0o777).toBe(0o604);
    expect(readdirSync(join(path, ".."))).toEqual(["users"]);
  });

  test("is printed with -n, at the cost that is asked for", async () => {
    const { status, out } = await passwd(["-n", "--cost", "11", "jörg"], "pässwörd\r\n");
    expect(status).toBe(0);
    expect(out).toMatch(/^jörg:\$2y\$11\$/);
    expect(await holds(out, "pässwörd")).toBe(true);
  });

  test("is removed with -D", async () => {
    const path = fresh("ann:x\nbob:y\n");
    expect((await passwd(["-D", path, "ann"])).status).toBe(0);
    expect(read(path)).toBe("bob:y\n");
    const again = await passwd(["-D", path, "ann"]);
    expect([again.status, again.error]).toEqual([1, `webserv passwd: error: "${path}" has no user "ann"\n`]);
  });

  test("goes where a link leads, and the link stays", async () => {
    const path = fresh("bob:y\n");
    symlinkSync("users", `${path}.link`);
    expect((await passwd([`${path}.link`, "ann"], "secret\n")).status).toBe(0);
    expect(read(path)).toMatch(/^bob:y\nann:/);
    expect(read(`${path}.link`)).toBe(read(path));
  });

  test("is not lost when others are made at the same time", async () => {
    const path = fresh();
    const users = ["a", "b", "c", "d", "e", "f"];
    const done = await Promise.all(users.map((user) => passwd([path, user], "secret\n")));
    expect(done.map(({ status, error }) => `${status}${error}`)).toEqual(users.map(() => "0"));
    expect([...read(path).matchAll(/^(\w):/gm)].map(([, user]) => user!).sort()).toEqual(users);
  });

  test.skipIf(Bun.which("htpasswd") === null)("is one for htpasswd -v (skipped where that is missing)", async () => {
    const path = fresh();
    await passwd([path, "ann"], "secret\n");
    expect(Bun.spawnSync(["htpasswd", "-vb", path, "ann", "secret"]).exitCode).toBe(0);
    expect(Bun.spawnSync(["htpasswd", "-vb", path, "ann", "wrong"]).exitCode).not.toBe(0);
  });
});

const refused: [args: string[], input: string, status: number, message: RegExp][] = [
  [[], "", 2, /FILE and USER are expected\nusage: webserv passwd/],
  [["-n"], "", 2, /a USER is expected/],
  [["file", "a:b"], "secret", 2, /colon/],
  [["file", "#a"], "secret", 2, /comment/],
  [["file", ""], "secret", 2, /empty/],
  [["file", "a\nb"], "secret", 2, /control character/],
  [["file", "a", "secret"], "", 2, /FILE and USER are expected/],
  [["--cost", "4", "file", "a"], "secret", 2, /10 to 16/],
  [["--what", "file", "a"], "secret", 2, /--what/],
  [["/nowhere/file", "a"], "secret", 1, /open\(\) "\/nowhere\/" failed \(2: No such file or directory\)/],
  [["/dev/null/file", "a"], "secret", 1, /Not a directory/],
  [[folder, "a"], "secret", 1, /Is a directory/],
  [["-n", "a"], "", 1, /the password is empty/],
  [["-n", "a"], "x".repeat(73), 1, /longer than the 72 bytes/],
  [["-n", "a"], "tab\tbed", 1, /control characters/],
];

test.each(refused)("%j with %j: exit status %d", async (args, input, status, message) => {
  const done = await passwd(args, input);
  expect(done.error).toMatch(message);
  expect(done.status).toBe(status);
});

test("the help says what it does, and the program's own help names it", async () => {
  expect((await passwd(["--help"])).out).toContain("usage: webserv passwd [options] FILE USER");
  const whole = Bun.spawnSync([...PROGRAM, "--help"]);
  expect(whole.stdout.toString()).toContain("webserv passwd FILE USER");
});

describe("at a terminal", () => {
  /** What the program shows there while `keys` are typed, one text for each question. */
  async function typed(args: readonly string[], keys: readonly string[]) {
    let shown = "";
    let asked = 0;
    const child = Bun.spawn([...PROGRAM, "passwd", ...args], {
      terminal: {
        data(terminal, data) {
          shown += Buffer.from(data).toString();
          const questions = shown.split(": ").length - 1;
          for (; asked < questions && asked < keys.length; asked++) terminal.write(keys[asked]!);
        },
      },
    });
    return { status: await child.exited, shown };
  }

  test("the password is asked for twice and not shown; keys edit it", async () => {
    const path = fresh();
    const { status, shown } = await typed([path, "ann"], ["nonsense\u0015secrex\u007ft\r", "secreé\u007ft\r"]);
    expect([status, shown]).toEqual([0, "New password: \r\nThe same again: \r\n"]);
    expect(await holds(read(path), "secret")).toBe(true);
  });

  test("two that differ change nothing", async () => {
    const path = fresh("ann:x\n");
    const { status, shown } = await typed([path, "ann"], ["secret\r", "secrex\r"]);
    expect([status, shown]).toEqual([1, expect.stringContaining("the passwords differ")]);
    expect(read(path)).toBe("ann:x\n");
  });

  test("Ctrl-C ends it", async () => {
    const { status, shown } = await typed([fresh(), "ann"], ["sec\u0003"]);
    expect([status, shown]).toEqual([1, expect.stringContaining("interrupted")]);
  });
});
