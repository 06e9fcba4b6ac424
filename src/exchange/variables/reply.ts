/** Variables of the reply. */
import { fieldValue } from "../../http/reply/response.ts";
import type { Evaluator, Exchange } from "../exchange.ts";
import type { Field } from "../reply.ts";
import { family, fieldName, type Row, row } from "./row.ts";

/** Connection and Keep-Alive are added when the reply is framed, and only where they are needed. */
const sentFieldOf = (name: string): Evaluator =>
  name === "connection" ? sentConnection : name === "keep-alive" ? sentKeepAlive : (e) => sentField(e, name);

export const REPLY: readonly Row[] = [
  row("body_bytes_sent", "change", "bytes of the reply's body that were sent", (e) => String(e.bodyBytesSent)),
  row("bytes_sent", "change", "bytes of the reply that were sent", (e) => String(e.bytesSent)),
  row(
    "gzip_ratio",
    "change",
    "how many times smaller the reply became by compression; `-`: it was not compressed",
    ({ encoded }) =>
      encoded === null || encoded.bytesOut === 0 ? "-" : (encoded.bytesIn / encoded.bytesOut).toFixed(2),
  ),
  row("request_completion", "change", "`OK` once the reply has been sent to its end, else empty", (e) =>
    e.isComplete ? "OK" : "",
  ),
  row(
    "sent_http_content_type",
    "reply",
    "the reply's media type, without its charset until that is known",
    sentFieldOf("content-type"),
  ),
  row("status", "change", "the reply's status", (e) => String(e.errorStatus || e.status).padStart(3, "0")),
  family("sent_http_", "change", "a field of the reply, `_` for its `-`", (name) => sentFieldOf(fieldName(name))),
  family("sent_trailer_", "change", "a field behind the reply's body", (name) => {
    const field = fieldName(name);
    return ({ sentTrailers }) => valuesOf(sentTrailers, field);
  }),
];

function sentConnection(exchange: Exchange): string {
  if (exchange.status === 0) return "";
  return sentField(exchange, "connection") || (exchange.persists ? "keep-alive" : "close");
}

function sentKeepAlive(exchange: Exchange): string {
  const { keepaliveHeader } = exchange.settings;
  return exchange.status === 0 || !exchange.persists || keepaliveHeader === null ? "" : `timeout=${keepaliveHeader}`;
}

const sentField = ({ sentFields }: Exchange, name: string): string => valuesOf(sentFields, name);

function valuesOf(fields: readonly Field[], name: string): string {
  const values = fields.filter((field) => field[0].toLowerCase() === name);
  return values.map((field) => fieldValue(field[1])).join(", ");
}
