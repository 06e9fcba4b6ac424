/** The CGI programs of the simulated site, each with the reply that a correct server sends for it. */
import { SIGTERM } from "../../ffi/abi.ts";
import { BAD, CUT, SLOW } from "./bad-programs.ts";
import { asked, copies, counted, fails, HEAD, output, type Row, row, sized, streams, written } from "./program.ts";
import { inChunks, pattern, type Request, request, SITE } from "./site.ts";

/** Programs that end by themselves and give their client a complete reply. */
export const GOOD = {
  echoes: row(function* (process) {
    yield* process.writes(HEAD);
    yield* copies(process);
    return 0;
  }, streams),

  collects: row(
    function* (process) {
      const body = yield* process.readsAll();
      yield* process.writes(sized(body.length));
      yield* process.writes(body);
      return 0;
    },
    (body) => ({ status: 200, body, closes: false }),
  ),

  "believes-the-length": row(
    function* (process) {
      const length = Number(process.variable("CONTENT_LENGTH") ?? 0);
      yield* process.writes(sized(length));
      for (let left = length; left > 0; ) {
        const bytes = yield* process.reads(left);
        if (bytes.length === 0) return 1;
        left -= bytes.length;
        yield* process.writes(bytes);
      }
      return 0;
    },
    (body) => ({ status: 200, body, closes: "perhaps" }),
  ),

  "writes-first": row(function* (process) {
    yield* process.writes(HEAD);
    yield* process.writes(output(process));
    yield* process.readsAll();
    return 0;
  }, written),

  "reads-nothing": row(function* (process) {
    yield* process.writes(sized(asked(process)));
    yield* process.writes(output(process));
    return 0;
  }, counted),

  "reads-late": row(function* (process) {
    yield* process.sleeps(400);
    yield* process.writes(HEAD);
    yield* process.sleeps(400);
    yield* copies(process);
    return 0;
  }, streams),

  "ends-within-the-body": row(function* (process) {
    yield* process.reads(asked(process) + 1);
    yield* process.writes(HEAD);
    yield* process.reads(1);
    yield* process.writes(output(process));
    return 0;
  }, written),

  "byte-by-byte": row(
    function* (process) {
      for (const byte of Buffer.concat([Buffer.from(HEAD), output(process).subarray(0, 300)])) {
        yield* process.writes(Buffer.from([byte]));
        if (byte % 16 === 0) yield* process.sleeps(1);
      }
      return 0;
    },
    (_body, size) => streams(pattern(size, 7).subarray(0, 300)),
  ),

  "writes-much": row(
    function* (process) {
      yield* process.writes(HEAD);
      for (let i = 0; i < 16; i++) yield* process.writes(pattern(65_536, i));
      return 0;
    },
    () => streams(Buffer.concat(Array.from({ length: 16 }, (_, i) => pattern(65_536, i)))),
  ),

  "closes-its-input": row(function* (process) {
    process.closes("stdin");
    yield* process.writes(HEAD);
    yield* process.sleeps(50);
    yield* process.writes(output(process));
    return 0;
  }, written),

  "closes-its-output": row(function* (process) {
    yield* process.writes(HEAD);
    yield* process.writes(output(process));
    process.closes("stdout");
    yield* process.sleeps(3_000);
    yield* process.readsAll();
    return 0;
  }, written),

  "leaves-a-grandchild": row(function* (process) {
    process.forks(function* (grandchild) {
      grandchild.ignores(SIGTERM);
      yield* grandchild.sleeps(30_000);
      return 0;
    });
    yield* process.writes(HEAD);
    yield* process.writes(output(process));
    return 0;
  }, written),

  "says-too-little": row(function* (process) {
    yield* process.writes(sized(asked(process)));
    yield* process.writes(output(process));
    yield* process.writes("more than it said\n");
    return 0;
  }, counted),

  complains: row(function* (process) {
    for (let i = 0; i < 300; i++) yield* process.complains(`${i}: ${"x".repeat(i)}\n`);
    yield* process.writes(HEAD);
    yield* process.writes(output(process));
    yield* process.complains("without an end");
    return 1;
  }, written),

  "has-a-status": row(
    function* (process) {
      yield* process.writes(`Status: 404 Nothing\nX-Name: a value\n${sized(5)}sorry`);
      return 0;
    },
    () => ({ status: 404, body: Buffer.from("sorry"), fields: { "x-name": "a value" }, closes: "perhaps" }),
  ),

  "nph-speaks-http": row(
    function* (process) {
      const date = new Date(process.time).toUTCString();
      yield* process.writes(`HTTP/1.1 200 OK\r\nServer: itself\r\nDate: ${date}\r\nConnection: close\r\n`);
      yield* process.writes(`Content-Length: ${asked(process)}\r\n\r\n`);
      yield* process.writes(output(process));
      return 0;
    },
    (_body, size) => ({ status: 200, body: pattern(size, 7), fields: { server: "itself" }, closes: "perhaps" }),
  ),

  "has-no-body": row(function* (process) {
    yield* process.writes("Status: 204 No Content\n\n");
    return 0;
  }, fails(204)),

  "redirects-here": row(
    function* (process) {
      yield* process.writes("Location: /style.css\n\n");
      yield* process.readsAll();
      return 0;
    },
    () => ({ ...SITE["/style.css"]!, closes: "perhaps" }),
  ),

  "redirects-elsewhere": row(
    function* (process) {
      yield* process.writes("Location: http://other.example/\n\n");
      return 0;
    },
    () => ({ status: 302, fields: { location: "http://other.example/" }, streamed: true, closes: "perhaps" }),
  ),

  "redirects-to-a-script": row(
    function* (process) {
      yield* process.sleeps(300);
      yield* process.writes("Location: /cgi/reads-nothing.sh?500\n\n");
      return 0;
    },
    () => ({ status: 200, body: pattern(500, 7), closes: "perhaps" }),
  ),

  "redirects-to-itself": row(function* (process) {
    yield* process.writes("Location: /cgi/redirects-to-itself.cgi\n\n");
    return 0;
  }, fails(500)),
} as const satisfies Record<string, Row>;

export const PROGRAMS = { ...GOOD, ...SLOW, ...BAD, ...CUT };
export type ProgramName = keyof typeof PROGRAMS;

/** How a request for a program is sent. */
export interface Asking {
  readonly method?: string;
  /** Number of bytes to write. */
  readonly size?: number;
  readonly body?: Buffer;
  /** Size of the body's chunks in bytes; 0: Content-Length. */
  readonly chunks?: number;
  readonly fields?: readonly string[];
  readonly version?: string;
  /** The extension: run directly (cgi) or by the shell (sh). */
  readonly by?: "cgi" | "sh";
}

/** A request for a program. The program may reply before its body is complete. */
export function ask(name: ProgramName, how: Asking = {}): Request {
  const { size = 1_000, body = Buffer.alloc(0), chunks = 0, fields = [], version = "1.1", by = "cgi" } = how;
  const { method = body.length > 0 ? "POST" : "GET" } = how;
  const framing =
    chunks > 0 ? ["Transfer-Encoding: chunked"] : body.length > 0 ? [`Content-Length: ${body.length}`] : [];
  return request(`/cgi/${name}.${by}?${size}`, PROGRAMS[name].expected(body, size), {
    method,
    version,
    fields: [...framing, ...fields],
    body: chunks > 0 ? inChunks(body, chunks) : body,
    early: true,
  });
}
