/**
 * The parameters of a request for FastCGI, uwsgi and SCGI, which are those of CGI (RFC 3875 §4.1): the location's own
 * (`fastcgi_param`), then the request's fields as HTTP_*. What does not depend on the request is encoded once per location.
 */
import type { PassParam } from "../../config/gateway.ts";
import type { Evaluator, Exchange, Templates } from "../../exchange/exchange.ts";
import { type CacheFetch, CONDITIONS } from "../../exchange/upstream.ts";
import { octets } from "../../http/octets.ts";
import { ABSOLUTE_FORM, type RequestHead } from "../../http/request/request.ts";

/** Encodes one name and value (octets). */
type Pair = (name: string, value: string) => string;

/**
 * Fields that become no parameter: the body is passed without its framing, and HTTP_PROXY is believed to be set by the administrator
 * ("httpoxy"; nginx's documentation wants `fastcgi_param HTTP_PROXY ""`).
 */
const NOT_PASSED_ON = ["transfer-encoding", "proxy"];
/** The parameter of a field. */
const parameterOf = (field: string): string => `HTTP_${field.replaceAll("-", "_").toUpperCase()}`;
/** Those that are not passed when a cache waits for the reply. */
const NOT_FOR_CACHE = CONDITIONS.map(parameterOf);
const MOST_NAMES = 1000;

/** The text that a request adds to the parameters. */
type Part = (exchange: Exchange, bodyLength: number) => string;

export class Parameters {
  private readonly parts: (string | Part)[] = [];
  /** Name of a field as received -> name of its parameter; null: it becomes none. */
  private readonly names = new Map<string, string | null>();
  /** The names HTTP_* that the location sets itself. */
  private readonly own: ReadonlySet<string>;
  private readonly fields = new Map<string, string>();

  /** @param passesFields whether the request's fields become parameters */
  constructor(
    params: readonly PassParam[],
    private readonly passesFields: boolean,
    templates: Templates,
    private readonly pair: Pair,
  ) {
    this.own = new Set(params.flatMap(({ name }) => (name.startsWith("HTTP_") ? [name] : [])));
    for (const param of params) this.add(param, templates);
  }

  /** The encoded parameters. `bodyLength`: of the body that is passed on; -1: not known. */
  of(exchange: Exchange, bodyLength: number): string {
    let text = "";
    for (const part of this.parts) text += typeof part === "string" ? part : part(exchange, bodyLength);
    return this.passesFields ? text + this.fieldsOf(exchange.request, exchange.upstream?.fetch ?? null) : text;
  }

  private add({ name: given, value, ifNotEmpty }: PassParam, templates: Templates): void {
    const { parts, pair } = this;
    const name = octets(given);
    // As in nginx, an empty HTTP_* only keeps the request's own field back.
    const leavesOut = ifNotEmpty || name.startsWith("HTTP_");
    if (value.constant !== null) {
      const text = octets(value.constant);
      const encoded = leavesOut && text === "" ? "" : pair(name, text);
      const last = parts.at(-1);
      if (typeof last === "string") parts[parts.length - 1] = last + encoded;
      else parts.push(encoded);
      return;
    }
    const of: Part =
      value.text === "$content_length" ? contentLength(templates.evaluator(value)) : templates.evaluator(value);
    parts.push((exchange, bodyLength) => {
      const text = of(exchange, bodyLength);
      return leavesOut && text === "" ? "" : pair(name, text);
    });
  }

  /** HTTP_*. Lines with the same name become one value (RFC 9110 §5.3, RFC 6265 §5.4). */
  private fieldsOf(request: RequestHead, fetch: CacheFetch | null): string {
    const { fields, pair } = this;
    fields.clear();
    for (let i = 0; i < request.fieldCount; i++) {
      const name = this.nameOf(request.fieldName(i));
      if (name === null) continue;
      const before = fields.get(name);
      const value = request.fieldValue(i);
      fields.set(name, before === undefined ? value : before + (name === "HTTP_COOKIE" ? "; " : ", ") + value);
    }
    // The authority of an absolute-form replaces the Host field (RFC 9112 §3.2.2).
    if (request.form === ABSOLUTE_FORM && !this.own.has("HTTP_HOST")) fields.set("HTTP_HOST", request.authority());
    if (fetch?.asksForAll) this.askForAll(fetch);
    let text = "";
    fields.forEach((value, name) => {
      text += pair(name, value);
    });
    return text;
  }

  /** A cache wants the whole reply, or to know whether its entry is still good, whatever conditions the client has. */
  private askForAll({ modifiedSince, noneMatch }: CacheFetch): void {
    const { fields, own } = this;
    for (const name of NOT_FOR_CACHE) fields.delete(name);
    if (modifiedSince !== "" && !own.has("HTTP_IF_MODIFIED_SINCE")) fields.set("HTTP_IF_MODIFIED_SINCE", modifiedSince);
    if (noneMatch !== "" && !own.has("HTTP_IF_NONE_MATCH")) fields.set("HTTP_IF_NONE_MATCH", noneMatch);
  }

  private nameOf(field: string): string | null {
    let name = this.names.get(field);
    if (name !== undefined) return name;
    name = this.makeName(field.toLowerCase());
    if (this.names.size < MOST_NAMES) this.names.set(field, name);
    return name;
  }

  /** As nginx (`underscores_in_headers off`, `ignore_invalid_headers on`): other names could become the same parameter. */
  private makeName(field: string): string | null {
    if (!/^[a-z0-9-]+$/.test(field) || NOT_PASSED_ON.includes(field)) return null;
    const name = parameterOf(field);
    return this.own.has(name) ? null : name;
  }
}

/** `$content_length` of a body that came in chunks is what they add up to, if that is known. */
const contentLength =
  (of: Evaluator): Part =>
  (exchange, bodyLength) =>
    exchange.request.chunked && bodyLength >= 0 ? String(bodyLength) : of(exchange);
