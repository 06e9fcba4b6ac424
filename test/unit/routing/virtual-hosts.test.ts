/** nginx's choice of a server ("Server names", docs/http/server_names.html). */
import { expect, test } from "bun:test";
import type { ServerName } from "../../../src/config/model.ts";
import { VirtualHosts } from "../../../src/routing/virtual-hosts.ts";

const name = (kind: ServerName["kind"], text: string): ServerName => ({
  kind,
  text,
  regex: kind === "regex" ? new RegExp(text, "u") : null,
});

const servers = [
  { id: "default", names: [] },
  { id: "exact", names: [name("exact", "x.org")] },
  { id: "short *", names: [name("leading", ".org")] },
  { id: "long *", names: [name("leading", ".x.org")] },
  { id: "short .*", names: [name("trailing", "www.")] },
  { id: "long .*", names: [name("trailing", "www.x.")] },
  { id: "regex", names: [name("regex", "^(?<word>\\w+)\\.de$"), name("regex", "^ab")] },
  { id: "second", names: [name("exact", "x.org"), name("regex", "^ab\\.de$")] },
];
const hosts = new VirtualHosts(servers, servers[0]!);

test.each([
  ["", "default"],
  ["y.com", "default"],
  ["x.org", "exact"],
  ["y.org", "short *"],
  ["a.b.x.org", "long *"],
  ["www.org", "short *"],
  ["www.y.com", "short .*"],
  ["www.x.com", "long .*"],
  ["www.x.org", "long *"],
  ["www.de", "short .*"],
  ["ab.de", "regex"],
  ["abc.com", "regex"],
])("%p is the server %p's", (host, id) => expect(hosts.find(host).server.id).toBe(id));

test("the groups of the expression come with it", () => {
  expect(hosts.find("ab.de").captures?.groups).toEqual({ word: "ab" });
  expect(hosts.find("x.org").captures).toBeNull();
});

test("one server without expressions is not searched for", () => {
  expect(new VirtualHosts(servers.slice(0, 1), servers[0]!).single).toBe(true);
  expect(new VirtualHosts(servers.slice(6, 7), servers[6]!).single).toBe(false);
  expect(hosts.single).toBe(false);
});
