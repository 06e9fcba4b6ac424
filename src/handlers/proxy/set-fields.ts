/** The fields that the server itself puts into a request (`proxy_set_header`, and nginx's own), prepared once for a location. */
import type { Settings } from "../../config/model.ts";
import type { Template } from "../../config/parts.ts";
import type { Exchange, Templates } from "../../exchange/exchange.ts";
import { passUrl } from "../../exchange/passing/pass-url.ts";
import { octets } from "../../http/octets.ts";
import { fieldValue } from "../../http/reply/response.ts";

/** How the body is sent, where it is not so many bytes: in chunks; there is none. */
export const CHUNKED = -1;
export const NO_BODY = -2;

/** The value of a field (octets) for a request, whose body is `length` bytes, CHUNKED or NO_BODY. "": the field is left out. */
export type Value = (exchange: Exchange, length: number) => string;

interface SetField {
  readonly name: string;
  readonly value: string | Value;
}

/** What asks whether the entry of a cache is still good. */
export const CONFIRMATION: readonly SetField[] = [
  { name: "If-Modified-Since", value: ({ upstream }) => upstream?.fetch?.modifiedSince ?? "" },
  { name: "If-None-Match", value: ({ upstream }) => fieldValue(upstream?.fetch?.noneMatch ?? "") },
];

/** The fields in nginx's order: those that are configured, then nginx's own, except where one is configured. */
export function setFields({ pass, proxy, proxyOnly }: Settings, templates: Templates): readonly SetField[] {
  const set = proxyOnly.setHeaders.map(({ name, value }) => ({ name, value: configured(value, templates) }));
  const names = new Set(set.map(({ name }) => name.toLowerCase()));
  const own: readonly SetField[] = [
    {
      name: "Host",
      value: pass!.target === null ? pass!.host : (exchange) => fieldValue(passUrl(exchange, pass!).host),
    },
    { name: "Connection", value: "close" },
    ...(proxy.cache.zone === null ? [] : CONFIRMATION),
    { name: "Content-Length", value: (_, length) => (length >= 0 ? String(length) : "") },
    { name: "Transfer-Encoding", value: (_, length) => (length === CHUNKED ? "chunked" : "") },
  ];
  return [...set, ...own.filter(({ name }) => !names.has(name.toLowerCase()))];
}

/** Variables can contain anything that a client has encoded in its path, so line ends become spaces. */
function configured(template: Template, templates: Templates): string | Value {
  if (template.constant !== null) return fieldValue(octets(template.constant));
  const evaluate = templates.evaluator(template);
  return (exchange) => fieldValue(evaluate(exchange));
}

/** Field lines as one text, made for each request. */
export class FieldLines {
  /** Texts that never change alternate with fields that do. */
  private readonly parts: (string | { readonly start: string; readonly value: Value })[] = [];

  constructor(fields: readonly SetField[]) {
    for (const { name, value } of fields) {
      if (typeof value !== "string") this.parts.push({ start: `${name}: `, value });
      else if (value !== "") this.append(`${name}: ${value}\r\n`);
    }
  }

  private append(text: string): void {
    const last = this.parts.at(-1);
    if (typeof last === "string") this.parts[this.parts.length - 1] = last + text;
    else this.parts.push(text);
  }

  /** The lines for a request; `length` as for Value. */
  text(exchange: Exchange, length: number): string {
    let lines = "";
    for (const part of this.parts) {
      if (typeof part === "string") lines += part;
      else {
        const value = part.value(exchange, length);
        if (value !== "") lines += `${part.start}${value}\r\n`;
      }
    }
    return lines;
  }
}
