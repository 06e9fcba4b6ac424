/** Replaces texts in a body, however it comes in pieces. */
import type { Texts } from "./substitutions.ts";
import type { Transform } from "./transform.ts";

const NOTHING = Buffer.alloc(0);

export class Substitute implements Transform {
  /** The end of what has come, with which a text may begin. */
  private held: Buffer = NOTHING;
  private replacements: readonly Buffer[];

  /**
   * @param texts those that are still to be replaced
   * @param replacements one for each text
   * @param once each text is replaced only where it occurs first
   */
  constructor(
    private texts: Texts,
    replacements: readonly Buffer[],
    private readonly once: boolean,
  ) {
    this.replacements = replacements;
  }

  feed(piece: Buffer, out: Buffer[]): void {
    const input = this.held.length === 0 ? piece : Buffer.concat([this.held, piece]);
    this.held = this.replace(input, false, out);
  }

  end(out: Buffer[]): void {
    if (this.held.length > 0) this.replace(this.held, true, out);
    this.held = NOTHING;
  }

  /** Gives what is kept back. */
  private replace(input: Buffer, isLast: boolean, out: Buffer[]): Buffer {
    if (this.replacements.length === 0) return this.pass(input, 0, input.length, out);
    const octets = input.latin1Slice();
    const limit = (at: number): number => (isLast ? octets.length : this.texts.undecided(octets, at));
    let at = 0;
    let decided = limit(0);
    for (let match = this.texts.find(octets, 0); match !== null; match = this.texts.find(octets, at)) {
      if (match.start >= decided) break;
      this.pass(input, at, match.start, out);
      out.push(this.replacements[match.index]!);
      at = match.start + match.length;
      if (this.once) this.leaveOut(match.index);
      if (this.once || at > decided) decided = limit(at);
    }
    return this.pass(input, at, Math.max(at, decided), out);
  }

  /** Appends input[start, end). Gives what follows. */
  private pass(input: Buffer, start: number, end: number, out: Buffer[]): Buffer {
    if (end > start) out.push(input.subarray(start, end));
    return input.subarray(end);
  }

  private leaveOut(index: number): void {
    this.texts = this.texts.without(index);
    this.replacements = this.replacements.filter((_, i) => i !== index);
  }
}
