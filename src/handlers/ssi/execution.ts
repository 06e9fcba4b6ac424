/** What the directives of one reply do: its conditions, blocks, texts (ngx_http_ssi_filter_module). */
import type { Exchange } from "../../exchange/exchange.ts";
import type { Page } from "../../exchange/page.ts";
import { octets, percentEncoded } from "../../http/octets.ts";
import { commandNamed, directiveText, IN_ELSE, IN_IF, valuesOf } from "./commands.ts";
import { holds } from "./condition.ts";
import type { Parameter } from "./parser.ts";
import { targetOf } from "./target.ts";
import { SsiError, SsiVariables } from "./variables.ts";

/** `include`. */
export interface Inclusion {
  readonly path: string;
  readonly query: string;
  /** The directives behind it wait until it is complete. */
  readonly waits: boolean;
  /** The variable that gets the reply instead of the client; null: none. */
  readonly variable: string | null;
  /** The text to send if the reply is empty or an error; null: none. */
  readonly stub: string | null;
}

/** Where the text goes. */
export interface Output {
  text(bytes: Buffer): void;
  /** False: there are too many. */
  include(inclusion: Inclusion): boolean;
}

const ENCODINGS: Readonly<Record<string, (value: string) => string>> = {
  none: (value) => value,
  url: (value) => value.replace(/[\x00-\x20"#%'<>\x7f-\xff]/g, percentEncoded),
  entity: (value) => value.replace(/[<>&"]/g, (character) => ENTITIES[character]!),
};
const ENTITIES: Readonly<Record<string, string>> = { "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" };

export class Execution {
  private readonly variables: SsiVariables;
  private errorMessage = "[an error occurred while processing the directive]";
  private encoding = "entity";
  /** The text is sent: it is in no condition that does not hold, and in no block. */
  private sends = true;
  private inBlock = false;
  /** One of the branches of the condition has been taken. */
  private isChosen = false;
  /** IN_IF, IN_ELSE; 0: it is in no condition. */
  private conditional = 0;

  /** @param silent errors are not shown (`ssi_silent_errors`) */
  constructor(
    private readonly exchange: Exchange,
    private readonly page: Page,
    private readonly silent: boolean,
    private readonly output: Output,
  ) {
    this.variables = new SsiVariables(exchange, page);
  }

  /** Text between directives. */
  text(bytes: Buffer): void {
    if (this.sends) this.output.text(bytes);
    else if (this.inBlock) this.page.blocks.at(-1)!.text += bytes.latin1Slice();
  }

  /** A directive that cannot be read. */
  malformed(reason: string): void {
    this.exchange.log("error", reason);
    if (!this.silent) this.output.text(Buffer.from(this.errorMessage, "latin1"));
  }

  run(name: string, parameters: readonly Parameter[]): void {
    try {
      this.perform(name, parameters);
    } catch (error) {
      if (!(error instanceof SsiError)) throw error;
      this.malformed(error.message);
    }
  }

  private perform(name: string, parameters: readonly Parameter[]): void {
    const command = commandNamed(name);
    if (command === undefined) {
      if (this.sends) throw new SsiError(`invalid SSI command: "${name}"`);
      return;
    }
    const conditional = command.conditional ?? 0;
    if (!this.sends && command.endsBlock !== true) {
      if (this.inBlock) return this.text(Buffer.from(directiveText(name, parameters), "latin1"));
      if (conditional === 0) return;
    }
    if (conditional > 0 && (this.conditional === 0 || this.conditional > conditional))
      throw new SsiError(`invalid context of SSI command: "${name}"`);
    this.dispatch(name, valuesOf(name, command, parameters));
  }

  private dispatch(name: string, values: ReadonlyMap<string, string>): void {
    switch (name) {
      case "include":
        return this.include(values);
      case "echo":
        return this.echo(values);
      case "config":
        return this.configure(values);
      case "set":
        return this.set(values.get("var")!, this.variables.expand(values.get("value")!));
      case "block":
        this.page.blocks.push({ name: values.get("name")!, text: "" });
        this.sends = false;
        this.inBlock = true;
        return;
      case "endblock":
        this.sends = true;
        this.inBlock = false;
        return;
      default:
        return this.branch(name, values.get("expr"));
    }
  }

  // Conditions

  private branch(name: string, expression: string | undefined): void {
    if (name === "if" && this.conditional > 0) throw new SsiError('the "if" command inside the "if" command');
    if (name === "endif") {
      this.sends = true;
      this.isChosen = false;
      this.conditional = 0;
    } else if (name === "else") {
      this.sends = !this.isChosen;
      this.conditional = IN_ELSE;
    } else if (this.isChosen) this.sends = false;
    else {
      this.sends = this.isChosen = holds(expression!, this.variables, this.page);
      this.conditional = IN_IF;
    }
  }

  // Values

  private echo(values: ReadonlyMap<string, string>): void {
    const value = this.variables.get(values.get("var")!) ?? values.get("default") ?? "(none)";
    const encoding = values.get("encoding");
    if (value === "") return;
    if (encoding !== undefined && encoding in ENCODINGS) this.encoding = encoding;
    else if (encoding !== undefined) this.exchange.log("error", `unknown encoding "${encoding}" in the "echo" command`);
    this.output.text(Buffer.from(ENCODINGS[this.encoding]!(value), "latin1"));
  }

  private configure(values: ReadonlyMap<string, string>): void {
    this.variables.timeFormat = values.get("timefmt") ?? this.variables.timeFormat;
    this.errorMessage = values.get("errmsg") ?? this.errorMessage;
  }

  /** @param value octets */
  set(name: string, value: string): void {
    this.page.variables.set(name.toLowerCase(), value);
  }

  // Includes

  private include(values: ReadonlyMap<string, string>): void {
    const [uri, waits] = uriOf(values);
    const [variable, stub] = [values.get("set") ?? null, values.get("stub")];
    if (variable !== null && stub !== undefined)
      throw new SsiError('"set" and "stub" cannot be used together in "include" SSI command');
    const target = targetOf(this.variables.expand(uri), octets(this.exchange.path));
    const text = stub === undefined ? null : this.blockNamed(stub);
    if (variable !== null && !this.page.variables.has(variable.toLowerCase())) this.set(variable, "");
    if (!this.output.include({ ...target, waits: waits || variable !== null, variable, stub: text }))
      throw new SsiError(`subrequests cycle while processing "${octets(target.path)}"`);
  }

  private blockNamed(name: string): string {
    const block = this.page.blocks.find((each) => each.name === name);
    if (block === undefined) throw new SsiError(`"stub"="${name}" for "include" not found`);
    return block.text;
  }
}

/** What `virtual` or `file` says, and whether the directives behind it wait. As nginx: `file` always does. */
function uriOf(values: ReadonlyMap<string, string>): [uri: string, waits: boolean] {
  const [virtual, file, wait] = [values.get("virtual"), values.get("file"), values.get("wait")];
  if (virtual !== undefined && file !== undefined)
    throw new SsiError(`inclusion may be either virtual="${virtual}" or file="${file}"`);
  const uri = virtual ?? file;
  if (uri === undefined) throw new SsiError('no parameter in "include" SSI command');
  if (wait !== undefined && virtual === undefined) throw new SsiError(`"wait" cannot be used with file="${file}"`);
  if (wait !== undefined && !/^(?:yes|no)$/i.test(wait))
    throw new SsiError(`invalid value "${wait}" in the "wait" parameter`);
  return [uri, virtual === undefined || wait?.toLowerCase() === "yes"];
}
