/**
 * The layering of DESIGN.md §1, read from the imports of every source file. Arrows only point down, libc is reached
 * only through ffi/, and nothing borrows the runtime's own sockets, files or processes.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const ROOT = join(import.meta.dir, "../..");

/** Who may import whom; a room is a folder of src/, ffi/, or one file. Every room may import itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  main: [
    "server",
    "connection",
    "request",
    "handlers",
    "exchange",
    "routing",
    "config",
    "config/model",
    "network",
    "http",
    "ffi",
  ],
  server: ["connection", "request", "handlers", "exchange", "routing", "config/model", "network", "http", "ffi"],
  connection: ["request", "exchange", "routing", "config/model", "network", "http", "ffi"],
  request: ["handlers", "exchange", "routing", "config/model", "network", "http", "ffi"],
  handlers: ["exchange", "routing", "config/model", "network", "http", "ffi"],
  exchange: ["config/model", "network", "http", "ffi"],
  config: ["routing", "config/model", "http", "ffi"],
  routing: ["config/model"],
  "config/model": ["ffi"],
  network: ["ffi"],
  http: ["ffi/text"],
  ffi: ["ffi/text"],
  "ffi/text": [],
};

/** Files that may be longer than the rest, and why: a state machine and a generated table read worse when cut. */
const LONGER = new Map([
  ["src/connection/client.ts", 600],
  ["src/http/request/parser.ts", 600],
  ["src/http/mime-types.ts", 5000],
]);

/** The runtime's own ways to the network, files and processes: the Kernel is the only way (DESIGN.md §2). */
const FORBIDDEN_CALLS = [
  /\bBun\.(serve|listen|connect|spawn|spawnSync|file|write|udpSocket|stdin|stdout|stderr|sleepSync|nanoseconds)\b/,
  /\bfetch\s*\(/,
  /\bnew\s+(WebSocket|Worker|EventSource)\b/,
  /\brequire\s*\(/,
];

/** Beneath main the clock and randomness come through the Kernel too, or a simulated run would not repeat. */
const CLOCKS = [
  /\bDate\.now\s*\(/,
  /\bnew Date\(\)/,
  /\bperformance\.now\s*\(/,
  /\bMath\.random\s*\(/,
  /\bsetTimeout\s*\(/,
];

interface Source {
  readonly path: string;
  readonly room: string;
  /** The text without comments, so that prose may name what code may not use. */
  readonly code: string;
  readonly lines: number;
  readonly imports: readonly string[];
}

/** The room of a file given by its path from the root, or undefined outside ffi/ and src/. */
function roomOf(path: string): string | undefined {
  if (path === "ffi/text.ts") return "ffi/text"; // pure: the names of files as text
  if (path.startsWith("ffi/")) return "ffi";
  if (path === "src/main.ts") return "main";
  if (path === "src/config/model.ts") return "config/model";
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'`\\])\/\/.*$/gm, "$1");
}

function readSource(path: string): Source {
  const text = readFileSync(join(ROOT, path), "utf8");
  const code = withoutComments(text);
  const imports = [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1]!);
  return { path, room: roomOf(path) ?? `unknown room of ${path}`, code, lines: text.split("\n").length - 1, imports };
}

function sourcesIn(folder: string): Source[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".ts")).map((name) => readSource(join(folder, name)));
}

/** Where a relative import leads, as a path from the root. */
function target(source: Source, specifier: string): string {
  return relative(ROOT, join(ROOT, dirname(source.path), specifier));
}

const sources = [...sourcesIn("ffi"), ...sourcesIn("src")];
const isRelative = (specifier: string): boolean => specifier.startsWith(".");

/** "path: what" for everything `offence` finds in a source. */
function offenders(offence: (source: Source) => readonly string[]): string[] {
  return sources.flatMap((source) => offence(source).map((what) => `${source.path}: ${what}`));
}

/** What of `patterns` a source's code contains. */
const found = (source: Source, patterns: readonly RegExp[]): string[] =>
  patterns.flatMap((pattern) => pattern.exec(source.code)?.[0] ?? []);

describe("every file of ffi/ and src/", () => {
  test("stands in a room of the design", () => {
    expect(offenders((source) => (source.room in MAY_IMPORT ? [] : [source.room]))).toEqual([]);
  });

  test("imports only from rooms its own may import", () => {
    const isAllowed = (source: Source, path: string): boolean =>
      [source.room, ...(MAY_IMPORT[source.room] ?? [])].includes(roomOf(path) ?? path) || !path.endsWith(".ts");
    const upward = (source: Source): string[] =>
      source.imports
        .filter(isRelative)
        .map((name) => target(source, name))
        .filter((path) => !isAllowed(source, path));
    expect(offenders(upward)).toEqual([]);
  });

  test("imports no module of the runtime, but ffi bun:ffi, main parseArgs and one file SQLite", () => {
    // SQLite does its own reading, writing and locking, so it can't go through the Kernel: one file wraps it (DESIGN.md §2).
    const mayUse = ({ room, path }: Source, name: string): boolean =>
      (name === "bun:ffi" && room === "ffi") ||
      (name === "node:util" && room === "main") ||
      (name === "bun:sqlite" && path === "src/handlers/session/sqlite.ts");
    const foreign = (source: Source): string[] =>
      source.imports.filter((name) => !isRelative(name) && !mayUse(source, name));
    expect(offenders(foreign)).toEqual([]);
  });

  test("reaches network, files and processes through the Kernel", () => {
    expect(offenders((source) => found(source, FORBIDDEN_CALLS))).toEqual([]);
  });

  test("reads clock and chance through the Kernel", () => {
    const isKernel = (source: Source): boolean => source.path === "ffi/linux.ts";
    expect(offenders((source) => (isKernel(source) ? [] : found(source, CLOCKS)))).toEqual([]);
  });

  test("names its types: no any", () => {
    expect(offenders((source) => found(source, [/(:|\bas|<)\s*any\b/]))).toEqual([]);
  });

  test("is one idea long", () => {
    const tooLong = (source: Source): boolean => source.lines > (LONGER.get(source.path) ?? 320);
    expect(offenders((source) => (tooLong(source) ? [`${source.lines} lines`] : []))).toEqual([]);
  });
});

/** `bun test` gives a test 5 s, which a busy machine takes to start a process or a browser, or for a thousand seeds; only a call in each file changes that. */
test.each(["wire", "browser", "simulation"])("the tests of %s have a minute each", (folder) => {
  const files = readdirSync(join(ROOT, "test", folder)).filter((name) => name.endsWith(".test.ts"));
  const patient = (name: string): boolean =>
    readFileSync(join(ROOT, "test", folder, name), "utf8").includes("\nsetDefaultTimeout(60_000);\n");
  expect(files.filter((name) => !patient(name))).toEqual([]);
});

describe("the table itself", () => {
  test("has no arrow that points up", () => {
    const order = [
      "ffi/text",
      "ffi",
      "http",
      "config/model",
      "network",
      "routing",
      "config",
      "exchange",
      "handlers",
      "request",
      "connection",
      "server",
      "main",
    ];
    const upward = Object.entries(MAY_IMPORT).flatMap(([room, others]) =>
      others.filter((other) => order.indexOf(other) >= order.indexOf(room)).map((other) => `${room} -> ${other}`),
    );
    expect(upward).toEqual([]);
  });

  test("covers rooms that exist", () => {
    expect(new Set(sources.map((source) => source.room)).size).toBeGreaterThan(4);
  });
});
