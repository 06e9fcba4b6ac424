/** Helpers for the programs of the simulated site. */
import type { Behaviour, Pause, Process } from "./process.ts";
import { type Expected, pattern } from "./site.ts";

/** The shortest header block of a script. */
export const HEAD = "Content-Type: application/octet-stream\n\n";

/** The number of bytes that a request asks a program to write: its query. */
export const asked = (process: Process): number => Number(process.variable("QUERY_STRING"));
/** The bytes that the program writes. */
export const output = (process: Process): Buffer => pattern(asked(process), 7);
/** A header block with Content-Length. */
export const sized = (length: number): string => `Content-Length: ${length}\r\n${HEAD}`;

export function* copies(process: Process): Generator<Pause, void> {
  for (let bytes: Buffer; (bytes = yield* process.reads()).length > 0; ) yield* process.writes(bytes);
}

export interface Row {
  readonly behaviour: Behaviour;
  /** For a request that sends `body` and asks for `size` bytes. */
  readonly expected: (body: Buffer, size: number) => Expected;
}

export const row = (behaviour: Behaviour, expected: Row["expected"]): Row => ({ behaviour, expected });

/** A reply without Content-Length. Whether the connection continues depends on how much of the request's body was read. */
export const streams = (body: Buffer): Expected => ({ status: 200, body, streamed: true, closes: "perhaps" });
/** The reply of a program that writes `output`. */
export const written = (_body: Buffer, size: number): Expected => streams(pattern(size, 7));
/** The same after the header block `sized`. */
export const counted = (body: Buffer, size: number): Expected => ({ ...written(body, size), streamed: false });
/** A reply with a status and any page. */
export const fails = (status: number) => (): Expected => ({ status, closes: "perhaps" });
