/** The value of a `split_clients` (ngx_http_split_clients_module), by MurmurHash2: the same clients get the same values as from nginx. */
import type { SplitTable } from "../../config/tables/tables.ts";
import type { Evaluator, Templates } from "../exchange.ts";
import { murmurHash2 } from "./murmur.ts";
import type { ValueObserver } from "./observer.ts";

/** Makes the evaluator of a split_clients' variable. */
export function splitValue({ source, parts }: SplitTable, templates: Templates, told?: ValueObserver): Evaluator {
  const text = templates.evaluator(source);
  return (exchange) => {
    const key = text(exchange);
    const hash = murmurHash2(key);
    const value = parts.find(({ below }) => hash < below)?.value ?? "";
    told?.(key, value);
    return value;
  };
}
