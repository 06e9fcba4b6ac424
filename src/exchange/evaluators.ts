/** Compiles templates to functions, once each. Variables are looked up when a template is first used, not at each request. */
import type { Template } from "../config/parts.ts";
import { octets } from "../http/octets.ts";
import type { Evaluator, Templates } from "./exchange.ts";
import { variable } from "./variables/variables.ts";

/** The compiled templates of one server. The garbage collector removes those of a discarded configuration. */
export class Evaluators implements Templates {
  private readonly compiled = new WeakMap<Template, Evaluator>();

  evaluator(template: Template): Evaluator {
    let evaluator = this.compiled.get(template);
    if (evaluator === undefined) this.compiled.set(template, (evaluator = compile(template.parts)));
    return evaluator;
  }
}

/** Compiles the parts of a template. */
export function compile(parts: Template["parts"]): Evaluator {
  const evaluators = parts.map((part): Evaluator => {
    if (typeof part !== "string") return variable(part.variable);
    const literal = octets(part);
    return () => literal;
  });
  if (evaluators.length === 1) return evaluators[0]!;
  return (exchange) => {
    let text = "";
    for (const evaluator of evaluators) text += evaluator(exchange);
    return text;
  };
}
