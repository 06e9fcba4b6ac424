/** Reads the client's preference for JSON or HTML from its Accept field (RFC 9110 §12.5.1). */
import { preferences, weightOf } from "./headers.ts";

const JSON_TYPE = "application/json";

/** Whether to answer with JSON: the client names it and wants it at least as much as HTML. Browsers, and clients that accept anything, get HTML. */
export function prefersJson(accept: string | undefined): boolean {
  if (accept === undefined || !preferences(accept).some(({ range }) => range === JSON_TYPE)) return false;
  const weight = weightOf(accept, JSON_TYPE);
  return weight > 0 && weight >= weightOf(accept, "text/html");
}
