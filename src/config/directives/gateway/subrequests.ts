/** Requests beside a request: `auth_request`, `mirror`, `health_check`; and how names are looked up. */
import type { HealthCheck } from "../../gateway.ts";
import type { Context, Scope } from "../../scope.ts";
import type { Row } from "../../table.ts";
import { directive, store } from "../../table.ts";
import { elsewhere, quote } from "../../text/diagnostics.ts";
import type { Word } from "../../text/parser.ts";
import { duration, flag, kind, parseTime, template, variableName, words } from "../../values/arguments.ts";
import { parseResolver, RESOLVER_SYNTAX } from "../../values/resolver.ts";

const anywhere: readonly Context[] = ["http", "server", "location"];

const localUri = kind("URI | off", 'a path of this server, or "off"', (text) =>
  text === "off" ? null : text.startsWith("/") || text.startsWith("@") ? text : undefined,
);

export const NAMES: readonly Row[] = [
  directive("resolver", {
    in: anywhere,
    takes: [words(RESOLVER_SYNTAX)],
    default: null,
    help: "The DNS servers for names in variables of `*_pass` and for `server ... resolve`. Answers are kept as long as they say (`valid`: as long as this). Names without variables are looked up once, at the start.",
    set: (scope, [args]) => {
      const resolver = parseResolver(scope, args);
      if (resolver !== null) scope.own.resolver = resolver;
    },
  }),
  directive("resolver_timeout", {
    in: anywhere,
    takes: [duration],
    default: "30s",
    help: "How long a name may be looked up; then 502.",
    set: store("resolverTimeout"),
  }),
];

export const AUTH_REQUEST: readonly Row[] = [
  directive("auth_request", {
    in: anywhere,
    takes: [localUri],
    default: "off",
    help: "Asks a path of this server first: a status of 2xx lets the request pass, 401 and 403 refuse it, anything else is an error (500).",
    set: store("authRequest"),
  }),
  directive("auth_request_set", {
    in: anywhere,
    takes: [variableName, template("VALUE")],
    default: null,
    repeats: true,
    help: "A variable that gets this value when `auth_request` has its reply, such as `$user $upstream_http_x_user`.",
    set: (scope, [name, value]) => {
      scope.draft.variables.define(name);
      scope.own.authRequestSet = [...(scope.own.authRequestSet ?? []), { variable: name, value }];
    },
  }),
];

export const MIRROR: readonly Row[] = [
  directive("mirror", {
    in: anywhere,
    takes: [localUri],
    default: null,
    shownDefault: "off",
    repeats: true,
    help: "A path of this server that gets a copy of each request in the background; its reply is dropped.",
    set: (scope, [uri]) => {
      scope.own.mirror = uri === null ? [] : [...(scope.own.mirror ?? []), uri];
    },
  }),
  directive("mirror_request_body", {
    in: anywhere,
    takes: [flag],
    default: "on",
    help: "Whether the copy has the body; then the body is read completely first.",
    set: store("mirrorRequestBody"),
  }),
];

export const STUB_STATUS = directive("stub_status", {
  in: ["server", "location"],
  takes: [words("", 0, 1)],
  default: null,
  repeats: true,
  help: "Answers with nginx's counters of connections and requests.",
  set: (scope) => {
    scope.own.stubStatus = true;
  },
});

const HEALTH_SYNTAX = "[interval=TIME] [jitter=TIME] [fails=N] [passes=N] [uri=PATH] [port=N] [mandatory]";

export const HEALTH_CHECK = directive("health_check", {
  in: ["location"],
  takes: [words(HEALTH_SYNTAX, 0)],
  default: null,
  help: "Asks each server of the upstream that this location passes to every `interval` (5s); `fails` (1) replies that are not 2xx or 3xx leave it out, `passes` (1) let it in again.",
  set: (scope, [args], { position }) => {
    const check = parseHealth(scope, args);
    if (check === null) return;
    const { draft } = scope;
    draft.later(() => draft.later(() => addHealth(scope, { ...check, position }))); // behind the checks of the passes
  },
});

type Parsed = Omit<HealthCheck, "family" | "connectTimeout" | "readTimeout" | "position">;

function parseHealth(scope: Scope, args: readonly Word[]): Parsed | null {
  const check: { -readonly [K in keyof Parsed]: Parsed[K] } = {
    interval: 5000,
    jitter: 0,
    fails: 1,
    passes: 1,
    uri: "/",
    port: null,
    mandatory: false,
  };
  for (const { text, position } of args) {
    const [, name, value] = /^(interval|jitter|fails|passes|uri|port)=(.*)$/s.exec(text) ?? [];
    const time = parseTime(value ?? "");
    const count = /^[1-9]\d{0,4}$/.test(value ?? "") ? Number(value) : undefined;
    if (text === "mandatory") check.mandatory = true;
    else if ((name === "interval" || name === "jitter") && time !== undefined && (time > 0 || name === "jitter"))
      check[name] = time;
    else if ((name === "fails" || name === "passes" || name === "port") && count !== undefined) check[name] = count;
    else if (name === "uri" && value!.startsWith("/")) check.uri = value!;
    else {
      scope.error(position, `"health_check" expects ${HEALTH_SYNTAX}, not ${quote(text)}`);
      return null;
    }
  }
  return check;
}

const DEFAULT_TIMEOUT = 60_000;

/** Gives the check to the upstream, when everything has been read. */
function addHealth(scope: Scope, check: Parsed & Pick<HealthCheck, "position">): void {
  const { pass } = scope.own;
  const { upstreams, groups } = scope.draft.gateway;
  const upstream = upstreams.get(pass?.upstream?.toLowerCase() ?? "");
  if (!pass || upstream === undefined) {
    return scope.error(
      check.position,
      '"health_check" needs a "proxy_pass" (or another) to an upstream in its location',
    );
  }
  if (upstream.health !== null) {
    const first = elsewhere(upstream.health.position, check.position);
    return scope.error(
      check.position,
      `a second "health_check" of the upstream ${quote(upstream.name)} (first on ${first})`,
    );
  }
  const { family } = pass;
  const connectTimeout = scope.groupSetting(family, "connectTimeout") ?? DEFAULT_TIMEOUT;
  const readTimeout = scope.groupSetting(family, "readTimeout") ?? DEFAULT_TIMEOUT;
  upstream.health = { ...check, family, connectTimeout, readTimeout };
  const group = groups.get(upstream.name);
  if (group !== undefined) groups.set(upstream.name, { ...group, health: upstream.health });
}
