/** Steps of rewrite programs as text, with what became of them. */
import type { Template } from "../../config/parts.ts";
import type { RewriteStep, Test } from "../../config/settings/rewrite.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { evaluateOctets } from "../../exchange/templates.ts";
import { unicode } from "../../http/octets.ts";

const textOf = (template: Template, exchange: Exchange): string => unicode(evaluateOctets(template, exchange));

/** A step after it was taken. */
export function shownStep(step: RewriteStep, exchange: Exchange, matched: boolean): string {
  switch (step.kind) {
    case "set": {
      const now = textOf({ text: "", parts: [{ variable: step.variable }], constant: null }, exchange);
      return `$${step.variable} is now "${now}"`;
    }
    case "rewrite": {
      const { source } = step.pattern;
      if (!matched) return `${source} does not match`;
      if (step.redirect > 0) return `${source} matches: the client is redirected (${step.redirect})`;
      const { query } = exchange;
      const flag = step.flag === "" ? "" : `, ${step.flag}`;
      return `${source} matches: the path is now ${exchange.path}${query === "" ? "" : `?${unicode(query)}`}${flag}`;
    }
    case "return":
      return `${step.rule.status}${step.rule.text === null ? "" : ` ${step.rule.text.text}`}`;
    default:
      return "ends the steps of this block";
  }
}

const FLAGS = { file: "f", folder: "d", there: "e", executable: "x" } as const;

/** The condition of an `if` as written, and what the texts in it are. */
export function shownTest(step: RewriteStep, exchange: Exchange): string {
  if (step.kind !== "if") return "";
  const { test } = step;
  const about = test.kind === "file" ? test.path : test.subject;
  const values = test.kind === "equals" ? [about, test.value] : [about];
  const known = values
    .map((template) => ({ text: template.text, value: textOf(template, exchange) }))
    .filter(({ text, value }) => text !== value)
    .map(({ text, value }) => `${text} is "${value}"`);
  return `(${testText(test)})${known.length === 0 ? "" : ` where ${known.join(" and ")}`}`;
}

function testText(test: Test): string {
  switch (test.kind) {
    case "isSet":
      return test.subject.text;
    case "equals":
      return `${test.subject.text} ${test.negated ? "!=" : "="} ${test.value.text}`;
    case "matches":
      return `${test.subject.text} ${test.negated ? "!~" : "~"} ${test.pattern.source}`;
    case "file":
      return `${test.negated ? "!" : ""}-${FLAGS[test.is]} ${test.path.text}`;
  }
}
