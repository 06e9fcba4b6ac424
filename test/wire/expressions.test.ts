/** Expressions beside nginx's own answers, groups included: those of docs/expressions.md, and others made at random. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { compileRegex } from "../../src/routing/pcre/compile.ts";
import { TRANSLATED } from "../expressions.ts";
import { ask, get } from "./client.ts";
import { NGINX, useNginx } from "./nginx.ts";
import { useServer } from "./server.ts";

setDefaultTimeout(60_000);

const ATOMS =
  "a b B c é / . - \\d \\w \\W \\s \\S \\h \\H \\v \\R \\N [ab] [^a] [[:alpha:]] [[:^upper:]x] [a-c-] []a] \\x61 \\141 \\Qa.\\E ] { } \\b \\B ^ $ \\A \\z \\Z (?#x) (?i) (?-i) (?s) (?m) a{2} a{1,2}";
const { expression } = fc.letrec<{ expression: string }>((tie) => {
  const inner = tie("expression");
  return {
    expression: fc.oneof(
      { maxDepth: 4, depthSize: "medium" },
      fc.constantFrom(...ATOMS.split(" ")),
      fc.tuple(inner, inner).map((both) => both.join("")),
      fc
        .tuple(inner, inner, fc.constantFrom("(?:", "(", "(?|", ""))
        .map(([a, b, open]) => `${open}${a}|${b}${open && ")"}`),
      fc
        .tuple(fc.constantFrom("(", "(?>", "(?i:", "(?=", "(?!", "(?'n'"), inner)
        .map(([open, one]) => `${open}${one})`),
      fc
        .tuple(
          fc.constantFrom("(?:", "("),
          inner,
          fc.constantFrom("*", "+", "?", "*?", "??", "{2}", "{1,3}?", "*+", "?+"),
        )
        .map(([open, one, quantifier]) => `${open}${one})${quantifier}`),
      inner.map((one) => `(a|b)${one}\\1`),
    ),
  };
});

/** The same in each run. Look-behind is no part of them, and so there is none that nginx would refuse. */
const SEED = 20;
const random = fc
  .sample(expression, { numRuns: 400, seed: SEED })
  .filter((one) => one.length < 120 && typeof compileRegex(one, false) !== "string");
const text = fc.string({ unit: fc.constantFrom(..."aAbBcé/\n.-1 x]{"), maxLength: 7 });
const subjects = [
  ...TRANSLATED.flatMap(({ matches, others }) => [...matches, ...others]),
  ...fc.sample(text, { numRuns: 80, seed: SEED }).map((one) => `/${Buffer.from(one).latin1Slice()}`),
].filter((one) => one.startsWith("/") && !/\/\.*(?:\/|$)/.test(one.slice(1)) && !one.startsWith("//"));

const expressions = [...TRANSLATED.map((row) => row.expression), ...random];
const quoted = (one: string): string => one.replace(/[\\"]/g, "\\$&");
const maps = expressions.map(
  (one, i) => `map $uri $m${i} { "~${i % 3 === 2 ? "*" : ""}${quoted(one)}" "<$1><$2><$3><$4><$5>"; default -; }`,
);
/** Where expressions may stand, besides `map`. */
const places = `
    server_name "~^(?'sub'[[:alpha:]]++)\\\\.(?i)example$";
    location ~ "^/byte/(.)(.*)$" { return 200 "<$1><$2> $sub"; }
    location ~ "(*UTF)^/text/(.)(.*)$" { return 200 "<$1><$2>"; }
    location ~* "^/(?>caf)\xc3\xa9/(\\w+)\\Z" { return 200 "<$1>"; }
    location ~ "\\.php$" { return 200 "php $uri"; }
    location /rewrite/ { rewrite "^/rewrite/(?'one'[^/]++)/(?|a(.)|b(..))$" /to/$2/$one last; }
    location /to/ { return 200 "to $uri"; }
    location /if/ {
      if ($arg_x ~ "^(?i)y(?-i)es\\z") { return 200 yes; }
      if ($arg_x !~* "^\\N{2}$") { return 200 "not two"; }
      return 200 "two <$1>";
    }`.replaceAll("\\xc3\\xa9", "é");
const asked = [
  "/byte/%C3%A9t",
  "/byte/%ff",
  "/byte/a%0Ab",
  "/text/%C3%A9t",
  "/text/%ff",
  "/caf%C3%A9/x",
  "/CAF%C3%A9/y%0A",
  "/caf%C3%89/x",
  "/x.php",
  "/x.php%0A",
  "/x.php%0A%0A",
  "/rewrite/a/ax",
  "/rewrite/%C3%A9/bxy",
  "/rewrite/a/bx",
  "/if/?x=Yes",
  "/if/?x=YES",
  "/if/?x=ab",
  "/if/?x=abc",
  "/if/?x=\xc3\xa9",
  "/none",
];
const http = (port: number | string): string => `
  variables_hash_max_size 4096;
  map_hash_bucket_size 256;
  ${maps.join("\n")}
  server { listen 127.0.0.1:${port}; merge_slashes off; return 200 "${expressions.map((_, i) => `$m${i}`).join("~~")}"; }
  server { listen 127.0.0.1:${port}; ${places} }`;

const path = (subject: string): string =>
  subject.replace(/[^A-Za-z0-9/]/g, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, "0")}`);

describe.skipIf(NGINX === null)("as nginx", () => {
  const nginx = useNginx(http);
  const server = useServer({ configuration: http(0) });
  const answers = async (port: number, subject: string): Promise<string[]> => {
    const reply = await ask(port, get(path(subject)));
    return reply.body.latin1Slice().split("~~");
  };
  test(`${expressions.length} expressions and ${subjects.length} subjects`, async () => {
    for (const subject of subjects) {
      const [theirs, ours] = await Promise.all([answers(nginx.port, subject), answers(server.port, subject)]);
      const label = (answer: string[]) =>
        answer.map((one, i) => `${JSON.stringify(subject)} ${expressions[i]}: ${one}`);
      expect(theirs).toHaveLength(expressions.length);
      expect(label(ours)).toEqual(label(theirs));
    }
  });
  test.each(asked)("%s", async (target) => {
    const told = async (port: number) => {
      const reply = await ask(port, get(target, { Host: "WWW.example" }));
      return [reply.status, reply.status === 200 ? reply.body.latin1Slice() : ""];
    };
    const [theirs, ours] = await Promise.all([told(nginx.port), told(server.port)]);
    expect(ours).toEqual(theirs);
  });
});
