/** Checks the simulated calls that change files: the same calls on disk and in memory give the same results and leave the same files. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as abi from "../../ffi/abi.ts";
import { FileStatus, type Kernel, type LinkPolicy } from "../../ffi/kernel.ts";
import { linux } from "../../ffi/linux.ts";
import { Block } from "../../ffi/memory.ts";
import { errnoName } from "../errno-name.ts";
import { SimulatedKernel } from "./kernel.ts";
import { UMASK } from "./names.ts";
import { Random } from "./random.ts";
import { seedsOf } from "./world.ts";

const disk = fs.mkdtempSync(join(tmpdir(), "truth-"));
const umask = process.umask();
beforeAll(() => void process.umask(UMASK));
afterAll(() => {
  process.umask(umask);
  fs.rmSync(disk, { recursive: true });
}, 120_000); // a busy disk needs time for thousands of folders

const FILES = { file: "content", other: "other", "sub/deep": "deep", "sub/full/x": "x" };
const LINKS = { link: "file", toSub: "sub", dangling: "nowhere", loop: "loop", "sub/up": "../file" };
const FOLDERS = ["sub/full", "sub/empty"];

const block = new Block(4096);
const status = new FileStatus();

/** A kernel with the test's tree, and the descriptors that a script has opened, numbered by the script. */
class Subject {
  readonly root: number;
  readonly open: { readonly fd: number; readonly flags: number }[] = [];

  constructor(
    readonly kernel: Kernel,
    path: string,
  ) {
    this.root = kernel.open(path, abi.O_PATH | abi.O_DIRECTORY, 0);
  }

  /** Stores a descriptor for later calls; gives its number in the script, or the error. */
  opens(fd: number, flags: number): string {
    if (fd < 0) return errnoName(fd);
    return `opened ${this.open.push({ fd, flags })}`;
  }

  /** Every file within the root, by path: type, permissions, and content or link target. */
  files(path = ".", into: Record<string, string> = {}): Record<string, string> {
    const fd = this.kernel.openBeneath(this.root, path, abi.O_RDONLY | abi.O_DIRECTORY, 0, "inside");
    for (let n = 0; (n = this.kernel.getdents(fd, block)) > 0; ) {
      for (const { name, type } of abi.directoryEntries(block, n)) {
        const below = path === "." ? name : `${path}/${name}`;
        into[below] = this.describe(below, type);
        if (type === abi.DT_DIR) this.files(below, into);
      }
    }
    this.kernel.close(fd);
    return into;
  }

  private describe(path: string, type: number): string {
    if (type === abi.DT_LNK) {
      const target: string[] = [];
      this.kernel.readlink(this.root, path, target);
      return `-> ${target[0]}`;
    }
    const fd = this.kernel.openBeneath(this.root, path, abi.O_RDONLY, 0, "inside");
    this.kernel.fstat(fd, status);
    const mode = status.mode.toString(8);
    const n = type === abi.DT_DIR ? 0 : this.kernel.read(fd, block, 0, 4096, 0);
    this.kernel.close(fd);
    return type === abi.DT_DIR ? mode : `${mode} ${JSON.stringify(block.bytes.latin1Slice(0, n))}`;
  }

  close(): void {
    for (const { fd } of this.open) this.kernel.close(fd);
    this.kernel.close(this.root);
  }
}

let trees = 0;

function onDisk(): Subject {
  const path = join(disk, `${++trees}`);
  for (const folder of FOLDERS) fs.mkdirSync(join(path, folder), { recursive: true });
  for (const [name, content] of Object.entries(FILES)) fs.writeFileSync(join(path, name), content);
  for (const [name, target] of Object.entries(LINKS)) fs.symlinkSync(target, join(path, name));
  return new Subject(linux, path);
}

function inMemory(): Subject {
  const kernel = new SimulatedKernel(1);
  const { tree } = kernel.files;
  for (const folder of FOLDERS) tree.folder(`/t/${folder}`);
  for (const [name, content] of Object.entries(FILES)) tree.file(`/t/${name}`, content);
  for (const [name, target] of Object.entries(LINKS)) tree.link(`/t/${name}`, target);
  return new Subject(kernel, "/t");
}

/** Calls and their results; errors are shown by name. */
type Script = (subject: Subject) => readonly (string | number)[];

/** The results of the script's calls, and the files it left. */
function outcome(subject: Subject, script: Script) {
  const answers = script(subject).map((n) => (typeof n === "number" && n < 0 ? errnoName(n) : n));
  const result = { answers, files: subject.files() };
  subject.close();
  return result;
}

/** Runs a script on disk and in memory; the results must be equal. Gives them. */
function sameAnswers(script: Script): readonly (string | number)[] {
  const truth = outcome(onDisk(), script);
  expect(outcome(inMemory(), script)).toEqual(truth);
  return truth.answers;
}

/** Names of all files in the tree, of missing files, and impossible names. */
const NAMES = [
  "file",
  "file/",
  "file/x",
  "sub",
  "sub/",
  "sub/deep",
  "sub/full",
  "sub/empty",
  "sub/empty/",
  "sub/full/x",
  "sub/empty/new",
  "link",
  "link/",
  "link/x",
  "toSub",
  "toSub/",
  "toSub/deep",
  "toSub/new",
  "dangling",
  "dangling/x",
  "loop",
  "loop/x",
  "new",
  "new/",
  "new/x",
  ".",
  "..",
  "sub/.",
  "sub/..",
  "sub/../file",
  "./new",
  "sub//new",
  "",
  "x".repeat(255),
  "x".repeat(256),
  `sub/${"x".repeat(256)}`,
] as const;

describe.each(NAMES.map((name) => [name]))("%p", (name) => {
  test("mkdir", () => void sameAnswers(({ kernel, root }) => [kernel.mkdir(root, name, 0o777)]));
  test("rmdir", () => void sameAnswers(({ kernel, root }) => [kernel.rmdir(root, name)]));
  test("unlink", () => void sameAnswers(({ kernel, root }) => [kernel.unlink(root, name)]));

  test.each([[true], [false]])("rename, from it to everything, replacing: %p", (replace) => {
    let left: readonly string[] = NAMES;
    /** Tries one name after the other. Stops at a successful rename, because it changes the tree. */
    const script: Script = ({ kernel, root }) => {
      const answers: number[] = [];
      for (let i = 0; i < left.length && answers.at(-1) !== 0; i++) {
        answers.push(kernel.rename(root, name, root, left[i]!, replace));
      }
      return answers;
    };
    while (left.length > 0) left = left.slice(sameAnswers(script).length);
  });

  const flags = {
    O_CREAT: abi.O_CREAT,
    "O_CREAT|O_EXCL": abi.O_CREAT | abi.O_EXCL,
    "O_CREAT|O_NOFOLLOW": abi.O_CREAT | abi.O_NOFOLLOW,
    "O_CREAT|O_TRUNC": abi.O_CREAT | abi.O_TRUNC,
    O_TRUNC: abi.O_TRUNC,
  };
  test.each(Object.entries(flags))("open with O_WRONLY|%s, whatever is done with links", (_flags, how) => {
    for (const links of ["inside", "deny", "follow"] as const) {
      sameAnswers((subject) => {
        const fd = subject.kernel.openBeneath(subject.root, name, abi.O_WRONLY | how, 0o640, links);
        return [links, subject.opens(fd, how)];
      });
    }
  });
});

describe("a removed", () => {
  test("file that is open is written and read on, and what takes its name is another", () => {
    sameAnswers(({ kernel, root }) => {
      const fd = kernel.openBeneath(root, "file", abi.O_RDWR, 0, "inside");
      block.bytes.write("NEW!");
      const calls = [kernel.unlink(root, "file"), kernel.write(fd, block, 0, 4), kernel.read(fd, block, 100, 50, 0)];
      const text = block.bytes.latin1Slice(100, 107);
      kernel.fstat(fd, status);
      const again = kernel.openBeneath(root, "file", abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL, 0o600, "inside");
      const written = kernel.write(again, block, 100, 3);
      const ends = [kernel.close(again), kernel.close(fd)];
      return [...calls, text, status.size, written, ...ends];
    });
  });

  test("folder that is open takes nothing any more", () => {
    sameAnswers(({ kernel, root }) => {
      const folder = kernel.openBeneath(root, "sub/empty", abi.O_PATH | abi.O_DIRECTORY, 0, "inside");
      const removed = kernel.rmdir(root, "sub/empty");
      const answers = [
        kernel.openBeneath(folder, "x", abi.O_WRONLY | abi.O_CREAT, 0o600, "inside"),
        kernel.mkdir(folder, "x", 0o700),
        kernel.rename(root, "file", folder, "x", true),
        kernel.rename(root, "file", folder, "x", false),
        kernel.unlink(folder, "x"),
      ];
      kernel.close(folder);
      return [removed, ...answers];
    });
  });
});

describe("flock", () => {
  test("is one opener's alone until that one closes; another name of the file does not help", () => {
    sameAnswers(({ kernel, root }) => {
      const open = (name: string) => kernel.openBeneath(root, name, abi.O_RDWR, 0, "inside");
      const [first, second, third] = [open("file"), open("link"), open("other")];
      const locks = [first!, first!, second!, third!].map((fd) => kernel.flock(fd));
      kernel.unlink(root, "file");
      locks.push(kernel.flock(second!), kernel.close(second!), kernel.close(first!), kernel.close(third!));
      const fresh = open("other");
      return [...locks, kernel.flock(fresh), kernel.close(fresh)];
    });
  });
});

/** A random short path, which usually exists. */
const PATHS = [
  "file",
  "other",
  "a",
  "b",
  "sub",
  "sub/a",
  "sub/deep",
  "sub/empty",
  "sub/empty/a",
  "link",
  "dangling",
  "toSub/a",
  "sub/full",
];
const FLAGS = [0, abi.O_CREAT, abi.O_CREAT | abi.O_EXCL, abi.O_APPEND, abi.O_CREAT | abi.O_TRUNC, abi.O_TRUNC];

/** Makes a random call; gives its result. */
function step(subject: Subject, random: Random): string | number {
  const { kernel, root, open } = subject;
  const path = random.pick(PATHS);
  const text = String(random.bits()).slice(0, random.between(1, 9));
  const policy = random.pick<LinkPolicy>(["inside", "deny", "follow"]);
  const flags = random.pick(FLAGS) | random.pick([abi.O_RDWR, abi.O_WRONLY]);
  const other = random.pick(PATHS);
  const kind = random.between(0, 11);
  const mode = random.pick([0o600, 0o644, 0o777]);
  const file = random.between(0, Math.max(0, open.length - 1));
  if (kind < 3) return subject.opens(kernel.openBeneath(root, path, flags, mode, policy), flags);
  if (kind === 3) return kernel.mkdir(root, path, mode | 0o700);
  if (kind === 4) return kernel.rmdir(root, path);
  if (kind === 5) return kernel.unlink(root, path);
  if (kind < 8) return kernel.rename(root, path, root, other, kind === 6);
  if (open.length === 0) return "nothing open";
  const { fd, flags: how } = open[file]!;
  if (kind === 8) return kernel.close(open.splice(file, 1)[0]!.fd);
  if (kind === 9) return random.pick([kernel.flock, kernel.fchmod, kernel.futimens]).call(kernel, fd, mode, mode);
  if (kind === 10 && how & abi.O_RDWR) return `${kernel.read(fd, block, 0, 5, random.pick([-1, 0, 3]))}`;
  return kernel.write(fd, block, 0, block.bytes.write(text));
}

/** Whether the disk has extended attributes. */
const hasAttributes = ((): boolean => {
  fs.writeFileSync(join(disk, "probe"), "");
  const fd = linux.open(join(disk, "probe"), abi.O_RDONLY, 0);
  const n = linux.setAttribute(fd, "user.x", block, 0, 1);
  linux.close(fd);
  return n >= 0;
})();

test.skipIf(!hasAttributes)("extended attributes (needs a file system that has them)", () => {
  const answers = sameAnswers(({ kernel, root }) => {
    const fds = ["file", "sub"].map((path) => kernel.openBeneath(root, path, abi.O_RDONLY, 0, "deny"));
    const results = fds.flatMap((fd) => [
      kernel.getAttribute(fd, "user.x", block, 0, 10),
      kernel.setAttribute(fd, "user.x", block, 100, block.bytes.write("value", 100)),
      kernel.getAttribute(fd, "user.x", block, 0, 4),
      kernel.getAttribute(fd, "user.x", block, 0, 5),
      block.bytes.toString("latin1", 0, 5),
      kernel.getAttribute(fd, "user.y", block, 0, 10),
      kernel.setAttribute(fd, "user.x", block, 0, 0),
      kernel.getAttribute(fd, "user.x", block, 0, 10),
    ]);
    for (const fd of fds) kernel.close(fd);
    return results;
  });
  expect(answers.slice(0, 8)).toEqual(["ENODATA", 0, "ERANGE", 5, "value", "ENODATA", 0, 0]);
});

test("calls by chance, one after the other", () => {
  for (const seed of seedsOf("calls by chance", 150)) {
    sameAnswers((subject) => {
      const random = new Random(seed);
      return Array.from({ length: 60 }, () => step(subject, random));
    });
  }
}, 60_000);
