import type { Evaluator } from "../exchange.ts";

/** Computes a variable at its first use. The value then stays for the request, also in another location, as in nginx; `set` of it wins. */
export function once(name: string, compute: Evaluator): Evaluator {
  return (exchange) => {
    const known = exchange.assigned?.get(name);
    if (known !== undefined) return known;
    const value = compute(exchange);
    (exchange.assigned ??= new Map()).set(name, value);
    return value;
  };
}
