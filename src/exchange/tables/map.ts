/** The value of a `map` (ngx_http_map_module). */
import type { MapTable } from "../../config/tables/tables.ts";
import { SureRegex } from "../../routing/sure-regex.ts";
import type { Evaluator, Exchange, Templates } from "../exchange.ts";
import { findName } from "./names.ts";
import type { ValueObserver } from "./observer.ts";

/** Makes the evaluator of a map's variable. */
export function mapValue(table: MapTable, templates: Templates, told?: ValueObserver): Evaluator {
  const source = templates.evaluator(table.source);
  const expressions = table.expressions.map(({ regex, value }) => ({ regex: new SureRegex(regex), value }));
  const find = (exchange: Exchange, text: string) => {
    const found = findName(table.names, text);
    if (found !== undefined) return found;
    if (text === "" || expressions.length === 0) return table.fallback; // as nginx, which does not ask expressions about nothing
    for (const { regex, value } of expressions) {
      const captures = regex.exec(text);
      if (captures === undefined) {
        exchange.log("alert", `an expression of "map" takes too many steps to match "${text}"`);
        return table.fallback; // as nginx beyond its limit
      }
      if (captures === null) continue;
      exchange.captures = captures;
      return value;
    }
    return table.fallback;
  };
  return (exchange) => {
    const text = source(exchange);
    const name = table.hostnames && text.endsWith(".") ? text.slice(0, -1) : text;
    const value = templates.evaluator(find(exchange, name))(exchange);
    told?.(name, value);
    return value;
  };
}
