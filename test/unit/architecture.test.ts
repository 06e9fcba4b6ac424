/**
 * The design, compared with every source file: arrows between rooms only point down, libc is reached only through ffi/,
 * nothing borrows the runtime's own sockets, files or processes, and files, folders, functions and classes keep their measure.
 */
import { describe, expect, test } from "bun:test";
import { dirname } from "node:path";
import { type Class, readSources, type Source, target } from "./sources.ts";

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
    "ffi/text",
  ],
  server: [
    "connection",
    "request",
    "handlers",
    "exchange",
    "routing",
    "config/model",
    "network",
    "http",
    "ffi",
    "ffi/text",
  ],
  connection: ["request", "exchange", "routing", "config/model", "network", "http", "ffi", "ffi/text"],
  request: ["handlers", "exchange", "routing", "config/model", "network", "http", "ffi", "ffi/text"],
  handlers: ["exchange", "routing", "config/model", "network", "http", "ffi", "ffi/text"],
  exchange: ["routing", "config/model", "network", "http", "ffi", "ffi/text"],
  config: ["routing", "config/model", "http", "ffi", "ffi/text"],
  routing: ["config/model", "http", "ffi/text"], // pure, as http is: expressions match octets
  "config/model": ["ffi", "ffi/text"],
  network: ["ffi", "ffi/text"],
  http: ["ffi/text"],
  ffi: ["ffi/text"],
  "ffi/text": [],
};

/** Files that may be longer than the rest, and why: a state machine and a generated table read worse when cut. */
const LONGER = new Map([
  ["src/connection/connection.ts", 715],
  ["src/request/server-exchange.ts", 440], // a line or two for each thing that a handler can do or ask
  ["src/handlers/gateway/source.ts", 520], // a state machine
  ["src/config/model.ts", 400], // what every directive says, each in a line or two
  ["src/http/request/parser.ts", 600],
  ["src/http/mime-types.ts", 5000],
]);

/** The runtime's own ways to the network, files and processes: the Kernel is the only way (docs/design.md, The kernel is an argument). */
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

/** The room of a file given by its path from the root, or undefined outside ffi/ and src/. */
function roomOf(path: string): string | undefined {
  if (path === "ffi/text.ts") return "ffi/text"; // pure: the names of files as text
  if (path.startsWith("ffi/")) return "ffi";
  if (path === "src/main.ts") return "main";
  if (/^src\/config\/(model|parts|gateway|(tables|settings)\/.*)\.ts$/.test(path)) return "config/model";
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

/** What ffi/ and src/ are; the tools of the project may use what they export too. */
const all = await readSources(["ffi", "src", "tools"]);
const sources = all.filter((source) => !source.path.startsWith("tools/"));
const isRelative = (specifier: string): boolean => specifier.startsWith(".");

/** The files of the project that a source imports, types included. */
const neighbours = (source: Source): string[] =>
  source.imports
    .map((each) => each.specifier)
    .filter(isRelative)
    .map((specifier) => target(source, specifier));

/** "path: what" for everything `offence` finds in a source. */
function offenders(offence: (source: Source) => readonly string[]): string[] {
  return sources.flatMap((source) => offence(source).map((what) => `${source.path}: ${what}`));
}

/** What of `patterns` a source's code contains. */
const found = (source: Source, patterns: readonly RegExp[]): string[] =>
  patterns.flatMap((pattern) => pattern.exec(source.code)?.[0] ?? []);

describe("every file of ffi/ and src/", () => {
  test("stands in a room of the design", () => {
    expect(offenders((source) => ((roomOf(source.path) ?? "none") in MAY_IMPORT ? [] : ["no room"]))).toEqual([]);
  });

  test("imports only from rooms its own may import", () => {
    const isAllowed = (room: string, path: string): boolean =>
      [room, ...(MAY_IMPORT[room] ?? [])].includes(roomOf(path) ?? path) || !path.endsWith(".ts");
    const upward = (source: Source): string[] =>
      neighbours(source).filter((path) => !isAllowed(roomOf(source.path) ?? "none", path));
    expect(offenders(upward)).toEqual([]);
  });

  test("imports no module of the runtime, but ffi bun:ffi, main parseArgs, and one file each SQLite, zlib and dns-packet", () => {
    // SQLite does its own reading, writing and locking, so it can't go through the Kernel: one file wraps it (docs/design.md, The kernel is an argument).
    const mayUse = ({ path }: Source, name: string): boolean =>
      (name === "bun:ffi" && roomOf(path) === "ffi") ||
      (name === "node:zlib" && path === "src/handlers/compression/compressor.ts") ||
      (name === "node:util" && roomOf(path) === "main") ||
      (name === "dns-packet" && path === "src/network/resolver/message.ts") ||
      (name === "bun:sqlite" && path === "src/handlers/session/sqlite.ts");
    const foreign = (source: Source): string[] =>
      source.imports.map((each) => each.specifier).filter((name) => !isRelative(name) && !mayUse(source, name));
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

describe("the structure", () => {
  test("has no circle of files that import each other, for a type either", () => {
    expect(filesInCircles()).toEqual([]);
  });

  test("inherits at most once, and from an abstract class that inherits from none", () => {
    const isTooDeep = (source: Source, { base }: Class): boolean => {
      const ancestor = base === null ? undefined : findClass(source, base);
      return ancestor !== undefined && (!ancestor.isAbstract || ancestor.base !== null);
    };
    const deep = (source: Source): string[] =>
      source.classes.filter((each) => isTooDeep(source, each)).map(({ name, base }) => `${name} extends ${base}`);
    expect(offenders(deep)).toEqual([]);
  });

  test("exports nothing that no other file of ffi/, src/ or tools/ uses", () => {
    const used = new Set(all.flatMap(importedNames));
    const isUsed = (path: string, name: string): boolean => [name, "*"].some((each) => used.has(`${path}: ${each}`));
    expect(offenders(({ path, exports }) => exports.filter((name) => !isUsed(path, name)))).toEqual([]);
  });

  test("has at most 15 files in a folder", () => {
    const counts = Map.groupBy(sources, ({ path }) => dirname(path));
    expect([...counts].filter(([, files]) => files.length > 15).map(([folder]) => folder)).toEqual([]);
  });

  test("is made of short functions: half have at most 8 lines, none over 60", () => {
    const lengths = sources.flatMap(({ functions }) => functions.map(({ lines }) => lines)).sort((a, b) => a - b);
    expect(lengths[lengths.length >> 1]).toBeLessThanOrEqual(8);
    const long = ({ functions }: Source): string[] =>
      functions.filter(({ lines }) => lines > 60).map(({ name }) => name);
    expect(offenders(long)).toEqual([]);
  });
});

/** "path: name" of everything that a source imports from the project. */
function importedNames(source: Source): string[] {
  return source.imports
    .filter(({ specifier }) => isRelative(specifier))
    .flatMap(({ specifier, names }) => names.map((name) => `${target(source, specifier)}: ${name}`));
}

/** The class that a source calls `name`: its own, or one it imports. Undefined for the language's own, such as Error. */
function findClass(source: Source, name: string): Class | undefined {
  const imported = importedNames(source).find((each) => each.endsWith(`: ${name}`));
  const home = imported === undefined ? source : all.find(({ path }) => imported.startsWith(`${path}: `));
  return home?.classes.find((each) => each.name === name);
}

/** The files from which a chain of imports leads back to themselves. */
function filesInCircles(): string[] {
  const next = new Map(sources.map((source) => [source.path, neighbours(source)]));
  const leadsBack = (start: string): boolean => {
    const seen = new Set<string>();
    const waiting = [...(next.get(start) ?? [])];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (path === start) return true;
      if (seen.has(path)) continue;
      seen.add(path);
      waiting.push(...(next.get(path) ?? []));
    }
    return false;
  };
  return [...next.keys()].filter(leadsBack);
}

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
    const rooms = new Set(sources.map(({ path }) => roomOf(path)));
    expect(Object.keys(MAY_IMPORT).filter((room) => !rooms.has(room))).toEqual([]);
  });
});
