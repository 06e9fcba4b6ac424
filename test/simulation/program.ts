/** What the programs of the simulated site are made of. */
import type { Behaviour, Pause, Process } from "./process.ts";
import { type Expected, pattern } from "./site.ts";

/** The shortest header block of a script. */
export const HEAD = "Content-Type: application/octet-stream\n\n";

/** How much a program is asked to write: the query. */
export const asked = (process: Process): number => Number(process.variable("QUERY_STRING"));
/** What it then writes. */
export const output = (process: Process): Buffer => pattern(asked(process), 7);
/** A header block with the length of what follows. */
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

/** Of a length that the script does not say; whether the connection goes on depends on how much of a body it has waited for. */
export const streams = (body: Buffer): Expected => ({ status: 200, body, streamed: true, closes: "perhaps" });
/** What `output` writes. */
export const written = (_body: Buffer, size: number): Expected => streams(pattern(size, 7));
/** The same behind `sized`. */
export const counted = (body: Buffer, size: number): Expected => ({ ...written(body, size), streamed: false });
/** A status, and any page. */
export const fails = (status: number) => (): Expected => ({ status, closes: "perhaps" });
