/** Limits on requests: sizes, times, rates. */

import type { Context } from "../scope.ts";
import type { Row } from "../table.ts";
import { directive, store } from "../table.ts";
import { duration, kind, number, optional, path, size, sizeBetween, time, words } from "../values/arguments.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];
const beforeLocations: readonly Context[] = ["http", "server"];

/** Buffers for heads and bodies are allocated per connection, so their size is limited. */
const bufferSize = sizeBetween(64, 16 * 2 ** 20);

const level = kind("LEVEL", "1, 2 or 3", (text) => (/^[123]$/.test(text) ? Number(text) : undefined));

export const REQUESTS: readonly Row[] = [
  directive("client_max_body_size", {
    in: anywhere,
    takes: [size],
    default: "1m",
    help: "Largest request body; beyond it 413. 0 means no limit.",
    set: store("clientMaxBodySize"),
  }),
  directive("client_body_buffer_size", {
    in: anywhere,
    takes: [sizeBetween(0, 16 * 2 ** 20)],
    default: "16k",
    help: "How much of a request body is kept in memory if it has to be kept. A script starts when this much of its body has arrived, or all of it; 0: at once.",
    set: store("clientBodyBufferSize"),
  }),
  directive("client_body_temp_path", {
    in: anywhere,
    takes: [path("DIR"), words("[LEVEL...]", 0, 3)],
    default: null,
    shownDefault: "the system's temporary folder",
    help: "The folder for larger bodies. nginx's levels are accepted and ignored.",
    set: (scope, [folder, levels], { name }) => {
      scope.own.clientBodyTempPath = folder;
      for (const word of levels) level.read([word], name, scope);
    },
  }),
  directive("client_header_buffer_size", {
    in: beforeLocations,
    takes: [bufferSize],
    default: "1k",
    help: "Memory for a usual request's line and fields.",
    set: store("clientHeaderBufferSize"),
  }),
  directive("large_client_header_buffers", {
    in: beforeLocations,
    takes: [number("N", 1, 1024), bufferSize],
    default: "4 8k",
    help: "Longest request line (414 beyond it) and field (431): SIZE. All of them together: N times SIZE.",
    set: (scope, [count, bytes]) => {
      scope.own.largeClientHeaderBuffers = { count, size: bytes };
    },
  }),
  directive("client_header_timeout", {
    in: beforeLocations,
    takes: [duration],
    default: "60s",
    help: "Time for the whole head of a request; then 408.",
    set: store("clientHeaderTimeout"),
  }),
  directive("client_body_timeout", {
    in: anywhere,
    takes: [duration],
    default: "60s",
    help: "Time between two pieces of a request body; then 408.",
    set: store("clientBodyTimeout"),
  }),
  directive("send_timeout", {
    in: anywhere,
    takes: [duration],
    default: "60s",
    help: "Time between two pieces of a reply that the client takes; then the connection is closed.",
    set: store("sendTimeout"),
  }),
  directive("keepalive_timeout", {
    in: anywhere,
    takes: [time, optional(time)],
    default: "75s",
    help: "How long a connection may be idle between requests; 0 closes after each reply. The second time is sent to the client as `Keep-Alive: timeout=`.",
    set: (scope, [idle, told]) => {
      scope.own.keepaliveTimeout = idle;
      scope.own.keepaliveHeader = told === undefined || told < 1000 ? null : Math.floor(told / 1000);
    },
  }),
  directive("keepalive_requests", {
    in: anywhere,
    takes: [number("N", 0)],
    default: "1000",
    help: "Requests on one connection; after the last it is closed.",
    set: store("keepaliveRequests"),
  }),
  directive("client_min_rate", {
    in: anywhere,
    takes: [size],
    default: "500",
    help: "Bytes a second that a body must arrive with, on average, from its 10th second on. 0 turns this off.",
    set: store("clientMinRate"),
  }),
  directive("send_min_rate", {
    in: anywhere,
    takes: [size],
    default: "500",
    help: "Bytes a second that a client must take of a reply, on average, from its 10th second on. 0 turns this off.",
    set: store("sendMinRate"),
  }),
  directive("lingering_time", {
    in: anywhere,
    takes: [time],
    default: "30s",
    help: "How long in all the server reads on after a refusal, so that the client sees the reply.",
    set: store("lingeringTime"),
  }),
  directive("lingering_timeout", {
    in: anywhere,
    takes: [time],
    default: "5s",
    help: "How long it waits for the next piece meanwhile.",
    set: store("lingeringTimeout"),
  }),
];
