/** Converts a body from one charset to another (ngx_http_charset_filter_module). */
import type { Recoding } from "../../http/charset/recoding.ts";
import { INCOMPLETE, INVALID, Utf8Cursor } from "../../http/charset/utf8.ts";
import type { Transform } from "./transform.ts";

export function recoder(recoding: Recoding): Transform {
  switch (recoding.kind) {
    case "bytes":
      return { feed: (input, out) => void out.push(byTable(input, recoding.table)), end() {} };
    case "to utf-8":
      return { feed: (input, out) => void out.push(toUtf8(input, recoding.table)), end() {} };
    case "from utf-8":
      return new FromUtf8(recoding.table);
  }
}

function byTable(input: Buffer, table: Uint8Array): Buffer {
  const output = Buffer.allocUnsafe(input.length);
  for (let i = 0; i < input.length; i++) output[i] = table[input[i]!]!;
  return output;
}

function toUtf8(input: Buffer, table: readonly Buffer[]): Buffer {
  let length = 0;
  for (const byte of input) length += table[byte]!.length;
  const output = Buffer.allocUnsafe(length);
  let at = 0;
  for (const byte of input) {
    const bytes = table[byte]!;
    for (let i = 0; i < bytes.length; i++) output[at++] = bytes[i]!;
  }
  return output;
}

const UNKNOWN = "?".charCodeAt(0);
/** Most bytes that one of the input becomes: `&#2047;` for two, and less for longer ones. */
const MOST_FOR_ONE = 4;

class FromUtf8 implements Transform {
  private readonly cursor = new Utf8Cursor();
  /** The beginning of a character whose rest is to come. */
  private begun: Buffer = Buffer.alloc(0);

  constructor(private readonly table: ReadonlyMap<number, number>) {}

  feed(piece: Buffer, out: Buffer[]): void {
    const input = this.begun.length === 0 ? piece : Buffer.concat([this.begun, piece]);
    const output = Buffer.allocUnsafe(input.length * MOST_FOR_ONE);
    const { cursor } = this;
    let end = 0;
    cursor.at = 0;
    while (cursor.at < input.length) {
      const byte = input[cursor.at]!;
      const point = byte < 0x80 ? byte : cursor.decode(input, input.length);
      if (point === INCOMPLETE) break;
      if (byte < 0x80) cursor.at++;
      end += this.write(point, output, end);
    }
    this.begun = input.subarray(cursor.at);
    out.push(output.subarray(0, end));
  }

  /** Bytes written. */
  private write(point: number, output: Buffer, at: number): number {
    const byte = point === INVALID ? UNKNOWN : this.table.get(point);
    if (byte === undefined) return output.latin1Write(`&#${point};`, at);
    output[at] = byte;
    return 1;
  }

  end(out: Buffer[]): void {
    if (this.begun.length > 0) out.push(Buffer.of(UNKNOWN));
  }
}
