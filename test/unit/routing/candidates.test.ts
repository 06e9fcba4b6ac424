/** Who lost, and why: held against the search that the server uses. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Location, VirtualServer } from "../../../src/config/model.ts";
import { losingLocations, losingServers, shownLocation } from "../../../src/routing/candidates.ts";
import { Locations } from "../../../src/routing/locations.ts";
import { VirtualHosts } from "../../../src/routing/virtual-hosts.ts";
import { config, load } from "../config/fake-files.ts";

const serverOf = (locations: string): VirtualServer => config(`server { listen 1; ${locations} }`).servers[0]!;

/** The location of a path, and the others with the reasons. */
function judged(server: VirtualServer, path: string): string[] {
  const winner = Locations.of(server.locations, (location) => location).find(path)!.route;
  const losers = losingLocations(server.locations, path, winner).map(({ of, why }) => `${shownLocation(of)}: ${why}`);
  return [shownLocation(winner), ...losers];
}

test.each([
  ["location / {} location /a/b {} location /a {}", "/a/b/c", ["/a/b", '/: "/a/b" is longer', '/a: "/a/b" is longer']],
  [
    "location /a {} location ~ . {} location = /a {}",
    "/a",
    ["= /a", '/a: "= /a" is exactly the path', '~ .: "= /a" is exactly the path'],
  ],
  ["location /a {} location ~ a$ {}", "/a", ["~ a$", '/a: "~ a$" is an expression: those go before prefixes']],
  [
    "location ~ a {} location ~ ^/a {}",
    "/a",
    ["~ a", '~ ^/a: it stands behind "~ a": the first expression that matches counts'],
  ],
  ["location ^~ /a {} location ~ a {}", "/a", ["^~ /a", '~ a: no expression is tried: "^~ /a" has "^~"']],
  [
    "location ^~ /a {} location /a/b {} location ~ a {}",
    "/a/b",
    ["~ a", '^~ /a: "/a/b" is longer', '/a/b: "~ a" is an expression: those go before prefixes'],
  ],
  [
    "location ~ x {} location /a { location ~ x$ {} }",
    "/a/x",
    ["~ x$", '~ x: the locations within "/a" are tried before the expressions beside it'],
  ],
  ["location /a { location /a/b {} location /a/bc {} }", "/a/bc", ["/a/bc", '/a/b: "/a/bc" is longer']],
])("%s for %s", (locations, path, expected) => {
  expect(judged(serverOf(locations), path)).toEqual(expected);
});

const path = fc.string({ unit: fc.constantFrom("/", "a", "b"), maxLength: 5 }).map((text) => `/${text}`);
const head = fc.oneof(
  path,
  path.map((prefix) => `^~ ${prefix}`),
  path.map((exact) => `= ${exact}`),
  fc.constantFrom("a$", "^/a", "b/", "^/b/a", ".").map((source) => `~ ${source}`),
);
const leaf = head.map((name) => `location ${name} { }`);
const block = fc
  .tuple(head, fc.array(leaf, { maxLength: 3 }))
  .map(([name, inner]) => `location ${name} { ${inner.join(" ")} }`);

/** Whether a location matches by itself, written once more. */
const fits = ({ modifier, pattern, regex }: Location, to: string): boolean =>
  regex?.test(to) ?? (modifier === "=" ? to === pattern : to.startsWith(pattern));

test("of the locations of one level each that matches won, contains the winner, or is named with a reason that is true", () => {
  let compared = 0;
  fc.assert(
    fc.property(
      fc.array(block, { maxLength: 6 }),
      fc.array(path, { minLength: 10, maxLength: 10 }),
      (blocks, paths) => {
        const server = load(`server { listen 1; ${blocks.join("\n")} }`).config?.servers[0];
        if (server === undefined) return;
        for (const one of paths) {
          const winner = Locations.of(server.locations, (location) => location).find(one)?.route;
          if (winner === undefined) continue;
          compared++;
          const losers = losingLocations(server.locations, one, winner);
          const won = server.locations.find((each) => each === winner || each.locations.includes(winner))!;
          const expected = server.locations.filter((each) => each !== won && fits(each, one));
          expect(losers.map(({ of }) => of).filter((each) => server.locations.includes(each))).toEqual(expected);
          for (const { of, why } of losers) {
            expect(why).not.toBe("it is not asked");
            const longer = /^"(?:\^~ )?(\/.*)" is longer$/.exec(why)?.[1];
            if (longer !== undefined) expect(longer.length).toBeGreaterThan(of.pattern.length);
          }
        }
      },
    ),
    { numRuns: 200 },
  );
  expect(compared).toBeGreaterThan(100);
});

test.each([
  ["a.test", ["a.test", '*.test: "a.test" is an exact name, which goes before a wildcard at the start']],
  [
    "x.b.test",
    [
      "*.b.test",
      '*.test: "*.b.test" is longer',
      '~^x: "*.b.test" is a wildcard at the start, which goes before an expression',
      '~x: "*.b.test" is a wildcard at the start, which goes before an expression',
    ],
  ],
  ["x.c", ["~^x", '~x: it stands behind "~^x"']],
  ["none", ["first"]],
])("the server of %s", (host, expected) => {
  const { servers } = config(
    "server { listen 1; server_name first; } server { listen 1; server_name *.test; } server { listen 1; server_name *.b.test; } server { listen 1; server_name a.test; } server { listen 1; server_name ~^x; } server { listen 1; server_name ~x; }",
  );
  const { server } = new VirtualHosts(servers, servers[0]!).find(host);
  const losers = losingServers(servers, host, server).map(({ of, why }) => `${of.name}: ${why}`);
  expect([server.name, ...losers]).toEqual(expected);
});
