/** Locations with `proxy_pass`, as the configuration makes them, without a server. */

import { BARE_UPSTREAM_TLS } from "../../../../src/config/directives/tls/upstream.ts";
import type { FamilySettings, Pass, ProxyOnly } from "../../../../src/config/gateway.ts";
import type { Settings } from "../../../../src/config/model.ts";
import { FakeExchange, FakeServices, location, type RequestLike, template } from "../world.ts";

const POSITION = { file: "test.conf", line: 1, column: 1 };
const PASS: Pass = {
  family: "proxy",
  scheme: "http",
  text: "",
  upstream: "backend:8080",
  target: null,
  uri: null,
  replaces: "/",
  host: "backend:8080",
  port: "8080",
  position: POSITION,
};
const PROXY_ONLY: ProxyOnly = {
  setHeaders: [],
  method: null,
  setBody: null,
  httpVersion: "1.0",
  redirect: [],
  cookieDomain: [],
  cookiePath: [],
  cookieFlags: [],
  tls: BARE_UPSTREAM_TLS,
};
const PROXY = {
  bufferSize: 4096,
  hideHeaders: [] as readonly string[],
  passHeaders: [] as readonly string[],
  ignoreHeaders: [] as readonly string[],
  interceptErrors: false,
  forceRanges: false,
  store: null,
  passRequestBody: true,
  passRequestHeaders: true,
  cache: { zone: null },
} as unknown as FamilySettings;

export interface ProxyLocation {
  readonly pass?: Partial<Pass>;
  readonly only?: Partial<ProxyOnly>;
  readonly proxy?: Partial<FamilySettings>;
  readonly settings?: Partial<Settings>;
}

/** An exchange in such a location. */
export function proxied({ pass, only, proxy, settings }: ProxyLocation, request: RequestLike = {}): FakeExchange {
  const changes = {
    pass: { ...PASS, ...pass },
    proxyOnly: { ...PROXY_ONLY, ...only },
    proxy: { ...PROXY, ...proxy },
    ...settings,
  };
  return new FakeExchange(new FakeServices(), location(changes), request);
}

/** `proxy_set_header` lines, "NAME: VALUE". */
export const setHeaders = (...lines: string[]): ProxyOnly["setHeaders"] =>
  lines.map((line) => {
    const [name, value] = line.split(/: ?/, 2);
    return { name: name!, value: template(value ?? "") };
  });

/** Rules of `proxy_redirect` or `proxy_cookie_domain`. */
export const rule = (from: string | RegExp, to: string): ProxyOnly["redirect"][number] => ({
  from: from instanceof RegExp ? from : template(from),
  to: template(to),
});
