/** limit_req and limit_conn: nginx's own examples, what a block inherits, and mistakes; nginx says of each text what we say. */
import { describe, expect, test } from "bun:test";
import { config, location, messages } from "./fake-files.ts";
import { hasNginx, inHttp, nginxTakes } from "./nginx.ts";

const ADDRESSES =
  "limit_req_zone $binary_remote_addr zone=perip:10m rate=1r/s; limit_conn_zone $binary_remote_addr zone=addr:10m;";
const SERVERS =
  "limit_req_zone $server_name zone=perserver:10m rate=10r/s; limit_conn_zone $server_name zone=servers:10m;";
const ZONES = `${ADDRESSES} ${SERVERS}`;
const inServer = (text: string): string => inHttp(`${ZONES} server { listen 8080; ${text} }`);

const EXAMPLES: readonly [about: string, text: string][] = [
  [
    "limit_req: the module's example",
    inHttp(`limit_req_zone $binary_remote_addr zone=one:10m rate=1r/s;
      server { listen 8080; location /search/ { limit_req zone=one burst=5; } }`),
  ],
  ["limit_req: nodelay", inServer("limit_req zone=perip burst=5 nodelay;")],
  ["limit_req: delay", inServer("limit_req zone=perip burst=5 delay=3;")],
  ["limit_req: two zones", inServer("limit_req zone=perip burst=5 nodelay; limit_req zone=perserver burst=10;")],
  ["limit_req: the others", inServer("limit_req_status 429; limit_req_log_level warn; limit_req_dry_run on;")],
  [
    "the order of the parameters",
    inHttp("limit_req_zone a rate=30r/m zone=b:32k; limit_conn_zone $host zone=c:1M; server { listen 8080; }"),
  ],
  [
    "limit_conn: the module's example",
    inHttp(`limit_conn_zone $binary_remote_addr zone=addr:10m;
      server { listen 8080; location /download/ { limit_conn addr 1; } }`),
  ],
  ["limit_conn: two zones", inServer("limit_conn addr 10; limit_conn servers 100;")],
  ["limit_conn: the others", inServer("limit_conn_status 444; limit_conn_log_level info; limit_conn_dry_run on;")],
  ["limit_rate: the core's example", inServer("location /flv/ { limit_rate_after 500k; limit_rate 50k; }")],
  ["limit_rate with variables", inServer("limit_rate $arg_rate; limit_rate_after $arg_after;")],
  [
    "a zone that is defined behind its use",
    inHttp(`server { listen 8080; limit_req zone=z; limit_conn y 1; }
      limit_req_zone $uri$arg_a zone=z:1m rate=5r/s; limit_conn_zone "$host $uri" zone=y:1m;`),
  ],
];

test.each(EXAMPLES)("%s", (_, text) => expect(messages(text)).toEqual([]));

test("rates are kept in thousandths of a request per second, rounded as by nginx", () => {
  const rates = ["1", "1r/s", "1r/m", "30r/m", "100r/m", "2500r/s"].map(
    (rate, i) => `limit_req_zone $host zone=z${i}:1m rate=${rate};`,
  );
  expect(config(`${rates.join("")} server { }`).limitZones.map(({ rate }) => rate)).toEqual([
    1000, 1000, 16, 500, 1666, 2_500_000,
  ]);
});

test("a block without limits has those around it; one of its own replaces them all, of its kind", () => {
  const given = config(`${ZONES} limit_req zone=perip; limit_req zone=perserver burst=2; limit_conn addr 1;
    server { location /a { } location /b { limit_req zone=perip burst=5 delay=3; limit_req_status 429; } location /c { limit_conn servers 7; } }`);
  const of = (pattern: string) => location(given, pattern).settings;
  const limits = (pattern: string) => {
    const { limitReq, limitConn } = of(pattern);
    return [
      limitReq.map(({ zone, burst, delay }) => [zone.name, burst, delay]),
      limitConn.map(({ zone, most }) => [zone.name, most]),
    ];
  };
  const outer = [
    ["perip", 0, 0],
    ["perserver", 2000, 0],
  ];
  expect(limits("/a")).toEqual([outer, [["addr", 1]]]);
  expect(limits("/b")).toEqual([[["perip", 5000, 3000]], [["addr", 1]]]);
  expect(limits("/c")).toEqual([outer, [["servers", 7]]]);
  expect([of("/a"), of("/b")].map((one) => [one.limitReqStatus, one.limitReqLogLevel, one.limitReqDryRun])).toEqual([
    [503, "error", false],
    [429, "error", false],
  ]);
});

const MISTAKES: readonly [text: string, message: string][] = [
  [inHttp("limit_req_zone $host zone=a rate=1r/s;"), '"limit_req_zone" expects zone=NAME:SIZE, not "zone=a"'],
  [inHttp("limit_req_zone $host zone=a:1x rate=1r/s;"), '"limit_req_zone" expects zone=NAME:SIZE, not "zone=a:1x"'],
  [inHttp("limit_req_zone $host zone=a:31k rate=1r/s;"), 'the zone "a" is too small (at least 32k)'],
  [
    inHttp("limit_req_zone $host zone=a:1m rate=r/s;"),
    '"limit_req_zone" expects rate=Nr/s or rate=Nr/m, not "rate=r/s"',
  ],
  [
    inHttp("limit_req_zone $host zone=a:1m rate=0r/s;"),
    '"limit_req_zone" expects rate=Nr/s or rate=Nr/m, not "rate=0r/s"',
  ],
  [inHttp("limit_req_zone $host zone=a:1m rat=1r/s;"), '"limit_req_zone" expects KEY zone=NAME:SIZE rate=RATE'],
  [inHttp("limit_req_zone $nosuch zone=a:1m rate=1r/s;"), 'unknown variable "$nosuch"'],
  [
    inHttp("limit_conn_zone $host zone=a:1m; limit_req_zone $host zone=a:1m rate=1r/s;"),
    'duplicate zone "a" (first on line 1)',
  ],
  [inServer("limit_req zone=perp;"), 'unknown zone "perp" (did you mean "perip"?)'],
  [inServer("limit_req zone=addr;"), 'the zone "addr" is of a "limit_conn_zone" (line 1)'],
  [inServer("limit_req burst=5;"), '"limit_req" needs zone=NAME'],
  [inServer("limit_req zone=perip burst=0;"), '"limit_req" expects a number above 0 after "burst=", not "burst=0"'],
  [inServer("limit_req zone=perip bursts=1;"), 'unknown option "bursts=1" of "limit_req"'],
  [
    inServer("limit_req zone=perip; limit_req zone=perip burst=1;"),
    'this block has a limit by the zone "perip" already',
  ],
  [inServer("limit_conn perip 1;"), 'the zone "perip" is of a "limit_req_zone" (line 1)'],
  [inServer("limit_conn addr 0;"), '"limit_conn" expects a whole number between 1 and 65535, not "0"'],
  [inServer("limit_conn addr 65536;"), '"limit_conn" expects a whole number between 1 and 65535, not "65536"'],
  [inServer("limit_conn addr 1; limit_conn addr 2;"), 'this block has a limit by the zone "addr" already'],
  [inServer("limit_conn_status 200;"), '"limit_conn_status" expects a whole number between 400 and 599, not "200"'],
  [inServer("limit_rate fast;"), '"limit_rate" expects a size (bytes, or with k, m or g), not "fast"'],
];

test.each(MISTAKES)("%s", (text, message) => {
  expect(messages(text).map((line) => line.replace(/^\S+ error: /, ""))).toEqual([message]);
});

describe.skipIf(!hasNginx)(`nginx says the same${hasNginx ? "" : " (skipped: nginx is not installed)"}`, () => {
  test.each(EXAMPLES)("%s", (_, text) => expect(nginxTakes(text)).toBe(true));
  test.each(MISTAKES)("%s", (text) => expect(nginxTakes(text)).not.toBe(true));
});
