/** `set`: gives a variable a value, or changes the request's arguments or the rate of its reply. */
import type { SetStep } from "../../config/settings/rewrite.ts";
import type { Templates } from "../../exchange/exchange.ts";
import { readSize } from "../../http/size.ts";
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
  if (variable === "limit_rate") {
    return (exchange, { quotes }) => {
      const octets = text(exchange, quotes);
      const size = readSize(octets);
      if (size !== undefined) exchange.limitRate = size;
      else exchange.log("error", `invalid $limit_rate "${octets}"`);
      return true;
    };
  }
  return (exchange, { quotes }) => {
    const octets = text(exchange, quotes);
    (exchange.assigned ??= new Map()).set(variable, octets);
    return true;
  };
}
