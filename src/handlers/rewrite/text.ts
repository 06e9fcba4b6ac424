/** Values and replacements: templates in which `$1` to `$9` may have to be escaped (ngx_http_script_copy_capture_code). */
import type { Template } from "../../config/parts.ts";
import type { Evaluator, Exchange, Templates } from "../../exchange/exchange.ts";
import { PERCENT, PLUS } from "../../http/bytes.ts";
import { octets, percentEncoded } from "../../http/octets.ts";

/** Gives the octets of a text. @param quotes whether groups are escaped, if the client's path was */
export type Text = (exchange: Exchange, quotes: boolean) => string;

type Parts = Template["parts"];

const isGroup = (part: Parts[number]): boolean => typeof part !== "string" && /^\d$/.test(part.variable);

/** Makes the text of a template's parts. */
export function textOf(parts: Parts, templates: Templates): Text {
  if (!parts.some(isGroup)) {
    const evaluator = evaluatorOf(parts, templates);
    return (exchange) => evaluator(exchange);
  }
  const pieces = parts.map((part): Text => {
    if (typeof part !== "string" && isGroup(part)) return group(Number(part.variable));
    const evaluator = evaluatorOf([part], templates);
    return (exchange) => evaluator(exchange);
  });
  return (exchange, quotes) => {
    let text = "";
    for (const piece of pieces) text += piece(exchange, quotes);
    return text;
  };
}

function evaluatorOf(parts: Parts, templates: Templates): Evaluator {
  if (parts.length === 0) return () => "";
  const literal = parts.length === 1 && typeof parts[0] === "string" ? octets(parts[0]) : null;
  return literal === null ? templates.evaluator({ text: "", parts, constant: null }) : () => literal;
}

/** What nginx escapes in arguments (NGX_ESCAPE_ARGS). */
const IN_ARGUMENTS = /[\x00-\x20#%&+;?\x7f-\xff]/g;

function group(index: number): Text {
  return (exchange, quotes) => {
    const text = exchange.captures?.[index] ?? "";
    return quotes && text !== "" && wasEncoded(exchange) ? text.replace(IN_ARGUMENTS, percentEncoded) : text;
  };
}

/** Whether the path in the client's request has a "%" or "+". */
function wasEncoded({ isSubrequest, request }: Exchange): boolean {
  if (isSubrequest) return false;
  const { bytes, base, pathStart, pathEnd } = request;
  for (let at = base + pathStart; at < base + pathEnd; at++)
    if (bytes[at] === PERCENT || bytes[at] === PLUS) return true;
  return false;
}
