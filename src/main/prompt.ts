/** Reads passwords from a terminal without echo, or from standard input. */
import { ECHO, ECHONL, ICANON, ISIG, TERMIOS } from "../../ffi/abi.ts";
import type { Kernel } from "../../ffi/kernel.ts";
import { Block } from "../../ffi/memory.ts";
import { writeError } from "./output.ts";

const STDIN = 0;
/** Most bytes of a line; more than any scheme accepts. */
const MOST = 4096;

/** Bytes of the keys that edit a line (termios(3)); without ICANON the terminal does not handle them itself. */
const KEY = { interrupt: 3, end: 4, backspace: 8, lineFeed: 10, carriageReturn: 13, killLine: 21, erase: 127 } as const;

/** Whether standard input is a terminal. */
export const isTerminal = (kernel: Kernel): boolean => kernel.tcgetattr(STDIN, new Block(TERMIOS.size)) === 0;

/** The first line of standard input without its end; null: it cannot be read. */
export function readLine(kernel: Kernel): Buffer | null {
  const line = new Block(MOST);
  for (let length = 0; length < MOST; length++) {
    const n = kernel.read(STDIN, line, length, 1, -1);
    if (n < 0) return null;
    if (n === 0 || line.bytes[length] === KEY.lineFeed) return withoutReturn(line.bytes.subarray(0, length));
  }
  return null;
}

const withoutReturn = (line: Buffer): Buffer => (line.at(-1) === KEY.carriageReturn ? line.subarray(0, -1) : line);

/** Asks at the terminal and does not show what is typed. Null: interrupted, or the terminal is gone. */
export function askHidden(kernel: Kernel, question: string): Buffer | null {
  const before = new Block(TERMIOS.size);
  const hidden = new Block(TERMIOS.size);
  if (kernel.tcgetattr(STDIN, before) < 0) return null;
  before.bytes.copy(hidden.bytes);
  const flags = before.bytes.readUInt32LE(TERMIOS.localFlags);
  // Signals from the keyboard are off too: they would end the process before it could turn the echo on again.
  hidden.bytes.writeUInt32LE((flags & ~(ECHO | ECHONL | ICANON | ISIG)) >>> 0, TERMIOS.localFlags);
  if (kernel.tcsetattr(STDIN, hidden) < 0) return null;
  writeError(kernel, question);
  const line = typedLine(kernel);
  kernel.tcsetattr(STDIN, before);
  writeError(kernel, "\n");
  return line;
}

function typedLine(kernel: Kernel): Buffer | null {
  const typed: number[] = [];
  const key = new Block(1);
  while (kernel.read(STDIN, key, 0, 1, -1) === 1) {
    const byte = key.bytes[0]!;
    if (byte === KEY.lineFeed || byte === KEY.carriageReturn) return Buffer.from(typed);
    if (byte === KEY.interrupt || (byte === KEY.end && typed.length === 0)) return null;
    if (byte === KEY.killLine) typed.length = 0;
    else if (byte === KEY.erase || byte === KEY.backspace) eraseCharacter(typed);
    else if (typed.length < MOST) typed.push(byte);
  }
  return null;
}

/** Removes the last character, which in UTF-8 may be several bytes. */
function eraseCharacter(typed: number[]): void {
  for (let byte = typed.pop(); byte !== undefined && (byte & 0xc0) === 0x80; ) byte = typed.pop();
}
