/** Variables of the reply. */
import { fieldValue } from "../../http/reply/response.ts";
import type { Evaluator, Exchange } from "../exchange.ts";
import { family, fieldName, type Row, row } from "./row.ts";

const sentFieldOf =
  (name: string): Evaluator =>
  (exchange) =>
    sentField(exchange, name);

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
  row(
    "sent_http_content_type",
    "reply",
    "the reply's media type, without its charset until that is known",
    sentFieldOf("content-type"),
  ),
  row("status", "change", "the reply's status", (e) => String(e.errorStatus || e.status).padStart(3, "0")),
  family("sent_http_", "change", "a field of the reply, `_` for its `-`", (name) => sentFieldOf(fieldName(name))),
];

function sentField(exchange: Exchange, name: string): string {
  const values = exchange.sentFields.filter((field) => field[0].toLowerCase() === name);
  return values.map((field) => fieldValue(field[1])).join(", ");
}
