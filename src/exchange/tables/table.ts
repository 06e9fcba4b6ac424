/** The values of variables that tables compute: once a request, unless the table is volatile. `set` of such a variable wins, as in nginx. */
import type { VariableTable } from "../../config/tables/tables.ts";
import type { Evaluator, Templates } from "../exchange.ts";
import { mapValue } from "./map.ts";

/** Makes the evaluator of a table's variable. `name` is without `$`. */
export function tableVariable(name: string, table: VariableTable, templates: Templates): Evaluator {
  const compute = withoutCycles(name, mapValue(table, templates));
  if (table.volatile) return (exchange) => exchange.assigned?.get(name) ?? compute(exchange);
  return (exchange) => {
    const known = exchange.assigned?.get(name);
    if (known !== undefined) return known;
    const value = compute(exchange);
    (exchange.assigned ??= new Map()).set(name, value);
    return value;
  };
}

/** A variable that is needed for its own value is empty, as in nginx: two maps may refer to each other. */
function withoutCycles(name: string, compute: Evaluator): Evaluator {
  let running = false;
  return (exchange) => {
    if (running) {
      exchange.log("error", `cycle while evaluating variable "${name}"`);
      return "";
    }
    running = true;
    try {
      return compute(exchange);
    } finally {
      running = false;
    }
  };
}
