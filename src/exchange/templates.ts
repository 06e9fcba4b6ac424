/** The text of a template for one request: with the values of its variables, as a name in Unicode or as octets (see http/octets.ts). */
import type { Template } from "../config/parts.ts";
import { nameText } from "../http/octets.ts";
import type { Exchange } from "./exchange.ts";

/** The template's text for this request, in Unicode: paths and names of files. */
export function evaluate(template: Template, exchange: Exchange): string {
  return template.constant ?? nameText(evaluateOctets(template, exchange));
}

/** The template's octets for this request: what is sent or logged. */
export function evaluateOctets(template: Template, exchange: Exchange): string {
  return exchange.templates.evaluator(template)(exchange);
}
