/** Variables of the client's connection, and of all connections. */
import type { Exchange } from "../exchange.ts";
import { type Row, row } from "./row.ts";

const counts = (exchange: Exchange) => exchange.services.connections.counts();
/** A port of 0 is none, as in nginx. */
const port = (number = 0): string => (number === 0 ? "" : String(number));

export const CONNECTION: readonly Row[] = [
  row("binary_remote_addr", "change", "the client's address as 4 or 16 bytes", ({ connection }) =>
    connection.remoteBytes.length === 0 ? connection.remoteAddress : String.fromCharCode(...connection.remoteBytes),
  ),
  row("connection", "connection", "the connection's number", (e) => String(e.connection.number)),
  row("connection_requests", "change", "requests on the connection so far", (e) => String(e.connection.requests)),
  row("connections_active", "change", "open connections", (e) => String(counts(e).active)),
  row("connections_reading", "change", "connections on which a head has begun", (e) => String(counts(e).reading)),
  row("connections_waiting", "change", "connections without a request", (e) => String(counts(e).waiting)),
  row("connections_writing", "change", "connections with a request in progress", (e) => String(counts(e).writing)),
  row("https", "change", "`on` for a client that came by HTTPS, else empty", (e) =>
    e.connection.scheme === "https" ? "on" : "",
  ),
  row(
    "proxy_protocol_addr",
    "connection",
    "the client's address in the header of the PROXY protocol",
    (e) => e.connection.proxied?.sourceAddress ?? "",
  ),
  row("proxy_protocol_port", "connection", "the client's port there", (e) => port(e.connection.proxied?.sourcePort)),
  row(
    "proxy_protocol_server_addr",
    "connection",
    "the address there that the client connected to",
    (e) => e.connection.proxied?.serverAddress ?? "",
  ),
  row("proxy_protocol_server_port", "connection", "the port there that the client connected to", (e) =>
    port(e.connection.proxied?.serverPort),
  ),
  row(
    "realip_remote_addr",
    "connection",
    "the address of the front server, if one speaks for the client",
    (e) => (e.connection.direct ?? e.connection).remoteAddress,
  ),
  row("realip_remote_port", "connection", "its port", (e) => String((e.connection.direct ?? e.connection).remotePort)),
  row("remote_addr", "change", "the client's address", (e) => e.connection.remoteAddress),
  row("remote_port", "change", "the client's port", (e) => String(e.connection.remotePort)),
  row("scheme", "change", "`http` or `https`", (e) => e.connection.scheme),
  row("server_addr", "connection", "the address that the client connected to", (e) => e.connection.serverAddress),
  row("server_port", "connection", "the port that the client connected to", (e) => String(e.connection.serverPort)),
];
