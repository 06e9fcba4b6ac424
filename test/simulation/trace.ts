/** The trace of a run: a hash of all calls, and the last calls as text. */

/** FNV-1a's step, for 32 bits at a time. */
const mix = (hash: number, value: number): number => Math.imul(hash ^ value, 0x01000193);

function mixText(hash: number, text: string): number {
  for (let i = 0; i < text.length; i++) hash = mix(hash, text.charCodeAt(i));
  return hash;
}

interface Call {
  readonly at: number;
  readonly name: string;
  readonly subject: number | string;
  readonly detail: number;
  readonly result: number;
}

const REMEMBERED = 60;

export class Trace {
  calls = 0;
  private state = 0x811c9dc5;
  private readonly last: Call[] = [];

  /** @param at virtual ms; @param subject a descriptor or path; @param detail a length, timeout or flags */
  record(at: number, name: string, subject: number | string, detail: number, result: number): number {
    this.last[this.calls++ % REMEMBERED] = { at, name, subject, detail, result };
    let state = mixText(this.state, name);
    state = typeof subject === "string" ? mixText(state, subject) : mix(state, subject);
    this.state = mix(mix(mix(state, detail | 0), result | 0), Math.round(at * 1000) | 0);
    return result;
  }

  /** The hash as eight hexadecimal digits. */
  get hash(): string {
    return (this.state >>> 0).toString(16).padStart(8, "0");
  }

  /** The last calls, one per line: time, call, result. */
  toString(): string {
    const first = Math.max(0, this.calls - REMEMBERED);
    const lines: string[] = [];
    for (let i = first; i < this.calls; i++) {
      const { at, name, subject, detail, result } = this.last[i % REMEMBERED]!;
      lines.push(`${at.toFixed(3).padStart(12)}  ${name}(${subject}, ${detail}) = ${result}`);
    }
    return lines.join("\n");
  }
}
