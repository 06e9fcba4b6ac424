/** What `map`, `geo`, `split_clients` and `valid_referers` take, and what they say of mistakes; nginx 1.22 is asked too. */
import { describe, expect, test } from "bun:test";
import { load, messages } from "./fake-files.ts";
import { hasNginx, inHttp, nginxTakes } from "./nginx.ts";

/** nginx's documentation, and corner cases that it takes. */
const TAKEN = [
  `map $http_host $name { hostnames; default 0; example.com 1; *.example.com 1; example.org 2; *.example.org 2; .example.net 3; wap.* 4; }
   map $http_user_agent $mobile { default 0; "~Opera Mini" 1; }`,
  "map $http_upgrade $connection_upgrade { default upgrade; '' close; }",
  "map $sent_http_content_type $expires { default off; text/html epoch; ~image/ max; }",
  "map $uri $new { default /index.html; ~^/old/(?<page>\\d+)$ /new/$page; /a /b; }",
  "map $uri $x { hostnames x; }",
  "map $uri $x { hostnames; volatile; a b; }",
  "map $uri $x { ~a 1; ~a 2; ~* 3; ~ 4; }",
  "map $uri $args { a b; }",
  "map $uri $http_x { a b; }",
  "map $uri $proxy_host { a b; }",
  "map $uri $x { *.a.b c; }",
  "map constant $x { a b; }",
  "geo $geo { default 0; 127.0.0.1 2; 192.168.1.0/24 1; 10.1.0.0/16 1; ::1 2; 2001:0db8::/32 1; }",
  "geo $arg_remote_addr $geo { default 0; 127.0.0.0/8 1; }",
  `geo $country { default ZZ; proxy 192.168.100.0/24; proxy 2001:0db8::/32; 127.0.0.0/24 US; 127.0.0.1/32 RU; 10.1.0.0/16 RU; 192.168.1.0/24 UK; }`,
  `geo $country { ranges; default ZZ; 127.0.0.0-127.0.0.0 US; 127.0.0.1-127.0.0.1 RU; 10.1.0.0-10.1.255.255 RU; 192.168.1.0-192.168.1.255 UK; }`,
  "geo $x { proxy 10.0.0.0/8; proxy_recursive; ranges; 10.0.0.0-10.0.0.1 a; }",
  "geo $x { 010.0.0.0/8 a; }",
  "geo $x { 10.0.0.0/8 $uri; }",
  'split_clients "$remote_addr$http_user_agent" $variant { 0.5% .one; 2.0% .two; * ""; }',
  "split_clients $uri $x { 50% a; 50% b; * c; }",
  "split_clients $uri $x { .5% a; 5.% b; }",
  "split_clients $uri $x { }",
  `server { location / { valid_referers none blocked server_names *.example.com example.* www.example.org/galleries/ ~\\.google\\.; } }`,
  "server { valid_referers none; valid_referers a.b; }",
  "server { valid_referers none server_names; }",
  "server { referer_hash_max_size 1024; referer_hash_bucket_size 64; }",
  "map_hash_max_size 4096; map_hash_bucket_size 128; map $uri $x { a b; }",
];

const REFUSED: readonly (readonly [text: string, message: string])[] = [
  ["map $uri $x { a b; |A c; }", 'conflicting parameter "A" (first on line 1)'],
  ["map $uri $x { default a; |default b; }", 'duplicate "default" in "map"'],
  ["map $uri $x { |a; }", '"a" in "map" needs 1 value, not 0'],
  ["map $uri $x { a b |c; }", '"a" in "map" needs 1 value, not 2'],
  ["map $uri $x { |~( b; }", "invalid regular expression"],
  ["map $uri $x { a |$none; }", 'unknown variable "$none"'],
  ['map $uri $x { a |"b$"; }', 'a "$" without a variable name in "b$"'],
  ["map $uri |x { a b; }", '"map" expects a variable such as $name, not "x"'],
  ["map $uri |$host { a b; }", '"map" cannot define "$host", which is the server\'s own variable'],
  [
    "map $uri $x { hostnames; |a.*.b c; }",
    'invalid hostname or wildcard "a.*.b": a "*" stands for whole labels, at the start ("*.x.org") or at the end ("x.*")',
  ],
  ["map $uri $x { hostnames; *.a.b c; |.a.b d; }", 'conflicting parameter ".a.b" (first on line 1)'],
  ["map $uri $x { |a b { } }", 'unexpected block "a" in "map"'],
  ["|map $uri { a b; }", '"map" takes 2 arguments (STRING $VARIABLE), not 1'],
  ["server { |map $uri $x { a b; } return 200 $x; }", '"map" is not allowed in "server" (only in http)'],
  ["geo $x { |10.0.0.0/33 a; }", 'invalid network "10.0.0.0/33"'],
  ["geo $x { |10.0.0 a; }", 'invalid network "10.0.0"'],
  ["geo $x { |10.0.0.0/8; }", '"10.0.0.0/8" in "geo" needs 1 value, not 0'],
  ["geo $x { proxy |x; }", 'invalid network "x"'],
  ["geo $x { |foo; }", '"foo" in "geo" needs 1 value, not 0'],
  ["geo $x { default a; |ranges; }", '"ranges" must be the first entry of "geo"'],
  ["geo $x { ranges; |10.0.0.1-10.0.0.0 a; }", 'invalid range "10.0.0.1-10.0.0.0"'],
  ["geo $x { ranges; |10.0.0.1 a; }", 'invalid range "10.0.0.1"'],
  ["geo $x { ranges; |::1-::2 a; }", 'invalid range "::1-::2"'],
  [
    "geo $x { ranges; 10.0.0.0-10.0.0.9 a; |10.0.0.5-10.0.0.15 b; }",
    'range "10.0.0.5-10.0.0.15" overlaps "10.0.0.0-10.0.0.9"',
  ],
  ["geo |remote_addr $x { 10.0.0.0/8 a; }", '"geo" expects a variable with an address, not "remote_addr"'],
  ["geo |$none $x { 10.0.0.0/8 a; }", 'unknown variable "$none"'],
  ["geo |$uri { default a; }", '"geo" cannot define "$uri", which is the server\'s own variable'],
  ["split_clients $uri $x { 50% a; |50.01% b; }", "the percentages add up to more than 100%"],
  ["split_clients $uri $x { * a; |1% b; }", "the percentages add up to more than 100%"],
  ["split_clients $uri $x { |0.001% a; }", 'invalid percent value "0.001%": a share such as 0.5%, or *, is expected'],
  ["split_clients $uri $x { |0% a; }", 'invalid percent value "0%": a share such as 0.5%, or *, is expected'],
  ["split_clients $uri $x { |5 a; }", 'invalid percent value "5": a share such as 0.5%, or *, is expected'],
  ["server { |valid_referers none; }", '"valid_referers" has "none" or "blocked", but no valid referer'],
  ["server { valid_referers |~; }", "invalid regular expression: it is empty"],
  ['server { valid_referers |""; }', 'invalid referer ""'],
  ["server { valid_referers a.b |A.B; }", 'conflicting parameter "A.B" (first on line 1)'],
  ["server { server_name a.b; valid_referers a.b |server_names; }", 'conflicting parameter "a.b" (first on line 1)'],
  [
    "server { valid_referers |a*b; }",
    'invalid hostname or wildcard "a*b": a "*" stands for whole labels, at the start ("*.x.org") or at the end ("x.*")',
  ],
];

/** nginx warns of them too, but for the second `map`. */
const WARNED: readonly (readonly [text: string, message: string])[] = [
  ["map $uri $x { a b; } |map $uri $x { c d; }", '"$x" has been defined before (line 1): this "map" replaces that'],
  ["geo $x { default a; |default b; }", 'duplicate default value: "b" replaces "a"'],
  ["geo $x { 0.0.0.0/0 a; |default b; }", 'duplicate default value: "b" replaces "a"'],
  ["geo $x { default a; |::/0 b; }", 'duplicate network "::/0": "b" replaces "a"'],
  ["geo $x { 10.0.0.0/8 a; |10.0.0.0/8 b; }", 'duplicate network "10.0.0.0/8": "b" replaces "a"'],
  ["geo $x { |10.0.0.1/8 a; }", 'the low bits of "10.0.0.1/8" have no meaning and are taken as zero'],
  ["geo $x { delete |10.0.0.0/8; }", 'no network "10.0.0.0/8" to delete'],
  ["geo $x { ranges; delete |10.0.0.0-10.0.0.1; }", 'no address range "10.0.0.0-10.0.0.1" to delete'],
  [
    "geo $x { ranges; 10.0.0.0-10.0.0.9 a; |10.0.0.0-10.0.0.9 b; }",
    'duplicate range "10.0.0.0-10.0.0.9": "b" replaces "a"',
  ],
  ["geo $x { ranges; default a; |default b; }", 'duplicate default value: "b" replaces "a"'],
];

/** Of a text with a mark where the message points, within `http`, with a server. */
const complete = (text: string): string => inHttp(text.includes("server {") ? text : `${text} server { }`);
const check = (marked: string, severity: string, message: string): void => {
  const text = complete(marked);
  const told = messages(text.replace("|", "")).filter((line) => line.includes(`${severity}: `));
  expect(told).toHaveLength(1);
  expect(told[0]!).toStartWith(`conf/site.conf:1:${text.indexOf("|") + 1}: ${severity}: ${message}`);
};

test.each(TAKEN)("%s is taken", (text) => expect(load(complete(text)).config).not.toBeNull());
test.each(REFUSED)("%s: %s", (text, message) => check(text, "error", message));
test.each(WARNED)("%s: %s", (text, message) => check(text, "warning", message));

describe.skipIf(!hasNginx)(`nginx says the same${hasNginx ? "" : " (skipped: nginx is not installed)"}`, () => {
  test.each(TAKEN)("%s", (text) => expect(nginxTakes(complete(text))).toBe(true));
  test.each(REFUSED)("%s", (text) => expect(nginxTakes(complete(text).replace("|", ""))).not.toBe(true));
  test.each(WARNED)("%s", (text) => expect(nginxTakes(complete(text).replace("|", ""))).toBe(true));
});
