/** Variables that need each other. */
import type { Evaluator } from "../exchange.ts";

/** How often a variable may be needed for its own value. nginx takes 100, and minutes where a `volatile` one doubles the work each time. */
const MOST_NESTED = 3;

/** Beyond MOST_NESTED a variable is empty, as in nginx: two maps may refer to each other, and each ends with a value. */
export function withoutCycles(name: string, compute: Evaluator): Evaluator {
  let nested = 0;
  return (exchange) => {
    if (nested === MOST_NESTED) {
      exchange.log("error", `cycle while evaluating variable "${name}"`);
      return "";
    }
    nested++;
    try {
      return compute(exchange);
    } finally {
      nested--;
    }
  };
}
