/** Replaces values in replies as `proxy_redirect`, `proxy_cookie_domain` and `proxy_cookie_path` say: the first rule that matches counts. */
import type { ProxyOnly } from "../../config/gateway.ts";
import type { Template } from "../../config/parts.ts";
import type { Evaluator, Exchange, Templates } from "../../exchange/exchange.ts";
import { SureRegex } from "../../routing/sure-regex.ts";

type Rules = ProxyOnly["redirect"];

/** How a text without a regular expression is compared; an expression has to be found, and the whole value is replaced. */
export enum Comparison {
  /** The value begins with it, and only that is replaced. */
  Start,
  /** The value is it, in any case; a dot before the value does not count and stays. */
  Domain,
}

/** Whether a value (octets) matches. */
type Matcher = (exchange: Exchange, value: string) => Matched | null;

interface Matched {
  /** What is replaced: value[start, end). */
  readonly start: number;
  readonly end: number;
  /** For the groups of the expression. */
  readonly exchange: Exchange;
}

interface Rule {
  readonly match: Matcher;
  readonly to: Evaluator;
}

export class Replacing {
  private readonly rules: readonly Rule[];

  constructor(rules: Rules, comparison: Comparison, templates: Templates) {
    this.rules = rules.map(({ from, to }) => ({
      match: from instanceof RegExp ? matcherOf(from) : comparing(from, comparison, templates),
      to: templates.evaluator(to),
    }));
  }

  get isEmpty(): boolean {
    return this.rules.length === 0;
  }

  /** The value (octets) after replacing; null: no rule matches. Nothing before `from` is compared or changed. */
  replaced(exchange: Exchange, value: string, from = 0): string | null {
    const rest = value.slice(from);
    for (const { match, to } of this.rules) {
      const found = match(exchange, rest);
      if (found !== null)
        return value.slice(0, from) + rest.slice(0, found.start) + to(found.exchange) + rest.slice(found.end);
    }
    return null;
  }
}

/** Compares with an expression. A value for which it would take too long does not match. */
export function matcherOf(regex: RegExp): Matcher {
  const sure = new SureRegex(regex);
  return (exchange, value) => {
    const captures = sure.exec(value);
    if (captures === null || captures === undefined) return null;
    return {
      start: 0,
      end: value.length,
      exchange: Object.create(exchange, { captures: { value: captures, writable: true } }),
    };
  };
}

function comparing(text: Template, comparison: Comparison, templates: Templates): Matcher {
  const evaluate = templates.evaluator(text);
  return (exchange, value) => {
    const wanted = evaluate(exchange);
    if (comparison === Comparison.Start)
      return value.startsWith(wanted) ? { start: 0, end: wanted.length, exchange } : null;
    const start = value.startsWith(".") ? 1 : 0;
    return value.slice(start).toLowerCase() === wanted.toLowerCase() ? { start, end: value.length, exchange } : null;
  };
}
