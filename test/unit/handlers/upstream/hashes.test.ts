/** The methods that hash: the same key goes to the same server as in nginx 1.22, which was asked for test/vectors/balancing.json. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAddress } from "../../../../ffi/inet.ts";
import type { UpstreamConfig, UpstreamServer } from "../../../../src/config/gateway.ts";
import { template } from "../world.ts";
import { hostOf, type Request, servers, World } from "./world.ts";

/** Servers as nginx had them, and by key (or client's address) the letters of those tried: a is the first. */
interface Vector {
  readonly method: "hash" | "ketama" | "iphash";
  readonly servers: readonly string[];
  readonly peers: Readonly<Record<string, string>>;
}

const vectors = JSON.parse(
  readFileSync(join(import.meta.dir, "../../../vectors/balancing.json"), "utf8"),
) as readonly Vector[];

const HASH = { kind: "hash", key: template("$arg_k") } as const;
const METHODS: Readonly<Record<Vector["method"], UpstreamConfig["balancing"]>> = {
  hash: { ...HASH, consistent: false },
  ketama: { ...HASH, consistent: true },
  iphash: { kind: "ip_hash" },
};
/** Nothing listens there. */
const REFUSING = "127.0.0.1:19104";

/** The servers of a vector, with letters for addresses. */
const lettered = (lines: readonly string[]): UpstreamServer[] =>
  lines.map((line, i) => {
    const [name, ...rest] = line.split(" ");
    return { ...servers([`${"abcde"[i]}`, ...rest].join(" "))[0]!, name: name! };
  });

/** The letters of the peers that a request tries until one answers. */
function tried(request: Request, refusing: string | undefined): string {
  const attempt = request.next();
  const host = hostOf(attempt);
  request.choice.done(attempt, host !== refusing, null);
  return host === refusing ? host + tried(request, refusing) : host;
}

describe("as nginx 1.22", () => {
  test.each(vectors.map((vector) => [vector.method, vector.servers.join(", "), vector] as const))(
    "%s of %s",
    (...row) => {
      const [, , { method, servers: lines, peers }] = row;
      const world = new World("a", { servers: lettered(lines), balancing: METHODS[method] });
      const at = lines.findIndex((line) => line.startsWith(REFUSING));
      const result = Object.keys(peers).map((key) => {
        const like =
          method === "iphash"
            ? { connection: { remoteBytes: new Uint8Array(parseAddress(key)!) } }
            : { target: `/?k=${key}` };
        return [key, tried(world.request(like), "abcde"[at])];
      });
      expect(Object.fromEntries(result)).toEqual({ ...peers });
    },
  );
});

describe.each(["hash", "ketama"] as const)("%s", (method) => {
  const balancing = METHODS[method];

  test("an empty key is balanced by round robin (nginx)", () => {
    expect(new World("a weight=2, b", { balancing }).sequence(6)).toBe("abaaba");
  });

  test("keys of a peer that is out of use go to others, and come back", () => {
    const world = new World("a, b, c", { balancing });
    const host = (k: number): string => world.request({ target: `/?k=${k}` }).one();
    const before = Array.from({ length: 60 }, (_, k) => host(k));
    const keyOfA = before.indexOf("a");
    world.request({ target: `/?k=${keyOfA}` }).one(false);
    const meanwhile = before.map((_, k) => host(k));
    expect(meanwhile).not.toContain("a");
    expect(meanwhile.filter((peer, k) => before[k] !== "a" && before[k] !== peer)).toEqual([]); // only those of a have moved
    world.pass(10_001);
    expect(before.map((_, k) => host(k))).toEqual(before);
  });
});

test("ketama: of eleven servers instead of ten, about one key in eleven moves", () => {
  const hosts = (count: number): string[] => {
    const names = Array.from({ length: count }, (_, i) => `s${i}`).join(", ");
    const world = new World(names, { balancing: METHODS.ketama });
    return Array.from({ length: 2000 }, (_, k) => world.request({ target: `/?k=${k}` }).one());
  };
  const [ten, eleven] = [hosts(10), hosts(11)];
  const moved = ten.filter((host, k) => host !== eleven[k]);
  expect(moved.length).toBeWithin(90, 320);
  expect(ten.filter((host, k) => host !== eleven[k] && eleven[k] !== "s10")).toEqual([]); // and only to the new one
});

test("ip_hash: a client of a unix socket has a server too", () => {
  const world = new World("a, b, c", { balancing: METHODS.iphash });
  const unix = { connection: { remoteBytes: new Uint8Array(0) } };
  expect(new Set(world.sequence(9, unix)).size).toBe(1);
});
