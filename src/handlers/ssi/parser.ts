/** Finds the directives of SSI in a text, `<!--# command name="value" ... -->`, however it comes in pieces: nginx's machine and its messages. */

/** Why `next` has stopped. */
export const MORE = 0;
/** A directive is complete. */
export const DIRECTIVE = 1;
/** A malformed directive has ended; `reason` tells why it is. */
export const MALFORMED = 2;
type Outcome = typeof MORE | typeof DIRECTIVE | typeof MALFORMED;

export interface Parameter {
  readonly name: string;
  readonly value: string;
}

enum State {
  Text,
  BeforeCommand,
  Command,
  BeforeName,
  Name,
  BeforeEqual,
  BeforeValue,
  Value,
  /** Behind a backslash in a value. */
  Escaped,
  AfterValue,
  /** Behind `-` and `--`. */
  End,
  EndEnd,
  Complete,
  /** The same in a malformed directive, which ends with `-->` as well. */
  Wrong,
  WrongEnd,
  WrongEndEnd,
  WrongComplete,
}

const OPENER = "<!--#";
/** Most characters of a command's name, and of a parameter's. */
const LONGEST_NAME = 32;
const NOTHING = Buffer.alloc(0);

export class SsiParser {
  /** Of the directive that is complete; octets. */
  command = "";
  readonly parameters: { name: string; value: string }[] = [];
  reason = "";
  private state = State.Text;
  private quote = "";
  private input: Buffer = NOTHING;
  private at = 0;

  /** @param longestValue most bytes of a value (`ssi_value_length`) */
  constructor(private readonly longestValue: number) {}

  /** The next bytes, which never change afterwards. All before them were read. */
  feed(piece: Buffer): void {
    const rest = this.input.subarray(this.at);
    this.input = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    this.at = 0;
  }

  /** Reads to the end of the next directive, or of what has come. @param text takes the bytes between directives */
  next(text: (bytes: Buffer) => void): Outcome {
    for (;;) {
      if (this.state === State.Text && !this.findOpener(text)) return MORE;
      while (this.state !== State.Complete && this.state !== State.WrongComplete) {
        if (this.at === this.input.length) return MORE;
        this.state = this.step(String.fromCharCode(this.input[this.at++]!));
      }
      const isComplete = this.state === State.Complete;
      this.state = State.Text;
      return isComplete ? DIRECTIVE : MALFORMED;
    }
  }

  /** The text ends: what was kept back because it could have been the beginning of a directive. */
  rest(): Buffer {
    const rest = this.state === State.Text ? this.input.subarray(this.at) : NOTHING;
    this.at = this.input.length;
    return rest;
  }

  private findOpener(text: (bytes: Buffer) => void): boolean {
    const { input, at } = this;
    const found = input.indexOf(OPENER, at, "latin1");
    const end = found < 0 ? input.length - this.begun() : found;
    if (end > at) text(input.subarray(at, end));
    this.at = found < 0 ? Math.max(at, end) : found + OPENER.length;
    if (found < 0) return false;
    this.state = State.BeforeCommand;
    return true;
  }

  /** Bytes at the end of the input with which a directive may begin. */
  private begun(): number {
    const { input, at } = this;
    for (let length = Math.min(OPENER.length - 1, input.length - at); length > 0; length--)
      if (input.latin1Slice(input.length - length) === OPENER.slice(0, length)) return length;
    return 0;
  }

  /** The state behind the next character of a directive. */
  private step(character: string): State {
    switch (this.state) {
      case State.BeforeCommand:
        return isBlank(character) ? this.state : this.beginCommand(character);
      case State.Command:
        return this.inCommand(character);
      case State.BeforeName:
        return isBlank(character) ? this.state : character === "-" ? State.End : this.beginName(character);
      case State.Name:
        return this.inName(character);
      case State.BeforeEqual:
        if (isBlank(character)) return this.state;
        return character === "="
          ? State.BeforeValue
          : this.unexpected(character, `after "${this.last.name}" parameter`);
      case State.BeforeValue:
        return this.beforeValue(character);
      case State.Value:
      case State.Escaped:
        return this.inValue(character);
      case State.AfterValue:
        if (isBlank(character)) return State.BeforeName;
        return character === "-" ? State.End : this.afterValue(character);
      default:
        return this.atEnd(character);
    }
  }

  private get last(): { name: string; value: string } {
    return this.parameters.at(-1)!;
  }

  private beginCommand(character: string): State {
    this.command = character;
    this.parameters.length = 0;
    return State.Command;
  }

  private inCommand(character: string): State {
    if (isBlank(character)) return State.BeforeName;
    if (character === "-") return State.End;
    if (this.command.length === LONGEST_NAME)
      return this.wrong(`the "${this.command}${character}..." SSI command is too long`);
    this.command += character;
    return State.Command;
  }

  private beginName(character: string): State {
    this.parameters.push({ name: character, value: "" });
    return State.Name;
  }

  private inName(character: string): State {
    const { last, command } = this;
    if (isBlank(character)) return State.BeforeEqual;
    if (character === "=") return State.BeforeValue;
    if (character === "-") {
      this.wrong(`invalid "${last.name}-" parameter in "${command}" SSI command`);
      return State.WrongEnd;
    }
    if (last.name.length === LONGEST_NAME)
      return this.wrong(`too long "${last.name}${character}..." parameter in "${command}" SSI command`);
    last.name += character;
    return State.Name;
  }

  private beforeValue(character: string): State {
    if (isBlank(character)) return State.BeforeValue;
    if (character !== '"' && character !== "'")
      return this.unexpected(character, `before value of "${this.last.name}" parameter`);
    this.quote = character;
    return State.Value;
  }

  private inValue(character: string): State {
    const { last, command } = this;
    if (this.state === State.Value && character === this.quote) return State.AfterValue;
    if (last.value.length === this.longestValue) {
      const value = `"${last.value}${character}..." value of "${last.name}" parameter`;
      return this.wrong(`too long ${value} in "${command}" SSI command`);
    }
    last.value += character;
    return this.state === State.Value && character === "\\" ? State.Escaped : State.Value;
  }

  private afterValue(character: string): State {
    const { last, command } = this;
    const value = `"${last.value}" value of "${last.name}" parameter`;
    return this.wrong(`unexpected "${character}" symbol after ${value} in "${command}" SSI command`);
  }

  /** Behind the first `-` of `-->`, also of a malformed directive. */
  private atEnd(character: string): State {
    if (this.state >= State.Wrong) {
      if (this.state === State.Wrong) return character === "-" ? State.WrongEnd : State.Wrong;
      if (this.state === State.WrongEnd) return character === "-" ? State.WrongEndEnd : State.Wrong;
      return character === ">" ? State.WrongComplete : State.Wrong;
    }
    if (this.state === State.End && character === "-") return State.EndEnd;
    if (this.state === State.EndEnd && character === ">") return State.Complete;
    return this.wrong(`unexpected "${character}" symbol in "${this.command}" SSI command`);
  }

  private unexpected(character: string, where: string): State {
    this.wrong(`unexpected "${character}" symbol ${where} in "${this.command}" SSI command`);
    return character === "-" ? State.WrongEnd : State.Wrong;
  }

  private wrong(reason: string): State {
    this.reason = reason;
    return State.Wrong;
  }
}

const isBlank = (character: string): boolean => /[ \t\r\n]/.test(character);
