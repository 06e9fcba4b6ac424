/** CGI programs that give their clients an error, or are slow. */
import { SIGTERM } from "../../ffi/abi.ts";
import { asked, fails, HEAD, output, type Row, row, sized, streams, written } from "./program.ts";
import { pattern } from "./site.ts";

const SIGSEGV = 11;

/** Slow programs whose pauses are all shorter than cgi_timeout. */
export const SLOW = {
  sleeps: row(
    function* (process) {
      yield* process.sleeps(asked(process));
      yield* process.writes(`${sized(4)}done`);
      return 0;
    },
    () => ({ status: 200, body: Buffer.from("done"), closes: "perhaps" }),
  ),

  drips: row(
    function* (process) {
      yield* process.writes(HEAD);
      for (const byte of pattern(8)) {
        yield* process.sleeps(asked(process));
        yield* process.writes(Buffer.from([byte]));
      }
      return 0;
    },
    () => streams(pattern(8)),
  ),

  sips: row(
    function* (process) {
      const pieces: Buffer[] = [];
      for (let piece: Buffer; (piece = yield* process.reads(4096)).length > 0; pieces.push(piece)) {
        yield* process.sleeps(asked(process));
      }
      const body = Buffer.concat(pieces);
      yield* process.writes(sized(body.length));
      yield* process.writes(body);
      return 0;
    },
    (body) => ({ status: 200, body, closes: false }),
  ),
} as const satisfies Record<string, Row>;

/** Programs that end by themselves and give their client an error. */
export const BAD = {
  "has-no-head": row(function* (process) {
    yield* process.writes("hello, world\n\n");
    yield* process.sleeps(10);
    return 0;
  }, fails(502)),

  "says-nothing": row(function* (process) {
    yield* process.sleeps(asked(process) / 1_000);
    return 1;
  }, fails(502)),

  babbles: row(function* (process) {
    for (;;) yield* process.writes(Buffer.alloc(10_000, "babble\n"));
  }, fails(502)),

  "ends-within-its-head": row(function* (process) {
    yield* process.writes("Content-Type: text/plain\n");
    yield* process.readsAll();
    return 0;
  }, fails(502)),

  "dies-before-its-head": row(function* (process) {
    yield* process.reads();
    return yield* process.dies(SIGSEGV);
  }, fails(502)),
} as const satisfies Record<string, Row>;

/** Programs whose reply breaks off, and programs that never end. */
export const CUT = {
  "says-too-much": row(
    function* (process) {
      yield* process.writes(sized(asked(process) + 1));
      yield* process.writes(output(process));
      return 0;
    },
    (_body, size) => ({ status: 200, body: Buffer.concat([pattern(size, 7), Buffer.alloc(1)]), closes: "perhaps" }),
  ),

  "dies-within-its-reply": row(function* (process) {
    yield* process.writes(sized(2 * asked(process) + 1));
    yield* process.writes(output(process));
    return yield* process.dies(SIGSEGV);
  }, fails(200)),

  "dies-within-its-chunks": row(function* (process) {
    yield* process.writes(HEAD);
    yield* process.writes(output(process));
    return yield* process.dies(SIGSEGV);
  }, written),

  "never-begins": row(function* (process) {
    return yield* process.waitsForEver();
  }, fails(504)),

  "never-ends": row(function* (process) {
    yield* process.writes(HEAD);
    yield* process.writes(output(process));
    return yield* process.waitsForEver();
  }, written),

  "never-reads": row(
    function* (process) {
      process.ignores(SIGTERM);
      yield* process.writes(HEAD);
      return yield* process.waitsForEver();
    },
    () => streams(Buffer.alloc(0)),
  ),

  "leaves-one-who-never-dies": row(function* (process) {
    process.forks(function* (grandchild) {
      grandchild.ignores(SIGTERM);
      return yield* grandchild.waitsForEver();
    });
    return yield* process.waitsForEver();
  }, fails(504)),

  "never-ends-and-never-dies": row(function* (process) {
    process.ignores(SIGTERM);
    process.forks(function* (grandchild) {
      grandchild.ignores(SIGTERM);
      return yield* grandchild.waitsForEver();
    });
    yield* process.readsAll();
    return yield* process.waitsForEver();
  }, fails(504)),
} as const satisfies Record<string, Row>;
