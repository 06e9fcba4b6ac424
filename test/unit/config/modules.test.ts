/** secure_link, userid, random_index, empty_gif: nginx's own examples, and mistakes; nginx says of each text what we say. */
import { describe, expect, test } from "bun:test";
import { config, messages, settings } from "./fake-files.ts";
import { hasNginx, inHttp, inServer, nginxTakes } from "./nginx.ts";

const EXAMPLES: readonly [about: string, text: string][] = [
  [
    "secure_link",
    inServer(`location /s/ {
      secure_link $arg_md5,$arg_expires;
      secure_link_md5 "$secure_link_expires$uri$remote_addr secret";
      if ($secure_link = "") { return 403; }
      if ($secure_link = "0") { return 410; }
    }`),
  ],
  [
    "secure_link_secret",
    inServer(`location /p/ {
      secure_link_secret secret;
      if ($secure_link = "") { return 403; }
      rewrite ^ /secure/$secure_link;
    }
    location /secure/ { internal; }`),
  ],
  [
    "userid",
    inServer(`
      userid on;
      userid_name uid;
      userid_domain example.com;
      userid_path /;
      userid_expires 365d;
      userid_p3p 'policyref="/w3c/p3p.xml", CP="CUR ADM OUR NOR STA NID"';`),
  ],
  [
    "userid: the others",
    inServer("userid v1; userid_flags secure httponly samesite=strict; userid_mark =; userid_service 5;"),
  ],
  [
    "userid: what takes back",
    inServer("userid log; userid_expires max; userid_flags off; userid_p3p none; userid_domain none;"),
  ],
  [
    "$uid_reset from a map",
    inHttp("map $cookie_old $uid_reset { default 0; 1 log; } server { listen 8080; userid on; }"),
  ],
  ["$uid_reset by set", inServer("userid on; set $uid_reset $arg_reset;")],
  ["the two forms in different blocks", inServer("secure_link_secret b; location / { secure_link_md5 c; }")],
  ["random_index", inServer("location / { random_index on; }")],
  ["empty_gif", inServer("location = /_.gif { empty_gif; }")],
];

test.each(EXAMPLES)("%s", (_, text) => expect(messages(text)).toEqual([]));

test("what userid stores", () => {
  const { useridName, useridDomain, useridPath, useridExpires, useridFlags, useridP3p, useridMark, useridService } =
    settings(`userid_name a; userid_domain b.c; userid_path /d; userid_expires 90m;
      userid_flags samesite=lax secure samesite=none; userid_p3p e; userid_mark f; userid_service 7;`);
  expect([
    useridName,
    useridDomain,
    useridPath,
    useridExpires,
    useridFlags,
    useridP3p,
    useridMark,
    useridService,
  ]).toEqual(["a", "b.c", "/d", 5400, ["secure", "samesite=none"], "e", "f", 7]);
});

test("what is not inherited: empty_gif", () => {
  const [outer] = config("server { location /a/ { empty_gif; location /a/b { } } }").servers[0]!.locations;
  expect([outer!.settings.emptyGif, outer!.locations[0]!.settings.emptyGif]).toEqual([true, false]);
});

const MIXED = '"secure_link_secret" cannot be mixed with "secure_link" and "secure_link_md5"';
const MISTAKES: readonly [text: string, message: string][] = [
  [inServer("secure_link a; secure_link_secret b;"), MIXED],
  [inServer("secure_link_secret b; secure_link_md5 c;"), MIXED],
  [inServer("userid yes;"), '"userid" expects "on", "v1", "log" or "off", not "yes"'],
  [inServer("userid_mark ab;"), '"userid_mark" expects a letter, a digit, "=" or off, not "ab"'],
  [inServer("userid_expires -1;"), '"userid_expires" expects a time, max or off, not "-1"'],
  [
    inServer("userid_flags httponly samesite=x;"),
    '"userid_flags" expects off, or of secure, httponly, samesite=strict, samesite=lax, samesite=none, not "samesite=x"',
  ],
  [inServer("empty_gif;"), '"empty_gif" is not allowed in "server" (only in location)'],
];

test.each(MISTAKES)("%s", (text, message) => {
  expect(messages(text).map((line) => line.replace(/^\S+ error: /, ""))).toEqual([message]);
});

describe.skipIf(!hasNginx)(`nginx says the same${hasNginx ? "" : " (skipped: nginx is not installed)"}`, () => {
  test.each(EXAMPLES)("%s", (_, text) => expect(nginxTakes(text)).toBe(true));
  test.each(MISTAKES)("%s", (text) => expect(nginxTakes(text)).not.toBe(true));
});
