/** `set`: gives a variable a value, or changes the request's arguments. */
import type { SetStep } from "../../config/settings/rewrite.ts";
import type { Templates } from "../../exchange/exchange.ts";
import type { Step } from "./step.ts";
import { textOf } from "./text.ts";

export function setStep({ variable, value }: SetStep, templates: Templates): Step {
  const text = textOf(value.parts, templates);
  if (variable === "args") {
    return (exchange, { quotes }) => {
      exchange.rewriting.query = text(exchange, quotes);
      exchange.rewriting.hasOtherQuery = true;
      return true;
    };
  }
  return (exchange, { quotes }) => {
    const octets = text(exchange, quotes);
    (exchange.assigned ??= new Map()).set(variable, octets);
    return true;
  };
}
