/** Lines of the access log (ngx_http_log_module). Variables are escaped, so that no client can forge a line. */
import type { LogFormat } from "../../config/settings/logs.ts";
import type { Exchange, Lifetime, Templates } from "../../exchange/exchange.ts";
import { variable } from "../../exchange/variables/variables.ts";
import { octets, unicode } from "../../http/octets.ts";
import type { RequestHead } from "../../http/request/request.ts";
import { presence } from "./presence.ts";

/** Makes the line of a request as octets, with its line feed. */
type LineMaker = (exchange: Exchange) => string;

/** Makes the LineMaker of a format; `templates` are those of its configuration. */
export function accessLine(format: LogFormat, templates: Templates): LineMaker {
  if (format.template === null) return jsonLine;
  const parts = format.template.parts.map((part): LineMaker => {
    if (typeof part === "string") {
      const literal = octets(part);
      return () => literal;
    }
    const value = templates.variable(part.variable);
    const maker = MAKERS[format.escape](value, templates.isAssigned(part.variable) ? always : presence(part.variable));
    return KEPT[templates.lifetime(part.variable)](maker);
  });
  return (exchange) => {
    let line = "";
    for (const part of parts) line += part(exchange);
    return `${line}\n`;
  };
}

const always = (): boolean => true;

/** Caches the text for requests with an identical head, byte for byte. */
function oncePerHead(maker: LineMaker): LineMaker {
  let head: RequestHead | null = null;
  let serial = 0;
  let text = "";
  return (exchange) => {
    const { request } = exchange;
    if (request === head && request.serial === serial) return text;
    head = request;
    serial = request.serial;
    text = maker(exchange);
    return text;
  };
}

/** Caches the text for further requests on the same connection. */
function oncePerConnection(maker: LineMaker): LineMaker {
  let number = -1;
  let text = "";
  return (exchange) => {
    const { connection } = exchange;
    if (connection.number !== number) {
      number = connection.number;
      text = maker(exchange);
    }
    return text;
  };
}

/** The cache for a variable's text, by the lifetime of its value. */
const KEPT: { readonly [lifetime in Lifetime]: (maker: LineMaker) => LineMaker } = {
  head: oncePerHead,
  connection: oncePerConnection,
  reply: (maker) => maker,
  change: (maker) => maker,
};

/** Escapes a variable's value as nginx does. `isPresent`: whether an empty one is a value. */
const MAKERS: {
  readonly [escape in LogFormat["escape"]]: (value: LineMaker, isPresent: (exchange: Exchange) => boolean) => LineMaker;
} = {
  default: (value, isPresent) => (exchange) => {
    const text = value(exchange);
    if (text === "") return isPresent(exchange) ? "" : "-";
    return plain(text) ? text : text.replace(/[^ !\x23-\x5b\x5d-\x7e]/g, hexEscape);
  },
  json: (value) => (exchange) => {
    const text = value(exchange);
    return plain(text) ? text : text.replace(/[\x00-\x1f"\\]/g, jsonEscape);
  },
  none: (value) => value,
};

const JSON_ESCAPES: { readonly [octet: string]: string } = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\b": "\\b",
  "\f": "\\f",
  '"': '\\"',
  "\\": "\\\\",
};

/** Octets above 0x7e stay: they may be UTF-8 or not. */
const jsonEscape = (octet: string): string =>
  JSON_ESCAPES[octet] ?? `\\u${octet.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;

/** Whether a value needs no escaping. */
function plain(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c < 0x20 || c > 0x7e || c === 0x22 || c === 0x5c) return false;
  }
  return true;
}

/** Escapes a byte as `\xHH`, like nginx. */
const hexEscape = (octet: string): string => `\\x${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;

const FIELDS = {
  time: variable("time_iso8601"),
  remote_addr: variable("remote_addr"),
  request_id: variable("request_id"),
  method: (exchange: Exchange) => exchange.request.method,
  host: variable("host"),
  uri: variable("request_uri"),
  protocol: variable("server_protocol"),
  referer: variable("http_referer"),
  user_agent: variable("http_user_agent"),
} as const;

/** A line of the built-in format `json`: one object. */
function jsonLine(exchange: Exchange): string {
  const line: { [name: string]: string | number } = {};
  for (const [name, value] of Object.entries(FIELDS)) line[name] = unicode(value(exchange));
  line.status = exchange.status;
  line.bytes_sent = exchange.bytesSent;
  line.body_bytes_sent = exchange.bodyBytesSent;
  line.request_time = Number(((exchange.services.clock.now - exchange.startedAt) / 1000).toFixed(3));
  return `${octets(JSON.stringify(line))}\n`;
}
