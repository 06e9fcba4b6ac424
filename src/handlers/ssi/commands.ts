/** The commands of SSI and their parameters, as nginx has them. */
import type { Parameter } from "./parser.ts";
import { SsiError } from "./variables.ts";

/** Where a conditional command may stand: behind `if` and `elif`, or behind `else` as well. */
export const IN_IF = 1;
export const IN_ELSE = 2;

interface Command {
  /** Whether a parameter is needed, by name. */
  readonly parameters: Readonly<Record<string, boolean>>;
  /** Done even where the text is not sent; 0: it is not one of a condition. */
  readonly conditional?: typeof IN_IF | typeof IN_ELSE;
  /** It ends a block. */
  readonly endsBlock?: true;
}

const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    include: { parameters: { virtual: false, file: false, wait: false, set: false, stub: false } },
    echo: { parameters: { var: true, default: false, encoding: false } },
    config: { parameters: { errmsg: false, timefmt: false } },
    set: { parameters: { var: true, value: true } },
    if: { parameters: { expr: true } },
    elif: { parameters: { expr: true }, conditional: IN_IF },
    else: { parameters: {}, conditional: IN_IF },
    endif: { parameters: {}, conditional: IN_ELSE },
    block: { parameters: { name: true } },
    endblock: { parameters: {}, endsBlock: true },
  }),
);

export const commandNamed = (name: string): Command | undefined => COMMANDS.get(name);

const MOST_PARAMETERS = 16;

/** The values of a command's parameters by their names. Throws what is wrong with them. */
export function valuesOf(name: string, command: Command, given: readonly Parameter[]): ReadonlyMap<string, string> {
  if (given.length > MOST_PARAMETERS) throw new SsiError(`too many SSI command parameters: "${name}"`);
  const values = new Map<string, string>();
  for (const parameter of given) {
    if (!(parameter.name in command.parameters))
      throw new SsiError(`invalid parameter name: "${parameter.name}" in "${name}" SSI command`);
    if (values.has(parameter.name))
      throw new SsiError(`duplicate "${parameter.name}" parameter in "${name}" SSI command`);
    values.set(parameter.name, parameter.value);
  }
  for (const [needed, isNeeded] of Object.entries(command.parameters)) {
    if (isNeeded && !values.has(needed))
      throw new SsiError(`mandatory "${needed}" parameter is absent in "${name}" SSI command`);
  }
  return values;
}

/** The directive as it is written. */
export const directiveText = (name: string, given: readonly Parameter[]): string =>
  `<!--#${name}${given.map((one) => ` ${one.name}="${one.value}"`).join("")} -->`;
