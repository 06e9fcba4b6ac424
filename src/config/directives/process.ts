/** Directives about the process as a whole. */

import type { Context } from "../scope.ts";
import { Scope } from "../scope.ts";
import type { Row } from "../table.ts";
import { block, directive } from "../table.ts";
import { quote } from "../text/diagnostics.ts";
import { number, oneOf, path, time, words } from "../values/arguments.ts";

const everywhere: readonly Context[] = ["main", "events", "http", "server", "location", "limit_except", "types"];

/** Modules of nginx, and others that distributions ship, that are loaded and whose function Webserv has. */
const BUILT_IN: readonly string[] = ["brotli_filter", "brotli_static", "zstd_filter", "zstd_static", "dav_ext"];

export const PROCESS: readonly Row[] = [
  block("http", "http", {
    in: ["main"],
    takes: [],
    help: "Optional: a file may hold `server` blocks and the directives of `http` directly.",
    open: (scope) => new Scope("http", scope.draft, scope),
  }),
  block("events", "events", {
    in: ["main"],
    takes: [],
    help: "Optional: holds `worker_connections` in nginx's files.",
    open: (scope) => new Scope("events", scope.draft, scope),
  }),
  directive("include", {
    in: everywhere,
    takes: [words("FILE")],
    default: null,
    syntax: "FILE | PATTERN",
    help: "Inserts the directives of a file, or of all files that match a pattern (in the order of their names). Relative to the main configuration file's folder. nginx's `fastcgi_params`, `fastcgi.conf`, `uwsgi_params`, `scgi_params`, `proxy_params`, `snippets/fastcgi-php.conf` and `mime.types` are built in, for folders that have none (`/etc/nginx` too).",
    repeats: true,
    set: () => {}, // the parser has already inserted the file's directives
  }),
  directive("compat", {
    in: ["main"],
    takes: [oneOf("nginx")],
    default: null,
    help: "Makes nginx's defaults those of this file, where they differ on purpose: [nginx-differences.md](nginx-differences.md).",
    set: (scope) => {
      scope.draft.isCompatible = true;
    },
  }),
  directive("load_module", {
    in: ["main"],
    takes: [words("FILE", 1, 1)],
    default: null,
    repeats: true,
    idle: "what Webserv has is built in",
    help: "Accepted for nginx's files, without effect: what Webserv has is built in. The directives of a module that it has not are refused where they are used.",
    set: (scope, [[word]]) => {
      const name = /ngx_(?:http_)?(\w+)_module\.so$/.exec(word!.text)?.[1] ?? word!.text;
      const has = BUILT_IN.includes(name) ? "it is built in" : "its directives are refused where they are used";
      scope.warning(word!.position, `"load_module" has no effect here (${quote(word!.text)}: ${has})`);
    },
  }),
  directive("pid", {
    in: ["main"],
    takes: [path("FILE")],
    default: null,
    help: "Where the running server writes its process id; `-s` reads it.",
    set: (scope, [file]) => {
      scope.draft.pidFile = file;
    },
  }),
  directive("user", {
    in: ["main"],
    takes: [words("NAME [GROUP]", 1, 2)],
    default: null,
    idle: "the server runs as the user who starts it",
    help: "Accepted for nginx's files, without effect: the server runs as the user who starts it.",
    set: (scope, _, { position }) => {
      scope.warning(position, '"user" has no effect here (Webserv runs as the user who starts it)');
    },
  }),
  directive("worker_connections", {
    in: ["main", "events"],
    takes: [number("N", 1, 10_000_000)],
    default: null,
    shownDefault: "the limit of descriptors less 64",
    help: "Most connections at once. When the limit is reached, accepting pauses until one ends.",
    set: (scope, [count]) => {
      scope.draft.workerConnections = count;
    },
  }),
  directive("eager", {
    in: ["events"],
    takes: [oneOf("on", "off")],
    default: "on",
    help: "`on` tries a new connection at once, which is faster: its request has mostly come already. `off` reads and writes nothing on a socket or pipe before epoll has reported it ready.",
    set: (scope, [value]) => {
      scope.draft.eager = value === "on";
    },
  }),
  directive("worker_rlimit_nofile", {
    in: ["main"],
    takes: [number("N", 64, 10_000_000)],
    default: null,
    help: "Sets the limit of open descriptors (RLIMIT_NOFILE) at start.",
    set: (scope, [count]) => {
      scope.draft.workerRlimitNofile = count;
    },
  }),
  directive("worker_shutdown_timeout", {
    in: ["main"],
    takes: [time],
    default: null,
    shownDefault: "as long as they take",
    help: "How long `quit` waits for the requests in progress; then their connections are closed.",
    set: (scope, [limit]) => {
      scope.draft.shutdownTimeout = limit;
    },
  }),
  directive("daemon", {
    in: ["main"],
    takes: [oneOf("on", "off")],
    default: null,
    syntax: "off",
    idle: "the server stays in the foreground, as service managers expect",
    help: "Has no effect: the server stays in the foreground, as service managers expect.",
    set: (scope, [value], { position }) => {
      if (value === "on")
        scope.warning(position, '"daemon on" has no effect here (the server stays in the foreground)');
    },
  }),
];
