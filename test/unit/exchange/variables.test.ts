import { describe, expect, test } from "bun:test";
import type { Settings } from "../../../src/config/model.ts";
import { LimitState } from "../../../src/exchange/facts/limits.ts";
import { evaluate, evaluateOctets } from "../../../src/exchange/templates.ts";
import { AttemptRecord, UpstreamFacts } from "../../../src/exchange/upstream.ts";
import { lifetimeOf, VARIABLES, variable } from "../../../src/exchange/variables/variables.ts";
import { FakeExchange, FakeServices, location, type RequestLike, template } from "../handlers/world.ts";

const WORLD = {
  root: template("/srv/www"),
  secureLink: template("HgnOMCOvyUKXerkQqS4elQ,2000000000"),
  secureLinkMd5: template("$uri"),
  fastcgiOnly: { params: [], index: null, splitPathInfo: /^(\/a b)(\/.*)$/u, keepConn: false, catchStderr: [] },
};
const REQUEST: RequestLike = {
  target: "/a%20b/c.txt?x=1&Name=J%20D&empty=&flag",
  fields: [
    "User-Agent: test/1",
    "X-Many: one",
    "X-Many: two",
    "Cookie: sid=abc; theme=dark",
    "Cookie: last=z=1",
    "Content-Type: text/plain",
    "Content-Length: 12",
    "Authorization: Basic SmFuZTpzZWNyZXQ=",
  ],
  connection: {
    proxied: {
      sourceBytes: Uint8Array.of(1, 2, 3, 4),
      sourceAddress: "1.2.3.4",
      sourcePort: 1111,
      serverAddress: "5.6.7.8",
      serverPort: 0,
      extra: "\x02\0\x03x.y\x20\0\x0c\x01\0\0\0\x07\x22\0\x04Jane\xe0\0\x01z",
    },
  },
};

function value(name: string, request: RequestLike = REQUEST, settings: Partial<Settings> = WORLD): string {
  const exchange = new FakeExchange(new FakeServices(), location(settings), request);
  exchange.status = 200;
  exchange.sentFields = [
    ["Content-Type", "text/html"],
    ["Set-Cookie", "a=1"],
    ["Set-Cookie", "b=2"],
  ];
  exchange.receivedTrailers = "X: 1\r\nx:2 \r\nX-Y: 3\r\n\r\n";
  exchange.upstream = facts();
  exchange.limits = Object.assign(new LimitState(), { requests: "DELAYED", connections: "PASSED" });
  return variable(name)(exchange);
}

/** A server that refused, one that replied with an X-Accel-Redirect, and one of that location whose reply has not ended. */
function facts(): UpstreamFacts {
  const upstream = new UpstreamFacts();
  upstream.begin();
  const refused = new AttemptRecord("127.0.0.1:81", 0);
  Object.assign(refused, { status: 502, responseTime: 1 });
  const answered = new AttemptRecord("unix:/run/app", 0);
  const bytes = { responseLength: 5, bytesReceived: 105, bytesSent: 90 };
  Object.assign(answered, { status: 200, connectTime: 0, headerTime: 1234, responseTime: 1500, ...bytes });
  upstream.attempts.push(refused, answered);
  upstream.begin();
  upstream.attempts.push(new AttemptRecord("[::1]:82", 0));
  upstream.reply = [
    ["Content-Type", "text/css"],
    ["X-Many", "one"],
    ["x-many", "two"],
    ["Set-Cookie", "Id=7; path=/"],
    ["Set-Cookie", "other = a=b"],
  ];
  return Object.assign(upstream, { target: { host: "app:3000", port: "3000" }, cacheStatus: "MISS", queueTime: 20 });
}

const table: { readonly [name: string]: string | RegExp } = {
  args: "x=1&Name=J%20D&empty=&flag",
  binary_remote_addr: "\xc0\0\x02\x01",
  body_bytes_sent: "5",
  bytes_sent: "105",
  connection: "7",
  connection_requests: "3",
  connection_time: "0.500",
  connections_active: "9",
  connections_reading: "1",
  connections_waiting: "5",
  connections_writing: "3",
  content_length: "12",
  content_type: "text/plain",
  date_gmt: "Tuesday, 14-Nov-2023 22:13:20 GMT",
  date_local: /^\w+, 1[45]-Nov-2023 \d\d:\d\d:20 \S+$/,
  document_root: "/srv/www",
  document_uri: "/a b/c.txt",
  fastcgi_path_info: "/c.txt",
  fastcgi_script_name: "/a b",
  gzip_ratio: "-",
  host: "example.org",
  hostname: "machine",
  http2: "",
  http3: "",
  https: "",
  invalid_referer: "",
  is_args: "?",
  is_request_port: ":",
  limit_conn_status: "PASSED",
  limit_rate: "0",
  limit_req_status: "DELAYED",
  msec: /^\d{10}\.\d{3}$/,
  nginx_version: "1.2.3",
  pid: String(process.pid),
  pipe: ".",
  proxy_add_x_forwarded_for: "192.0.2.1",
  proxy_host: "app:3000",
  proxy_port: "3000",
  proxy_protocol_addr: "1.2.3.4",
  proxy_protocol_port: "1111",
  proxy_protocol_server_addr: "5.6.7.8",
  proxy_protocol_server_port: "",
  query_string: "x=1&Name=J%20D&empty=&flag",
  realpath_root: "",
  realip_remote_addr: "192.0.2.1",
  realip_remote_port: "40000",
  remote_addr: "192.0.2.1",
  remote_port: "40000",
  remote_user: "Jane",
  request: "GET /a%20b/c.txt?x=1&Name=J%20D&empty=&flag HTTP/1.1",
  request_body: "",
  request_body_file: "",
  request_completion: "",
  request_filename: "/srv/www/a b/c.txt",
  request_id: "0123456789abcdef0123456789abcdef",
  request_length: /^\d+$/,
  request_method: "GET",
  request_port: "8080",
  request_time: "0.010",
  request_uri: "/a%20b/c.txt?x=1&Name=J%20D&empty=&flag",
  scheme: "http",
  secure_link: "1",
  secure_link_expires: "2000000000",
  sent_http_content_type: "text/html",
  server_addr: "127.0.0.1",
  server_name: "example.org",
  server_port: "8080",
  server_protocol: "HTTP/1.1",
  ssl_alpn_protocol: "",
  slice_range: "",
  ssl_cipher: "",
  ssl_ciphers: "",
  ssl_client_cert: "",
  ssl_client_escaped_cert: "",
  ssl_client_fingerprint: "",
  ssl_client_i_dn: "",
  ssl_client_i_dn_legacy: "",
  ssl_client_raw_cert: "",
  ssl_client_s_dn: "",
  ssl_client_s_dn_legacy: "",
  ssl_client_serial: "",
  ssl_client_v_end: "",
  ssl_client_v_remain: "",
  ssl_client_v_start: "",
  ssl_client_verify: "",
  ssl_curve: "",
  ssl_curves: "",
  ssl_early_data: "",
  ssl_protocol: "",
  ssl_server_name: "",
  ssl_session_id: "",
  ssl_session_reused: "",
  status: "200",
  tcpinfo_rcv_space: "65535",
  tcpinfo_rtt: "1200",
  tcpinfo_rttvar: "300",
  tcpinfo_snd_cwnd: "10",
  time_iso8601: "2023-11-14T22:13:20+00:00",
  time_local: "14/Nov/2023:22:13:20 +0000",
  uid_got: "",
  uid_reset: "",
  uid_set: "",
  upstream_addr: "127.0.0.1:81, unix:/run/app : [::1]:82",
  upstream_bytes_received: "0, 105 : 0",
  upstream_bytes_sent: "0, 90 : 0",
  upstream_cache_status: "MISS",
  upstream_connect_time: "-, 0.000 : -",
  upstream_header_time: "-, 1.234 : -",
  upstream_queue_time: "0.020",
  upstream_response_length: "0, 5 : 0",
  upstream_response_time: "0.001, 1.500 : -",
  upstream_status: "502, 200 : -",
  uri: "/a b/c.txt",
};

test.each(Object.entries(table))("$%s", (name, expected) => {
  if (typeof expected === "string") expect(value(name)).toBe(expected);
  else expect(value(name)).toMatch(expected);
});

test("every variable that a configuration may name is here", () => {
  const names = VARIABLES.filter(({ isFamily }) => !isFamily).map(({ name }) => name);
  expect(names).toEqual(Object.keys(table).toSorted());
});

test("every variable has a row of the reference", () => {
  for (const { help } of VARIABLES) expect(help).toMatch(/^[a-z0-9`].*[^.]$/);
});

describe("how long a value stays true", () => {
  test.each([
    ["request_uri", "head"],
    ["http_x", "head"],
    ["cookie_x", "head"],
    ["remote_user", "head"],
    ["remote_addr", "change"],
    ["realip_remote_addr", "connection"],
    ["connection_requests", "change"],
    ["host", "change"],
    ["uri", "change"],
    ["sent_http_x", "change"],
    ["time_local", "change"],
    ["1", "change"],
    ["group", "change"],
    ["constructor", "change"],
  ] as const)("$%s: %s", (name, lifetime) => expect(lifetimeOf(name)).toBe(lifetime));
});

describe("families", () => {
  test.each([
    ["arg_x", "1"],
    ["arg_name", "J%20D"],
    ["arg_empty", ""],
    ["arg_flag", ""],
    ["arg_none", ""],
    ["http_user_agent", "test/1"],
    ["http_x_many", "one, two"],
    ["http_cookie", "sid=abc; theme=dark; last=z=1"],
    ["http_none", ""],
    ["cookie_sid", "abc"],
    ["cookie_theme", "dark"],
    ["cookie_last", "z=1"],
    ["cookie_none", ""],
    ["sent_http_content_type", "text/html"],
    ["sent_http_set_cookie", "a=1, b=2"],
    ["sent_http_none", ""],
    ["sent_http_connection", "keep-alive"],
    ["sent_http_keep_alive", ""],
    ["trailer_x", "1, 2"],
    ["trailer_x_y", "3"],
    ["trailer_none", ""],
    ["proxy_protocol_tlv_authority", "x.y"],
    ["proxy_protocol_tlv_0x2", "x.y"],
    ["proxy_protocol_tlv_ssl_cn", "Jane"],
    ["proxy_protocol_tlv_ssl_0x22", "Jane"],
    ["proxy_protocol_tlv_ssl_verify", "7"],
    ["proxy_protocol_tlv_ssl_cipher", ""],
    ["proxy_protocol_tlv_0xe0", "z"],
    ["proxy_protocol_tlv_alpn", ""],
    ["proxy_protocol_tlv_none", ""],
    ["upstream_http_content_type", "text/css"],
    ["upstream_http_x_many", "one, two"],
    ["upstream_http_none", ""],
    ["upstream_cookie_id", "7"],
    ["upstream_cookie_other", "a=b"],
    ["upstream_cookie_none", ""],
    ["upstream_trailer_none", ""],
  ])("$%s", (name, expected) => expect(value(name)).toBe(expected));
});

test("without a server behind there are no values", () => {
  const exchange = new FakeExchange(new FakeServices(), location(WORLD), REQUEST);
  const names = VARIABLES.map(({ name }) => name).filter((name) => /^(upstream_|proxy_(host|port))/.test(name));
  expect(names.map((name) => variable(name)(exchange))).toEqual(names.map(() => ""));
});

test("$proxy_add_x_forwarded_for: all lines, then the client", () => {
  const fields = ["X-Forwarded-For: 10.0.0.1, 10.0.0.2", "X-Forwarded-For: 10.0.0.3"];
  expect(value("proxy_add_x_forwarded_for", { fields })).toBe("10.0.0.1, 10.0.0.2, 10.0.0.3, 192.0.2.1");
});

describe("groups of a regular expression", () => {
  const captures = /^\/(\w)(?<rest>.*)$/.exec("/abc");
  test.each([
    ["1", "a"],
    ["2", "bc"],
    ["rest", "bc"],
    ["9", ""],
    ["none", ""],
  ])("$%s", (name, expected) => expect(value(name, { captures })).toBe(expected));
  test("none without one", () => expect([value("1", {}), value("rest", {})]).toEqual(["", ""]));
});

describe("special cases", () => {
  test.each([
    ["host", { fields: ["Host: A.Example.:80"] }, "a.example"],
    ["request_uri", { target: "http://h/x/../y?z" }, "/x/../y?z"],
    ["is_args", { target: "/" }, ""],
    ["server_protocol", { minor: 0 }, "HTTP/1.0"],
    ["http_x", { fields: ["X: \xc3\xbc"] }, "\xc3\xbc"],
    ["http_x", { fields: ["X: \xfc"] }, "\xfc"],
    ["arg_x", { target: "/?x=\xc3\xbc" }, "\xc3\xbc"],
    ["args", { target: "/?\xc3\xbc" }, "\xc3\xbc"],
    ["cookie_x", { fields: ["Cookie: x=\xff"] }, "\xff"],
    ["uri", { target: "/%C3%BC" }, "/\xc3\xbc"],
    ["request_filename", { target: "/%C3%BC" }, "/srv/www/\xc3\xbc"],
    ["1", { captures: /(..)/.exec("\xc3\xbc") }, "\xc3\xbc"],
    ["rest", { captures: /(?<rest>..)/.exec("\xc3\xbc") }, "\xc3\xbc"],
    ["remote_user", {}, ""],
    ["remote_user", { fields: ["Authorization: Basic SmFuZQ=="] }, ""],
    ["remote_user", { fields: ["Authorization: Bearer SmFuZTp4"] }, ""],
    ["remote_user", { fields: ["Authorization: Basic w6k6eA=="] }, "\xc3\xa9"],
    ["status", { errorStatus: 404 }, "404"],
    ["constructor", {}, ""],
  ] as [string, RequestLike, string][])("$%s of %p", (name, request, expected) => {
    expect(value(name, request)).toBe(expected);
  });
  test("$realpath_root has no links and dots; a folder that is missing has none", () => {
    expect(value("realpath_root", REQUEST, { root: template("/usr/bin/..") })).toBe("/usr");
    expect(value("realpath_root", REQUEST, { root: template("/none") })).toBe("");
  });
  test("alias is the document root", () => {
    const alias = { alias: template("/data/"), aliasPrefix: "/a%20b/".replace("%20", " ") };
    expect(value("document_root", REQUEST, alias)).toBe("/data/");
    expect(value("request_filename", REQUEST, alias)).toBe("/data/c.txt");
  });
});

test("a template is its texts and its variables' values", () => {
  const exchange = new FakeExchange(new FakeServices(), location(), { target: "/p?a=1" });
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is nginx's
  const cases = ["", "text", "$uri", "<$uri|${arg_a}>", "$uri$uri"].map((text) => evaluate(template(text), exchange));
  expect(cases).toEqual(["", "text", "/p", "</p|1>", "/p/p"]);
});

test("a template as text and as octets", () => {
  const both = (text: string): string[] => {
    const request = { target: "/%C3%A9?a=\xc4\x8a", fields: ["X: \xff"] };
    const exchange = new FakeExchange(new FakeServices(), location(), request);
    return [evaluate(template(text), exchange), evaluateOctets(template(text), exchange)];
  };
  expect(both("ü")).toEqual(["ü", "\xc3\xbc"]);
  expect(both("ü$uri$arg_a")).toEqual(["ü/é\u010a", "\xc3\xbc/\xc3\xa9\xc4\x8a"]);
  expect(both("ü$http_x")[1]).toBe("\xc3\xbc\xff");
});

test("a root that a variable gives is beneath its base, unless it is absolute", () => {
  const root = { ...template("$arg_r"), base: "/srv" };
  const of = (r: string) => value("document_root", { target: `/?r=${r}` }, { root });
  expect([of("a/b"), of("/x"), of("")]).toEqual(["/srv/a/b", "/x", ""]);
});
