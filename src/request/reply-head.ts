/** The heads of replies: the server's own fields around the handler's, and how the body is framed (RFC 9112 §6). */
import { Block } from "../../ffi/memory.ts";
import type { Settings } from "../config/model.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { Field, ReplyBody, ReplyOptions, WholeReply } from "../exchange/reply.ts";
import { responseHead } from "../http/reply/response.ts";
import { isBodiless } from "../http/reply/status.ts";
import { addFields } from "./added-fields.ts";

export interface Framing {
  /** No body is sent, whatever there is: HEAD, 204, 304. */
  readonly bodiless: boolean;
  /** Bytes of the body, -1 when not known. */
  readonly length: number;
  /** Of HEAD only the field says so, as GET's would. */
  readonly chunked: boolean;
  /** The body's end is the connection's: a stream for HTTP/1.0. */
  readonly untilClose: boolean;
}

/** How the reply to `exchange`, whose status is settled, is framed. `length`: what the handler says of it, if anything. */
export function framingOf(exchange: Exchange, body: ReplyBody, length: number | undefined): Framing {
  const bodiless = isBodiless(exchange.status) || exchange.method === "HEAD";
  const known = length ?? (body === null ? 0 : body.length);
  const unknown = known < 0 && length === undefined && !isBodiless(exchange.status);
  const chunked = unknown && exchange.request.minor === 1;
  return { bodiless, length: known, chunked, untilClose: unknown && !bodiless && !chunked };
}

/** The fields every reply has, the handler's, those the location adds, and Content-Length. `length`: -1 leaves that out. */
export function replyFields(
  exchange: Exchange & { readonly services: { readonly serverToken: string } },
  fields: readonly Field[],
  length: number,
  options: ReplyOptions | undefined,
  status: number = exchange.status,
): Field[] {
  const { services, settings } = exchange;
  const all: Field[] = [
    ["Server", settings.serverTokens ? services.serverToken : "webserv"],
    ["Date", services.clock.date],
  ];
  for (const field of fields) all.push(field);
  addFields(all, exchange, status, options?.modified);
  if (length >= 0 && !isBodiless(status)) all.push(["Content-Length", String(length)]);
  return all;
}

/** The value of Connection; "" where the version says it all (RFC 9112 §9.3). */
export function connectionOption(exchange: Pick<Exchange, "request"> & { readonly keepAlive: boolean }): string {
  if (!exchange.keepAlive) return "close";
  return exchange.request.minor === 1 ? "" : "keep-alive";
}

/** Says whether the connection goes on, and for how long where keepalive_timeout has a second argument. */
export function addConnection(
  fields: Field[],
  exchange: Pick<Exchange, "settings" | "request"> & { readonly keepAlive: boolean },
): void {
  const option = connectionOption(exchange);
  if (option !== "") fields.push(["Connection", option]);
  if (option !== "close") addKeepAlive(fields, exchange.settings);
}

function addKeepAlive(fields: Field[], { keepaliveHeader }: Settings): void {
  if (keepaliveHeader !== null) fields.push(["Keep-Alive", `timeout=${keepaliveHeader}`]);
}

/** Makes a WholeReply with room for `length` bytes of body, for HTTP/1.1 and a connection that goes on. */
export function makeWholeReply(
  exchange: Parameters<typeof replyFields>[0],
  status: number,
  fields: readonly Field[],
  length: number,
  options: ReplyOptions | undefined,
): WholeReply {
  const all = replyFields(exchange, fields, options?.length ?? length, options, status);
  addKeepAlive(all, exchange.settings);
  const head = responseHead(status, all);
  const block = new Block(head.length + length);
  block.bytes.latin1Write(head, 0);
  return {
    status,
    block,
    headLength: head.length,
    length: head.length + length,
    dateOffset: head.indexOf("\r\nDate: ") + "\r\nDate: ".length,
    dateSecond: exchange.services.clock.second,
    holders: 0,
    fields: all,
  };
}
