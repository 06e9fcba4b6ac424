/** Variables from tables (`map`, `geo`, `split_clients`, `valid_referers`): the same configuration and requests for Webserv and nginx. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ask } from "./client.ts";
import { NGINX, useNginx } from "./nginx.ts";
import { ServerProcess } from "./server.ts";

setDefaultTimeout(60_000);

const configuration = (port: number | string): string => `
  map $http_x $text {
    default none; a small; B capital; "" empty; "two words" spaced; \\default escaped; \\~x tilde; \\*.star star; *.plain plain;
    ~^n(?<digits>\\d+)$ "$digits of $request_method"; ~*^IC(.)$ "$1"; ~^C(.)$ second; ~^C first; "~é$" accent; ~^\\xff bytes;
    Ä umlaut;
  }
  map $http_x $name {
    hostnames;
    default none; example.com exact; *.example.com leading; *.deep.example.com deeper; .both.org both;
    www.* trailing; www.long.* longer; ~^re.* expression; \\www.escaped.org escaped;
  }
  map "$http_x:$arg_y" $pair { a:b both; :b second; a: first; ":" none; default "$http_x and $arg_y"; }
  map $text $chain { small "chained $text"; default $text$is_args; }
  map $http_x $group { ~^(.)(.)$ "$2$1"; ~^(?<first>.)...$ "4 $first $1"; ~^long no; default "d$1"; }
  map $http_x $nogroups { ~^..$ yes; default no; }
  map $uri $path { ~^/captures/(?<section>[^/]+) $section; ~ "$1"; }
  map $args $often { volatile; ~(.)$ $1; default -; }
  map $http_x $empty { a ""; b "$arg_none"; }
  map $circle $around { default 1; } map $around $circle { default "[$around]"; }
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  map $arg_a $again { default first; } map $arg_a $again { default second; x y; }
  map $host $backend { hostnames; default 0; example.com 1; *.example.com 1; example.org 2; *.example.org 2; .example.net 3; wap.* 4; }
  map $http_user_agent $mobile { default 0; "~Opera Mini" 1; }

  geo $geo { default 0; 127.0.0.1 2; 192.168.1.0/24 1; 10.1.0.0/16 1; ::1 2; 2001:0db8::/32 1; }
  geo $arg_ip $net {
    default out; 10.0.0.0/8 ten; 10.1.0.0/16 ten.one; 10.1.2.0/24 ten.one.two; 10.1.2.3 address; 10.1.2.3/31 pair; 0.0.0.0/1 low;
    255.255.255.255 none; 172.16.0.0/12 gone; delete 172.16.0.0/12; 10.200.0.0/16 a; 10.201.0.0/16 a; 192.168.0.0/16 "two words";
    2001:db8::/32 six; 2001:db8:1::/48 "six one"; ::/1 low6; ::ffff:1.2.3.0/120 mapped; fe80::1 one;
  }
  geo $arg_ip $bare { 10.0.0.0/8 ten; }
  geo $arg_ip $range {
    ranges; default out; 10.0.0.0-10.255.255.255 ten; 10.1.0.0-10.1.255.255 "ten.one"; 10.1.2.3-10.1.2.3 one;
    10.1.0.0-10.1.0.9 start; 10.1.255.0-10.1.255.255 end; 20.0.0.5-20.3.0.7 twenty; 20.1.0.0-20.1.255.255 replaced;
    30.0.0.0-30.0.0.255 gone; delete 30.0.0.0-30.0.0.255; 255.255.255.0-255.255.255.254 last;
  }
  geo $front { default none; proxy 127.0.0.1; proxy 10.0.0.0/8; 127.0.0.1 local; 1.2.3.0/24 outside; 10.0.0.1 inner; 2001:db8::/32 six; }
  geo $fronts { default none; proxy 127.0.0.1; proxy 10.0.0.0/8; proxy_recursive; 127.0.0.1 local; 1.2.3.0/24 outside; 10.0.0.1 inner; 2001:db8::/32 six; }
  geo $country {
    ranges; default ZZ; 127.0.0.0-127.0.0.0 US; 127.0.0.1-127.0.0.1 RU; 127.0.0.2-127.0.0.255 US;
    10.1.0.0-10.1.255.255 RU; 192.168.1.0-192.168.1.255 UK;
  }

  split_clients $arg_s $variant { 0.5% .one; 2.0% .two; * ""; }
  split_clients "$arg_s:AAA" $many { 10% a; 10.5% b; 0.01% c; 29.49% d; 25.% e; .5% f; }

  server {
    listen 127.0.0.1:${port}; server_name www.own.test *.wild.test ~^re\\d+\\.test$;
    location /text { return 200 "$text|$chain|$pair|$name"; }
    location /group { set $v $group; return 200 "$v|$1|$first|$2"; }
    location ~ ^/captures/(.*)$ { set $v $nogroups; set $after $1; set $w $path; return 200 "$v|$after|$w|$1|$section"; }
    location ~ ^/named/(?<first>.*)$ { set $v $group; return 200 "$v|$first"; }
    location /often { set $x "$often"; return 200 "$x|$often"; }
    location /set { set $text "set $text"; return 200 "$text|$chain"; }
    location /volatileset { set $often mine; return 200 "$often"; }
    location /odd { return 200 "<$empty>|$again|$around|$circle|$connection_upgrade"; }
    location /examples { return 200 "$backend|$mobile|$geo|$country"; }
    location /geo { return 200 "$net|$bare|$range"; }
    location /front { return 200 "$front|$fronts"; }
    location /split { return 200 "$variant|$many"; }
    location /moved { try_files /none /text/other; }
    location /refs {
      valid_referers none blocked server_names *.example.com example.* www.example.org/galleries/ ~\\.google\\. .dot.test;
      return 200 "$invalid_referer";
      location /refs/strict { valid_referers example.com/a/b www.x.test:81; return 200 "$invalid_referer"; }
      location /refs/more { valid_referers ~^only; valid_referers blocked other.test; return 200 "$invalid_referer"; }
      location /refs/same { return 200 "$invalid_referer"; }
    }
    location /norefs { return 200 "[$invalid_referer]"; }
  }`;

const nginx = useNginx(configuration);
const ours = new ServerProcess({ configuration: configuration(0), addresses: 1 });
beforeAll(() => ours.start());
afterAll(() => ours.stop());

const X = [
  "",
  "a",
  "A",
  "b",
  "B",
  "default",
  "~x",
  "*.star",
  "*.plain",
  "two words",
  "n42",
  "N42",
  "ic7",
  "Ic8",
  "C1",
  "C12",
  "x\xc3\xa9",
  "\xff",
  "\xc3\x84",
  "\xc3\xa4",
  "example.com",
  "Example.COM.",
  "a.example.com",
  "a.b.example.com",
  "x.deep.example.com",
  "deep.example.com",
  "xexample.com",
  ".example.com",
  "both.org",
  "a.both.org",
  "www.x",
  "www.long.x",
  "www.long",
  "www.",
  "www",
  "www.escaped.org",
  "rex",
  "com",
  ".",
  "..",
  "a..example.com",
];
const ADDRESSES = [
  "",
  "x",
  "10.0.0.1",
  "10.1.0.1",
  "10.1.2.1",
  "10.1.2.2",
  "10.1.2.3",
  "10.1.2.4",
  "127.0.0.1",
  "128.0.0.1",
  "255.255.255.255",
  "172.16.1.1",
  "10.199.255.255",
  "10.200.0.0",
  "10.201.255.255",
  "10.202.0.0",
  "192.168.5.5",
  "2001:db8::1",
  "2001:db8:1::1",
  "2001:db8:2::",
  "::1",
  "8000::",
  "::ffff:1.2.3.4",
  "::ffff:10.1.2.3",
  "fe80::1",
  "fe80::2",
  "0.0.0.0",
  "10.1.0.9",
  "10.1.0.10",
  "10.1.255.0",
  "10.1.255.255",
  "20.0.0.4",
  "20.0.0.5",
  "20.1.5.5",
  "20.3.0.7",
  "20.3.0.8",
  "30.0.0.5",
  "255.255.255.254",
  "255.255.254.255",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.256",
  "[::1]",
  " 10.0.0.1",
];
const FORWARDED = [
  [],
  ["1.2.3.4"],
  ["9.9.9.9, 1.2.3.4"],
  ["1.2.3.4, 10.0.0.1"],
  ["1.2.3.4,10.0.0.1,10.0.0.2"],
  ["10.0.0.1"],
  ["x"],
  ["x, 10.0.0.1"],
  ["1.2.3.4", "10.0.0.1"],
  ["1.2.3.4:80"],
  ["2001:db8::1"],
  ["[2001:db8::1]:5"],
  [", ,1.2.3.4, "],
  ["1.2.3.4 10.0.0.1"],
  ["1.2.3.4, unknown"],
  [""],
] as const;
const REFERERS = [
  null,
  "",
  "-",
  "x",
  "http://",
  "http://x",
  "https://i.r",
  "http://www.own.test/",
  "http://WWW.OWN.TEST:81/x",
  "https://a.wild.test",
  "http://wild.test/",
  "http://re12.test/",
  "http://re12.test.org/",
  "http://a.example.com/",
  "http://example.com",
  "http://example.de/",
  "http://a.b.example.com:80",
  "http://www.example.org/galleries/1",
  "http://www.example.org/",
  "http://www.example.org/gallery",
  "https://www.example.org:81/galleries/",
  "http://www.google.com/search",
  "https://x.test/?u=.google.",
  "ftp://a.example.com/",
  "http://dot.test/",
  "http://a.dot.test",
  "http://xdot.test",
  "example.com",
  "HTTP://A.Example.Com",
  "http://example.com/a/b",
  "http://example.com/a/bc?d",
  "http://example.com/a",
  "https://example.com/a/b",
  "http://www.x.test:81/",
  "http://only.test/",
  "https://only.test/",
  "http://x/only",
  "http://other.test/",
  `http://${"a".repeat(300)}.example.com/`,
  "http:///x/only/x",
  "http://user@example.com/",
  "http://a.example.com?x/y",
  "http://example.com?q",
];

type Case = readonly [target: string, ...fields: string[]];
const CASES: readonly Case[] = [
  ...X.flatMap((x): Case[] => [["/text", `X: ${x}`]]),
  ["/text?y=b", "X: a"],
  ["/text?y=b", "X:"],
  ["/text?y=b"],
  ["/text?y=c", "X: z"],
  ["/text?Y=B", "X: A"],
  ...["ab", "abcd", "long", "a", "abc"].flatMap((x): Case[] => [
    ["/group", `X: ${x}`],
    [`/captures/some/thing`, `X: ${x}`],
    ["/named/first", `X: ${x}`],
  ]),
  ["/captures/"],
  ["/often?abc"],
  ["/often"],
  ["/set", "X: a"],
  ["/set", "X: zz"],
  ["/volatileset?a"],
  ["/moved?y=b", "X: a"],
  ["/odd", "X: a"],
  ["/odd?a=x", "X: b"],
  ["/odd?a=X", "Upgrade: websocket"],
  ["/odd", "Upgrade:"],
  ...["example.com", "www.example.com", "example.org", "a.example.net", "example.net", "wap.x.y", "other"].map(
    (host): Case => ["/examples", `Host: ${host}`, "User-Agent: x Opera Mini/1"],
  ),
  ...ADDRESSES.map((ip): Case => [`/geo?ip=${ip.replaceAll(" ", "%20")}`]),
  ["/geo"],
  ...FORWARDED.map((values): Case => ["/front", ...values.map((value) => `X-Forwarded-For: ${value}`)]),
  ...Array.from({ length: 60 }, (_, i): Case => [`/split?s=${"client".slice(0, i % 7)}${i * 7919}`]),
  ["/split"],
  ...["/refs", "/refs/strict", "/refs/more", "/refs/same", "/norefs"].flatMap((path) =>
    REFERERS.map((referer): Case => (referer === null ? [path] : [path, `Referer: ${referer}`])),
  ),
];

describe.skipIf(NGINX === null)("as nginx (needs nginx)", () => {
  const answer = async (port: number, [target, ...fields]: Case) => {
    const host = fields.some((field) => field.startsWith("Host:")) ? [] : ["Host: a"];
    const reply = await ask(
      port,
      Buffer.from([`GET ${target} HTTP/1.1`, ...host, ...fields, "", ""].join("\r\n"), "latin1"),
    );
    return `${reply.status} ${reply.text}`;
  };
  test.each(CASES.map((one) => [one] as const))("%j", async (one) => {
    expect(await answer(ours.port, one)).toBe(await answer(nginx.port, one));
  });
});
