/** Evaluates a template for one request, as Unicode text or as octets (see http/octets.ts). */
import type { Template } from "../config/parts.ts";
import { nameText } from "../http/octets.ts";
import type { Exchange } from "./exchange.ts";

/** The template's text in Unicode, for paths and names of files. */
export function evaluate(template: Template, exchange: Exchange): string {
  return template.constant ?? nameText(evaluateOctets(template, exchange));
}

/** The template's text as the path of a file; a relative one is beneath the template's base. */
export function evaluatePath(template: Template, exchange: Exchange): string {
  const text = evaluate(template, exchange);
  return template.base === undefined || text === "" || text.startsWith("/") ? text : `${template.base}/${text}`;
}

/** The template's octets, for what is sent or logged. */
export function evaluateOctets(template: Template, exchange: Exchange): string {
  return exchange.templates.evaluator(template)(exchange);
}
