/** The values of variables that tables compute: once a request, unless the table is volatile. `set` of such a variable wins, as in nginx. */
import type { VariableTable } from "../../config/tables/tables.ts";
import type { Evaluator, Templates } from "../exchange.ts";
import { withoutCycles } from "../variables/cycles.ts";
import { once } from "../variables/once.ts";
import { geoValue } from "./geo.ts";
import { mapValue } from "./map.ts";
import type { TableObserver, ValueObserver } from "./observer.ts";
import { splitValue } from "./split.ts";

/** Makes the evaluator of a table's variable. `name` is without `$`. */
export function tableVariable(
  name: string,
  table: VariableTable,
  templates: Templates,
  observer?: TableObserver,
): Evaluator {
  const told: ValueObserver | undefined =
    observer && ((source, value) => observer.computed(name, table, source, value));
  const compute = withoutCycles(name, valueMaker(table, templates, told));
  if (table.volatile) return (exchange) => exchange.assigned?.get(name) ?? compute(exchange);
  return once(name, compute);
}

function valueMaker(table: VariableTable, templates: Templates, told?: ValueObserver): Evaluator {
  switch (table.kind) {
    case "map":
      return mapValue(table, templates, told);
    case "geo":
      return geoValue(table, templates, told);
    case "split_clients":
      return splitValue(table, templates, told);
  }
}
