/** Variables of the client's connection, and of all connections. */
import { proxyValue } from "../../network/proxy-protocol/tlv.ts";
import type { TcpInfo } from "../../network/transport.ts";
import type { Exchange } from "../exchange.ts";
import { family, type Row, row } from "./row.ts";

const counts = (exchange: Exchange) => exchange.services.connections.counts();
/** A port of 0 is none, as in nginx. */
const port = (number = 0): string => (number === 0 ? "" : String(number));

/** A figure of the kernel; "" for a unix socket. */
const tcp = (name: string, help: string, figure: (info: TcpInfo) => number): Row =>
  row(name, "change", help, ({ connection }) => {
    const info = (connection.direct ?? connection).tcpInfo();
    return info === null ? "" : String(figure(info));
  });

export const CONNECTION: readonly Row[] = [
  row("binary_remote_addr", "change", "the client's address as 4 or 16 bytes", ({ connection }) =>
    connection.remoteBytes.length === 0 ? connection.remoteAddress : String.fromCharCode(...connection.remoteBytes),
  ),
  row("connection", "connection", "the connection's number", (e) => String(e.connection.number)),
  row("connection_requests", "change", "requests on the connection so far", (e) => String(e.connection.requests)),
  row("connection_time", "change", "seconds since the connection was accepted, with milliseconds", (e) =>
    ((e.services.clock.now - e.connection.openedAt) / 1000).toFixed(3),
  ),
  row("connections_active", "change", "open connections", (e) => String(counts(e).active)),
  row("connections_reading", "change", "connections on which a head has begun", (e) => String(counts(e).reading)),
  row("connections_waiting", "change", "connections without a request", (e) => String(counts(e).waiting)),
  row("connections_writing", "change", "connections with a request in progress", (e) => String(counts(e).writing)),
  row("http2", "connection", "nothing: there is HTTP/1 only", () => ""),
  row("http3", "connection", "likewise", () => ""),
  row("https", "change", "`on` for a client that came by HTTPS, else empty", (e) =>
    e.connection.scheme === "https" ? "on" : "",
  ),
  row("pipe", "change", "`p` for a request that came together with the one before it, else `.`", (e) =>
    e.isPipelined ? "p" : ".",
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
  family(
    "proxy_protocol_tlv_",
    "connection",
    "a further value there: `alpn`, `authority`, `unique_id`, `netns`, `ssl_version`, `ssl_cn`, `ssl_cipher`, `ssl_sig_alg`, `ssl_key_alg`, `ssl_verify`, or a type as `0xe0`",
    (name) => (e) => proxyValue(e.connection.proxied?.extra ?? "", name) ?? "",
  ),
  row(
    "realip_remote_addr",
    "connection",
    "the address of the front server, if one speaks for the client",
    (e) => (e.connection.direct ?? e.connection).remoteAddress,
  ),
  row("realip_remote_port", "connection", "its port", (e) => port((e.connection.direct ?? e.connection).remotePort)),
  row("remote_addr", "change", "the client's address", (e) => e.connection.remoteAddress),
  row("remote_port", "change", "the client's port", (e) => port(e.connection.remotePort)),
  row("scheme", "change", "`http` or `https`", (e) => e.connection.scheme),
  row("server_addr", "connection", "the address that the client connected to", (e) => e.connection.serverAddress),
  row("server_port", "connection", "the port that the client connected to", (e) => port(e.connection.serverPort)),
  tcp("tcpinfo_rcv_space", "bytes that the client may send at once", ({ receiveSpace }) => receiveSpace),
  tcp("tcpinfo_rtt", "the time from the client and back, in microseconds", ({ rtt }) => rtt),
  tcp("tcpinfo_rttvar", "how much that varies", ({ rttvar }) => rttvar),
  tcp(
    "tcpinfo_snd_cwnd",
    "segments that may be on their way to the client",
    ({ congestionWindow }) => congestionWindow,
  ),
];
